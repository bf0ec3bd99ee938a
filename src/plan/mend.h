/* Lines to paste that settle tensors of another shape. */
#ifndef ENGRAFT_PLAN_MEND_H
#define ENGRAFT_PLAN_MEND_H

#include "plan/trial.h"

/* A target tensor, and what its source is. */
typedef struct eg_misfit {
    int32_t param;
    const eg_mosaic *source;
} eg_misfit;

/* Lines of `transfer`, each ended: other input channels are adapted, position embeddings interpolated,
 * everything else skipped, by modules; size_mismatch as a whole where that would be a long list. "" for none.
 */
const char *eg_mend_misfits(const eg_draft *d, const eg_misfit *list, size_t count);
/* The misfits that a proposal would leave. */
size_t eg_mend_left(const eg_trial *trial, const eg_misfit **list);

#endif
