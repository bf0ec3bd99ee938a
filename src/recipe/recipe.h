/* From a document to a checked recipe (see engraft/recipe.h). */
#ifndef ENGRAFT_RECIPE_RECIPE_H
#define ENGRAFT_RECIPE_RECIPE_H

#include "engraft/recipe.h"
#include "format/yaml.h"

/* Checks a document as the recipe file at `path`, which is not read. All that is wrong goes to problems; NULL
 * and err when anything is an error. */
const eg_recipe *eg_recipe_check(eg_arena *arena, const char *path, const eg_doc *doc,
                                 const char *const *overrides, size_t override_count, eg_problems *problems,
                                 eg_error *err);

#endif
