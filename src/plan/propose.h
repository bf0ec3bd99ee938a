/* The lines that would mend a plan whose names or shapes do not meet. */
#ifndef ENGRAFT_PLAN_PROPOSE_H
#define ENGRAFT_PLAN_PROPOSE_H

#include "plan/trial.h"

typedef struct eg_proposal {
    const char *lines; /* items of transfer.mapping, to come after the recipe's own; NULL: none */
    const char *cause; /* what they mend */
    eg_trial before, after;
} eg_proposal;

/* The remedies that bring most target tensors a source, one after the other; each was tried on the source, so
 * that what `after` counts is what the plan will find. */
eg_proposal eg_propose(eg_draft *d);

#endif
