/* The training of a run: the trainer with what it tells, and the freeze proof of every phase. */
#ifndef ENGRAFT_RUN_TUNING_H
#define ENGRAFT_RUN_TUNING_H

#include "run/metrics.h"
#include "run/outputs.h"
#include "run/proof.h"
#include "run/samples.h"

/* What became of a phase. */
typedef struct eg_tuned_phase {
    const char *name;
    int64_t epochs;    /* trained; fewer than planned where it was stopped early */
    size_t frozen;     /* tensors and buffers that were proved unchanged */
    size_t first_time; /* tensors that trained for the first time */
} eg_tuned_phase;

typedef struct eg_tuning {
    const eg_transfer *transfer;
    eg_weights *weights;
    eg_trainer *trainer;
    eg_metrics_log log;
    eg_proof proof; /* of the phase that runs */
    eg_tuned_phase *phases;
    size_t phase_count; /* begun */
    int64_t before;     /* epochs, when the phase began */
} eg_tuning;

/* Checks and takes everything that the first phase needs. All is borrowed; the weights will change. */
bool eg_tuning_open(eg_tuning *tuning, eg_arena *arena, const eg_transfer *transfer, eg_weights *weights,
                    const eg_samples *samples, eg_output *metrics, eg_pool *pool, eg_error *err);
/* Trains; EG_MISMATCH when a phase changed what it freezes, in the weights or in the best ones. */
bool eg_tuning_run(eg_tuning *tuning, eg_error *err);
void eg_tuning_close(eg_tuning *tuning);

#endif
