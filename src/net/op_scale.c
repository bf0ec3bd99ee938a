/* x * factor + offset with two numbers: a value times, or plus, a constant. x and y of any shape. */
#include <math.h>
#include <stddef.h>

#include "kernel/elementwise.h"
#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    double factor, offset;
} attr;

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    if (!isfinite(a->factor) || !isfinite(a->offset))
        return eg_fail(err, EG_RECIPE, "the factor %g and the offset %g must be finite", a->factor,
                       a->offset);
    return eg_infer_same(infer, err);
}

typedef struct job {
    const float *from;
    float *to;
    float factor, offset;
} job;

static void scale_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    eg_scale(end - begin, j->from + begin, j->factor, j->offset, j->to + begin);
}

static void run(const eg_call *call, const float *from, float *to, bool shift)
{
    const attr *a = call->node->attr;
    job j = {from, to, (float)a->factor, shift ? (float)a->offset : 0};
    eg_range_run(call->pool, call->batch * eg_value_numel(eg_node_output(call->net, call->node)), EG_GRAIN,
                 scale_range, &j);
}

static void forward(const eg_call *call)
{
    run(call, call->x[0], call->y, true);
}

static void backward(const eg_call *call)
{
    run(call, call->dy, call->dx[0], false);
}

static const eg_arg args[] = {
    {"factor", EG_ARG_NUMBER, offsetof(attr, factor), "1"},
    {"offset", EG_ARG_NUMBER, offsetof(attr, offset), "0"},
    {0},
};

const eg_op eg_op_scale = {
    .name = "scale",
    .type = "Scale",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
