/* One of the pieces that torch.chunk gives: of images along channels, of tokens along tokens, of features
 * along features; `dim` says otherwise (see net/axis.h). All pieces have ceil(size / chunks) places, the last
 * one what is left; there may be fewer pieces than chunks. */
#include <stddef.h>
#include <string.h>

#include "net/axis.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    int64_t piece; /* first: see eg_op.pieces */
    int64_t chunks, dim;
} attr;

static int64_t piece_size(const attr *a, int64_t size)
{
    return eg_div_up(size, a->chunks);
}

static int64_t pieces(const void *attributes, const eg_value *x)
{
    const attr *a = attributes;
    if (a->chunks < 1 || a->chunks > EG_SIZE_LIMIT || a->dim < -(int64_t)x->rank ||
        a->dim >= (int64_t)x->rank)
        return 0;
    int64_t size = x->dims[eg_axis_of(x, a->dim)];
    return eg_div_up(size, piece_size(a, size));
}

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    eg_value y = infer->inputs[0];
    int axis = eg_axis_find(&y, a->dim, err);
    if (axis < 0 || !eg_infer_size("chunks", a->chunks, 1, err)) return false;
    int64_t size = y.dims[axis], count = pieces(a, &y);
    if (a->piece < 0 || a->piece >= count)
        return eg_fail(err, EG_RECIPE,
                       "there is no piece %lld: %lld elements in %lld chunks give %lld pieces",
                       (long long)a->piece, (long long)size, (long long)a->chunks, (long long)count);
    int64_t begin = a->piece * piece_size(a, size), rest = size - begin;
    y.dims[axis] = rest < piece_size(a, size) ? rest : piece_size(a, size);
    return eg_infer_output(infer, y.dims, y.rank, err);
}

typedef struct job {
    const eg_call *call;
    int64_t rows, length, begin, count; /* a row of x; the part of it that is y's */
} job;

static void forward_rows(const void *context, int64_t first, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    for (int64_t row = first; row < end; row++)
        memcpy(j->call->y + row * j->count, j->call->x[0] + row * j->length + j->begin,
               (size_t)j->count * sizeof(float));
}

static void backward_rows(const void *context, int64_t first, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    for (int64_t row = first; row < end; row++) {
        float *dx = j->call->dx[0] + row * j->length;
        memset(dx, 0, (size_t)j->length * sizeof *dx);
        memcpy(dx + j->begin, j->call->dy + row * j->count, (size_t)j->count * sizeof *dx);
    }
}

static void run(const eg_call *call, eg_range_fn *range)
{
    const attr *a = call->node->attr;
    const eg_value *x = eg_node_input(call->net, call->node, 0), *y = eg_node_output(call->net, call->node);
    int axis = eg_axis_of(x, a->dim);
    eg_axis view = eg_axis_view(x, axis);
    job j = {.call = call, .rows = call->batch * view.outer, .length = view.size * view.inner};
    j.begin = a->piece * piece_size(a, view.size) * view.inner;
    j.count = y->dims[axis] * view.inner;
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
    {"chunks", EG_ARG_INT, offsetof(attr, chunks), NULL},
    {"dim", EG_ARG_INT, offsetof(attr, dim), "0"},
    {"piece", EG_ARG_INT, offsetof(attr, piece), "0"},
    {0},
};

const eg_op eg_op_chunk = {
    .name = "chunk",
    .type = "Chunk",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
    .pieces = pieces,
    .forward = forward,
    .backward = backward,
};
