/* The recipe's rows as JSON Schema (draft 7), for editors. */
#ifndef ENGRAFT_RECIPE_DESCRIBE_H
#define ENGRAFT_RECIPE_DESCRIBE_H

#include "format/json.h"

/* The caller frees it. Keys that this version refuses are not in it. */
eg_json *eg_recipe_json_schema(void);

#endif
