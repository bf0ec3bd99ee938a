/* `vars`: values with a name, used as ${name} in any text of the recipe.
 *
 * A text that is nothing but ${name} becomes the variable's value, whatever that is; within a longer text the
 * variable must be a scalar. A variable may use those before it. */
#ifndef ENGRAFT_RECIPE_VARIABLE_H
#define ENGRAFT_RECIPE_VARIABLE_H

#include "recipe/schema.h"

/* The document with its variables filled in, and without the key `vars`. Unknown variables become problems.
 */
const eg_doc *eg_variables_apply(eg_schema *in, const eg_doc *doc);

#endif
