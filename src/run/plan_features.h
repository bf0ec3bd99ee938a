/* What a plan means for training: which parameters change, and how much of the network gives the same
 * features in every epoch (net/cut.h). */
#ifndef ENGRAFT_RUN_PLAN_FEATURES_H
#define ENGRAFT_RUN_PLAN_FEATURES_H

#include "engraft/plan.h"

typedef struct eg_plan_features {
    int64_t numel;      /* numbers of a sample; 0: none */
    double share;       /* of the forward pass's operations that they stand for */
    const char *reason; /* what comes next: "'fc' trains" */
    const char *never;  /* why training cannot keep them, or NULL */
} eg_plan_features;

/* Per parameter of the net: not frozen, no buffer, and such that the result depends on it. In the arena. */
const bool *eg_plan_trainable(eg_arena *arena, const eg_plan *plan);
eg_plan_features eg_plan_features_find(eg_arena *arena, const eg_recipe *recipe, const eg_plan *plan);

#endif
