/* a + b, a - b and a * b. Inputs have the same rank; a size of 1 is repeated to match the other's, as PyTorch
 * broadcasts; features go with every one of the tokens. */
#include <string.h>

#include "kernel/elementwise.h"
#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

/* The size in dimension d of values of `rank` dimensions: what is missing in front is 1. */
static int64_t size_at(const eg_value *value, uint32_t rank, uint32_t d)
{
    uint32_t missing = rank - value->rank;
    return d < missing ? 1 : value->dims[d - missing];
}

/* Features and an image do not go together: in PyTorch they would meet in the width. */
static bool ranks_fit(const eg_value *a, const eg_value *b)
{
    return a->rank == b->rank || (a->rank <= 2 && b->rank <= 2);
}

static bool infer(eg_infer *infer, eg_error *err)
{
    const eg_value *a = &infer->inputs[0], *b = &infer->inputs[1];
    int64_t dims[EG_VALUE_RANK];
    uint32_t rank = a->rank > b->rank ? a->rank : b->rank;
    bool fit = ranks_fit(a, b);
    for (uint32_t i = 0; fit && i < rank; i++) {
        int64_t left = size_at(a, rank, i), right = size_at(b, rank, i);
        fit = left == right || left == 1 || right == 1;
        dims[i] = left == 1 ? right : left;
    }
    if (!fit)
        return eg_fail(err, EG_RECIPE, "the shapes %s and %s do not go together",
                       eg_value_text(infer->arena, a), eg_value_text(infer->arena, b));
    return eg_infer_output(infer, dims, rank, err);
}

/* One sample as lines along its last dimension, with each operand's place. Adjacent dimensions in which both
 * operands agree are one dimension here: without broadcasting, a sample is one line. */
typedef struct lines {
    int64_t outer[EG_VALUE_RANK], count, length;
    int64_t strides[2][EG_VALUE_RANK]; /* of the outer dimensions; 0: repeated */
    int step[2];                       /* along a line */
    int64_t size[2];                   /* elements of a sample */
} lines;

static lines find_lines(const eg_net *net, const eg_node *node)
{
    const eg_value *y = eg_node_output(net, node);
    lines l = {.count = 1, .length = 1};
    uint32_t rank = y->rank;
    bool repeated[2][EG_VALUE_RANK];
    for (uint32_t d = 0; d < EG_VALUE_RANK; d++) l.outer[d] = 1;
    for (int i = 0; i < 2; i++)
        for (uint32_t d = 0; d < rank; d++)
            repeated[i][d] = size_at(eg_node_input(net, node, i), rank, d) != y->dims[d];
    uint32_t d = rank;
    do l.length *= y->dims[--d];
    while (d > 0 && repeated[0][d - 1] == repeated[0][d] && repeated[1][d - 1] == repeated[1][d]);
    for (uint32_t o = 0; o < d; o++) {
        l.outer[o] = y->dims[o];
        l.count *= y->dims[o];
    }
    for (int i = 0; i < 2; i++) {
        l.size[i] = eg_value_numel(eg_node_input(net, node, i));
        l.step[i] = repeated[i][rank - 1] ? 0 : 1;
        int64_t stride = l.step[i] ? l.length : 1;
        for (uint32_t o = d; o-- > 0;) {
            l.strides[i][o] = repeated[i][o] ? 0 : stride;
            if (!repeated[i][o]) stride *= y->dims[o];
        }
    }
    return l;
}

/* Where operand i's part of line `at` of the sample starts. */
static int64_t line_start(const lines *l, int i, int64_t at)
{
    int64_t start = 0;
    for (int o = EG_VALUE_RANK - 1; o >= 0; o--) {
        start += at % l->outer[o] * l->strides[i][o];
        at /= l->outer[o];
    }
    return start;
}

static bool is_repeated(const lines *l, int i)
{
    return l->size[i] != l->count * l->length;
}

typedef enum operation { ADD, SUB, MUL } operation;

typedef struct job {
    const eg_call *call;
    lines lines;
    operation kind;
} job;

static void combine(const job *j, int64_t n, const float *a, const float *b, float *y)
{
    static void (*const kernels[])(int64_t, const float *, int, const float *, int,
                                   float *) = {[ADD] = eg_add, [SUB] = eg_subtract, [MUL] = eg_multiply};
    kernels[j->kind](n, a, j->lines.step[0], b, j->lines.step[1], y);
}

static void plain_forward(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    combine(j, end - begin, j->call->x[0] + begin, j->call->x[1] + begin, j->call->y + begin);
}

