/* torch.nn.Conv2d. x (n, h, w, c), weight (k, c / groups, r, s), bias (k), y (n, p, q, k). */
#include <stddef.h>

#include "net/conv.h"
#include "net/infer.h"
#include "net/op_table.h"

typedef struct attr {
    int64_t out_channels, kernel[2], stride[2], padding[2], dilation[2], groups;
    bool bias;
    int64_t padding_end[2]; /* completed by infer: 'same' with an even window pads one more behind */
} attr;

static bool check_arguments(const attr *a, const eg_infer *infer, eg_error *err)
{
    int64_t channels = infer->inputs[0].dims[2];
    if (!eg_infer_size("out_channels", a->out_channels, 1, err) ||
        !eg_infer_pair("kernel_size", a->kernel, 1, err) || !eg_infer_pair("stride", a->stride, 1, err) ||
        !eg_infer_pair("dilation", a->dilation, 1, err) || !eg_infer_size("groups", a->groups, 1, err))
        return false;
    if (channels % a->groups != 0)
        return eg_fail(err, EG_RECIPE, "groups=%lld does not divide %lld input channels",
                       (long long)a->groups, (long long)channels);
    if (a->out_channels % a->groups != 0)
        return eg_fail(err, EG_RECIPE, "groups=%lld does not divide %lld output channels",
                       (long long)a->groups, (long long)a->out_channels);
    return true;
}

/* Numbers for padding='same', and the padding behind. */
static bool complete_padding(attr *a, eg_error *err)
{
    bool same = a->padding[0] == -1 && a->padding[1] == -1;
    if (!same && !eg_infer_pair("padding", a->padding, 0, err)) return false;
    if (same && (a->stride[0] != 1 || a->stride[1] != 1))
        return eg_fail(err, EG_RECIPE, "padding='same' needs stride 1, not %lldx%lld",
                       (long long)a->stride[0], (long long)a->stride[1]);
    for (int i = 0; i < 2; i++) {
        int64_t total = same ? a->dilation[i] * (a->kernel[i] - 1) : 2 * a->padding[i];
        a->padding[i] = total / 2;
        a->padding_end[i] = total - total / 2;
    }
    return true;
}

static eg_window window(const attr *a)
{
    return (eg_window){.kernel = {a->kernel[0], a->kernel[1]},
                       .stride = {a->stride[0], a->stride[1]},
                       .padding = {a->padding[0], a->padding[1]},
                       .padding_end = {a->padding_end[0], a->padding_end[1]},
                       .dilation = {a->dilation[0], a->dilation[1]}};
}

static bool infer(eg_infer *infer, eg_error *err)
{
    attr *a = infer->attr;
    int64_t out[2];
    if (!eg_infer_image(infer, err) || !check_arguments(a, infer, err) || !complete_padding(a, err))
        return false;
    eg_window w = window(a);
    if (!eg_window_output(&w, infer->inputs[0].dims, out, err)) return false;
    int64_t dims[] = {a->out_channels, infer->inputs[0].dims[2] / a->groups, a->kernel[0], a->kernel[1]};
    return eg_infer_output(infer, (int64_t[]){out[0], out[1], a->out_channels}, 3, err) &&
           eg_infer_weight_bias(infer, dims, 4, a->bias, err);
}

static eg_conv describe(const eg_net *net, const eg_node *node)
{
    const attr *a = node->attr;
    const int64_t *x = eg_node_input(net, node, 0)->dims, *y = eg_node_output(net, node)->dims;
    return (eg_conv){.grid = {.h = x[0],
                              .w = x[1],
                              .c = x[2],
                              .p = y[0],
                              .q = y[1],
                              .r = a->kernel[0],
                              .s = a->kernel[1],
                              .stride = {a->stride[0], a->stride[1]},
                              .padding = {a->padding[0], a->padding[1]},
                              .dilation = {a->dilation[0], a->dilation[1]}},
                     .k = a->out_channels,
                     .groups = a->groups};
}

static bool is_depthwise(const eg_conv *conv)
{
    return conv->groups > 1 && conv->groups == conv->grid.c && conv->groups == conv->k;
}

/* The ways to run, the first that fits. */
typedef struct way {
    bool (*fits)(const eg_conv *conv);
    void (*memory)(const eg_conv *conv, int64_t batch, bool training, eg_op_memory *out);
    void (*forward)(const eg_conv *conv, const eg_call *call);
    void (*backward)(const eg_conv *conv, const eg_call *call);
} way;

static bool always(const eg_conv *conv)
{
    (void)conv;
    return true;
}

static const way ways[] = {
    {is_depthwise, eg_conv_depthwise_memory, eg_conv_depthwise_forward, eg_conv_depthwise_backward},
    {eg_conv_pointwise_fits, eg_conv_pointwise_memory, eg_conv_pointwise_forward, eg_conv_pointwise_backward},
    {eg_conv_winograd_fits, eg_conv_winograd_memory, eg_conv_winograd_forward, eg_conv_winograd_backward},
    {eg_conv_direct_fits, eg_conv_direct_memory, eg_conv_direct_forward, eg_conv_direct_backward},
    {always, eg_conv_product_memory, eg_conv_product_forward, eg_conv_product_backward},
};

static const way *find_way(const eg_conv *conv)
{
    const way *found = ways;
    while (!found->fits(conv)) found++;
    return found;
}

static void memory(const eg_net *net, const eg_node *node, int64_t batch, bool training, eg_op_memory *out)
{
    eg_conv conv = describe(net, node);
    find_way(&conv)->memory(&conv, batch, training, out);
}

static void forward(const eg_call *call)
{
    eg_conv conv = describe(call->net, call->node);
    find_way(&conv)->forward(&conv, call);
}

static void backward(const eg_call *call)
{
    eg_conv conv = describe(call->net, call->node);
    find_way(&conv)->backward(&conv, call);
}

/* Where each channel has its own window, backward writes dx alone. */
static bool adds_dx(const eg_net *net, const eg_node *node)
{
    eg_conv conv = describe(net, node);
    return !is_depthwise(&conv);
}

static bool maps_x(const eg_net *net, const eg_node *node)
{
    eg_conv conv = describe(net, node);
    return find_way(&conv)->forward == eg_conv_pointwise_forward;
}

static double flops(const eg_net *net, const eg_node *node)
{
    const attr *a = node->attr;
    int64_t channels = eg_node_input(net, node, 0)->dims[2] / a->groups; /* of a group */
    return 2 * (double)(channels * a->kernel[0] * a->kernel[1]) *
           (double)eg_value_numel(eg_node_output(net, node));
}

static const eg_arg args[] = {
    {"out_channels", EG_ARG_INT, offsetof(attr, out_channels), NULL},
    {"kernel_size", EG_ARG_PAIR, offsetof(attr, kernel), NULL},
    {"stride", EG_ARG_PAIR, offsetof(attr, stride), "1"},
    {"padding", EG_ARG_PADDING, offsetof(attr, padding), "0"},
    {"dilation", EG_ARG_PAIR, offsetof(attr, dilation), "1"},
    {"groups", EG_ARG_INT, offsetof(attr, groups), "1"},
    {"bias", EG_ARG_BOOL, offsetof(attr, bias), "true"},
    {0},
};

const eg_op eg_op_conv2d = {
    .name = "conv2d",
    .type = "Conv2d",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_x = true,
    .products = true,
    .infer = infer,
    .adds_dx = adds_dx,
    .maps_x = maps_x,
    .memory = memory,
    .forward = forward,
    .backward = backward,
    .flops = flops,
};
