/* Softmax cross entropy of class indices, as torch.nn.CrossEntropyLoss(label_smoothing=s, reduction='mean').
 *
 * With p = softmax(logits) and the smoothed target t (1 - s + s/K at the label, s/K elsewhere) a sample's
 * loss is -sum(t log p), and the mean loss's gradient is (p - t) / n. Sums run in index order in double. */
#ifndef ENGRAFT_TRAIN_LOSS_H
#define ENGRAFT_TRAIN_LOSS_H

#include <stdint.h>

/* Sums over samples, so that batches of different sizes can be added up. */
typedef struct eg_loss {
    double sum; /* not finite when a logit is not */
    int64_t samples, correct, top5;
} eg_loss;

/* logits (n, classes), labels (n) in 0 … classes-1, grad (n, classes) or NULL. Overwrites *loss. A label
 * counts as right (among the five best) when fewer than one (five) logits are greater; equal ones rank by
 * index, as torch.argmax. */
void eg_loss_cross_entropy(const float *logits, const int32_t *labels, int64_t n, int64_t classes,
                           double smoothing, float *grad, eg_loss *loss);
void eg_loss_add(eg_loss *total, const eg_loss *part);
/* The position of the greatest logit (the first of equals) and its softmax probability. */
int32_t eg_loss_predict(const float *logits, int64_t classes, double *probability);

#endif
