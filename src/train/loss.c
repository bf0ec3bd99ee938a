#include "train/loss.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

enum { TOP = 5 };

static float greatest(const float *logits, int64_t classes)
{
    float max = logits[0];
    for (int64_t c = 1; c < classes; c++)
        if (logits[c] > max) max = logits[c];
    return max;
}

/* log(sum(exp(logits))), shifted by the greatest so that nothing overflows. */
static double log_sum_exp(const float *logits, int64_t classes)
{
    double max = greatest(logits, classes), sum = 0;
    for (int64_t c = 0; c < classes; c++) sum += exp((double)logits[c] - max);
    return max + log(sum);
}

/* How many classes stand before the label. */
static int64_t rank_of(const float *logits, int64_t classes, int32_t label)
{
    int64_t rank = 0;
    for (int64_t c = 0; c < classes; c++)
        rank += logits[c] > logits[label] || (logits[c] == logits[label] && c < label);
    return rank;
}

static double sample_loss(const float *logits, int64_t classes, int32_t label, double smoothing,
                          double normalizer)
{
    double loss = (1 - smoothing) * (normalizer - logits[label]);
    if (smoothing == 0) return loss;
    double sum = 0;
    for (int64_t c = 0; c < classes; c++) sum += normalizer - logits[c];
    return loss + smoothing / (double)classes * sum;
}

static void sample_grad(const float *logits, int64_t classes, int32_t label, double smoothing,
                        double normalizer, double scale, float *grad)
{
    double spread = smoothing / (double)classes;
    for (int64_t c = 0; c < classes; c++) {
        double target = spread + (c == label ? 1 - smoothing : 0);
        grad[c] = (float)((exp(logits[c] - normalizer) - target) * scale);
    }
}

void eg_loss_cross_entropy(const float *logits, const int32_t *labels, int64_t n, int64_t classes,
                           double smoothing, float *grad, eg_loss *loss)
{
    assert(n > 0 && classes > 0);
    *loss = (eg_loss){.samples = n};
    for (int64_t i = 0; i < n; i++) {
        const float *row = logits + i * classes;
        assert(labels[i] >= 0 && labels[i] < classes);
        double normalizer = log_sum_exp(row, classes);
        loss->sum += sample_loss(row, classes, labels[i], smoothing, normalizer);
        int64_t rank = rank_of(row, classes, labels[i]);
        loss->correct += rank == 0;
        loss->top5 += rank < TOP;
        if (grad)
            sample_grad(row, classes, labels[i], smoothing, normalizer, 1.0 / (double)n, grad + i * classes);
    }
}

void eg_loss_add(eg_loss *total, const eg_loss *part)
{
    total->sum += part->sum;
    total->samples += part->samples;
    total->correct += part->correct;
    total->top5 += part->top5;
}

int32_t eg_loss_predict(const float *logits, int64_t classes, double *probability)
{
    int32_t best = 0;
    for (int32_t c = 1; c < classes; c++)
        if (logits[c] > logits[best]) best = c;
    *probability = exp(logits[best] - log_sum_exp(logits, classes));
    return best;
}
