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

/* One sample. */
typedef struct row {
    const eg_criterion *with;
    const float *logits;
    int64_t classes;
    int32_t label;
    double normalizer; /* log(sum(exp(logits))) */
} row;

static double weight_of(const eg_criterion *criterion, int64_t c)
{
    return criterion->weights ? criterion->weights[c] : 1;
}

static double entropy_loss(const row *r)
{
    double smoothing = r->with->smoothing;
    double loss = (1 - smoothing) * weight_of(r->with, r->label) * (r->normalizer - r->logits[r->label]);
    if (smoothing == 0) return loss;
    double sum = 0;
    for (int64_t c = 0; c < r->classes; c++) sum += weight_of(r->with, c) * (r->normalizer - r->logits[c]);
    return loss + smoothing / (double)r->classes * sum;
}

static void entropy_grad(const row *r, double scale, float *grad)
{
    double spread = r->with->smoothing / (double)r->classes, total = 0;
    for (int64_t c = 0; c < r->classes; c++) total += spread * weight_of(r->with, c);
    total += (1 - r->with->smoothing) * weight_of(r->with, r->label);
    for (int64_t c = 0; c < r->classes; c++) {
        double target = (spread + (c == r->label ? 1 - r->with->smoothing : 0)) * weight_of(r->with, c);
        grad[c] = (float)((exp(r->logits[c] - r->normalizer) * total - target) * scale);
    }
}

static double focal_loss(const row *r)
{
    double nll = r->normalizer - r->logits[r->label];
    return weight_of(r->with, r->label) * pow(1 - exp(-nll), r->with->gamma) * nll;
}

/* With q = 1 - p: d/dp (q^g -log p) = -g q^(g-1) -log p - q^g / p, and dp/dz_c = p ([c = y] - p_c). */
static void focal_grad(const row *r, double scale, float *grad)
{
    double nll = r->normalizer - r->logits[r->label], p = exp(-nll), q = 1 - p, g = r->with->gamma;
    double rise = g > 0 && q > 0 ? g * pow(q, g - 1) * p * nll : 0;
    double slope = -weight_of(r->with, r->label) * (rise + pow(q, g)) * scale;
    for (int64_t c = 0; c < r->classes; c++)
        grad[c] = (float)(slope * ((c == r->label) - exp(r->logits[c] - r->normalizer)));
}

/* log(1 + exp(x)), whatever the sign. */
static double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

static double binary_loss(const row *r)
{
    double sum = 0;
    for (int64_t c = 0; c < r->classes; c++) sum += softplus(r->logits[c]) - (c == r->label) * r->logits[c];
    return sum / (double)r->classes;
}

static void binary_grad(const row *r, double scale, float *grad)
{
    for (int64_t c = 0; c < r->classes; c++)
        grad[c] =
            (float)((1 / (1 + exp(-(double)r->logits[c])) - (c == r->label)) * scale / (double)r->classes);
}

static const struct {
    double (*loss)(const row *);
    void (*grad)(const row *, double scale, float *grad);
} kinds[EG_LOSS_COUNT] = {
    [EG_LOSS_CROSS_ENTROPY] = {entropy_loss, entropy_grad},
    [EG_LOSS_FOCAL] = {focal_loss, focal_grad},
    [EG_LOSS_BCE] = {binary_loss, binary_grad},
};

double eg_loss_weight(const eg_criterion *criterion, int32_t label)
{
    return weight_of(criterion, label);
}

void eg_loss_compute(const eg_criterion *criterion, const float *logits, const int32_t *labels, int64_t n,
                     int64_t classes, double weight, float *grad, eg_loss *loss)
{
    assert(n > 0 && classes > 0);
    *loss = (eg_loss){.samples = n};
    for (int64_t i = 0; i < n; i++) {
        row r = {criterion, logits + i * classes, classes, labels[i], 0};
        assert(labels[i] >= 0 && labels[i] < classes);
        r.normalizer = log_sum_exp(r.logits, classes);
        loss->sum += kinds[criterion->kind].loss(&r);
        loss->weight += weight_of(criterion, labels[i]);
        int64_t rank = rank_of(r.logits, classes, labels[i]);
        loss->correct += rank == 0;
        loss->top5 += rank < TOP;
        if (grad) kinds[criterion->kind].grad(&r, weight > 0 ? 1.0 / weight : 0, grad + i * classes);
    }
}

void eg_loss_add(eg_loss *total, const eg_loss *part)
{
    total->sum += part->sum;
    total->weight += part->weight;
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
