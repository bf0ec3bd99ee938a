/* Whether what was loaded can be a network's weights. */
#ifndef ENGRAFT_RUN_APPLIED_HEALTH_H
#define ENGRAFT_RUN_APPLIED_HEALTH_H

#include "engraft/plan.h"
#include "net/weights.h"

/* Looks at every tensor that came from the source, after the plan was applied. NaN, infinity and a negative
 * running_var are refused (EG_MALFORMED, naming the source tensor); a weight whose elements are all equal is
 * told on standard error. */
bool eg_applied_health_check(const eg_plan *plan, const eg_weights *weights, eg_error *err);

#endif
