/* 3x3 convolution with stride 1 by Winograd's method: three grids of tasks (filters, tiles, sums of the
 * weight's gradient), each fixed by shape.
 *
 * Where it is taken: six 3x3 convolutions in a row, batch 16, one core with AVX-512, milliseconds of a step
 * by products and so: 16 channels at 56x56 87 -> 28, 32 channels at 56x56 255 -> 83; at 14x14, 16
 * channels 14.4 -> 7.3, 48 channels 38 -> 30. One run each on a busy
 * machine; other shapes were not measured. */
#include "kernel/winograd.h"
#include "net/columns.h"
#include "net/conv.h"
#include "net/range.h"

/* Fewer were not measured: the widest vectors hold 16 channels, and what is left goes one by one. */
enum { LEAST_CHANNELS = 16 };

typedef struct job {
    const eg_call *call;
    eg_winograd plan;
    eg_winograd_weights weights;
    float *packed, *sums;
} job;

static eg_winograd_shape shape_of(const eg_conv *conv, int64_t batch)
{
    const eg_grid *g = &conv->grid;
    return (eg_winograd_shape){
        .n = batch, .h = g->h, .w = g->w, .c = g->c, .k = conv->k, .padding = {g->padding[0], g->padding[1]}};
}

bool eg_conv_winograd_fits(const eg_conv *conv)
{
    const eg_grid *g = &conv->grid;
    eg_winograd_shape shape = shape_of(conv, 1);
    bool window = g->r == 3 && g->s == 3,
         plain = g->stride[0] == 1 && g->stride[1] == 1 && g->dilation[0] == 1 && g->dilation[1] == 1;
    return window && plain && conv->groups == 1 && g->c >= LEAST_CHANNELS && conv->k >= LEAST_CHANNELS &&
           eg_winograd_fits(&shape) && g->p == g->h + 2 * g->padding[0] - 2 &&
           g->q == g->w + 2 * g->padding[1] - 2;
}

void eg_conv_winograd_memory(const eg_conv *conv, int64_t batch, bool training, eg_op_memory *out)
{
    eg_winograd_shape shape = shape_of(conv, batch);
    eg_winograd plan = eg_winograd_plan(&shape);
    *out = (eg_op_memory){.scratch = plan.filter_bytes, .worker = plan.scratch_bytes};
    if (!training) return;
    plan = eg_winograd_plan_input_grad(&shape);
    eg_winograd_weights weights = eg_winograd_plan_weight_grad(&shape);
    out->scratch = eg_conv_larger(out->scratch, eg_conv_larger(plan.filter_bytes, weights.sums_bytes));
    out->scratch =
        eg_conv_larger(out->scratch, eg_columns_scratch(batch * conv->grid.p * conv->grid.q, conv->k));
    out->worker = eg_conv_larger(out->worker, eg_conv_larger(plan.scratch_bytes, weights.scratch_bytes));
}

static void *worker_scratch(const job *j, int worker)
{
    return j->call->worker_scratch + (size_t)worker * j->call->worker_stride;
}

static void pack_task(const void *context, int64_t panel, int64_t end, int worker)
{
    (void)end, (void)worker;
    const job *j = context;
    eg_winograd_pack(&j->plan, panel, j->call->params[EG_CONV_WEIGHT], j->packed);
}

static void forward_task(const void *context, int64_t task, int64_t end, int worker)
{
    (void)end;
    const job *j = context;
    eg_epilogue epilogue = eg_conv_epilogue(j->call);
    eg_winograd_forward(&j->plan, task, j->call->x[0], j->call->params[EG_CONV_WEIGHT], j->packed, &epilogue,
                        j->call->y, worker_scratch(j, worker));
}

void eg_conv_winograd_forward(const eg_conv *conv, const eg_call *call)
{
    eg_winograd_shape shape = shape_of(conv, call->batch);
    job j = {.call = call, .plan = eg_winograd_plan(&shape), .packed = call->scratch};
    if (!call->packed) eg_range_run(call->pool, j.plan.packs, 1, pack_task, &j);
    eg_range_run(call->pool, j.plan.tasks, 1, forward_task, &j);
}

static void input_grad_task(const void *context, int64_t task, int64_t end, int worker)
{
    (void)end;
    const job *j = context;
    eg_epilogue sum = {.residual = j->call->add_dx[0] ? j->call->dx[0] : NULL};
    eg_winograd_forward(&j->plan, task, j->call->dy, j->call->params[EG_CONV_WEIGHT], j->packed, &sum,
                        j->call->dx[0], worker_scratch(j, worker));
}

static void weight_grad_task(const void *context, int64_t task, int64_t end, int worker)
{
    (void)end;
    const job *j = context;
    eg_winograd_weight_grad(&j->weights, task, j->call->x[0], j->call->dy, j->sums,
                            worker_scratch(j, worker));
}

static void sum_task(const void *context, int64_t task, int64_t end, int worker)
{
    (void)end, (void)worker;
    const job *j = context;
    eg_winograd_weight_sum(&j->weights, task, j->sums, j->call->grads[EG_CONV_WEIGHT],
                           j->call->add_grads[EG_CONV_WEIGHT]);
}

void eg_conv_winograd_backward(const eg_conv *conv, const eg_call *call)
{
    eg_winograd_shape shape = shape_of(conv, call->batch);
    job j = {.call = call, .packed = call->scratch, .sums = call->scratch};
    if (call->dx[0]) {
        j.plan = eg_winograd_plan_input_grad(&shape);
        eg_range_run(call->pool, j.plan.packs, 1, pack_task, &j);
        eg_range_run(call->pool, j.plan.tasks, 1, input_grad_task, &j);
    }
    if (call->grads[EG_CONV_WEIGHT]) {
        j.weights = eg_winograd_plan_weight_grad(&shape);
        eg_range_run(call->pool, j.weights.tasks, 1, weight_grad_task, &j);
        eg_range_run(call->pool, j.weights.sum_tasks, 1, sum_task, &j);
    }
    if (call->grads[EG_CONV_BIAS])
        eg_columns_sum(call->pool, call->batch * conv->grid.p * conv->grid.q, conv->k, call->dy,
                       call->scratch, call->grads[EG_CONV_BIAS], call->add_grads[EG_CONV_BIAS]);
}
