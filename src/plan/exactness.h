/* What was lost where the source's numbers have more digits than the network's. */
#ifndef ENGRAFT_PLAN_EXACTNESS_H
#define ENGRAFT_PLAN_EXACTNESS_H

#include "engraft/plan.h"

typedef struct eg_exactness {
    size_t tensors;    /* cast from doubles or large integers */
    uint64_t values;   /* their elements */
    uint64_t rounded;  /* of them, those that the network's float does not hold exactly */
    const char *first; /* the first tensor with one, NULL: none */
} eg_exactness;

/* Reads what the plan casts. Half precision and small integers always fit, and are not read. */
bool eg_exactness_measure(const eg_plan *plan, eg_exactness *out, eg_error *err);

#endif
