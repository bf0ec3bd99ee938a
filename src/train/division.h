/* How train.groups divides a network's parameters. */
#ifndef ENGRAFT_TRAIN_DIVISION_H
#define ENGRAFT_TRAIN_DIVISION_H

#include "engraft/net.h"
#include "engraft/problem.h"
#include "engraft/recipe.h"

/* Per parameter and buffer the first group with a pattern that fits, -1: none; in the arena. Problems: a
 * pattern or group without effect, a group that `frozen` (per parameter) leaves nothing of, a parameter that
 * trains and is in no group. NULL and err when a pattern hits its limit. */
const int32_t *eg_division_build(eg_arena *arena, const eg_net *net, const eg_train_section *section,
                                 const bool *frozen, eg_problems *problems, eg_error *err);

#endif
