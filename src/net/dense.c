#include "net/dense.h"

#include "kernel/elementwise.h"
#include "kernel/gemm.h"
#include "net/columns.h"
#include "net/range.h"

/* Tasks: blocks of rows by blocks of output features (forward), of input features (input grad), or blocks of
 * output features over all rows (weight grad), so that large weights are read once, by all threads together.
 */
enum { ROWS = 1024, FEATURES = 256, GRAD_FEATURES = 64 };

typedef struct job {
    const eg_dense *dense;
    const float *in, *weight, *bias, *dy;
    float *out;
    bool accumulate;
    int64_t blocks; /* of features */
} job;

static void forward_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    const eg_dense *d = j->dense;
    int64_t first = task / j->blocks * ROWS, rows = eg_least(ROWS, d->rows - first);
    int64_t k = task % j->blocks * FEATURES, count = eg_least(FEATURES, d->k - k);
    float *y = j->out + first * d->k + k;
    if (j->bias) eg_fill_rows(rows, count, j->bias + k, y, d->k);
    eg_gemm(rows, count, d->f, (eg_matrix){j->in + first * d->f, d->f, false},
            (eg_matrix){j->weight + k * d->f, d->f, true}, y, d->k, j->bias);
}

void eg_dense_forward(const eg_dense *dense, const float *x, const float *weight, const float *bias, float *y)
{
    job j = {.dense = dense, .in = x, .weight = weight, .bias = bias, .out = y};
    j.blocks = eg_div_up(dense->k, FEATURES);
    eg_range_run(dense->pool, eg_div_up(dense->rows, ROWS) * j.blocks, 1, forward_task, &j);
}

static void input_grad_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    const eg_dense *d = j->dense;
    int64_t first = task / j->blocks * ROWS, rows = eg_least(ROWS, d->rows - first);
    int64_t f = task % j->blocks * FEATURES;
    eg_gemm(rows, eg_least(FEATURES, d->f - f), d->k, (eg_matrix){j->dy + first * d->k, d->k, false},
            (eg_matrix){j->weight + f, d->f, false}, j->out + first * d->f + f, d->f, false);
}

void eg_dense_input_grad(const eg_dense *dense, const float *dy, const float *weight, float *dx)
{
    job j = {.dense = dense, .weight = weight, .dy = dy, .out = dx, .blocks = eg_div_up(dense->f, FEATURES)};
    eg_range_run(dense->pool, eg_div_up(dense->rows, ROWS) * j.blocks, 1, input_grad_task, &j);
}

static void weight_grad_task(const void *context, int64_t k, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    const eg_dense *d = j->dense;
    eg_gemm(end - k, d->f, d->rows, (eg_matrix){j->dy + k, d->k, true}, (eg_matrix){j->in, d->f, false},
            j->out + k * d->f, d->f, j->accumulate);
}

static void weight_grad(const eg_dense *dense, const float *x, const float *dy, float *grad, bool accumulate)
{
    job j = {.dense = dense, .in = x, .dy = dy, .out = grad, .accumulate = accumulate};
    eg_range_run(dense->pool, dense->k, GRAD_FEATURES, weight_grad_task, &j);
}

void eg_dense_param_grads(const eg_call *call, const eg_dense *dense, int weight, const float *x,
                          const float *dy, void *scratch)
{
    int bias = weight + 1;
    if (call->grads[weight]) weight_grad(dense, x, dy, call->grads[weight], call->add_grads[weight]);
    if (call->grads[bias])
        eg_columns_sum(dense->pool, dense->rows, dense->k, dy, scratch, call->grads[bias],
                       call->add_grads[bias]);
}
