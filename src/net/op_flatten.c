/* torch.nn.Flatten. An image (h, w, c) becomes features in PyTorch's order, channel by channel: y (n, c*h*w).
 * Tokens and features keep their order. */
#include <string.h>

#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

static bool infer(eg_infer *infer, eg_error *err)
{
    int64_t numel = eg_value_numel(&infer->inputs[0]);
    return eg_infer_output(infer, &numel, 1, err);
}

/* to (columns, rows) = from (rows, columns). */
static void transpose(const float *from, int64_t rows, int64_t columns, float *to)
{
    if (rows == 1 || columns == 1) {
        memcpy(to, from, (size_t)(rows * columns) * sizeof *to);
        return;
    }
    for (int64_t column = 0; column < columns; column++)
        for (int64_t row = 0; row < rows; row++) to[column * rows + row] = from[row * columns + column];
}

/* An image as (pixels, channels); what is no image as (1, elements), which transposes to itself. */
static void find_sizes(const eg_call *call, int64_t *pixels, int64_t *channels)
{
    const eg_value *x = eg_node_input(call->net, call->node, 0);
    *channels = x->rank == 3 ? x->dims[2] : eg_value_numel(x);
    *pixels = eg_value_numel(x) / *channels;
}

static void forward_sample(const void *context, int64_t sample, int64_t last, int worker)
{
    (void)last, (void)worker;
    const eg_call *call = context;
    int64_t pixels, channels;
    find_sizes(call, &pixels, &channels);
    int64_t at = sample * pixels * channels;
    transpose(call->x[0] + at, pixels, channels, call->y + at);
}

static void forward(const eg_call *call)
{
    eg_range_run(call->pool, call->batch, 1, forward_sample, call);
}

static void backward_sample(const void *context, int64_t sample, int64_t last, int worker)
{
    (void)last, (void)worker;
    const eg_call *call = context;
    int64_t pixels, channels;
    find_sizes(call, &pixels, &channels);
    int64_t at = sample * pixels * channels;
    transpose(call->dy + at, channels, pixels, call->dx[0] + at);
}

static void backward(const eg_call *call)
{
    eg_range_run(call->pool, call->batch, 1, backward_sample, call);
}

const eg_op eg_op_flatten = {
    .name = "flatten",
    .type = "Flatten",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
