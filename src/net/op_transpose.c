/* Tokens (n, t, d) as (n, d, t): x.transpose(1, 2), as in MLP-Mixer. */
#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

static bool infer(eg_infer *infer, eg_error *err)
{
    const eg_value *x = &infer->inputs[0];
    if (x->rank != 2)
        return eg_fail(err, EG_RECIPE, "the input must be tokens (tokens, features), not %s",
                       eg_value_text(infer->arena, x));
    return eg_infer_output(infer, (int64_t[]){x->dims[1], x->dims[0]}, 2, err);
}

typedef struct job {
    const float *from;
    float *to;
    int64_t rows, columns; /* of from */
} job;

static void transpose_sample(const void *context, int64_t sample, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    const float *from = j->from + sample * j->rows * j->columns;
    float *to = j->to + sample * j->rows * j->columns;
    for (int64_t column = 0; column < j->columns; column++)
        for (int64_t row = 0; row < j->rows; row++) *to++ = from[row * j->columns + column];
}

static void forward(const eg_call *call)
{
    const int64_t *x = eg_node_input(call->net, call->node, 0)->dims;
    job j = {call->x[0], call->y, x[0], x[1]};
    eg_range_run(call->pool, call->batch, 1, transpose_sample, &j);
}

static void backward(const eg_call *call)
{
    const int64_t *x = eg_node_input(call->net, call->node, 0)->dims;
    job j = {call->dy, call->dx[0], x[1], x[0]};
    eg_range_run(call->pool, call->batch, 1, transpose_sample, &j);
}

const eg_op eg_op_transpose = {
    .name = "transpose",
    .type = "Transpose",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
