/* torch.nn.ReLU, ReLU6, LeakyReLU. x and y of any shape. The gradient is taken from y, which has x's sign. */
#include <math.h>
#include <stddef.h>

#include "kernel/epilogue.h"
#include "kernel/norm_grad.h"
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

typedef struct job {
    const eg_call *call;
    eg_epilogue epilogue;
} job;

static void forward_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    eg_epilogue_apply(1, end - begin, end - begin, j->call->x[0] + begin, &j->epilogue, j->call->y + begin);
}

static void backward_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    eg_activation_grad(end - begin, j->call->y + begin, j->call->dy + begin, j->epilogue.activation,
                       j->epilogue.slope, j->call->dx[0] + begin);
}

static void run(const eg_call *call, eg_range_fn *range)
{
    job j = {.call = call};
    j.epilogue.activation = call->node->op->activation(call->node->attr, &j.epilogue.slope);
    eg_range_run(call->pool, call->batch * eg_value_numel(eg_node_output(call->net, call->node)), EG_GRAIN,
                 range, &j);
}

static void forward(const eg_call *call)
{
    run(call, forward_range);
}

static void backward(const eg_call *call)
{
    run(call, backward_range);
}

static eg_activation relu(const void *arguments, float *slope)
{
    (void)arguments, (void)slope;
    return EG_ACTIVATION_RELU;
}

static eg_activation relu6(const void *arguments, float *slope)
{
    (void)arguments, (void)slope;
    return EG_ACTIVATION_RELU6;
}

static eg_activation leaky_relu(const void *arguments, float *slope)
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
    .writes_over_dy = true,
    .infer = eg_infer_same,
    .activation = relu,
    .forward = forward,
    .backward = backward,
};

const eg_op eg_op_relu6 = {
    .name = "relu6",
    .type = "ReLU6",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_y = true,
    .writes_over_dy = true,
    .infer = eg_infer_same,
    .activation = relu6,
    .forward = forward,
    .backward = backward,
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
    .writes_over_dy = true,
    .infer = infer_leaky,
    .activation = leaky_relu,
    .forward = forward,
    .backward = backward,
};
