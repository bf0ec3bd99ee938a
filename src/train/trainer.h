/* The training loop: shuffled batches forward and backward, an optimizer step each, an evaluation after every
 * epoch, and a copy of the parameters of the best one. */
#ifndef ENGRAFT_TRAIN_TRAINER_H
#define ENGRAFT_TRAIN_TRAINER_H

#include "data/pipeline.h"
#include "net/weights.h"
#include "train/evaluate.h"
#include "train/group.h"

/* What happened: after every step, and after every epoch (with its evaluation). */
typedef struct eg_metrics {
    bool epoch_end;
    int64_t epoch, epochs; /* from 1 */
    int64_t step, steps;   /* of the whole training, from 1 */
    const eg_groups *groups;
    const double *lr;   /* per group, of this step (the epoch's last one) */
    eg_loss train;      /* of the step's batch, or of the epoch: in training mode, with label smoothing */
    const eg_loss *val; /* epoch end with a validation set; else NULL */
    bool best;          /* epoch end: the best so far */
    double seconds;     /* the step took, or the epoch's steps */
} eg_metrics;

/* Everything is borrowed and must outlive the trainer, which changes the weights. */
typedef struct eg_trainer_options {
    const eg_net *net;
    eg_weights *weights;
    const bool *trainable;        /* per parameter; buffers false */
    const eg_bn_mode *batch_norm; /* per node */
    const eg_group_rule *groups;
    size_t group_count;
    const eg_train_section *section;
    const eg_dataset *train, *val; /* val may be NULL */
    const eg_pipeline *train_pipeline, *val_pipeline;
    int64_t augment_pool; /* as the recipe's */
    eg_pool *pool;
    bool (*report)(void *context, const eg_metrics *metrics,
                   eg_error *err); /* false ends the training; may be NULL */
    void *context;
    bool (*stop)(eg_error *err); /* asked between batches: true and err ends the training; may be NULL */
} eg_trainer_options;

typedef struct eg_trainer eg_trainer;

/* Checks everything and allocates everything: after this a training fails only for want of a sample, or by
 * diverging. Errors: groups (see group.h), labels that the network has no output for, a BatchNorm that would
 * see a single value per channel in an epoch's last batch (PyTorch refuses that, too), no memory. */
eg_trainer *eg_trainer_new(const eg_trainer_options *options, eg_error *err);
void eg_trainer_free(eg_trainer *trainer); /* NULL is fine */

/* Trains all epochs. The last smaller batch of an epoch is used. EG_DIVERGED, naming epoch and step, as soon
 * as a loss, or at an epoch's end a parameter, is not finite. The numbers depend on options and weights
 * alone, never on threads. */
bool eg_trainer_run(eg_trainer *trainer, eg_error *err);

/* The parameters after the epoch with the best validation accuracy (the earlier of equals); without a
 * validation set the last ones. Valid after a run, until the trainer is freed. */
const eg_weights *eg_trainer_best(const eg_trainer *trainer);
/* That epoch, from 1, and its evaluation (no samples without a validation set). */
int64_t eg_trainer_best_epoch(const eg_trainer *trainer);
eg_loss eg_trainer_best_score(const eg_trainer *trainer);
/* Bytes of activations, gradients, scratch, optimizer state, kept features and the best copy. */
size_t eg_trainer_bytes(const eg_trainer *trainer);

#endif
