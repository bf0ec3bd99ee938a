/* The rows of the table in plan.h: what is done for each target tensor. */
#ifndef ENGRAFT_PLAN_DECIDE_H
#define ENGRAFT_PLAN_DECIDE_H

#include "plan/draft.h"

/* Fills the plan's steps, from claims that are settled; notes what is missing or has another shape. */
void eg_decide_steps(eg_draft *d);

#endif
