/* Zero channels before and after: torch.nn.functional.pad(x, (0, 0, 0, 0, before, after)). */
#include <stddef.h>

#include <string.h>

#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    int64_t before, after;
} attr;

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    if (!eg_infer_image(infer, err) || !eg_infer_size("before", a->before, 0, err) ||
        !eg_infer_size("after", a->after, 0, err))
        return false;
    const int64_t *x = infer->inputs[0].dims;
    return eg_infer_output(infer, (int64_t[]){x[0], x[1], a->before + x[2] + a->after}, 3, err);
}

static void forward_rows(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    const attr *a = call->node->attr;
    int64_t c = eg_node_input(call->net, call->node, 0)->dims[2], all = a->before + c + a->after;
    for (int64_t row = begin; row < end; row++) {
        float *to = call->y + row * all;
        memset(to, 0, (size_t)a->before * sizeof *to);
        memcpy(to + a->before, call->x[0] + row * c, (size_t)c * sizeof *to);
        memset(to + a->before + c, 0, (size_t)a->after * sizeof *to);
    }
}

static void backward_rows(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    const attr *a = call->node->attr;
    int64_t c = eg_node_input(call->net, call->node, 0)->dims[2], all = a->before + c + a->after;
    for (int64_t row = begin; row < end; row++)
        memcpy(call->dx[0] + row * c, call->dy + row * all + a->before, (size_t)c * sizeof(float));
}

static void run(const eg_call *call, eg_range_fn *range)
{
    const int64_t *y = eg_node_output(call->net, call->node)->dims;
    int64_t rows = call->batch * y[0] * y[1];
    eg_range_run(call->pool, rows, eg_clamp(EG_GRAIN / y[2], 1, rows), range, call);
}

static void forward(const eg_call *call)
{
    run(call, forward_rows);
}

static void backward(const eg_call *call)
{
    run(call, backward_rows);
}

static const eg_arg args[] = {
    {"before", EG_ARG_INT, offsetof(attr, before), NULL},
    {"after", EG_ARG_INT, offsetof(attr, after), NULL},
    {0},
};

const eg_op eg_op_pad_channels = {
    .name = "pad_channels",
    .type = "PadChannels",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
