/* torch.nn.GroupNorm: each group of channels of each sample has its own mean and variance. x, y (n, h, w, c)
 * or (n, c); weight, bias (c). */
#include <math.h>
#include <stddef.h>

#include "kernel/norm.h"
#include "net/columns.h"
#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    int64_t groups;
    double eps;
    bool affine;
} attr;

enum { WEIGHT, BIAS, PARAMS };

static bool check_arguments(const eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    const eg_value *x = &infer->inputs[0];
    int64_t c = x->dims[x->rank - 1];
    if (x->rank == 2)
        return eg_fail(err, EG_RECIPE, "the input must be an image or features, not tokens %s",
                       eg_value_text(infer->arena, x));
    if (!eg_infer_size("num_groups", a->groups, 1, err)) return false;
    if (c % a->groups != 0)
        return eg_fail(err, EG_RECIPE, "num_groups=%lld does not divide %lld input channels",
                       (long long)a->groups, (long long)c);
    if (!(a->eps > 0) || isinf(a->eps)) return eg_fail(err, EG_RECIPE, "eps must be above 0, not %g", a->eps);
    return true;
}

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    const eg_value *x = &infer->inputs[0];
    eg_init ones = {.kind = EG_INIT_ONES, .gain = 1}, zeros = {.kind = EG_INIT_ZEROS, .gain = 1};
    if (!check_arguments(infer, err) || !eg_infer_same(infer, err)) return false;
    infer->param_count = PARAMS;
    return !a->affine || (eg_infer_param(infer, WEIGHT, "weight", &x->dims[x->rank - 1], 1, ones, err) &&
                          eg_infer_param(infer, BIAS, "bias", &x->dims[x->rank - 1], 1, zeros, err));
}

/* Of a group in a sample. */
typedef struct moments {
    float mean, inverse; /* 1 / sqrt(variance + eps) */
} moments;

typedef struct job {
    const eg_call *call;
    const attr *a;
    int64_t pixels, c, width; /* width: channels of a group */
    moments *saved;           /* (n, groups), or NULL */
    double *sums;             /* (n, 2, c): of dy * (x - mean) * inverse, and of dy */
} job;

/* A worker's memory. */
typedef struct lines {
    double *mean, *squares;                /* (c) */
    float *centre, *scale, *slope, *shift; /* (c) */
} lines;

static void memory(const eg_net *net, const eg_node *node, int64_t batch, bool training, eg_op_memory *out)
{
    const eg_value *x = eg_node_input(net, node, 0);
    const attr *a = node->attr;
    size_t c = (size_t)x->dims[x->rank - 1];
    *out = (eg_op_memory){.worker = c * (2 * sizeof(double) + 4 * sizeof(float))};
    if (training) out->saved = (size_t)(batch * a->groups) * sizeof(moments);
    if (training) out->scratch = (size_t)(2 * batch + 2) * c * sizeof(double);
}

static job make_job(const eg_call *call)
{
    const eg_value *x = eg_node_input(call->net, call->node, 0);
    job j = {.call = call, .a = call->node->attr, .c = x->dims[x->rank - 1], .saved = call->saved};
    j.pixels = eg_value_numel(x) / j.c;
    j.width = j.c / j.a->groups;
    return j;
}

static lines find_lines(const job *j, int worker)
{
    double *at = (double *)(void *)(j->call->worker_scratch + (size_t)worker * j->call->worker_stride);
    float *more = (float *)(at + 2 * j->c);
    return (lines){at, at + j->c, more, more + j->c, more + 2 * j->c, more + 3 * j->c};
}

/* From the channels' mean and squared differences. */
static moments combine(const job *j, const lines *l, int64_t group)
{
    double mean = 0, squares = 0;
    int64_t first = group * j->width;
    for (int64_t i = first; i < first + j->width; i++) mean += l->mean[i];
    mean /= (double)j->width;
    for (int64_t i = first; i < first + j->width; i++) {
        double off = l->mean[i] - mean;
        squares += l->squares[i] + (double)j->pixels * off * off;
    }
    double variance = squares / (double)(j->pixels * j->width);
    return (moments){(float)mean, (float)(1 / sqrt(variance + j->a->eps))};
}

