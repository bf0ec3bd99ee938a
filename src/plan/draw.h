/* `init`: how what is not loaded is drawn. */
#ifndef ENGRAFT_PLAN_DRAW_H
#define ENGRAFT_PLAN_DRAW_H

#include "plan/planner.h"

/* The first rule that fits a parameter that is drawn; buffers keep their layer's own start. False and err
 * when a pattern hits its limit. */
bool eg_draws_assign(eg_planner *d);
/* Problems of what would be drawn and has no start: a manifest does not say how its layers start. */
void eg_draws_check(eg_planner *d);

#endif
