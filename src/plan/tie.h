/* Tensors that share their storage: copies that a recipe ties, and what the source has tied. */
#ifndef ENGRAFT_PLAN_TIE_H
#define ENGRAFT_PLAN_TIE_H

#include "engraft/plan.h"

/* Sets eg_step.tied, and says in the reasons which ties are made and which of the source's are not kept. Tied
 * tensors that end differently, or of which only some are frozen, are problems. claim: per parameter the item
 * of the keymap that it takes, -1: none. */
void eg_ties_settle(eg_plan *plan, eg_arena *arena, const int64_t *claim, const eg_store *source,
                    eg_problems *problems);

#endif
