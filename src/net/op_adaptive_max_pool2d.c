/* torch.nn.AdaptiveMaxPool2d. x (n, h, w, c), y (n, p, q, c). */
#include <stddef.h>
#include <string.h>

#include "kernel/pooling.h"
#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    int64_t output[2];
} attr;

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    if (!eg_infer_image(infer, err) || !eg_infer_pair("output_size", a->output, 1, err)) return false;
    const int64_t *x = infer->inputs[0].dims;
    if (x[0] > INT32_MAX / x[1]) /* pixels are kept as int32 */
        return eg_fail(err, EG_RECIPE, "the %lldx%lld input has too many pixels", (long long)x[0],
                       (long long)x[1]);
    return eg_infer_output(infer, (int64_t[]){a->output[0], a->output[1], x[2]}, 3, err);
}

/* For backward: which pixel each output element is. */
static void memory(const eg_net *net, const eg_node *node, int64_t batch, bool training, eg_op_memory *out)
{
    size_t pixels = (size_t)(batch * eg_value_numel(eg_node_output(net, node))) * sizeof(int32_t);
    *out = (eg_op_memory){.saved = training ? pixels : 0};
}

static void forward_image(const void *context, int64_t image, int64_t last, int worker)
{
    (void)last, (void)worker;
    const eg_call *call = context;
    const int64_t *x = eg_node_input(call->net, call->node, 0)->dims,
                  *y = eg_node_output(call->net, call->node)->dims;
    int32_t *pixels = call->saved;
    for (int64_t at = 0; at < y[0] * y[1]; at++) {
        int64_t p = at / y[1], q = at % y[1], to = (image * y[0] * y[1] + at) * y[2];
        int64_t row = p * x[0] / y[0], column = q * x[1] / y[1];
        int64_t row_end = eg_div_up((p + 1) * x[0], y[0]), column_end = eg_div_up((q + 1) * x[1], y[1]);
        eg_area_max(call->x[0] + image * x[0] * x[1] * x[2], x[1], x[2], row, row_end, column, column_end,
                    call->y + to, pixels ? pixels + to : NULL);
    }
}

static void forward(const eg_call *call)
{
    eg_range_run(call->pool, call->batch, 1, forward_image, call);
}

static void backward_image(const void *context, int64_t image, int64_t last, int worker)
{
    (void)last, (void)worker;
    const eg_call *call = context;
    const int64_t *x = eg_node_input(call->net, call->node, 0)->dims,
                  *y = eg_node_output(call->net, call->node)->dims;
    const int32_t *pixels = (const int32_t *)call->saved + image * y[0] * y[1] * y[2];
    const float *dy = call->dy + image * y[0] * y[1] * y[2];
    float *dx = call->dx[0] + image * x[0] * x[1] * x[2];
    memset(dx, 0, (size_t)(x[0] * x[1] * x[2]) * sizeof *dx);
    for (int64_t at = 0; at < y[0] * y[1]; at++, pixels += y[2], dy += y[2])
        for (int64_t i = 0; i < y[2]; i++) dx[pixels[i] * y[2] + i] += dy[i];
}

static void backward(const eg_call *call)
{
    eg_range_run(call->pool, call->batch, 1, backward_image, call);
}

static const eg_arg args[] = {
    {"output_size", EG_ARG_PAIR, offsetof(attr, output), NULL},
    {0},
};

const eg_op eg_op_adaptive_max_pool2d = {
    .name = "adaptive_max_pool2d",
    .type = "AdaptiveMaxPool2d",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
    .memory = memory,
    .forward = forward,
    .backward = backward,
};
