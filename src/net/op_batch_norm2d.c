/* torch.nn.BatchNorm2d. x, y (n, h, w, c); weight, bias, running_mean, running_var (c); num_batches_tracked
 * (). */
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "kernel/bypass.h"
#include "kernel/norm.h"
#include "kernel/norm_grad.h"
#include "net/columns.h"
#include "net/infer.h"
#include "net/norm.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    double eps;
    double momentum; /* NaN: cumulative average */
    bool affine, track;
} attr;

enum {
    WEIGHT = EG_NORM_WEIGHT,
    BIAS = EG_NORM_BIAS,
    MEAN = EG_NORM_MEAN,
    VAR = EG_NORM_VAR,
    COUNT = EG_NORM_COUNT,
    PARAMS = EG_NORM_PARAMS
};

static bool check_arguments(const attr *a, eg_error *err)
{
    if (!(a->eps > 0) || isinf(a->eps)) return eg_fail(err, EG_RECIPE, "eps must be above 0, not %g", a->eps);
    if (a->momentum < 0 || a->momentum > 1)
        return eg_fail(err, EG_RECIPE, "momentum must be none or between 0 and 1, not %g", a->momentum);
    return true;
}

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    if (!eg_infer_image(infer, err) || !check_arguments(a, err) || !eg_infer_same(infer, err)) return false;
    const int64_t *channels = &infer->inputs[0].dims[2];
    eg_init ones = {.kind = EG_INIT_ONES, .gain = 1}, zeros = {.kind = EG_INIT_ZEROS, .gain = 1};
    infer->param_count = PARAMS;
    if (a->affine && !(eg_infer_param(infer, WEIGHT, "weight", channels, 1, ones, err) &&
                       eg_infer_param(infer, BIAS, "bias", channels, 1, zeros, err)))
        return false;
    if (!a->track) return true;
    if (!eg_infer_param(infer, MEAN, "running_mean", channels, 1, zeros, err) ||
        !eg_infer_param(infer, VAR, "running_var", channels, 1, ones, err) ||
        !eg_infer_param(infer, COUNT, "num_batches_tracked", NULL, 0, zeros, err))
        return false;
    for (int i = MEAN; i <= COUNT; i++) infer->params[i].buffer = true;
    infer->params[COUNT].dtype = EG_I64;
    return true;
}

/* The memory of a call. Sums over the batch are made for blocks of rows, which are then combined in order. */
typedef struct job {
    const eg_call *call;
    const attr *attr;
    int64_t rows, c, blocks;
    float *mean, *inverse; /* (c), kept for backward: of the statistics that were used; inverse is 1 / std */
    float *scale, *shift;  /* (c): forward's y = x * scale + shift */
    float *a, *b, *k;      /* (c): backward's, see eg_norm_grad_input */
    bool summed;           /* backward: the sums were made */
    double *total[2];      /* (c) */
    double *partial[2];    /* (blocks, c) */
} job;

static bool uses_batch(const eg_call *call)
{
    const attr *a = call->node->attr;
    bool trains = call->batch_norm == EG_BN_DEFAULT || call->batch_norm == EG_BN_TRAIN_STATS;
    return !a->track || (call->training && trains);
}

static void memory(const eg_net *net, const eg_node *node, int64_t batch, bool training, eg_op_memory *out)
{
    const int64_t *x = eg_node_input(net, node, 0)->dims;
    int64_t blocks = eg_column_blocks(batch * x[0] * x[1], x[2]);
    *out = (eg_op_memory){.saved = training ? (size_t)(2 * x[2]) * sizeof(float) : 0,
                          .scratch = (size_t)(x[2] * (2 + 2 * blocks)) * sizeof(double) +
                                     (size_t)(7 * x[2]) * sizeof(float)};
}

static job make_job(const eg_call *call)
{
    const int64_t *x = eg_node_input(call->net, call->node, 0)->dims;
    job j = {.call = call, .attr = call->node->attr, .rows = call->batch * x[0] * x[1], .c = x[2]};
    j.blocks = eg_column_blocks(j.rows, j.c);
    double *at = call->scratch;
    for (int i = 0; i < 2; i++, at += j.c) j.total[i] = at;
    for (int i = 0; i < 2; i++, at += j.blocks * j.c) j.partial[i] = at;
    float *more = (float *)at;
    j.scale = more, j.shift = more + j.c;
    j.a = more + 2 * j.c, j.b = more + 3 * j.c, j.k = more + 4 * j.c;
    j.mean = call->saved ? call->saved : more + 5 * j.c;
    j.inverse = j.mean + j.c;
    return j;
}

