/* torch.nn.LayerNorm over the last dimension: features, the features of each token, the channels of each
 * pixel (there it is ConvNeXt's LayerNorm2d). x, y (n, …, c); weight, bias (c). */
#include <math.h>
#include <stddef.h>

#include "kernel/row_norm.h"
#include "net/columns.h"
#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    double eps;
    bool affine, bias;
} attr;

enum { WEIGHT, BIAS, PARAMS };

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    const eg_value *x = &infer->inputs[0];
    eg_init ones = {.kind = EG_INIT_ONES, .gain = 1}, zeros = {.kind = EG_INIT_ZEROS, .gain = 1};
    if (!(a->eps > 0) || isinf(a->eps)) return eg_fail(err, EG_RECIPE, "eps must be above 0, not %g", a->eps);
    const int64_t *features = &x->dims[x->rank - 1];
    infer->param_count = PARAMS;
    return eg_infer_same(infer, err) &&
           (!a->affine || eg_infer_param(infer, WEIGHT, "weight", features, 1, ones, err)) &&
           (!a->affine || !a->bias || eg_infer_param(infer, BIAS, "bias", features, 1, zeros, err));
}

typedef struct job {
    const eg_call *call;
    const attr *a;
    int64_t rows, c, blocks;
    eg_row_stats *stats; /* (rows), kept for backward; NULL: not wanted */
    double *total[2];    /* (c): the gradients of weight and bias */
    double *partial[2];  /* (blocks, c) */
} job;

static job make_job(const eg_net *net, const eg_node *node, int64_t batch)
{
    const eg_value *x = eg_node_input(net, node, 0);
    job j = {.a = node->attr, .c = x->dims[x->rank - 1]};
    j.rows = batch * (eg_value_numel(x) / j.c);
    j.blocks = eg_column_blocks(j.rows, j.c);
    return j;
}

static void memory(const eg_net *net, const eg_node *node, int64_t batch, bool training, eg_op_memory *out)
{
    job j = make_job(net, node, batch);
    *out = (eg_op_memory){0};
    if (training) out->saved = (size_t)j.rows * sizeof *j.stats;
    if (training) out->scratch = (size_t)(2 * (1 + j.blocks) * j.c) * sizeof(double);
}

static void forward_rows(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    int64_t at = begin * j->c;
    eg_row_norm_forward(end - begin, j->c, j->call->x[0] + at, j->call->params[WEIGHT], j->call->params[BIAS],
                        j->a->eps, j->call->y + at, j->stats ? j->stats + begin : NULL);
}

static void forward(const eg_call *call)
{
    job j = make_job(call->net, call->node, call->batch);
    j.call = call;
    j.stats = call->saved;
    eg_range_run(call->pool, j.rows, eg_column_rows(j.c), forward_rows, &j);
}

static void backward_rows(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    const eg_call *call = j->call;
    int64_t at = begin * j->c, block = begin / eg_column_rows(j->c) * j->c;
    const float *x = call->x[0] + at, *dy = call->dy + at;
    if (call->dx[0])
        eg_row_norm_input_grad(end - begin, j->c, x, dy, call->params[WEIGHT], j->stats + begin,
                               call->dx[0] + at);
    if (call->grads[WEIGHT] || call->grads[BIAS])
        eg_row_norm_param_sums(end - begin, j->c, x, dy, j->stats + begin, j->partial[WEIGHT] + block,
                               j->partial[BIAS] + block);
}

static void backward(const eg_call *call)
{
    job j = make_job(call->net, call->node, call->batch);
    double *at = call->scratch;
    j.call = call;
    j.stats = call->saved;
    for (int i = 0; i < 2; i++, at += j.c) j.total[i] = at;
    for (int i = 0; i < 2; i++, at += j.blocks * j.c) j.partial[i] = at;
    eg_range_run(call->pool, j.rows, eg_column_rows(j.c), backward_rows, &j);
    for (int p = 0; p < PARAMS; p++) {
        float *grad = call->grads[p];
        if (!grad) continue;
        eg_column_combine(j.blocks, j.c, j.partial[p], j.total[p]);
        for (int64_t i = 0; i < j.c; i++) grad[i] = (call->add_grads[p] ? grad[i] : 0) + (float)j.total[p][i];
    }
}

static const eg_arg args[] = {
    {"eps", EG_ARG_NUMBER, offsetof(attr, eps), "1e-5"},
    {"elementwise_affine", EG_ARG_BOOL, offsetof(attr, affine), "true"},
    {"bias", EG_ARG_BOOL, offsetof(attr, bias), "true"},
    {0},
};

const eg_op eg_op_layer_norm = {
    .name = "layer_norm",
    .type = "LayerNorm",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .backward_reads_x = true,
    .cheap = true,
    .infer = infer,
    .memory = memory,
    .forward = forward,
    .backward = backward,
};
