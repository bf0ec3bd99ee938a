/* torch.nn.functional.pad of an image with a constant: padding = (left, right, top, bottom), or one number
 * for all four (ZeroPad2d). x (n, h, w, c), y (n, top + h + bottom, left + w + right, c). */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    eg_sizes padding;
    double value;
} attr;

enum { LEFT, RIGHT, TOP, BOTTOM, SIDES };

static bool infer(eg_infer *infer, eg_error *err)
{
    attr *a = infer->attr;
    int64_t *p = a->padding.items;
    if (!eg_infer_image(infer, err)) return false;
    if (a->padding.count == 1) {
        for (int side = 1; side < SIDES; side++) p[side] = p[0];
        a->padding.count = SIDES;
    }
    if (a->padding.count != SIDES)
        return eg_fail(err, EG_RECIPE,
                       "the padding must be one number or [left, right, top, bottom], not %lld numbers",
                       (long long)a->padding.count);
    for (int side = 0; side < SIDES; side++)
        if (!eg_infer_size("padding", p[side], 0, err)) return false;
    if (isnan(a->value)) return eg_fail(err, EG_RECIPE, "the value to pad with must be a number");
    const int64_t *x = infer->inputs[0].dims;
    return eg_infer_output(infer, (int64_t[]){p[TOP] + x[0] + p[BOTTOM], p[LEFT] + x[1] + p[RIGHT], x[2]}, 3,
                           err);
}

static void fill(float *to, int64_t count, float value)
{
    for (int64_t i = 0; i < count; i++) to[i] = value;
}

/* One row of the output, numbered through all images. */
static void forward_rows(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    const attr *a = call->node->attr;
    const int64_t *x = eg_node_input(call->net, call->node, 0)->dims,
                  *y = eg_node_output(call->net, call->node)->dims, *p = a->padding.items;
    for (int64_t row = begin; row < end; row++) {
        int64_t image = row / y[0], h = row % y[0] - p[TOP];
        float *to = call->y + row * y[1] * y[2];
        if (h < 0 || h >= x[0]) {
            fill(to, y[1] * y[2], (float)a->value);
            continue;
        }
        fill(to, p[LEFT] * y[2], (float)a->value);
        memcpy(to + p[LEFT] * y[2], call->x[0] + (image * x[0] + h) * x[1] * x[2],
               (size_t)(x[1] * x[2]) * sizeof *to);
        fill(to + (p[LEFT] + x[1]) * y[2], p[RIGHT] * y[2], (float)a->value);
    }
}

static void backward_rows(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    const attr *a = call->node->attr;
    const int64_t *x = eg_node_input(call->net, call->node, 0)->dims,
                  *y = eg_node_output(call->net, call->node)->dims, *p = a->padding.items;
    for (int64_t row = begin; row < end; row++) {
        int64_t image = row / x[0], h = row % x[0] + p[TOP];
        memcpy(call->dx[0] + row * x[1] * x[2], call->dy + ((image * y[0] + h) * y[1] + p[LEFT]) * y[2],
               (size_t)(x[1] * x[2]) * sizeof(float));
    }
}

static void run(const eg_call *call, const eg_value *value, eg_range_fn *range)
{
    int64_t rows = call->batch * value->dims[0], length = value->dims[1] * value->dims[2];
    eg_range_run(call->pool, rows, eg_clamp(EG_GRAIN / length, 1, rows), range, call);
}

static void forward(const eg_call *call)
{
    run(call, eg_node_output(call->net, call->node), forward_rows);
}

static void backward(const eg_call *call)
{
    run(call, eg_node_input(call->net, call->node, 0), backward_rows);
}

static const eg_arg args[] = {
    {"padding", EG_ARG_SIZES, offsetof(attr, padding), NULL},
    {"value", EG_ARG_NUMBER, offsetof(attr, value), "0"},
    {0},
};

const eg_op eg_op_pad = {
    .name = "pad",
    .type = "Pad",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
