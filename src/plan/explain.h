/* The life of one key, rule by rule. */
#ifndef ENGRAFT_PLAN_EXPLAIN_H
#define ENGRAFT_PLAN_EXPLAIN_H

#include "engraft/plan.h"

/* Prints what becomes of the source tensor of that name, and what the target tensor of that name is made of;
 * whichever there is. EG_USAGE with the nearest name when there is neither. */
bool eg_plan_explain(const eg_plan *plan, const char *key, FILE *out, eg_error *err);

#endif
