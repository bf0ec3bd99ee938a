/* Depthwise convolution: a task is some rows of one image, or for the weight's gradient some whole images,
 * whose parts are added in order. W is packed as (t, c). */
#include "kernel/depthwise.h"
#include "kernel/im2col.h"
#include "net/columns.h"
#include "net/conv.h"
#include "net/range.h"

enum { MOST_PARTS = 32 };

typedef struct job {
    const eg_grid *grid;
    const eg_call *call;
    const float *weight; /* (t, c) */
    int64_t rows;        /* of a task */
    int64_t tasks;       /* of an image */
    int64_t images;      /* of a part of the weight's gradient */
    double *sums;        /* (parts, t, c) */
} job;

static int64_t weight_size(const eg_grid *g)
{
    return g->r * g->s * g->c;
}

static int64_t part_count(int64_t batch)
{
    return batch < MOST_PARTS ? batch : MOST_PARTS;
}

void eg_conv_depthwise_memory(const eg_conv *conv, int64_t batch, bool training, eg_op_memory *out)
{
    const eg_grid *g = &conv->grid;
    size_t packed = (size_t)weight_size(g) * sizeof(float),
           bias = eg_columns_scratch(batch * g->p * g->q, g->c);
    size_t sums = (size_t)(part_count(batch) * weight_size(g)) * sizeof(double);
    *out = (eg_op_memory){.scratch = packed};
    if (training && out->scratch < bias) out->scratch = bias;
    if (training && out->scratch < sums) out->scratch = sums;
}

static job make_job(const eg_conv *conv, const eg_call *call, int64_t height, int64_t row_size)
{
    int64_t rows = eg_clamp(EG_GRAIN / row_size, 1, height);
    return (job){.grid = &conv->grid, .call = call, .rows = rows, .tasks = eg_div_up(height, rows)};
}

static const float *packed_weight(const job *j)
{
    const eg_grid *g = j->grid;
    eg_weight_pack(1, g->c, g->r * g->s, j->call->params[EG_CONV_WEIGHT], j->call->scratch);
    return j->call->scratch;
}

static void forward_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    const eg_grid *g = j->grid;
    int64_t image = task / j->tasks, first = task % j->tasks * j->rows;
    int64_t end = first + j->rows < g->p ? first + j->rows : g->p;
    int64_t at = image * g->p * g->q * g->c, done = at + first * g->q * g->c;
    eg_epilogue epilogue = eg_epilogue_at(&j->call->epilogue, done, 0);
    eg_depthwise_forward(g, j->call->x[0] + image * g->h * g->w * g->c, j->weight,
                         j->call->params[EG_CONV_BIAS], first, end, j->call->y + at);
    if (!eg_epilogue_is_empty(&epilogue))
        eg_epilogue_apply((end - first) * g->q, g->c, g->c, j->call->y + done, &epilogue, j->call->y + done);
}

void eg_conv_depthwise_forward(const eg_conv *conv, const eg_call *call)
{
    job j = make_job(conv, call, conv->grid.p, conv->grid.q * conv->grid.c);
    j.weight = packed_weight(&j);
    eg_range_run(call->pool, call->batch * j.tasks, 1, forward_task, &j);
}

static void input_grad_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last, (void)worker;
    const job *j = context;
    const eg_grid *g = j->grid;
    int64_t image = task / j->tasks, first = task % j->tasks * j->rows;
    int64_t end = first + j->rows < g->h ? first + j->rows : g->h;
    eg_depthwise_input_grad(g, j->call->dy + image * g->p * g->q * g->c, j->weight, first, end,
                            j->call->dx[0] + image * g->h * g->w * g->c);
}

static void weight_grad_task(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    const eg_grid *g = j->grid;
    double *sum = j->sums + begin / j->images * weight_size(g);
    for (int64_t i = 0; i < weight_size(g); i++) sum[i] = 0;
    for (int64_t image = begin; image < end; image++)
        eg_depthwise_weight_grad(g, j->call->x[0] + image * g->h * g->w * g->c,
                                 j->call->dy + image * g->p * g->q * g->c, sum);
}

static void weight_grad(job *j)
{
    const eg_call *call = j->call;
    int64_t taps = j->grid->r * j->grid->s;
    j->images = eg_div_up(call->batch, part_count(call->batch));
    j->sums = call->scratch;
    eg_range_run(call->pool, call->batch, j->images, weight_grad_task, j);
    eg_depthwise_weight_sum(eg_div_up(call->batch, j->images), j->grid->c, taps, j->sums,
                            call->grads[EG_CONV_WEIGHT], call->add_grads[EG_CONV_WEIGHT]);
}

void eg_conv_depthwise_backward(const eg_conv *conv, const eg_call *call)
{
    const eg_grid *g = &conv->grid;
    job j = make_job(conv, call, g->h, g->w * g->c);
    if (call->dx[0]) {
        j.weight = packed_weight(&j);
        eg_range_run(call->pool, call->batch * j.tasks, 1, input_grad_task, &j);
    }
    if (call->grads[EG_CONV_WEIGHT]) weight_grad(&j);
    if (call->grads[EG_CONV_BIAS])
        eg_columns_sum(call->pool, call->batch * g->p * g->q, g->c, call->dy, call->scratch,
                       call->grads[EG_CONV_BIAS], call->add_grads[EG_CONV_BIAS]);
}
