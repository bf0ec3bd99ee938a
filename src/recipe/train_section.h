/* The schema of `train`: optimizer, schedule, loss, groups and phases. */
#ifndef ENGRAFT_RECIPE_TRAIN_SECTION_H
#define ENGRAFT_RECIPE_TRAIN_SECTION_H

#include "recipe/schema.h"

extern const eg_section eg_train_schema; /* of an eg_train_section */

/* What `train` needs of the rest of the recipe, and what the rest needs of it; doc is the whole recipe. */
void eg_train_check(eg_schema *in, const eg_doc *doc, eg_recipe *recipe);

#endif
