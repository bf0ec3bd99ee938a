/* Prefixes that one side has and the other has not. */
#ifndef ENGRAFT_PLAN_PREFIXES_H
#define ENGRAFT_PLAN_PREFIXES_H

#include "plan/trial.h"

/* The prefixes to strip from the source and to add for the target under which most names meet. */
void eg_prefixes_propose(const eg_trial *now, eg_remedies *out);

#endif
