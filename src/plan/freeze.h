/* What does not train: parameters by the recipe's `freeze`, and the statistics of their batch normalisation.
 */
#ifndef ENGRAFT_PLAN_FREEZE_H
#define ENGRAFT_PLAN_FREEZE_H

#include "engraft/plan.h"

/* Fills `frozen` of every step and the plan's batch_norm, from steps whose actions are decided.
 *
 *   | freeze rule that fits the layer    | weight, bias | statistics            | batch_norm         |
 *   |------------------------------------|--------------|-----------------------|--------------------|
 *   | eval, or default and all of affine | frozen       | stored, frozen        | EG_BN_EVAL         |
 *   | train_stats                        | frozen       | batch's, updated      | EG_BN_TRAIN_STATS  |
 *   | train_affine                       | trained      | stored, frozen        | EG_BN_TRAIN_AFFINE |
 *   | default, the statistics alone      | trained      | stored, frozen        | EG_BN_TRAIN_AFFINE |
 *   | none, or default and part of them  | as they fit  | batch's, updated      | EG_BN_DEFAULT      |
 *
 * Patterns without effect and frozen tensors that were drawn afresh become problems. False and err when a
 * pattern hits its limit. */
bool eg_freeze_apply(eg_plan *plan, eg_arena *arena, const eg_recipe *recipe, eg_problems *problems,
                     eg_error *err);

#endif
