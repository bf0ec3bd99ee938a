/* Zero channels before and after: torch.nn.functional.pad(x, (0, 0, 0, 0, before, after)). */
#include <stddef.h>

#include "net/infer.h"
#include "net/op_table.h"

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
};
