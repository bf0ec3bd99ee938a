/* One token: x (n, t, d), y (n, d) = x[:, at]; a negative position counts from the end. */
#include <stddef.h>
#include <string.h>

#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    int64_t at;
} attr;

static bool infer(eg_infer *infer, eg_error *err)
{
    attr *a = infer->attr;
    const eg_value *x = &infer->inputs[0];
    if (x->rank != 2)
        return eg_fail(err, EG_RECIPE,
                       "one element can be taken of tokens alone, not of %s; a slice start:stop can",
                       eg_value_text(infer->arena, x));
    int64_t count = x->dims[0];
    if (a->at < -count || a->at >= count)
        return eg_fail(err, EG_RECIPE, "there is no token %lld: the input has %lld", (long long)a->at,
                       (long long)count);
    if (a->at < 0) a->at += count;
    return eg_infer_output(infer, &x->dims[1], 1, err);
}

static void forward(const eg_call *call)
{
    const attr *a = call->node->attr;
    const int64_t *x = eg_node_input(call->net, call->node, 0)->dims;
    for (int64_t n = 0; n < call->batch; n++)
        memcpy(call->y + n * x[1], call->x[0] + (n * x[0] + a->at) * x[1], (size_t)x[1] * sizeof(float));
}

static void backward_sample(const void *context, int64_t n, int64_t last, int worker)
{
    (void)last, (void)worker;
    const eg_call *call = context;
    const attr *a = call->node->attr;
    const int64_t *x = eg_node_input(call->net, call->node, 0)->dims;
    float *dx = call->dx[0] + n * x[0] * x[1];
    memset(dx, 0, (size_t)(x[0] * x[1]) * sizeof *dx);
    memcpy(dx + a->at * x[1], call->dy + n * x[1], (size_t)x[1] * sizeof *dx);
}

static void backward(const eg_call *call)
{
    eg_range_run(call->pool, call->batch, 1, backward_sample, call);
}

static const eg_arg args[] = {
    {"at", EG_ARG_INT, offsetof(attr, at), NULL},
    {0},
};

const eg_op eg_op_index = {
    .name = "index",
    .type = "Index",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
