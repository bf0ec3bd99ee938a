/* torch.nn.Linear, over the last dimension. x (n, …, f), weight (k, f), bias (k), y (n, …, k). */
#include <stddef.h>

#include "net/columns.h"
#include "net/dense.h"
#include "net/infer.h"
#include "net/op_table.h"

typedef struct attr {
    int64_t out_features;
    bool bias;
} attr;

enum { WEIGHT, BIAS };

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

static eg_dense make_dense(const eg_net *net, const eg_node *node, int64_t batch)
{
    const eg_value *x = eg_node_input(net, node, 0);
    const attr *a = node->attr;
    int64_t f = x->dims[x->rank - 1];
    return (eg_dense){.rows = batch * (eg_value_numel(x) / f), .f = f, .k = a->out_features};
}

static void memory(const eg_net *net, const eg_node *node, int64_t batch, bool training, eg_op_memory *out)
{
    eg_dense d = make_dense(net, node, batch);
    *out = (eg_op_memory){.scratch = training ? eg_columns_scratch(d.rows, d.k) : 0};
}

static void forward(const eg_call *call)
{
    eg_dense d = make_dense(call->net, call->node, call->batch);
    d.pool = call->pool;
    eg_dense_forward(&d, call->x[0], call->params[WEIGHT], call->params[BIAS], call->y);
}

static void backward(const eg_call *call)
{
    eg_dense d = make_dense(call->net, call->node, call->batch);
    d.pool = call->pool;
    if (call->dx[0]) eg_dense_input_grad(&d, call->dy, call->params[WEIGHT], call->dx[0]);
    eg_dense_param_grads(call, &d, WEIGHT, call->x[0], call->dy, call->scratch);
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
    .products = true,
    .infer = infer,
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
