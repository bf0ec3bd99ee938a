/* Running a network over a data set: loss, accuracy, confusion, and what it says about every sample. */
#ifndef ENGRAFT_TRAIN_EVALUATE_H
#define ENGRAFT_TRAIN_EVALUATE_H

#include "data/pipeline.h"
#include "net/exec.h"
#include "train/loss.h"

typedef struct eg_prediction {
    int32_t label;      /* -1: unknown */
    int32_t predicted;  /* the greatest logit's position */
    double probability; /* its softmax */
} eg_prediction;

typedef struct eg_evaluation {
    eg_loss score; /* plain cross entropy, whatever smoothing was trained with */
    int64_t classes;
    int64_t *confusion;         /* (classes, classes): row label, column predicted; NULL: not wanted */
    float *logits;              /* (samples, classes); NULL: not wanted */
    eg_prediction *predictions; /* one a sample, in the data set's order; NULL: not wanted */
} eg_evaluation;

double eg_score_loss(const eg_loss *score); /* means; 0 for no samples */
double eg_score_accuracy(const eg_loss *score);
double eg_score_top5(const eg_loss *score);
/* The mean of 2 right / (labelled + predicted) over the classes that occur as a label or a prediction, as
 * sklearn.metrics.f1_score(average='macro'). */
double eg_score_macro_f1(const int64_t *confusion, int64_t classes);

/* What evaluates: an exec for at most `batch` samples of a network whose output is (classes). */
typedef struct eg_evaluator {
    eg_exec *exec;
    int64_t batch, classes;
    eg_pool *pool;
    const char *label;           /* of the progress bar */
    bool (*stop)(eg_error *err); /* asked between batches: true and err ends the work; NULL: never */
} eg_evaluator;

/* Runs every sample in inference mode; samples whose label is -1 are predicted and not scored. Fails when an
 * image cannot be read, and with EG_DIVERGED when an output is not finite (naming the sample). */
bool eg_evaluate(const eg_evaluator *evaluator, const eg_dataset *dataset, const eg_pipeline *pipeline,
                 eg_evaluation *out, eg_error *err);

#endif