static void forward_sample(const void *context, int64_t sample, int64_t last, int worker)
{
    (void)last;
    const job *j = context;
    const float *weight = j->call->params[WEIGHT], *bias = j->call->params[BIAS];
    const float *x = j->call->x[0] + sample * j->pixels * j->c;
    lines l = find_lines(j, worker);
    eg_column_moments(j->pixels, j->c, x, l.mean, l.squares);
    for (int64_t group = 0; group < j->a->groups; group++) {
        moments m = combine(j, &l, group);
        if (j->saved) j->saved[sample * j->a->groups + group] = m;
        for (int64_t i = group * j->width; i < (group + 1) * j->width; i++) {
            double scale = (double)m.inverse * (weight ? (double)weight[i] : 1);
            l.scale[i] = (float)scale;
            l.shift[i] = (float)((bias ? (double)bias[i] : 0) - (double)m.mean * scale);
        }
    }
    eg_column_affine(j->pixels, j->c, x, l.scale, l.shift, j->call->y + sample * j->pixels * j->c);
}

static void forward(const eg_call *call)
{
    job j = make_job(call);
    eg_range_run(call->pool, call->batch, 1, forward_sample, &j);
}

/* With g = dy * w, over a group of m elements:
 * dx = inverse * (g - sum(g) / m - (x - mean) * inverse^2 * sum(g * (x - mean)) / m). */
static void find_slopes(const job *j, const lines *l, const moments *m, int64_t group)
{
    const float *weight = j->call->params[WEIGHT];
    double sum = 0, product = 0, inverse = (double)m->inverse, count = (double)(j->pixels * j->width);
    int64_t first = group * j->width, end = first + j->width;
    for (int64_t i = first; i < end; i++) {
        double w = weight ? (double)weight[i] : 1;
        sum += w * l->mean[i];
        product += w * l->squares[i];
    }
    for (int64_t i = first; i < end; i++) {
        l->scale[i] = (float)(inverse * (weight ? (double)weight[i] : 1));
        l->slope[i] = (float)(-inverse * inverse * inverse * product / count);
        l->shift[i] = (float)(-inverse * sum / count);
    }
}

static void backward_sample(const void *context, int64_t sample, int64_t last, int worker)
{
    (void)last;
    const job *j = context;
    const moments *m = j->saved + sample * j->a->groups;
    int64_t at = sample * j->pixels * j->c;
    lines l = find_lines(j, worker);
    double *product = j->sums + 2 * sample * j->c, *sum = product + j->c;
    for (int64_t i = 0; i < j->c; i++) l.centre[i] = m[i / j->width].mean;
    eg_column_grad_sums(j->pixels, j->c, j->call->x[0] + at, j->call->dy + at, l.centre, l.mean, l.squares);
    for (int64_t i = 0; i < j->c; i++) {
        product[i] = l.squares[i] * (double)m[i / j->width].inverse;
        sum[i] = l.mean[i];
    }
    if (!j->call->dx[0]) return;
    for (int64_t group = 0; group < j->a->groups; group++) find_slopes(j, &l, &m[group], group);
    eg_group_input_grad(j->pixels, j->c, j->call->x[0] + at, j->call->dy + at, l.centre, l.scale, l.slope,
                        l.shift, j->call->dx[0] + at);
}

static void backward(const eg_call *call)
{
    job j = make_job(call);
    double *total = call->scratch;
    j.sums = total + 2 * j.c;
    eg_range_run(call->pool, call->batch, 1, backward_sample, &j);
    eg_column_combine(call->batch, 2 * j.c, j.sums, total);
    for (int p = 0; p < PARAMS; p++)
        for (int64_t i = 0; call->grads[p] && i < j.c; i++)
            call->grads[p][i] = (call->add_grads[p] ? call->grads[p][i] : 0) + (float)total[p * j.c + i];
}

static const eg_arg args[] = {
    {"num_groups", EG_ARG_INT, offsetof(attr, groups), NULL},
    {"eps", EG_ARG_NUMBER, offsetof(attr, eps), "1e-5"},
    {"affine", EG_ARG_BOOL, offsetof(attr, affine), "true"},
    {0},
};

const eg_op eg_op_group_norm = {
    .name = "group_norm",
    .type = "GroupNorm",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_x = true,
    .cheap = true,
    .infer = infer,
    .memory = memory,
    .forward = forward,
    .backward = backward,
};
