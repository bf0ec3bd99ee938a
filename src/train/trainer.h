/* The training loop: phase by phase shuffled batches forward and backward, an optimizer step each, an
 * evaluation after every epoch, and a copy of the parameters of the best one.
 *
 * A phase compiles the network anew: what is frozen in it runs in inference form and outside the optimizer
 * (no decay, no momentum), and nothing goes backward below the lowest parameter that trains. The optimizer's
 * state of what trained before is kept; what trains for the first time starts at zero. */
#ifndef ENGRAFT_TRAIN_TRAINER_H
#define ENGRAFT_TRAIN_TRAINER_H

#include "data/pipeline.h"
#include "net/weights.h"
#include "train/evaluate.h"
#include "train/optimizer.h"
#include "train/phase.h"
#include "train/progress.h"

/* What happened: after every step, and after every epoch (with its evaluation). */
typedef struct eg_metrics {
    bool epoch_end;
    const eg_phase *phase;
    int64_t epoch, epochs; /* of the whole training, from 1; planned */
    int64_t step, steps;   /* of the whole training, from 1; planned */
    const double *lr;      /* per group of the phase, of this step (the epoch's last one) */
    eg_loss train;         /* of the step, or of the epoch: in training mode, with label smoothing */
    const eg_loss *val;    /* epoch end with a validation set; else NULL */
    double macro_f1;       /* with val */
    bool best;             /* epoch end: the best so far */
    bool stop;             /* epoch end: early stopping ends the phase or the run */
    double seconds;        /* the step took, or the epoch's steps */
} eg_metrics;

typedef struct eg_trainer eg_trainer;

/* What is told while it trains; each may be NULL, and returning false (with err) ends the training. */
typedef struct eg_trainer_calls {
    void *context;
    bool (*report)(void *context, const eg_metrics *metrics, eg_error *err);
    /* Before a phase's first step and after its last. */
    bool (*phase)(void *context, const eg_trainer *trainer, const eg_phase *phase, bool begins,
                  eg_error *err);
    bool (*stop)(eg_error *err); /* asked between batches: true and err ends the training */
} eg_trainer_calls;

/* Everything is borrowed and must outlive the trainer, which changes the weights. */
typedef struct eg_trainer_options {
    const eg_net *net;
    eg_weights *weights;
    const eg_phases *phases;
    const eg_train_section *section;
    const eg_weights_kind *kinds;  /* to be kept of the best epoch; the first is validated */
    size_t kind_count;             /* 0: raw */
    const eg_dataset *train, *val; /* val may be NULL */
    eg_sampler sampler;
    const eg_pipeline *train_pipeline, *val_pipeline;
    eg_pool *pool;
    eg_trainer_calls calls;
} eg_trainer_options;

/* Checks everything, and takes all memory that the first phase needs (a later one takes its own when it
 * begins, and gives the earlier one's back): after this a training fails only for want of a sample or memory,
 * or by diverging. Errors: labels that the network has no output for, class weights that are not one a class,
 * a BatchNorm that would see a single value per channel in an epoch's last batch (PyTorch refuses that, too),
 * no memory. */
eg_trainer *eg_trainer_new(const eg_trainer_options *options, eg_error *err);
void eg_trainer_free(eg_trainer *trainer); /* NULL is fine */

/* Trains all phases, from where the progress stands. The last smaller batch of an epoch is used. EG_DIVERGED,
 * naming epoch and step, as soon as a loss, or at an epoch's end a parameter, is not finite. The numbers
 * depend on options and weights alone, never on threads. */
bool eg_trainer_run(eg_trainer *trainer, eg_error *err);

/* The parameters after the best epoch: by early_stopping's monitor, else by validation accuracy (the earlier
 * of equals); without a validation set the last ones. Valid after a run, until the trainer is freed. NULL: of
 * a kind that was not to be kept. */
const eg_weights *eg_trainer_best(const eg_trainer *trainer, eg_weights_kind kind);
/* The confusion of the best epoch's validation, (classes, classes): row label, column predicted. */
const int64_t *eg_trainer_confusion(const eg_trainer *trainer);
/* The moving average as it is; NULL: there is none. */
const eg_weights *eg_trainer_average(const eg_trainer *trainer);
/* Where it is; the best epoch and its evaluation (no samples without a validation set). */
const eg_progress *eg_trainer_progress(const eg_trainer *trainer);
/* Bytes of activations, gradients, optimizer state and copies of the weights in the phase that runs. */
size_t eg_trainer_bytes(const eg_trainer *trainer);

#endif
