/* `use: torchvision-vgg@1`: the rules of a file of its own, in the item's place.
 *
 *   dialect: 1                 the file's version
 *   description: …
 *   mapping: [...]             as transfer.mapping */
#ifndef ENGRAFT_RECIPE_DIALECT_H
#define ENGRAFT_RECIPE_DIALECT_H

#include "recipe/schema.h"

/* The `mapping` of the named dialect: a path (relative to the file that names it), or a shipped name, both
 * with the version after '@'. NULL and a problem when there is none of that name and version. */
const eg_doc *eg_dialect_read(eg_schema *in, const eg_doc *name);
/* The shipped dialects with their versions ("wrappers@1"), sorted by name; in the arena. */
size_t eg_dialect_list(eg_arena *arena, const char *const **names);

#endif
