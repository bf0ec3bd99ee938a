/* Selectors without effect. */
#ifndef ENGRAFT_PLAN_UNUSED_H
#define ENGRAFT_PLAN_UNUSED_H

#include "engraft/plan.h"
#include "plan/match.h"

/* A problem for each pattern that matched no target name (with the nearest one), or only names that earlier
 * patterns of the list had taken. `what` is the section's key. Nothing when the recipe ignores unused rules.
 * Warnings of loose dots besides.
 */
void eg_unused_patterns(eg_arena *arena, const char *what, const eg_matcher *list, size_t count,
                        const eg_net *net, const eg_transfer_section *transfer, eg_problems *problems);

#endif
