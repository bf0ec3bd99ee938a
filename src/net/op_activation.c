/* torch.nn.ReLU, ReLU6, LeakyReLU. x and y of any shape. The gradient is taken from y, which has x's sign. */
#include <math.h>
#include <stddef.h>

#include "kernel/elementwise.h"
#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    double slope; /* of the negative side */
} attr;

/* A slope below 0 would hide x's sign from backward. */
static bool infer_leaky(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    if (!(a->slope >= 0) || isinf(a->slope))
        return eg_fail(err, EG_RECIPE, "negative_slope must be at least 0, not %g", a->slope);
    return eg_infer_same(infer, err);
}

static void relu_forward_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    eg_relu_forward(end - begin, call->x[0] + begin, call->y + begin);
}

static void relu_backward_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    eg_relu_backward(end - begin, call->y + begin, call->dy + begin, call->dx[0] + begin);
}

static void relu6_forward_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    eg_relu6_forward(end - begin, call->x[0] + begin, call->y + begin);
}

static void relu6_backward_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    eg_relu6_backward(end - begin, call->y + begin, call->dy + begin, call->dx[0] + begin);
}

static float slope_of(const eg_call *call)
{
    const attr *a = call->node->attr;
    return (float)a->slope;
}

static void leaky_forward_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    eg_leaky_relu_forward(end - begin, call->x[0] + begin, slope_of(call), call->y + begin);
}

static void leaky_backward_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    eg_leaky_relu_backward(end - begin, call->y + begin, call->dy + begin, slope_of(call),
                           call->dx[0] + begin);
}

static void run(const eg_call *call, eg_range_fn *range)
{
    eg_range_run(call->pool, call->batch * eg_value_numel(eg_node_output(call->net, call->node)), EG_GRAIN,
                 range, call);
}

static void relu_forward(const eg_call *call)
{
    run(call, relu_forward_range);
}

static void relu_backward(const eg_call *call)
{
    run(call, relu_backward_range);
}

static void relu6_forward(const eg_call *call)
{
    run(call, relu6_forward_range);
}

static void relu6_backward(const eg_call *call)
{
    run(call, relu6_backward_range);
}

static void leaky_forward(const eg_call *call)
{
    run(call, leaky_forward_range);
}

static void leaky_backward(const eg_call *call)
{
    run(call, leaky_backward_range);
}

static eg_activation relu_activation(const void *arguments, float *slope)
{
    (void)arguments, (void)slope;
    return EG_ACTIVATION_RELU;
}

static eg_activation relu6_activation(const void *arguments, float *slope)
{
    (void)arguments, (void)slope;
    return EG_ACTIVATION_RELU6;
}

static eg_activation leaky_activation(const void *arguments, float *slope)
{
    const attr *a = arguments;
    *slope = (float)a->slope;
    return EG_ACTIVATION_LEAKY;
}

static const eg_arg leaky_args[] = {
    {"negative_slope", EG_ARG_NUMBER, offsetof(attr, slope), "0.01"},
    {0},
};

const eg_op eg_op_relu = {
    .name = "relu",
    .type = "ReLU",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_y = true,
    .infer = eg_infer_same,
    .activation = relu_activation,
    .forward = relu_forward,
    .backward = relu_backward,
};

const eg_op eg_op_relu6 = {
    .name = "relu6",
    .type = "ReLU6",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_y = true,
    .infer = eg_infer_same,
    .activation = relu6_activation,
    .forward = relu6_forward,
    .backward = relu6_backward,
};

const eg_op eg_op_leaky_relu = {
    .name = "leaky_relu",
    .type = "LeakyReLU",
    .attr_size = sizeof(attr),
    .args = leaky_args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_y = true,
    .infer = infer_leaky,
    .activation = leaky_activation,
    .forward = leaky_forward,
    .backward = leaky_backward,
};
