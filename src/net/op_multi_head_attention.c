/* torch.nn.MultiheadAttention of tokens with themselves, batch_first, without dropout. x, y (n, t, d);
 * in_proj_weight (3d, d), in_proj_bias (3d): query, key, value; out_proj.weight (d, d), out_proj.bias (d). */
#include <stddef.h>

#include "net/attention.h"
#include "net/columns.h"
#include "net/dense.h"
#include "net/infer.h"
#include "net/op_table.h"

typedef struct attr {
    int64_t heads;
    bool bias;
} attr;

enum { IN_WEIGHT, IN_BIAS, OUT_WEIGHT, OUT_BIAS, PARAMS };

/* torch.nn.MultiheadAttention._reset_parameters: the input projection xavier_uniform, the output's weight as
 * a linear layer's, biases 0. */
static bool infer_params(eg_infer *infer, int64_t d, bool bias, eg_error *err)
{
    const int64_t in[] = {3 * d, d}, out[] = {d, d};
    eg_init zeros = {.kind = EG_INIT_ZEROS, .gain = 1}, xavier = {.kind = EG_INIT_XAVIER_UNIFORM, .gain = 1};
    eg_init kaiming = {.kind = EG_INIT_KAIMING_UNIFORM, .a = 2.2360679774997896964, .gain = 1};
    infer->param_count = PARAMS;
    if (!eg_infer_param(infer, IN_WEIGHT, "in_proj_weight", in, 2, xavier, err) ||
        !eg_infer_param(infer, OUT_WEIGHT, "out_proj.weight", out, 2, kaiming, err))
        return false;
    if (bias && (!eg_infer_param(infer, IN_BIAS, "in_proj_bias", in, 1, zeros, err) ||
                 !eg_infer_param(infer, OUT_BIAS, "out_proj.bias", out, 1, zeros, err)))
        return false;
    for (int i = 0; i < PARAMS; i++) {
        infer->params[i].fan_in = d;
        infer->params[i].fan_out = i < OUT_WEIGHT ? 3 * d : d;
    }
    return true;
}

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    const eg_value *x = &infer->inputs[0];
    if (x->rank != 2)
        return eg_fail(err, EG_RECIPE, "the input must be tokens (tokens, features), not %s",
                       eg_value_text(infer->arena, x));
    if (!eg_infer_size("heads", a->heads, 1, err)) return false;
    if (x->dims[1] % a->heads != 0)
        return eg_fail(err, EG_RECIPE, "heads=%lld does not divide %lld features", (long long)a->heads,
                       (long long)x->dims[1]);
    return eg_infer_same(infer, err) && infer_params(infer, x->dims[1], a->bias, err);
}

typedef struct job {
    const eg_call *call;
    int64_t n, t, d, rows;
    eg_dense in, out;
    eg_attention attention;
} job;

static job make_job(const eg_net *net, const eg_node *node, int64_t batch)
{
    const attr *a = node->attr;
    const int64_t *x = eg_node_input(net, node, 0)->dims;
    job j = {.n = batch, .t = x[0], .d = x[1], .rows = batch * x[0]};
    j.in = (eg_dense){.rows = j.rows, .f = j.d, .k = 3 * j.d};
    j.out = (eg_dense){.rows = j.rows, .f = j.d, .k = j.d};
    j.attention = (eg_attention){.count = batch, .t = j.t, .heads = a->heads, .width = j.d / a->heads};
    return j;
}

/* Kept: qkv (rows, 3d) and the heads' output (rows, d). Backward: the gradients of both, and bias sums. */
static void memory(const eg_net *net, const eg_node *node, int64_t batch, bool training, eg_op_memory *out)
{
    job j = make_job(net, node, batch);
    size_t both = (size_t)(4 * j.rows * j.d) * sizeof(float);
    *out = (eg_op_memory){.worker = eg_attention_worker(j.t), .scratch = both};
    if (!training) return;
    out->saved = both;
    out->scratch += eg_columns_scratch(j.rows, 3 * j.d);
}

static job start(const eg_call *call, float **qkv, float **heads)
{
    job j = make_job(call->net, call->node, call->batch);
    float *kept = call->saved ? call->saved : call->scratch;
    j.call = call;
    j.in.pool = j.out.pool = j.attention.pool = call->pool;
    j.attention.worker = call->worker_scratch;
    j.attention.stride = call->worker_stride;
    *qkv = kept;
    *heads = kept + 3 * j.rows * j.d;
    j.attention.qkv = kept;
    return j;
}

static void forward(const eg_call *call)
{
    float *qkv, *heads;
    job j = start(call, &qkv, &heads);
    eg_dense_forward(&j.in, call->x[0], call->params[IN_WEIGHT], call->params[IN_BIAS], qkv);
    eg_attention_forward(&j.attention, heads);
    eg_dense_forward(&j.out, heads, call->params[OUT_WEIGHT], call->params[OUT_BIAS], call->y);
}

static void backward(const eg_call *call)
{
    float *qkv, *heads;
    job j = start(call, &qkv, &heads);
    uint8_t *sums = call->scratch;
    float *dqkv = (float *)(void *)(sums + eg_columns_scratch(j.rows, 3 * j.d)),
          *dheads = dqkv + 3 * j.rows * j.d;
    eg_dense_param_grads(call, &j.out, OUT_WEIGHT, heads, call->dy, sums);
    if (!call->dx[0] && !call->grads[IN_WEIGHT] && !call->grads[IN_BIAS]) return;
    eg_dense_input_grad(&j.out, call->dy, call->params[OUT_WEIGHT], dheads);
    eg_attention_backward(&j.attention, dheads, dqkv, NULL);
    eg_dense_param_grads(call, &j.in, IN_WEIGHT, call->x[0], dqkv, sums);
    if (call->dx[0]) eg_dense_input_grad(&j.in, dqkv, call->params[IN_WEIGHT], call->dx[0]);
}

static double flops(const eg_net *net, const eg_node *node)
{
    job j = make_job(net, node, 1);
    return 8 * (double)j.rows * (double)j.d * (double)j.d + eg_attention_flops(j.t, j.d);
}

static const eg_arg args[] = {
    {"heads", EG_ARG_INT, offsetof(attr, heads), NULL},
    {"bias", EG_ARG_BOOL, offsetof(attr, bias), "true"},
    {0},
};

const eg_op eg_op_multi_head_attention = {
    .name = "multi_head_attention",
    .type = "MultiheadAttention",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_x = true,
    .products = true,
    .infer = infer,
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
