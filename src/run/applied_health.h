/* Whether what was loaded can be a network's weights. */
#ifndef ENGRAFT_RUN_APPLIED_HEALTH_H
#define ENGRAFT_RUN_APPLIED_HEALTH_H

#include "engraft/plan.h"
#include "net/weights.h"

/* What was seen of every tensor so far. */
typedef struct eg_applied_health {
    const eg_plan *plan;
    struct eg_seen *seen; /* per step */
} eg_applied_health;

eg_applied_health eg_applied_health_begin(eg_arena *arena, const eg_plan *plan);
/* Looks at elements first … first+count-1 of a step's tensor. Pieces may come in any order, from several
 * threads at once. */
void eg_applied_health_see(eg_applied_health *health, size_t step, uint64_t first, const void *elements,
                           uint64_t count);
/* NaN, infinity and a negative running_var in a tensor that came from the source are refused (EG_MALFORMED,
 * naming the first one); a weight whose elements are all equal is told on standard error. */
bool eg_applied_health_finish(const eg_applied_health *health, eg_error *err);
/* All three, after the plan was applied. */
bool eg_applied_health_check(const eg_plan *plan, const eg_weights *weights, eg_error *err);

#endif
