/* What a run writes: the run directory and output.checkpoint.
 *
 *   recipe.resolved.yaml   the recipe with every default
 *   plan.json              as `engraft plan --json`
 *   metrics.jsonl          one object a step and an epoch
 *   best.pth, last.pth     the models, each with its card (or what output.format says)
 *
 * Every file appears whole or not at all. */
#ifndef ENGRAFT_RUN_OUTPUTS_H
#define ENGRAFT_RUN_OUTPUTS_H

#include "run/metrics.h"
#include "run/transfer.h"

typedef struct eg_outputs {
    eg_arena *arena;
    const char *dir;
    const char *best, *last; /* paths in it */
    const char *checkpoint;  /* output.checkpoint, or NULL */
    const char *metrics_path;
    eg_output *metrics;       /* open while training */
    const char *const *files; /* what was written, for people */
    size_t file_count;
} eg_outputs;

/* dir: --out, or the recipe's. */
const char *eg_outputs_dir(const eg_recipe *recipe, const eg_run_options *options);
const char *eg_outputs_best(eg_arena *arena, const eg_recipe *recipe, const char *dir);

/* Makes the folders, and opens metrics.jsonl when there will be a training: a place that cannot be written is
 * found before it. */
bool eg_outputs_open(eg_outputs *outputs, eg_arena *arena, const eg_transfer *transfer,
                     const eg_run_options *options, eg_error *err);
/* One kind of weights, as they were after the best epoch and after the last. */
typedef struct eg_written_weights {
    eg_weights_kind kind;
    const eg_weights *best, *last; /* the same: nothing was trained, and there is no file of the last ones */
} eg_written_weights;

typedef struct eg_written {
    const char *const *classes;
    size_t class_count;
    const eg_written_weights *models; /* the first has the plain names; the others' end in ".ema" or ".raw" */
    size_t model_count;
} eg_written;

/* Writes everything; the checkpoint is the best model. */
bool eg_outputs_write(eg_outputs *outputs, const eg_transfer *transfer, const eg_problems *problems,
                      const eg_written *written, eg_error *err);
/* One model with its card and PyTorch's module versions; output.add_prefix stands before every key. */
bool eg_outputs_write_model(eg_arena *arena, const eg_transfer *transfer, const char *const *classes,
                            size_t class_count, const char *path, const eg_weights *weights, eg_error *err);
/* Adds a file to those that were written. */
void eg_outputs_add(eg_outputs *outputs, const char *path);
void eg_outputs_close(eg_outputs *outputs);

#endif
