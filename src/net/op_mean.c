/* The mean over the pixels of an image, PyTorch's x.mean([2, 3]), or over tokens, x.mean(1). x (n, h, w, c)
 * or (n, t, c), y (n, c); keepdim leaves (n, 1, 1, c) or (n, 1, c). */
#include <stddef.h>
#include <string.h>

#include "kernel/pooling.h"
#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    bool keepdim;
} attr;

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    const eg_value *x = &infer->inputs[0];
    int64_t dims[EG_VALUE_RANK] = {1, 1, 1, 1}, c = x->dims[x->rank - 1];
    if (x->rank == 1)
        return eg_fail(err, EG_RECIPE, "the input must be an image or tokens, not features %s",
                       eg_value_text(infer->arena, x));
    uint32_t rank = a->keepdim ? x->rank : 1;
    dims[rank - 1] = c;
    return eg_infer_output(infer, dims, rank, err);
}

/* Tokens are an image of one row. */
typedef struct job {
    const eg_call *call;
    int64_t rows, columns, c;
    float scale;
} job;

static void forward_sample(const void *context, int64_t sample, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    int64_t pitch = j->columns * j->c;
    eg_window_sum(j->call->x[0] + sample * j->rows * pitch, pitch, j->rows, j->columns, j->c, j->scale,
                  j->call->y + sample * j->c);
}

static void backward_sample(const void *context, int64_t sample, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    int64_t pitch = j->columns * j->c;
    float *dx = j->call->dx[0] + sample * j->rows * pitch;
    memset(dx, 0, (size_t)(j->rows * pitch) * sizeof *dx);
    eg_window_spread(j->call->dy + sample * j->c, pitch, j->rows, j->columns, j->c, j->scale, dx);
}

static void run(const eg_call *call, eg_range_fn *range)
{
    const eg_value *x = eg_node_input(call->net, call->node, 0);
    job j = {.call = call, .rows = x->rank == 3 ? x->dims[0] : 1, .c = x->dims[x->rank - 1]};
    j.columns = x->dims[x->rank - 2];
    j.scale = 1.0F / (float)(j.rows * j.columns);
    eg_range_run(call->pool, call->batch, 1, range, &j);
}

static void forward(const eg_call *call)
{
    run(call, forward_sample);
}

static void backward(const eg_call *call)
{
    run(call, backward_sample);
}

static const eg_arg args[] = {
    {"keepdim", EG_ARG_BOOL, offsetof(attr, keepdim), "false"},
    {0},
};

const eg_op eg_op_mean = {
    .name = "mean",
    .type = "Mean",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
