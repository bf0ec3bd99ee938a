/* The operations that undo those of a `transform`. */
#ifndef ENGRAFT_PLAN_UNDO_H
#define ENGRAFT_PLAN_UNDO_H

#include "engraft/recipe.h"
#include "engraft/tensor.h"

/* Items of `ops` for what the rule makes of a tensor of that shape, in the arena; NULL: none undo it. */
const char *eg_undo(eg_arena *arena, const eg_rule *rule, eg_shape shape);

#endif
