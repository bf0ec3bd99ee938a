/* Whether the plan accounts for every tensor of both sides, and what would mend it where it does not. */
#ifndef ENGRAFT_PLAN_COVER_H
#define ENGRAFT_PLAN_COVER_H

#include "plan/planner.h"

/* Problems of what is missing, unexpected, of another shape, or without effect. */
void eg_cover_report(eg_planner *d);
/* Problems of what the recipe expects and the plan is not. */
void eg_cover_expect(eg_planner *d);

#endif
