#include "net/pointwise.h"

#include "net/range.h"

typedef struct job {
    const eg_call *call;
    eg_smooth_forward *forward;
    eg_smooth_backward *backward;
    const float *from; /* x or y */
    float a;
} job;

static void forward_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    j->forward(end - begin, j->from + begin, j->a, j->call->y + begin);
}

static void backward_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    j->backward(end - begin, j->from + begin, j->call->dy + begin, j->a, j->call->dx[0] + begin);
}

static int64_t count_elements(const eg_call *call)
{
    return call->batch * eg_value_numel(eg_node_output(call->net, call->node));
}

void eg_pointwise_forward(const eg_call *call, eg_smooth_forward *kernel, double a)
{
    job j = {.call = call, .forward = kernel, .from = call->x[0], .a = (float)a};
    eg_range_run(call->pool, count_elements(call), EG_GRAIN, forward_range, &j);
}

void eg_pointwise_backward(const eg_call *call, eg_smooth_backward *kernel, double a)
{
    job j = {.call = call, .backward = kernel, .a = (float)a};
    j.from = call->node->op->backward_reads_y ? call->y : call->x[0];
    eg_range_run(call->pool, count_elements(call), EG_GRAIN, backward_range, &j);
}
