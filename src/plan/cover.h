/* Whether the plan accounts for every tensor of both sides, and what would mend it where it does not. */
#ifndef ENGRAFT_PLAN_COVER_H
#define ENGRAFT_PLAN_COVER_H

#include "plan/draft.h"

/* Problems of what is missing, unexpected, of another shape, or without effect. */
void eg_cover_report(eg_draft *d);
/* Problems of what the recipe expects and the plan is not. */
void eg_cover_expect(eg_draft *d);

#endif
