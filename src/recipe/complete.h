/* The resolved recipe: a document with every default filled in. */
#ifndef ENGRAFT_RECIPE_COMPLETE_H
#define ENGRAFT_RECIPE_COMPLETE_H

#include "recipe/schema.h"

/* The arena owns what is new; doc may be NULL: defaults alone. */
const eg_doc *eg_schema_complete(eg_arena *arena, const eg_section *section, const eg_doc *doc);

#endif
