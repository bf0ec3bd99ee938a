/* A run as one HTML page: the plan, the phases and what they cost, the curves, the proofs, the classes. It
 * holds no scripts, loads nothing, and has the same bytes for the same numbers: no times, no paths. */
#ifndef ENGRAFT_RUN_PAGE_H
#define ENGRAFT_RUN_PAGE_H

#include "run/tuning.h"

typedef struct eg_page {
    const eg_transfer *transfer;
    const eg_samples *samples;
    const eg_tuning *tuning; /* without a trainer: nothing was trained */
    const char *metrics;     /* path of metrics.jsonl; not read when nothing was trained */
} eg_page;

bool eg_page_write(const eg_page *page, const char *path, eg_error *err);

#endif
