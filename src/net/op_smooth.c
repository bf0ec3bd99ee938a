/* torch.nn.ELU, GELU, SiLU, Sigmoid, Tanh, Hardswish, Hardsigmoid; torch.reciprocal. x and y of any shape. */
#include <math.h>
#include <stddef.h>

#include "net/infer.h"
#include "net/op_table.h"
#include "net/pointwise.h"

typedef struct elu_attr {
    double alpha;
} elu_attr;

/* An alpha of 0 or less would hide x's sign from backward. */
static bool infer_elu(eg_infer *infer, eg_error *err)
{
    const elu_attr *a = infer->attr;
    if (!(a->alpha > 0) || isinf(a->alpha))
        return eg_fail(err, EG_RECIPE, "alpha must be above 0, not %g", a->alpha);
    return eg_infer_same(infer, err);
}

static double alpha_of(const eg_call *call)
{
    const elu_attr *a = call->node->attr;
    return a->alpha;
}

static void elu_forward(const eg_call *call)
{
    eg_pointwise_forward(call, eg_elu_forward, alpha_of(call));
}

static void elu_backward(const eg_call *call)
{
    eg_pointwise_backward(call, eg_elu_backward, alpha_of(call));
}

typedef struct gelu_attr {
    int64_t approximate; /* none, tanh */
} gelu_attr;

static bool is_tanh(const eg_call *call)
{
    const gelu_attr *a = call->node->attr;
    return a->approximate == 1;
}

static void gelu_forward(const eg_call *call)
{
    eg_pointwise_forward(call, is_tanh(call) ? eg_gelu_tanh_forward : eg_gelu_forward, 0);
}

static void gelu_backward(const eg_call *call)
{
    eg_pointwise_backward(call, is_tanh(call) ? eg_gelu_tanh_backward : eg_gelu_backward, 0);
}

static void silu_forward(const eg_call *call)
{
    eg_pointwise_forward(call, eg_silu_forward, 0);
}

static void silu_backward(const eg_call *call)
{
    eg_pointwise_backward(call, eg_silu_backward, 0);
}

static void sigmoid_forward(const eg_call *call)
{
    eg_pointwise_forward(call, eg_sigmoid_forward, 0);
}

static void sigmoid_backward(const eg_call *call)
{
    eg_pointwise_backward(call, eg_sigmoid_backward, 0);
}

static void tanh_forward(const eg_call *call)
{
    eg_pointwise_forward(call, eg_tanh_forward, 0);
}

static void tanh_backward(const eg_call *call)
{
    eg_pointwise_backward(call, eg_tanh_backward, 0);
}

static void hardswish_forward(const eg_call *call)
{
    eg_pointwise_forward(call, eg_hardswish_forward, 0);
}

static void hardswish_backward(const eg_call *call)
{
    eg_pointwise_backward(call, eg_hardswish_backward, 0);
}

static void hardsigmoid_forward(const eg_call *call)
{
    eg_pointwise_forward(call, eg_hardsigmoid_forward, 0);
}

static void hardsigmoid_backward(const eg_call *call)
{
    eg_pointwise_backward(call, eg_hardsigmoid_backward, 0);
}

static void reciprocal_forward(const eg_call *call)
{
    eg_pointwise_forward(call, eg_reciprocal_forward, 0);
}

static void reciprocal_backward(const eg_call *call)
{
    eg_pointwise_backward(call, eg_reciprocal_backward, 0);
}

static const eg_arg elu_args[] = {
    {"alpha", EG_ARG_NUMBER, offsetof(elu_attr, alpha), "1"},
    {0},
};

static const eg_arg gelu_args[] = {
    {"approximate", EG_ARG_CHOICE, offsetof(gelu_attr, approximate), "none|tanh"},
    {0},
};

const eg_op eg_op_elu = {
    .name = "elu",
    .type = "ELU",
    .attr_size = sizeof(elu_attr),
    .args = elu_args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_y = true,
    .writes_over_dy = true,
    .infer = infer_elu,
    .forward = elu_forward,
    .backward = elu_backward,
};

const eg_op eg_op_gelu = {
    .name = "gelu",
    .type = "GELU",
    .attr_size = sizeof(gelu_attr),
    .args = gelu_args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_x = true,
    .writes_over_dy = true,
    .cheap = true,
    .infer = eg_infer_same,
    .forward = gelu_forward,
    .backward = gelu_backward,
};

const eg_op eg_op_silu = {
    .name = "silu",
    .type = "SiLU",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_x = true,
    .writes_over_dy = true,
    .cheap = true,
    .infer = eg_infer_same,
    .forward = silu_forward,
    .backward = silu_backward,
};

const eg_op eg_op_sigmoid = {
    .name = "sigmoid",
    .type = "Sigmoid",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_y = true,
    .writes_over_dy = true,
    .infer = eg_infer_same,
    .forward = sigmoid_forward,
    .backward = sigmoid_backward,
};

const eg_op eg_op_tanh = {
    .name = "tanh",
    .type = "Tanh",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_y = true,
    .writes_over_dy = true,
    .infer = eg_infer_same,
    .forward = tanh_forward,
    .backward = tanh_backward,
};

const eg_op eg_op_hardswish = {
    .name = "hardswish",
    .type = "Hardswish",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_x = true,
    .writes_over_dy = true,
    .cheap = true,
    .infer = eg_infer_same,
    .forward = hardswish_forward,
    .backward = hardswish_backward,
};

const eg_op eg_op_hardsigmoid = {
    .name = "hardsigmoid",
    .type = "Hardsigmoid",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_y = true,
    .writes_over_dy = true,
    .infer = eg_infer_same,
    .forward = hardsigmoid_forward,
    .backward = hardsigmoid_backward,
};

const eg_op eg_op_reciprocal = {
    .name = "reciprocal",
    .type = "Reciprocal",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_y = true,
    .writes_over_dy = true,
    .infer = eg_infer_same,
    .forward = reciprocal_forward,
    .backward = reciprocal_backward,
};
