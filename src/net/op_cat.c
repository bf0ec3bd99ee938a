/* torch.cat: of images over channels, of tokens over tokens, of features over features; `dim` says otherwise
 * (see net/axis.h). */
#include <stddef.h>
#include <string.h>

#include "kernel/bypass.h"
#include "net/axis.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    int64_t dim;
} attr;

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    eg_value sum = infer->inputs[0];
    int axis = eg_axis_find(&sum, a->dim, err);
    if (axis < 0) return false;
    for (int32_t i = 1; i < infer->input_count; i++) {
        const eg_value *x = &infer->inputs[i];
        bool fit = x->rank == sum.rank;
        for (uint32_t d = 0; fit && d < sum.rank; d++) fit = (int)d == axis || x->dims[d] == sum.dims[d];
        if (!fit)
            return eg_fail(err, EG_RECIPE, "cannot join %s and %s: they may differ in %s alone",
                           eg_value_text(infer->arena, &infer->inputs[0]), eg_value_text(infer->arena, x),
                           eg_axis_name(&sum, axis));
        sum.dims[axis] += x->dims[axis];
    }
    return eg_infer_output(infer, sum.dims, sum.rank, err);
}

/* A row: what follows one another in memory of the output, made of one piece of each input. */
typedef struct job {
    const eg_call *call;
    int64_t rows, length;
    int64_t pieces[EG_OP_INPUTS];
} job;

static job make_job(const eg_call *call)
{
    const attr *a = call->node->attr;
    const eg_value *y = eg_node_output(call->net, call->node);
    int axis = eg_axis_of(y, a->dim);
    eg_axis view = eg_axis_view(y, axis);
    job j = {.call = call, .rows = call->batch * view.outer, .length = view.size * view.inner};
    for (int i = 0; i < call->node->input_count; i++)
        j.pieces[i] = eg_node_input(call->net, call->node, i)->dims[axis] * view.inner;
    return j;
}

/* n floats of the `all` that are written. */
static void copy(int64_t all, int64_t n, const float *from, float *to)
{
    if (eg_bypass_pays(all))
        eg_bypass_copy(n, from, to);
    else
        memcpy(to, from, (size_t)n * sizeof *to);
}

static void forward_rows(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    float *to = j->call->y + begin * j->length;
    for (int64_t row = begin; row < end; row++)
        for (int i = 0; i < j->call->node->input_count; to += j->pieces[i++])
            copy(j->rows * j->length, j->pieces[i], j->call->x[i] + row * j->pieces[i], to);
    eg_bypass_end();
}

static void backward_rows(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    const float *from = j->call->dy + begin * j->length;
    for (int64_t row = begin; row < end; row++)
        for (int i = 0; i < j->call->node->input_count; from += j->pieces[i++]) {
            float *dx = j->call->dx[i] ? j->call->dx[i] + row * j->pieces[i] : NULL;
            if (dx) copy(j->rows * j->pieces[i], j->pieces[i], from, dx);
        }
    eg_bypass_end();
}

static void run(const eg_call *call, eg_range_fn *range)
{
    job j = make_job(call);
    eg_range_run(call->pool, j.rows, eg_clamp(EG_GRAIN / j.length, 1, j.rows), range, &j);
}

static void forward(const eg_call *call)
{
    run(call, forward_rows);
}

static void backward(const eg_call *call)
{
    run(call, backward_rows);
}

static const eg_arg args[] = {
    {"dim", EG_ARG_INT, offsetof(attr, dim), "0"},
    {0},
};

const eg_op eg_op_cat = {
    .name = "cat",
    .type = "Cat",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = EG_OP_INPUTS,
    .version = 1,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
