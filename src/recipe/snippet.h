/* Rules that are written by the program itself, as a person would paste them. */
#ifndef ENGRAFT_RECIPE_SNIPPET_H
#define ENGRAFT_RECIPE_SNIPPET_H

#include "engraft/recipe.h"

/* The rules of `items`, lines of transfer.mapping; "" has none. False when they are not right. */
bool eg_snippet_rules(eg_arena *arena, const char *items, const eg_rule **rules, size_t *count);
/* The shipped dialects as `use` says them ("wrappers@1"), sorted. */
size_t eg_snippet_dialects(eg_arena *arena, const char *const **names);

#endif
