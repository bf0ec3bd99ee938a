/* The network that a recipe fills. */
#ifndef ENGRAFT_RUN_TARGET_H
#define ENGRAFT_RUN_TARGET_H

#include "engraft/net.h"
#include "engraft/recipe.h"

/* The network of the target section, or what stands for it (see eg_net_stored). */
const eg_net *eg_target_read(eg_arena *arena, const eg_target_section *target, eg_problems *problems,
                             eg_error *err);
/* False and a sentence when the target is a manifest, which can be filled but not computed. */
bool eg_target_runs(const eg_recipe *recipe, eg_error *err);

#endif