static void moments_block(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    int64_t at = begin / eg_column_rows(j->c) * j->c;
    eg_column_moments(end - begin, j->c, j->call->x[0] + begin * j->c, j->partial[0] + at,
                      j->partial[1] + at);
}

/* Mean and sum of squared differences of the whole batch into total, from those of the blocks (Chan, Golub
 * and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979). */
static void combine_moments(const job *j)
{
    int64_t step = eg_column_rows(j->c);
    double *mean = j->total[0], *squares = j->total[1];
    memcpy(mean, j->partial[0], (size_t)j->c * sizeof *mean);
    memcpy(squares, j->partial[1], (size_t)j->c * sizeof *squares);
    for (int64_t block = 1; block < j->blocks; block++) {
        double seen = (double)(block * step);
        double more = (double)(block + 1 < j->blocks ? step : j->rows - block * step), all = seen + more;
        for (int64_t i = 0; i < j->c; i++) {
            double off = j->partial[0][block * j->c + i] - mean[i];
            mean[i] += off * (more / all);
            squares[i] += j->partial[1][block * j->c + i] + off * off * (seen * more / all);
        }
    }
}

/* The running variance is the unbiased one; of a single value there is none, and it stays as it is. */
static void update_running(const job *j)
{
    float *mean = j->call->params[MEAN], *var = j->call->params[VAR];
    int64_t *count = j->call->params[COUNT];
    if (!j->attr->track) return;
    ++*count;
    double share = isnan(j->attr->momentum) ? 1.0 / (double)*count : j->attr->momentum;
    for (int64_t i = 0; i < j->c; i++) {
        mean[i] = (float)((1 - share) * (double)mean[i] + share * j->total[0][i]);
        if (j->rows > 1)
            var[i] = (float)((1 - share) * (double)var[i] + share * (j->total[1][i] / (double)(j->rows - 1)));
    }
}

static void use_batch_statistics(const job *j)
{
    eg_range_run(j->call->pool, j->rows, eg_column_rows(j->c), moments_block, j);
    combine_moments(j);
    for (int64_t i = 0; i < j->c; i++) {
        j->mean[i] = (float)j->total[0][i];
        j->inverse[i] = (float)(1 / sqrt(j->total[1][i] / (double)j->rows + j->attr->eps));
    }
    if (j->call->training) update_running(j);
}

static void use_stored_statistics(const job *j)
{
    const float *mean = j->call->params[MEAN], *var = j->call->params[VAR];
    for (int64_t i = 0; i < j->c; i++) {
        j->mean[i] = mean[i];
        j->inverse[i] = (float)(1 / sqrt((double)var[i] + j->attr->eps));
    }
}

static void find_line(int64_t c, const float *mean, const float *inverse, const float *weight,
                      const float *bias, float *scale, float *shift)
{
    for (int64_t i = 0; i < c; i++) {
        double factor = (double)inverse[i] * (weight ? (double)weight[i] : 1);
        shift[i] = (float)((bias ? (double)bias[i] : 0) - (double)mean[i] * factor);
        scale[i] = (float)factor;
    }
}

void eg_batch_norm2d_fold(const eg_node *node, int64_t c, void *const params[], float *scale, float *shift)
{
    const attr *a = node->attr;
    const float *var = params[VAR];
    for (int64_t i = 0; i < c; i++) scale[i] = (float)(1 / sqrt((double)var[i] + a->eps));
    find_line(c, params[MEAN], scale, params[WEIGHT], params[BIAS], scale, shift);
}

static void apply_block(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    int64_t at = begin * j->c;
    eg_epilogue epilogue = j->call->epilogue;
    epilogue.scale = j->scale, epilogue.bias = j->shift;
    if (epilogue.residual) epilogue.residual += at;
    if (eg_bypass_pays(j->rows * j->c))
        eg_bypass_epilogue(end - begin, j->c, j->call->x[0] + at, &epilogue, j->call->y + at);
    else
        eg_epilogue_apply(end - begin, j->c, j->c, j->call->x[0] + at, &epilogue, j->call->y + at);
}

static void forward(const eg_call *call)
{
    job j = make_job(call);
    if (call->again)
        assert(call->saved); /* the statistics are there */
    else if (uses_batch(call))
        use_batch_statistics(&j);
    else
        use_stored_statistics(&j);
    if (call->line) j.scale = call->line, j.shift = call->line + j.c;
    find_line(j.c, j.mean, j.inverse, call->params[WEIGHT], call->params[BIAS], j.scale, j.shift);
    if (!call->line) eg_range_run(call->pool, j.rows, eg_column_rows(j.c), apply_block, &j);
}

/* The block's part of what backward reads. After the sums, the residual's gradient, where it is not added to,
 * is dy before the activation. */
