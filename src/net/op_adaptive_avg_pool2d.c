/* torch.nn.AdaptiveAvgPool2d. x (n, h, w, c), y (n, p, q, c). */
#include <stddef.h>

#include "net/infer.h"
#include "net/mean_pool.h"
#include "net/op_table.h"

typedef struct attr {
    int64_t output[2];
} attr;

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    if (!eg_infer_image(infer, err) || !eg_infer_pair("output_size", a->output, 1, err)) return false;
    return eg_infer_output(infer, (int64_t[]){a->output[0], a->output[1], infer->inputs[0].dims[2]}, 3, err);
}

static eg_area area_at(const eg_call *call, int64_t p, int64_t q)
{
    const int64_t *x = eg_node_input(call->net, call->node, 0)->dims;
    const int64_t *y = eg_node_output(call->net, call->node)->dims;
    eg_area r = {.row = p * x[0] / y[0], .column = q * x[1] / y[1]};
    r.rows = ((p + 1) * x[0] + y[0] - 1) / y[0] - r.row;
    r.columns = ((q + 1) * x[1] + y[1] - 1) / y[1] - r.column;
    r.scale = 1.0F / (float)(r.rows * r.columns);
    return r;
}

static void forward(const eg_call *call)
{
    eg_mean_pool_forward(call, area_at);
}

static void backward(const eg_call *call)
{
    eg_mean_pool_backward(call, area_at);
}

static const eg_arg args[] = {
    {"output_size", EG_ARG_PAIR, offsetof(attr, output), NULL},
    {0},
};

const eg_op eg_op_adaptive_avg_pool2d = {
    .name = "adaptive_avg_pool2d",
    .type = "AdaptiveAvgPool2d",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
    .adds_dx = eg_mean_pool_adds_dx,
    .forward = forward,
    .backward = backward,
};
