/* torchvision.ops.StochasticDepth: in training each sample ('row'), or the whole batch ('batch'), is zeroed
 * with probability p and else scaled by 1 / (1 - p). */
#include <stddef.h>
#include <string.h>

#include "kernel/elementwise.h"
#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    double p;
    int64_t mode; /* ROW, BATCH */
} attr;

enum { ROW, BATCH };

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    if (!(a->p >= 0 && a->p <= 1)) return eg_fail(err, EG_RECIPE, "p must be between 0 and 1, not %g", a->p);
    return eg_infer_same(infer, err);
}

/* What a sample is multiplied by; drawn again in backward, with the same result. */
static float factor(const eg_call *call, int64_t sample)
{
    const attr *a = call->node->attr;
    if (!call->training) return 1;
    uint64_t draw = a->mode == BATCH ? 0 : (uint64_t)sample;
    bool kept = (double)eg_draw_bits(call->stream, draw) >= a->p * 0x1p32;
    return kept && a->p < 1 ? (float)(1 / (1 - a->p)) : 0;
}

typedef struct job {
    const eg_call *call;
    const float *from;
    float *to;
} job;

static void scale_sample(const void *context, int64_t sample, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    int64_t size = eg_value_numel(eg_node_output(j->call->net, j->call->node));
    float scale = factor(j->call, sample);
    if (scale == 1)
        memcpy(j->to + sample * size, j->from + sample * size, (size_t)size * sizeof(float));
    else
        eg_scale(size, j->from + sample * size, scale, 0, j->to + sample * size);
}

static void forward(const eg_call *call)
{
    job j = {call, call->x[0], call->y};
    eg_range_run(call->pool, call->batch, 1, scale_sample, &j);
}

static void backward(const eg_call *call)
{
    job j = {call, call->dy, call->dx[0]};
    eg_range_run(call->pool, call->batch, 1, scale_sample, &j);
}

static bool draws(const void *attr_of_node)
{
    const attr *a = attr_of_node;
    return a->p > 0;
}

static const eg_arg args[] = {
    {"p", EG_ARG_NUMBER, offsetof(attr, p), NULL},
    {"mode", EG_ARG_CHOICE, offsetof(attr, mode), "row|batch"},
    {0},
};

const eg_op eg_op_stochastic_depth = {
    .name = "stochastic_depth",
    .type = "StochasticDepth",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
    .draws = draws,
    .forward = forward,
    .backward = backward,
};
