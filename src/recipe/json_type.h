/* The words of JSON Schema. The caller owns each result; what is put into it belongs to it. */
#ifndef ENGRAFT_RECIPE_JSON_TYPE_H
#define ENGRAFT_RECIPE_JSON_TYPE_H

#include "format/json.h"

/* {"type": …}; several are separated by spaces. */
eg_json *eg_json_typed(const char *types);
eg_json *eg_json_any_of(eg_json *const *list, size_t count);
eg_json *eg_json_list_of(eg_json *item);
/* A text that a regular expression is found in. */
eg_json *eg_json_matching(const char *pattern);
/* An object of the named keys alone, of which the first `required` must be there. */
eg_json *eg_json_object_of(const char *const *keys, eg_json *const *values, size_t count, size_t required);
/* What stands under the root's `definitions`. */
eg_json *eg_json_reference(const char *definition);

#endif
