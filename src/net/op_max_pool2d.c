/* torch.nn.MaxPool2d. x (n, h, w, c), y (n, p, q, c). */
#include <stddef.h>

#include "net/infer.h"
#include "net/op_table.h"

typedef struct attr {
    int64_t kernel[2], stride[2], padding[2], dilation[2];
    bool ceil_mode;
} attr;

static eg_window window(const attr *a)
{
    return (eg_window){.kernel = {a->kernel[0], a->kernel[1]},
                       .stride = {a->stride[0], a->stride[1]},
                       .padding = {a->padding[0], a->padding[1]},
                       .padding_end = {a->padding[0], a->padding[1]},
                       .dilation = {a->dilation[0], a->dilation[1]},
                       .ceil_mode = a->ceil_mode};
}

static bool infer(eg_infer *infer, eg_error *err)
{
    attr *a = infer->attr;
    int64_t out[2];
    if (!eg_infer_image(infer, err) || !eg_infer_pool(a->kernel, a->stride, a->padding, err) ||
        !eg_infer_pair("dilation", a->dilation, 1, err))
        return false;
    eg_window w = window(a);
    return eg_window_output(&w, infer->inputs[0].dims, out, err) &&
           eg_infer_output(infer, (int64_t[]){out[0], out[1], infer->inputs[0].dims[2]}, 3, err);
}

static const eg_arg args[] = {
    {"kernel_size", EG_ARG_PAIR, offsetof(attr, kernel), NULL},
    {"stride", EG_ARG_PAIR, offsetof(attr, stride), "none"},
    {"padding", EG_ARG_PAIR, offsetof(attr, padding), "0"},
    {"dilation", EG_ARG_PAIR, offsetof(attr, dilation), "1"},
    {"ceil_mode", EG_ARG_BOOL, offsetof(attr, ceil_mode), "false"},
    {0},
};

const eg_op eg_op_max_pool2d = {
    .name = "max_pool2d",
    .type = "MaxPool2d",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
};
