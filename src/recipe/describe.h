/* The recipe's rows as JSON Schema (draft 7), for editors. */
#ifndef ENGRAFT_RECIPE_DESCRIBE_H
#define ENGRAFT_RECIPE_DESCRIBE_H

#include "format/json.h"
#include "recipe/schema.h"

/* The caller frees it. Keys that this version refuses are not in it. */
eg_json *eg_recipe_json_schema(void);

/* One section. complete: it stands in a list, which no other recipe completes, so that its required keys must
 * be there. */
eg_json *eg_section_json(const eg_section *section, bool complete);

#endif
