/* Where a training is, and what it has seen: all of its state that is neither a weight nor an optimizer's. */
#ifndef ENGRAFT_TRAIN_PROGRESS_H
#define ENGRAFT_TRAIN_PROGRESS_H

#include "train/loss.h"
#include "train/schedule.h"

/* A value that is watched for getting better. */
typedef struct eg_watch {
    bool begun;
    double best;
    int64_t bad; /* epochs without a better value */
} eg_watch;

typedef struct eg_progress {
    int64_t phase, epoch, step; /* to be done next: epoch of the phase, step of the epoch */
    int64_t epochs, steps;      /* done, in all phases */
    eg_loss loss;               /* of the epoch so far */
    eg_plateau plateau;         /* of the phase's schedule */
    eg_watch stopping;          /* early stopping: of the run, or of the phase */
    bool stopped;               /* early, the whole run */
    /* the best epoch */
    eg_watch best;
    int64_t best_epoch; /* in all phases, from 1 */
    int64_t best_phase;
    eg_loss best_score;
} eg_progress;

/* The numbers of an epoch's end. */
typedef struct eg_epoch_scores {
    eg_loss train;
    const eg_loss *val; /* NULL: there is no validation set */
    double macro_f1;    /* NaN without */
} eg_epoch_scores;

/* NaN for one of a validation set that is not there. */
double eg_monitor_value(eg_monitor monitor, const eg_epoch_scores *scores);
/* Whether smaller values are better. */
bool eg_monitor_smaller(eg_monitor monitor, eg_direction mode);
/* Takes in a value; whether it is better than the best so far by more than min_delta. NaN never is, but for
 * the first. */
bool eg_watch_step(eg_watch *watch, double value, bool smaller, double min_delta);

#endif
