/* Tokens (n, t, d) as (n, d, t): x.transpose(1, 2), as in MLP-Mixer; and torch.permute, whose dims count the
 * batch. Of an image it takes channels last and first again, which moves nothing: values have channels last.
 */
#include <stddef.h>
#include <string.h>

#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

static bool infer_transpose(eg_infer *infer, eg_error *err)
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

typedef struct permute_attr {
    eg_sizes dims;
} permute_attr;

static bool is_order(const eg_sizes *dims, const int64_t *order, int64_t count)
{
    return dims->count == count && memcmp(dims->items, order, (size_t)count * sizeof *order) == 0;
}

static bool infer_permute(eg_infer *infer, eg_error *err)
{
    static const int64_t last[] = {0, 2, 3, 1}, first[] = {0, 3, 1, 2}, turned[] = {0, 2, 1};
    const permute_attr *a = infer->attr;
    uint32_t rank = infer->inputs[0].rank;
    if (rank == 3 && (is_order(&a->dims, last, 4) || is_order(&a->dims, first, 4)))
        return eg_infer_same(infer, err);
    if (rank == 2 && is_order(&a->dims, turned, 3)) return infer_transpose(infer, err);
    return eg_fail(
        err, EG_RECIPE,
        "dims must be [0, 2, 3, 1] or [0, 3, 1, 2] for an image, or [0, 2, 1] for tokens; the input "
        "is %s",
        eg_value_text(infer->arena, &infer->inputs[0]));
}

static void copy(const eg_call *call, const float *from, float *to)
{
    memcpy(to, from,
           (size_t)(call->batch * eg_value_numel(eg_node_output(call->net, call->node))) * sizeof *to);
}

static void forward_permute(const eg_call *call)
{
    if (eg_node_input(call->net, call->node, 0)->rank == 2)
        forward(call);
    else
        copy(call, call->x[0], call->y);
}

static void backward_permute(const eg_call *call)
{
    if (eg_node_input(call->net, call->node, 0)->rank == 2)
        backward(call);
    else
        copy(call, call->dy, call->dx[0]);
}

static const eg_arg permute_args[] = {
    {"dims", EG_ARG_SIZES, offsetof(permute_attr, dims), NULL},
    {0},
};

const eg_op eg_op_permute = {
    .name = "permute",
    .type = "Permute",
    .attr_size = sizeof(permute_attr),
    .args = permute_args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer_permute,
    .forward = forward_permute,
    .backward = backward_permute,
};

const eg_op eg_op_transpose = {
    .name = "transpose",
    .type = "Transpose",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer_transpose,
    .forward = forward,
    .backward = backward,
};
