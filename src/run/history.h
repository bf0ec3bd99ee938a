/* What metrics.jsonl says, read back. */
#ifndef ENGRAFT_RUN_HISTORY_H
#define ENGRAFT_RUN_HISTORY_H

#include <stddef.h>

#include "engraft/arena.h"
#include "engraft/error.h"

/* One epoch; NaN for what was not measured. */
typedef struct eg_history_epoch {
    const char *phase;
    double loss, accuracy, val_loss, val_accuracy, val_macro_f1;
    bool best, stop;
} eg_history_epoch;

typedef struct eg_history {
    eg_history_epoch *epochs;
    size_t epoch_count;
    double *lr; /* of every step: the highest of the groups' */
    size_t step_count;
} eg_history;

/* In the arena. */
bool eg_history_read(eg_history *history, eg_arena *arena, const char *path, eg_error *err);

#endif
