/* torch.nn.AvgPool2d. x (n, h, w, c), y (n, p, q, c). */
#include <stddef.h>

#include "net/infer.h"
#include "net/mean_pool.h"
#include "net/op_table.h"

typedef struct attr {
    int64_t kernel[2], stride[2], padding[2];
    bool ceil_mode, count_include_pad;
} attr;

static bool infer(eg_infer *infer, eg_error *err)
{
    attr *a = infer->attr;
    int64_t out[2];
    if (!eg_infer_image(infer, err) || !eg_infer_pool(a->kernel, a->stride, a->padding, err)) return false;
    eg_window w = {.kernel = {a->kernel[0], a->kernel[1]},
                   .stride = {a->stride[0], a->stride[1]},
                   .padding = {a->padding[0], a->padding[1]},
                   .padding_end = {a->padding[0], a->padding[1]},
                   .dilation = {1, 1},
                   .ceil_mode = a->ceil_mode};
    return eg_window_output(&w, infer->inputs[0].dims, out, err) &&
           eg_infer_output(infer, (int64_t[]){out[0], out[1], infer->inputs[0].dims[2]}, 3, err);
}

/* Along one axis: the part inside the image, and how many elements count. */
static void clip(const attr *a, int axis, int64_t place, int64_t size, int64_t *first, int64_t *count,
                 int64_t *weight)
{
    int64_t begin = place * a->stride[axis] - a->padding[axis], end = begin + a->kernel[axis];
    /* A window that ceil_mode lets hang over the padded image is cut there. */
    if (end > size + a->padding[axis]) end = size + a->padding[axis];
    *weight = end - begin;
    if (begin < 0) begin = 0;
    if (end > size) end = size;
    *first = begin;
    *count = end - begin;
    if (!a->count_include_pad) *weight = *count;
}

static eg_area area_at(const eg_call *call, int64_t p, int64_t q)
{
    const attr *a = call->node->attr;
    const int64_t *x = eg_node_input(call->net, call->node, 0)->dims;
    int64_t height, width;
    eg_area r;
    clip(a, 0, p, x[0], &r.row, &r.rows, &height);
    clip(a, 1, q, x[1], &r.column, &r.columns, &width);
    r.scale = 1.0F / (float)(height * width);
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
    {"kernel_size", EG_ARG_PAIR, offsetof(attr, kernel), NULL},
    {"stride", EG_ARG_PAIR, offsetof(attr, stride), "none"},
    {"padding", EG_ARG_PAIR, offsetof(attr, padding), "0"},
    {"ceil_mode", EG_ARG_BOOL, offsetof(attr, ceil_mode), "false"},
    {"count_include_pad", EG_ARG_BOOL, offsetof(attr, count_include_pad), "true"},
    {0},
};

const eg_op eg_op_avg_pool2d = {
    .name = "avg_pool2d",
    .type = "AvgPool2d",
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
