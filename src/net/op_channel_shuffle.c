/* torch.nn.ChannelShuffle, over the last dimension: channels as (groups, c / groups), transposed. */
#include <stddef.h>

#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    int64_t groups;
} attr;

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    if (!eg_infer_image(infer, err) || !eg_infer_size("groups", a->groups, 1, err)) return false;
    if (infer->inputs[0].dims[2] % a->groups != 0)
        return eg_fail(err, EG_RECIPE, "groups=%lld does not divide %lld input channels",
                       (long long)a->groups, (long long)infer->inputs[0].dims[2]);
    return eg_infer_same(infer, err);
}

/* to (pixels, columns, rows) = from (pixels, rows, columns). */
typedef struct job {
    const float *from;
    float *to;
    int64_t rows, columns;
} job;

static void shuffle_pixels(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    for (int64_t pixel = begin; pixel < end; pixel++) {
        const float *from = j->from + pixel * j->rows * j->columns;
        float *to = j->to + pixel * j->rows * j->columns;
        for (int64_t column = 0; column < j->columns; column++)
            for (int64_t row = 0; row < j->rows; row++) *to++ = from[row * j->columns + column];
    }
}

static void run(const eg_call *call, job j)
{
    int64_t channels = j.rows * j.columns;
    int64_t pixels = call->batch * (eg_value_numel(eg_node_output(call->net, call->node)) / channels);
    eg_range_run(call->pool, pixels, eg_clamp(EG_GRAIN / channels, 1, pixels), shuffle_pixels, &j);
}

static int64_t groups_of(const eg_call *call, int64_t *width)
{
    const attr *a = call->node->attr;
    *width = eg_node_output(call->net, call->node)->dims[2] / a->groups;
    return a->groups;
}

static void forward(const eg_call *call)
{
    int64_t width, groups = groups_of(call, &width);
    run(call, (job){call->x[0], call->y, groups, width});
}

static void backward(const eg_call *call)
{
    int64_t width, groups = groups_of(call, &width);
    run(call, (job){call->dy, call->dx[0], width, groups});
}

static const eg_arg args[] = {
    {"groups", EG_ARG_INT, offsetof(attr, groups), NULL},
    {0},
};

const eg_op eg_op_channel_shuffle = {
    .name = "channel_shuffle",
    .type = "ChannelShuffle",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
