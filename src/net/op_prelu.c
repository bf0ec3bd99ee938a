/* torch.nn.PReLU: x > 0 ? x : weight * x. x and y of any shape; weight (1), or one for each channel or
 * feature. */
#include <math.h>
#include <stddef.h>

#include "kernel/prelu.h"
#include "net/columns.h"
#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    int64_t count;
    double init;
} attr;

static int64_t channels_of(const eg_value *x)
{
    return x->dims[x->rank - 1];
}

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    const eg_value *x = &infer->inputs[0];
    if (a->count != 1 && a->count != channels_of(x))
        return eg_fail(err, EG_RECIPE, "num_parameters must be 1 or the %lld channels of the input, not %lld",
                       (long long)channels_of(x), (long long)a->count);
    if (!isfinite(a->init)) return eg_fail(err, EG_RECIPE, "init must be a number, not %g", a->init);
    eg_init constant = {.kind = EG_INIT_CONSTANT, .value = a->init, .gain = 1};
    infer->param_count = 1;
    return eg_infer_same(infer, err) && eg_infer_param(infer, 0, "weight", &a->count, 1, constant, err);
}

typedef struct job {
    const eg_call *call;
    int64_t rows, c;
    double *sum, *blocks; /* (c), (blocks, c) */
    float *slope;         /* (c) */
} job;

static int64_t rows_of(const eg_net *net, const eg_node *node, int64_t batch)
{
    const eg_value *x = eg_node_input(net, node, 0);
    return batch * (eg_value_numel(x) / channels_of(x));
}

static void memory(const eg_net *net, const eg_node *node, int64_t batch, bool training, eg_op_memory *out)
{
    int64_t c = channels_of(eg_node_input(net, node, 0)), rows = rows_of(net, node, batch);
    size_t sums = training ? (size_t)((1 + eg_column_blocks(rows, c)) * c) * sizeof(double) : 0;
    *out = (eg_op_memory){.scratch = sums + (size_t)c * sizeof(float)};
}

static job make_job(const eg_call *call)
{
    const attr *a = call->node->attr;
    const float *weight = call->params[0];
    job j = {.call = call, .rows = rows_of(call->net, call->node, call->batch), .slope = call->scratch};
    j.c = channels_of(eg_node_input(call->net, call->node, 0));
    if (call->dy) { /* doubles first, for their alignment */
        j.sum = call->scratch;
        j.blocks = j.sum + j.c;
        j.slope = (float *)(j.blocks + eg_column_blocks(j.rows, j.c) * j.c);
    }
    for (int64_t i = 0; i < j.c; i++) j.slope[i] = weight[a->count == 1 ? 0 : i];
    return j;
}

static void forward_rows(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    eg_prelu_forward(end - begin, j->c, j->call->x[0] + begin * j->c, j->slope, j->call->y + begin * j->c);
}

static void forward(const eg_call *call)
{
    job j = make_job(call);
    eg_range_run(call->pool, j.rows, eg_column_rows(j.c), forward_rows, &j);
}

static void backward_rows(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    const float *x = j->call->x[0] + begin * j->c, *dy = j->call->dy + begin * j->c;
    if (j->call->dx[0])
        eg_prelu_input_grad(end - begin, j->c, x, dy, j->slope, j->call->dx[0] + begin * j->c);
    if (j->call->grads[0])
        eg_prelu_slope_sums(end - begin, j->c, x, dy, j->blocks + begin / eg_column_rows(j->c) * j->c);
}

static void backward(const eg_call *call)
{
    const attr *a = call->node->attr;
    job j = make_job(call);
    float *grad = call->grads[0];
    eg_range_run(call->pool, j.rows, eg_column_rows(j.c), backward_rows, &j);
    if (!grad) return;
    eg_column_combine(eg_column_blocks(j.rows, j.c), j.c, j.blocks, j.sum);
    if (a->count == 1)
        for (int64_t i = 1; i < j.c; i++) j.sum[0] += j.sum[i];
    for (int64_t i = 0; i < a->count; i++) grad[i] = (call->add_grads[0] ? grad[i] : 0) + (float)j.sum[i];
}

static const eg_arg args[] = {
    {"num_parameters", EG_ARG_INT, offsetof(attr, count), "1"},
    {"init", EG_ARG_NUMBER, offsetof(attr, init), "0.25"},
    {0},
};

const eg_op eg_op_prelu = {
    .name = "prelu",
    .type = "PReLU",
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
};
