/* torch.nn.Dropout: in training each element is zeroed with probability p, the others are scaled by 1 / (1 -
 * p). */
#include <stddef.h>

#include <string.h>

#include "kernel/elementwise.h"
#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    double p;
} attr;

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    if (!(a->p >= 0 && a->p <= 1)) return eg_fail(err, EG_RECIPE, "p must be between 0 and 1, not %g", a->p);
    return eg_infer_same(infer, err);
}

static int64_t element_count(const eg_net *net, const eg_node *node, int64_t batch)
{
    return batch * eg_value_numel(eg_node_output(net, node));
}

/* One byte an element: whether it was kept. Drawn into scratch when no backward follows. */
static void memory(const eg_net *net, const eg_node *node, int64_t batch, bool training, eg_op_memory *out)
{
    size_t size = (size_t)element_count(net, node, batch);
    *out = training ? (eg_op_memory){.saved = size} : (eg_op_memory){.scratch = size};
}

static uint8_t *mask(const eg_call *call)
{
    return call->saved ? call->saved : call->scratch;
}

static float scale_of(const eg_call *call)
{
    const attr *a = call->node->attr;
    return a->p < 1 ? (float)(1 / (1 - a->p)) : 0;
}

/* Element i of the batch uses draw i: 32 bits, kept when they are not below p * 2^32. */
static void drop_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    const attr *a = call->node->attr;
    double limit = a->p * 0x1p32;
    uint8_t *keep = mask(call);
    for (int64_t i = begin; i < end; i++) keep[i] = (double)eg_draw_bits(call->stream, (uint64_t)i) >= limit;
    eg_mask_scale(end - begin, call->x[0] + begin, keep + begin, scale_of(call), call->y + begin);
}

static void copy_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    memcpy(call->y + begin, call->x[0] + begin, (size_t)(end - begin) * sizeof(float));
}

static void forward(const eg_call *call)
{
    eg_range_run(call->pool, element_count(call->net, call->node, call->batch), EG_GRAIN,
                 call->training ? drop_range : copy_range, call);
}

static void drop_grad_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    eg_mask_scale(end - begin, call->dy + begin, mask(call) + begin, scale_of(call), call->dx[0] + begin);
}

static void copy_grad_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const eg_call *call = context;
    memcpy(call->dx[0] + begin, call->dy + begin, (size_t)(end - begin) * sizeof(float));
}

static void backward(const eg_call *call)
{
    eg_range_run(call->pool, element_count(call->net, call->node, call->batch), EG_GRAIN,
                 call->training ? drop_grad_range : copy_grad_range, call);
}

static bool draws(const void *attr_of_node)
{
    const attr *a = attr_of_node;
    return a->p > 0;
}

static const eg_arg args[] = {
    {"p", EG_ARG_NUMBER, offsetof(attr, p), "0.5"},
    {0},
};

const eg_op eg_op_dropout = {
    .name = "dropout",
    .type = "Dropout",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
    .draws = draws,
    .memory = memory,
    .forward = forward,
    .backward = backward,
};
