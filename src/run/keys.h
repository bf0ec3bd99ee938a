/* The source's tensors under the names that a recipe's rules see: other separators become dots, and plain
 * numbers join the tensors where the recipe asks for them. */
#ifndef ENGRAFT_RUN_KEYS_H
#define ENGRAFT_RUN_KEYS_H

#include "engraft/checkpoint.h"
#include "engraft/problem.h"
#include "engraft/recipe.h"

/* The store after source.separator and source.scalars; `in` itself when neither is given. file: NULL for a
 * manifest. False when two names become one. The arena owns the result. */
bool eg_keys_read(eg_arena *arena, const eg_source_section *section, const eg_checkpoint *file,
                  const eg_store *in, const eg_store **out, eg_problems *problems, eg_error *err);

#endif
