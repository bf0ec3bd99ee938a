/* What is minimised, over class indices: a mean over samples that is weighted where classes have weights.
 *
 * With p = softmax(logits), y the label, w a weight per class (1 without) and W = sum of w[y] over samples:
 * cross_entropy  (sum (1 - s) w[y] -log p[y] + s/K sum_c w[c] -log p[c]) / W
 *                (torch.nn.CrossEntropyLoss(weight=w, label_smoothing=s))
 * focal          sum w[y] (1 - p[y])^gamma -log p[y] / W (Lin et al., "Focal loss for dense object
 *                detection", ICCV 2017, over a softmax)
 * bce            the mean over samples and classes of binary cross entropy with one-hot targets
 *                (torch.nn.BCEWithLogitsLoss)
 * Sums run in index order in double. */
#ifndef ENGRAFT_TRAIN_LOSS_H
#define ENGRAFT_TRAIN_LOSS_H

#include <stdint.h>

#include "engraft/recipe.h"

typedef struct eg_criterion {
    eg_loss_kind kind;
    double smoothing, gamma;
    const double *weights; /* one a class; NULL: all 1 */
} eg_criterion;

/* Sums over samples, so that batches of different sizes can be added up. */
typedef struct eg_loss {
    double sum;    /* not finite when a logit is not */
    double weight; /* what it is divided by: W, or the samples */
    int64_t samples, correct, top5;
} eg_loss;

/* A sample's part of W. */
double eg_loss_weight(const eg_criterion *criterion, int32_t label);
/* logits (n, classes), labels (n) in 0 … classes-1; grad (n, classes) of the loss whose divisor is `weight`,
 * or NULL. Overwrites *loss. A label counts as right (among the five best) when fewer than one (five) logits
 * are greater; equal ones rank by index, as torch.argmax. */
void eg_loss_compute(const eg_criterion *criterion, const float *logits, const int32_t *labels, int64_t n,
                     int64_t classes, double weight, float *grad, eg_loss *loss);
void eg_loss_add(eg_loss *total, const eg_loss *part);
/* The position of the greatest logit (the first of equals) and its softmax probability. */
int32_t eg_loss_predict(const float *logits, int64_t classes, double *probability);

#endif
