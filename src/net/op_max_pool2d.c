/* torch.nn.MaxPool2d. x (n, h, w, c), y (n, p, q, c). */
#include <stddef.h>

#include "kernel/pooling.h"
#include "net/infer.h"
#include "net/op_table.h"
#include "net/range.h"

typedef struct attr {
    int64_t kernel[2], stride[2], padding[2], dilation[2];
    bool ceil_mode;
} attr;

static eg_window window(const attr *a)
{
    return (eg_window){.kernel = {a->kernel[0], a->kernel[1]},
                       .stride = {a->stride[0], a->stride[1]},
                       .padding = {a->padding[0], a->padding[1]},
                       .padding_end = {a->padding[0], a->padding[1]},
                       .dilation = {a->dilation[0], a->dilation[1]},
                       .ceil_mode = a->ceil_mode};
}

static bool infer(eg_infer *infer, eg_error *err)
{
    attr *a = infer->attr;
    int64_t out[2];
    if (!eg_infer_image(infer, err) || !eg_infer_pool(a->kernel, a->stride, a->padding, err) ||
        !eg_infer_pair("dilation", a->dilation, 1, err))
        return false;
    if (a->kernel[0] > INT32_MAX / a->kernel[1]) /* taps are kept as int32 */
        return eg_fail(err, EG_RECIPE, "the %lldx%lld window has too many elements", (long long)a->kernel[0],
                       (long long)a->kernel[1]);
    eg_window w = window(a);
    return eg_window_output(&w, infer->inputs[0].dims, out, err) &&
           eg_infer_output(infer, (int64_t[]){out[0], out[1], infer->inputs[0].dims[2]}, 3, err);
}

typedef struct job {
    const eg_call *call;
    eg_grid grid;
    int64_t rows, tasks; /* rows of a task, tasks of an image */
} job;

static job make_job(const eg_call *call)
{
    const attr *a = call->node->attr;
    const int64_t *x = eg_node_input(call->net, call->node, 0)->dims;
    const int64_t *y = eg_node_output(call->net, call->node)->dims;
    job j = {.call = call, .rows = eg_clamp(EG_GRAIN / (y[1] * y[2]), 1, y[0])};
    j.tasks = eg_div_up(y[0], j.rows);
    j.grid = (eg_grid){.h = x[0],
                       .w = x[1],
                       .c = x[2],
                       .p = y[0],
                       .q = y[1],
                       .r = a->kernel[0],
                       .s = a->kernel[1],
                       .stride = {a->stride[0], a->stride[1]},
                       .padding = {a->padding[0], a->padding[1]},
                       .dilation = {a->dilation[0], a->dilation[1]}};
    return j;
}

/* For backward: which tap of its window each output element is. */
static void memory(const eg_net *net, const eg_node *node, int64_t batch, bool training, eg_op_memory *out)
{
    size_t taps = (size_t)(batch * eg_value_numel(eg_node_output(net, node))) * sizeof(int32_t);
    *out = (eg_op_memory){.saved = training ? taps : 0};
}

static void forward_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    const eg_grid *g = &j->grid;
    int64_t image = task / j->tasks, first = task % j->tasks * j->rows, size = g->p * g->q * g->c;
    int64_t end = first + j->rows < g->p ? first + j->rows : g->p;
    int32_t *taps = j->call->saved;
    eg_max_pool_forward(g, j->call->x[0] + image * g->h * g->w * g->c, first, end, j->call->y + image * size,
                        taps ? taps + image * size : NULL);
}

static void forward(const eg_call *call)
{
    job j = make_job(call);
    eg_range_run(call->pool, call->batch * j.tasks, 1, forward_task, &j);
}

static void backward_image(const void *context, int64_t image, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    const eg_grid *g = &j->grid;
    int64_t at = image * g->p * g->q * g->c;
    const int32_t *taps = j->call->saved;
    eg_max_pool_backward(g, j->call->dy + at, taps + at, j->call->dx[0] + image * g->h * g->w * g->c);
}

static void backward(const eg_call *call)
{
    job j = make_job(call);
    eg_range_run(call->pool, call->batch, 1, backward_image, &j);
}

static const eg_arg args[] = {
    {"kernel_size", EG_ARG_PAIR, offsetof(attr, kernel), NULL},
    {"stride", EG_ARG_PAIR, offsetof(attr, stride), "none"},
    {"padding", EG_ARG_PAIR, offsetof(attr, padding), "0"},
    {"dilation", EG_ARG_PAIR, offsetof(attr, dilation), "1"},
    {"ceil_mode", EG_ARG_BOOL, offsetof(attr, ceil_mode), "false"},
    {0},
};

const eg_op eg_op_max_pool2d = {
    .name = "max_pool2d",
    .type = "MaxPool2d",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
    .memory = memory,
    .forward = forward,
    .backward = backward,
};
