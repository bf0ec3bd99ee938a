/* What must hold before a training: labels, batches and class weights fit the network. */
#ifndef ENGRAFT_TRAIN_PRECONDITION_H
#define ENGRAFT_TRAIN_PRECONDITION_H

#include "train/trainer.h"

/* Errors: an output that is no vector, labels that the network has no output for, a BatchNorm that would see
 * a single value per channel in an epoch's last batch, in any phase. *classes: the network's outputs. */
bool eg_precondition_check(const eg_trainer_options *options, int64_t batch, int64_t *classes, eg_error *err);
/* The loss that the section describes; weights may be in the arena. Error: class weights that are not one a
 * class. */
bool eg_precondition_criterion(const eg_trainer_options *options, int64_t classes, eg_arena *arena,
                               eg_criterion *criterion, eg_error *err);

#endif
