/* `extends`: a recipe laid over others.
 *
 *   extends: [base.yaml, more.yaml]   later wins, and the recipe itself wins over all
 *
 * Mappings are merged key by key; lists and scalars replace. `+key: items` appends to the list below, `-key:`
 * removes the key. Paths are relative to the file that they stand in. */
#ifndef ENGRAFT_RECIPE_EXTENDS_H
#define ENGRAFT_RECIPE_EXTENDS_H

#include "recipe/schema.h"

/* The document of the recipe at path with everything that it extends below it, and without the key `extends`.
 * Cycles, files that cannot be read and keys that cannot be removed become problems. */
const eg_doc *eg_extends_apply(eg_schema *in, const char *path, const eg_doc *doc);

#endif
