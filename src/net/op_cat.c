/* torch.cat over channels (of images) or features, the last dimension here. */
#include <string.h>

#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

static bool infer(eg_infer *infer, eg_error *err)
{
    eg_value sum = infer->inputs[0];
    uint32_t last = sum.rank - 1;
    for (int32_t i = 1; i < infer->input_count; i++) {
        const eg_value *x = &infer->inputs[i];
        bool fit = x->rank == sum.rank;
        for (uint32_t d = 0; fit && d < last; d++) fit = x->dims[d] == sum.dims[d];
        if (!fit)
            return eg_fail(err, EG_RECIPE, "cannot join %s and %s: they may differ in channels alone",
                           eg_value_text(infer->arena, &infer->inputs[0]), eg_value_text(infer->arena, x));
        sum.dims[last] += x->dims[last];
    }
    return eg_infer_output(infer, sum.dims, sum.rank, err);
}

static int64_t channels_of(const eg_value *value)
{
    return value->dims[value->rank - 1];
}

/* Rows of channels. */
static void forward_rows(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    int64_t all = channels_of(eg_node_output(call->net, call->node));
    float *to = call->y + begin * all;
    for (int64_t row = begin; row < end; row++)
        for (int i = 0; i < call->node->input_count; i++) {
            int64_t count = channels_of(eg_node_input(call->net, call->node, i));
            memcpy(to, call->x[i] + row * count, (size_t)count * sizeof *to);
            to += count;
        }
}

static void backward_rows(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    int64_t all = channels_of(eg_node_output(call->net, call->node));
    const float *from = call->dy + begin * all;
    for (int64_t row = begin; row < end; row++)
        for (int i = 0; i < call->node->input_count; i++) {
            int64_t count = channels_of(eg_node_input(call->net, call->node, i));
            if (call->dx[i]) memcpy(call->dx[i] + row * count, from, (size_t)count * sizeof *from);
            from += count;
        }
}

static void run(const eg_call *call, eg_range_fn *range)
{
    const eg_value *y = eg_node_output(call->net, call->node);
    int64_t all = channels_of(y), rows = call->batch * (eg_value_numel(y) / all);
    eg_range_run(call->pool, rows, eg_clamp(EG_GRAIN / all, 1, rows), range, call);
}

static void forward(const eg_call *call)
{
    run(call, forward_rows);
}

static void backward(const eg_call *call)
{
    run(call, backward_rows);
}

const eg_op eg_op_cat = {
    .name = "cat",
    .type = "Cat",
    .min_inputs = 1,
    .max_inputs = EG_OP_INPUTS,
    .version = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