static eg_norm_grad grad_at(const job *j, int64_t begin, bool summed)
{
    const eg_call *call = j->call;
    int64_t at = begin * j->c;
    const float *masked = summed && call->dx[1] && !call->add_dx[1] ? call->dx[1] : NULL;
    eg_norm_grad grad = {.x = call->x[0] + at,
                         .dy = (masked ? masked : call->dy) + at,
                         .y = call->epilogue.residual ? call->y + at : NULL,
                         .mean = j->mean,
                         .scale = j->scale,
                         .shift = j->shift,
                         .activation = masked ? EG_ACTIVATION_NONE : call->epilogue.activation,
                         .slope = call->epilogue.slope};
    return grad;
}

static void grad_sums_block(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    const eg_call *call = j->call;
    eg_norm_grad grad = grad_at(j, begin, false);
    int64_t at = begin / eg_column_rows(j->c) * j->c;
    eg_norm_grad_sums(end - begin, j->c, &grad, call->dx[1] ? call->dx[1] + begin * j->c : NULL,
                      call->add_dx[1], j->partial[0] + at, j->partial[1] + at);
}

/* total[0] = sum of dy, total[1] = sum of dy * (x - mean), dy before the activation; and from these the
 * parameters' gradients. */
static void param_grads(const job *j)
{
    float *weight = j->call->grads[WEIGHT], *bias = j->call->grads[BIAS];
    const bool *add = j->call->add_grads;
    eg_range_run(j->call->pool, j->rows, eg_column_rows(j->c), grad_sums_block, j);
    for (int i = 0; i < 2; i++) eg_column_combine(j->blocks, j->c, j->partial[i], j->total[i]);
    for (int64_t i = 0; weight && i < j->c; i++)
        weight[i] = (add[WEIGHT] ? weight[i] : 0) + (float)(j->total[1][i] * (double)j->inverse[i]);
    for (int64_t i = 0; bias && i < j->c; i++) bias[i] = (add[BIAS] ? bias[i] : 0) + (float)j->total[0][i];
}

static void input_grad_block(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    const eg_call *call = j->call;
    eg_norm_grad grad = grad_at(j, begin, j->summed);
    bool batch = uses_batch(call);
    const float *b = batch ? j->b : NULL, *k = batch ? j->k : NULL;
    float *dx = call->dx[0] + begin * j->c;
    if (!call->add_dx[0] && call->dx[0] != call->dy && eg_bypass_pays(j->rows * j->c))
        eg_bypass_input_grad(end - begin, j->c, &grad, j->a, b, k, dx);
    else
        eg_norm_grad_input(end - begin, j->c, &grad, j->a, b, k, call->add_dx[0], dx);
}

/* With batch statistics the mean and variance depend on x too:
 * dx = w / std * (dy - mean(dy) - (x - mean) * mean(dy * (x - mean)) / var), dy before the activation. */
static void backward(const eg_call *call)
{
    job j = make_job(call);
    const float *weight = call->params[WEIGHT];
    bool batch = uses_batch(call);
    find_line(j.c, j.mean, j.inverse, weight, call->params[BIAS], j.scale, j.shift);
    j.summed = batch || call->grads[WEIGHT] || call->grads[BIAS] || call->dx[1];
    if (j.summed) param_grads(&j);
    if (!call->dx[0]) return;
    for (int64_t i = 0; i < j.c; i++) {
        double inverse = (double)j.inverse[i];
        j.a[i] = (float)(inverse * (weight ? (double)weight[i] : 1));
        if (!batch) continue;
        j.b[i] = (float)(j.total[0][i] / (double)j.rows);
        j.k[i] = (float)(j.total[1][i] / (double)j.rows * inverse * inverse);
    }
    eg_range_run(call->pool, j.rows, eg_column_rows(j.c), input_grad_block, &j);
}

static bool adds_dx(const eg_net *net, const eg_node *node)
{
    (void)net, (void)node;
    return true;
}

static const eg_arg args[] = {
    {"eps", EG_ARG_NUMBER, offsetof(attr, eps), "1e-5"},
    {"momentum", EG_ARG_NUMBER, offsetof(attr, momentum), "0.1"},
    {"affine", EG_ARG_BOOL, offsetof(attr, affine), "true"},
    {"track_running_stats", EG_ARG_BOOL, offsetof(attr, track), "true"},
    {0},
};

const eg_op eg_op_batch_norm2d = {
    .name = "batch_norm2d",
    .type = "BatchNorm2d",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 2,
    .backward_reads_x = true,
    .cheap = true,
    .writes_over_dy = true,
    .infer = infer,
    .adds_dx = adds_dx,
    .memory = memory,
    .forward = forward,
    .backward = backward,
};
