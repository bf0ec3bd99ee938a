/* Modules and tensors that are called otherwise on the two sides. */
#ifndef ENGRAFT_PLAN_MODULES_H
#define ENGRAFT_PLAN_MODULES_H

#include "plan/trial.h"

/* Target tensors without a source, met with the longest dotted suffix: the module renaming that explains most
 * of them. */
void eg_modules_propose(const eg_trial *now, eg_remedies *out);
/* What other frameworks call weight, bias and the running statistics. */
void eg_leaves_propose(const eg_trial *now, eg_remedies *out);

#endif