static void sample_forward(const void *context, int64_t sample, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    const lines *l = &j->lines;
    const float *a = j->call->x[0] + sample * l->size[0], *b = j->call->x[1] + sample * l->size[1];
    float *y = j->call->y + sample * l->count * l->length;
    for (int64_t at = 0; at < l->count; at++)
        combine(j, l->length, a + line_start(l, 0, at), b + line_start(l, 1, at), y + at * l->length);
}

static void forward(const eg_call *call, operation kind)
{
    job j = {.call = call, .lines = find_lines(call->net, call->node), .kind = kind};
    if (is_repeated(&j.lines, 0) || is_repeated(&j.lines, 1))
        eg_range_run(call->pool, call->batch, 1, sample_forward, &j);
    else
        eg_range_run(call->pool, call->batch * j.lines.length, EG_GRAIN, plain_forward, &j);
}

/* dx of operand i along one line: dy, for a product times the other operand, negative where it is taken away;
 * summed where the operand is repeated. */
static void line_backward(const job *j, int i, const float *other, const float *dy, float *dx)
{
    const lines *l = &j->lines;
    static const float minus = -1;
    bool repeated = l->step[i] == 0, negative = j->kind == SUB && i == 1;
    if (repeated)
        *dx += (negative ? -1.0F : 1.0F) * eg_sum(l->length, dy, j->kind == MUL ? other : NULL);
    else if (j->kind == MUL)
        eg_multiply_accumulate(l->length, other, l->step[1 - i], dy, dx);
    else if (negative)
        eg_multiply_accumulate(l->length, &minus, 0, dy, dx);
    else
        eg_accumulate(l->length, dy, dx);
}

/* A sample's lines one after the other, in order: a repeated operand's gradient is a sum over them. */
static void sample_backward(const void *context, int64_t sample, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    const lines *l = &j->lines;
    const float *dy = j->call->dy + sample * l->count * l->length;
    for (int i = 0; i < 2; i++) {
        if (!j->call->dx[i]) continue;
        float *dx = j->call->dx[i] + sample * l->size[i];
        const float *other = j->kind == MUL ? j->call->x[1 - i] + sample * l->size[1 - i] : dy;
        memset(dx, 0, (size_t)l->size[i] * sizeof *dx);
        for (int64_t at = 0; at < l->count; at++)
            line_backward(j, i, j->kind == MUL ? other + line_start(l, 1 - i, at) : NULL, dy + at * l->length,
                          dx + line_start(l, i, at));
    }
}

static void plain_backward(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    const float *dy = j->call->dy + begin;
    for (int i = 0; i < 2; i++) {
        if (!j->call->dx[i]) continue;
        if (j->kind == MUL)
            eg_multiply(end - begin, dy, 1, j->call->x[1 - i] + begin, 1, j->call->dx[i] + begin);
        else if (j->kind == SUB && i == 1)
            eg_scale(end - begin, dy, -1, 0, j->call->dx[i] + begin);
        else
            memcpy(j->call->dx[i] + begin, dy, (size_t)(end - begin) * sizeof *dy);
    }
}

static void backward(const eg_call *call, operation kind)
{
    job j = {.call = call, .lines = find_lines(call->net, call->node), .kind = kind};
    if (is_repeated(&j.lines, 0) || is_repeated(&j.lines, 1))
        eg_range_run(call->pool, call->batch, 1, sample_backward, &j);
    else
        eg_range_run(call->pool, call->batch * j.lines.length, EG_GRAIN, plain_backward, &j);
}

static void add_forward(const eg_call *call)
{
    forward(call, ADD);
}

static void add_backward(const eg_call *call)
{
    backward(call, ADD);
}

static void sub_forward(const eg_call *call)
{
    forward(call, SUB);
}

static void sub_backward(const eg_call *call)
{
    backward(call, SUB);
}

static void mul_forward(const eg_call *call)
{
    forward(call, MUL);
}

static void mul_backward(const eg_call *call)
{
    backward(call, MUL);
}

const eg_op eg_op_add = {
    .name = "add",
    .type = "Add",
    .min_inputs = 2,
    .max_inputs = 2,
    .version = 1,
    .infer = infer,
    .forward = add_forward,
    .backward = add_backward,
};

const eg_op eg_op_sub = {
    .name = "sub",
    .type = "Sub",
    .min_inputs = 2,
    .max_inputs = 2,
    .version = 1,
    .infer = infer,
    .forward = sub_forward,
    .backward = sub_backward,
};

const eg_op eg_op_mul = {
    .name = "mul",
    .type = "Mul",
    .min_inputs = 2,
    .max_inputs = 2,
    .version = 1,
    .backward_reads_x = true,
    .infer = infer,
    .forward = mul_forward,
    .backward = mul_backward,
};
