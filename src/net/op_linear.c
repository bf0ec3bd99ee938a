/* torch.nn.Linear, over the last dimension. x (n, …, f), weight (k, f), bias (k), y (n, …, k). */
#include <stddef.h>

#include "kernel/elementwise.h"
#include "kernel/gemm.h"
#include "net/columns.h"
#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    int64_t out_features;
    bool bias;
} attr;

enum { WEIGHT, BIAS };

/* Tasks: blocks of rows by blocks of output features (forward), of input features (input grad), or blocks of
 * output features over all rows (weight grad), so that large weights are read once, by all threads together.
 */
enum { ROWS = 1024, FEATURES = 256, GRAD_FEATURES = 64 };

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    const eg_value *x = &infer->inputs[0];
    if (!eg_infer_size("out_features", a->out_features, 1, err)) return false;
    if (x->rank != 1 && x->rank != 2)
        return eg_fail(err, EG_RECIPE,
                       "the input must be features or tokens, not an image %s; flatten it first",
                       eg_value_text(infer->arena, x));
    eg_value y = *x;
    y.dims[x->rank - 1] = a->out_features;
    return eg_infer_output(infer, y.dims, y.rank, err) &&
           eg_infer_weight_bias(infer, (int64_t[]){a->out_features, x->dims[x->rank - 1]}, 2, a->bias, err);
}

typedef struct job {
    const eg_call *call;
    int64_t rows, f, k; /* samples and tokens; input and output features */
    int64_t blocks;     /* of features */
} job;

static job make_job(const eg_net *net, const eg_node *node, const eg_call *call, int64_t batch)
{
    const eg_value *x = eg_node_input(net, node, 0);
    int64_t f = x->dims[x->rank - 1];
    const attr *a = node->attr;
    return (job){.call = call, .rows = batch * (eg_value_numel(x) / f), .f = f, .k = a->out_features};
}

static void memory(const eg_net *net, const eg_node *node, int64_t batch, bool training, eg_op_memory *out)
{
    job j = make_job(net, node, NULL, batch);
    *out = (eg_op_memory){.scratch = training ? eg_columns_scratch(j.rows, j.k) : 0};
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void forward_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    int64_t first = task / j->blocks * ROWS, rows = least(ROWS, j->rows - first);
    int64_t k = task % j->blocks * FEATURES, count = least(FEATURES, j->k - k);
    const float *weight = j->call->params[WEIGHT], *bias = j->call->params[BIAS];
    float *y = j->call->y + first * j->k + k;
    if (bias) eg_fill_rows(rows, count, bias + k, y, j->k);
    eg_gemm(rows, count, j->f, (eg_matrix){j->call->x[0] + first * j->f, j->f, false},
            (eg_matrix){weight + k * j->f, j->f, true}, y, j->k, bias);
}

static void forward(const eg_call *call)
{
    job j = make_job(call->net, call->node, call, call->batch);
    j.blocks = eg_div_up(j.k, FEATURES);
    eg_range_run(call->pool, eg_div_up(j.rows, ROWS) * j.blocks, 1, forward_task, &j);
}

static void input_grad_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    int64_t first = task / j->blocks * ROWS, rows = least(ROWS, j->rows - first);
    int64_t f = task % j->blocks * FEATURES;
    const float *weight = j->call->params[WEIGHT];
    eg_gemm(rows, least(FEATURES, j->f - f), j->k, (eg_matrix){j->call->dy + first * j->k, j->k, false},
            (eg_matrix){weight + f, j->f, false}, j->call->dx[0] + first * j->f + f, j->f, false);
}

static void weight_grad_task(const void *context, int64_t k, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    eg_gemm(end - k, j->f, j->rows, (eg_matrix){j->call->dy + k, j->k, true},
            (eg_matrix){j->call->x[0], j->f, false}, j->call->grads[WEIGHT] + k * j->f, j->f,
            j->call->add_grads[WEIGHT]);
}

static void backward(const eg_call *call)
{
    job j = make_job(call->net, call->node, call, call->batch);
    j.blocks = eg_div_up(j.f, FEATURES);
    if (call->dx[0]) eg_range_run(call->pool, eg_div_up(j.rows, ROWS) * j.blocks, 1, input_grad_task, &j);
    if (call->grads[WEIGHT]) eg_range_run(call->pool, j.k, GRAD_FEATURES, weight_grad_task, &j);
    if (call->grads[BIAS])
        eg_columns_sum(call->pool, j.rows, j.k, call->dy, call->scratch, call->grads[BIAS],
                       call->add_grads[BIAS]);
}

static double flops(const eg_net *net, const eg_node *node)
{
    const eg_value *x = eg_node_input(net, node, 0);
    return 2 * (double)x->dims[x->rank - 1] * (double)eg_value_numel(eg_node_output(net, node));
}

static const eg_arg args[] = {
    {"out_features", EG_ARG_INT, offsetof(attr, out_features), NULL},
    {"bias", EG_ARG_BOOL, offsetof(attr, bias), "true"},
    {0},
};

const eg_op eg_op_linear = {
    .name = "linear",
    .type = "Linear",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_x = true,
    .infer = infer,
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
