/* What a run came to, on standard output. */
#ifndef ENGRAFT_RUN_RESULT_H
#define ENGRAFT_RUN_RESULT_H

#include "run/tuning.h"

#include <stdbool.h>
#include <stddef.h>

#include "engraft/error.h"

typedef struct eg_result {
    bool trained;
    int64_t epoch; /* the best one, from 1 */
    eg_loss score; /* its evaluation; no samples: there was no validation set */
    const eg_tuned_phase *phases;
    size_t phase_count;
    const char *const *files;
    size_t file_count;
} eg_result;

/* A few aligned lines, or {"best": {"epoch", "samples", "loss", "accuracy", "top5"}, "frozen_unchanged" (in
 * the phase that freezes least), "phases": [{"name", "epochs", "frozen_unchanged", "first_time"}], "files"}.
 */
bool eg_result_print(const eg_result *result, bool json, eg_error *err);

#endif
