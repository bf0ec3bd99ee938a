/* torch.nn.Flatten. An image (h, w, c) becomes features in PyTorch's order, channel by channel: y (n, c*h*w).
 * Tokens and features keep their order. */
#include "net/infer.h"
#include "net/op_table.h"

static bool infer(eg_infer *infer, eg_error *err)
{
    int64_t numel = eg_value_numel(&infer->inputs[0]);
    return eg_infer_output(infer, &numel, 1, err);
}

const eg_op eg_op_flatten = {
    .name = "flatten",
    .type = "Flatten",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
};
