/* Which source becomes which target: by its name after all rules. */
#ifndef ENGRAFT_PLAN_CLAIM_H
#define ENGRAFT_PLAN_CLAIM_H

#include "plan/draft.h"

/* Settles every item of the keymap, and with it the targets' claims. False and err when a pattern hits its
 * limit. */
bool eg_claims_settle(eg_draft *d);
/* What became of each source tensor: the best of the items that it is part of. */
void eg_claims_trace(eg_draft *d);
void eg_claim_settle(eg_plan_source *out, eg_fate fate, const char *reason);

#endif
