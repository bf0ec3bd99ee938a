/* The recipe's sections: every key, its type, default, range and meaning, as tables (see recipe/schema.h). */
#ifndef ENGRAFT_RECIPE_SECTIONS_H
#define ENGRAFT_RECIPE_SECTIONS_H

#include "recipe/schema.h"

/* The root; fills an eg_recipe but for path, folder and doc, and the defaults that depend on the file's name.
 */
extern const eg_section eg_recipe_schema;

#endif
