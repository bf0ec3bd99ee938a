/* torch.nn.ReLU, ReLU6, LeakyReLU. x and y of any shape. The gradient is taken from y, which has x's sign. */
#include <math.h>
#include <stddef.h>

#include "net/infer.h"
#include "net/op_table.h"

typedef struct attr {
    double slope; /* of the negative side */
} attr;

/* A slope of 0 or less would hide x's sign from backward. */
static bool infer_leaky(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    if (!(a->slope > 0) || isinf(a->slope))
        return eg_fail(err, EG_RECIPE, "negative_slope must be above 0, not %g", a->slope);
    return eg_infer_same(infer, err);
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
};

const eg_op eg_op_relu6 = {
    .name = "relu6",
    .type = "ReLU6",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_y = true,
    .infer = eg_infer_same,
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
};
