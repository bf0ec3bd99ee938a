/* x[cs:ce:ck, hs:he:hk, ws:we:wk] of an image, the numbers after Python's rules are applied: 0 <= start <
 * stop <= size, step >= 1. In the attr: start, stop and step are (height, width); the channels have their
 * own. A stop of -1 (pair: none) or 0 (channels) is the size itself. Tokens are an image of that height and
 * of width 1, their features its channels; features are the channels of one pixel. */
#include <stddef.h>

#include <string.h>

#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    int64_t start[2], stop[2], step[2];
    int64_t channel_start, channel_stop, channel_step;
} attr;

/* Completes a stop and counts what is taken along one axis. */
static bool count_taken(const char *axis, int64_t size, int64_t start, int64_t *stop, int64_t step,
                        int64_t *count, eg_error *err)
{
    if (*stop == -1) *stop = size;
    if (step < 1) return eg_fail(err, EG_RECIPE, "the step must be at least 1, not %lld", (long long)step);
    if (start < 0 || *stop > size || start >= *stop)
        return eg_fail(err, EG_RECIPE, "the slice %lld:%lld of %s is empty or leaves its %lld elements",
                       (long long)start, (long long)*stop, axis, (long long)size);
    *count = (*stop - start - 1) / step + 1;
    return true;
}

/* (height, width, channels). */
typedef struct extent {
    int64_t dims[3];
} extent;

static extent as_image(const eg_value *value)
{
    const int64_t *d = value->dims;
    if (value->rank == 1) return (extent){{1, 1, d[0]}};
    return value->rank == 2 ? (extent){{d[0], 1, d[1]}} : (extent){{d[0], d[1], d[2]}};
}

static const char *height_name(const eg_value *value)
{
    return value->rank == 2 ? "the tokens" : "the height";
}

/* A value's dims from those of the image that stands for it. */
static bool set_output(eg_infer *infer, const int64_t image[3], eg_error *err)
{
    uint32_t rank = infer->inputs[0].rank;
    int64_t dims[3] = {image[0], image[1], image[2]};
    if (rank < 3) dims[rank - 1] = image[2];
    return eg_infer_output(infer, dims, rank, err);
}

static bool infer(eg_infer *infer, eg_error *err)
{
    attr *a = infer->attr;
    int64_t dims[3] = {0};
    const eg_value *value = &infer->inputs[0];
    const extent x = as_image(value);
    if (a->channel_stop == 0) a->channel_stop = -1;
    return count_taken(height_name(value), x.dims[0], a->start[0], &a->stop[0], a->step[0], &dims[0], err) &&
           count_taken("the width", x.dims[1], a->start[1], &a->stop[1], a->step[1], &dims[1], err) &&
           count_taken(value->rank == 3 ? "the channels" : "the features", x.dims[2], a->channel_start,
                       &a->channel_stop, a->channel_step, &dims[2], err) &&
           set_output(infer, dims, err);
}

/* Where output pixel (p, q) of an image starts in the input. */
static int64_t source_of(const attr *a, const int64_t *x, int64_t p, int64_t q)
{
    int64_t row = a->start[0] + p * a->step[0], column = a->start[1] + q * a->step[1];
    return (row * x[1] + column) * x[2] + a->channel_start;
}

static void forward_image(const void *context, int64_t image, int64_t last, int worker)
{
    (void)last, (void)worker;
    const eg_call *call = context;
    const attr *a = call->node->attr;
    const extent in = as_image(eg_node_input(call->net, call->node, 0)),
                 out = as_image(eg_node_output(call->net, call->node));
    const int64_t *x = in.dims, *y = out.dims;
    float *to = call->y + image * y[0] * y[1] * y[2];
    for (int64_t p = 0; p < y[0]; p++)
        for (int64_t q = 0; q < y[1]; q++, to += y[2]) {
            const float *from = call->x[0] + image * x[0] * x[1] * x[2] + source_of(a, x, p, q);
            for (int64_t i = 0; i < y[2]; i++) to[i] = from[i * a->channel_step];
        }
}

static void forward(const eg_call *call)
{
    eg_range_run(call->pool, call->batch, 1, forward_image, call);
}

static void backward_image(const void *context, int64_t image, int64_t last, int worker)
{
    (void)last, (void)worker;
    const eg_call *call = context;
    const attr *a = call->node->attr;
    const extent in = as_image(eg_node_input(call->net, call->node, 0)),
                 out = as_image(eg_node_output(call->net, call->node));
    const int64_t *x = in.dims, *y = out.dims;
    const float *from = call->dy + image * y[0] * y[1] * y[2];
    float *dx = call->dx[0] + image * x[0] * x[1] * x[2];
    memset(dx, 0, (size_t)(x[0] * x[1] * x[2]) * sizeof *dx);
    for (int64_t p = 0; p < y[0]; p++)
        for (int64_t q = 0; q < y[1]; q++, from += y[2]) {
            float *to = dx + source_of(a, x, p, q);
            for (int64_t i = 0; i < y[2]; i++) to[i * a->channel_step] = from[i];
        }
}

static void backward(const eg_call *call)
{
    eg_range_run(call->pool, call->batch, 1, backward_image, call);
}

static const eg_arg args[] = {
    {"start", EG_ARG_PAIR, offsetof(attr, start), "0"},
    {"stop", EG_ARG_PAIR, offsetof(attr, stop), "none"},
    {"step", EG_ARG_PAIR, offsetof(attr, step), "1"},
    {"channel_start", EG_ARG_INT, offsetof(attr, channel_start), "0"},
    {"channel_stop", EG_ARG_INT, offsetof(attr, channel_stop), "0"},
    {"channel_step", EG_ARG_INT, offsetof(attr, channel_step), "1"},
    {0},
};

const eg_op eg_op_slice = {
    .name = "slice",
    .type = "Slice",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
