#include "net/mean_pool.h"

#include <string.h>

#include "kernel/pooling.h"
#include "net/range.h"

typedef struct job {
    const eg_call *call;
    eg_area_fn *area;
} job;

static void forward_image(const void *context, int64_t image, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    const eg_call *call = j->call;
    const int64_t *x = eg_node_input(call->net, call->node, 0)->dims,
                  *y = eg_node_output(call->net, call->node)->dims;
    const float *from = call->x[0] + image * x[0] * x[1] * x[2];
    float *to = call->y + image * y[0] * y[1] * y[2];
    for (int64_t p = 0; p < y[0]; p++)
        for (int64_t q = 0; q < y[1]; q++, to += y[2]) {
            eg_area r = j->area(call, p, q);
            eg_window_sum(from + (r.row * x[1] + r.column) * x[2], x[1] * x[2], r.rows, r.columns, x[2],
                          r.scale, to);
        }
}

void eg_mean_pool_forward(const eg_call *call, eg_area_fn *area)
{
    eg_range_run(call->pool, call->batch, 1, forward_image, &(job){call, area});
}

static void backward_image(const void *context, int64_t image, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    const eg_call *call = j->call;
    const int64_t *x = eg_node_input(call->net, call->node, 0)->dims,
                  *y = eg_node_output(call->net, call->node)->dims;
    const float *from = call->dy + image * y[0] * y[1] * y[2];
    float *to = call->dx[0] + image * x[0] * x[1] * x[2];
    if (!call->add_dx[0]) memset(to, 0, (size_t)(x[0] * x[1] * x[2]) * sizeof *to);
    for (int64_t p = 0; p < y[0]; p++)
        for (int64_t q = 0; q < y[1]; q++, from += y[2]) {
            eg_area r = j->area(call, p, q);
            eg_window_spread(from, x[1] * x[2], r.rows, r.columns, x[2], r.scale,
                             to + (r.row * x[1] + r.column) * x[2]);
        }
}

bool eg_mean_pool_adds_dx(const eg_net *net, const eg_node *node)
{
    (void)net, (void)node;
    return true;
}

void eg_mean_pool_backward(const eg_call *call, eg_area_fn *area)
{
    eg_range_run(call->pool, call->batch, 1, backward_image, &(job){call, area});
}
