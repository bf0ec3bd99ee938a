/* Depthwise convolution. An image is cut into bands of rows, the map of x and that of y alike; a task walks
 * some bands one behind the other, so that what a band's passes share, and the rows that it shares with the
 * last one, are still in cache. Both gradients are made in one such walk: dx of a band, then its part in the
 * weight's gradient, which every task sums on its own. W is packed as (t, c). */
#include "kernel/depthwise.h"
#include "kernel/im2col.h"
#include "net/columns.h"
#include "net/conv.h"
#include "net/range.h"

enum {
    MOST_TASKS = 32, /* of a pass: each has a sum of the weight's gradient */
    LEAST_ROWS = 4   /* of a task: at its edges it reads rows of its neighbours */
};

typedef struct job {
    const eg_grid *grid;
    const eg_call *call;
    const eg_depthwise *form;
    const float *weight; /* (t, c), or NULL: no dx */
    float *totals;       /* (tasks, t, c), or NULL: no gradient of the weight */
    int64_t units;       /* of an image */
    int64_t bands;       /* of a unit */
    int64_t grain;       /* units of a task */
} job;

typedef struct rows {
    int64_t first, end;
} rows;

static int64_t weight_size(const eg_grid *g)
{
    return g->r * g->s * g->c;
}

/* By sizes alone: a task is part of an image, or some images. */
static job make_job(const eg_conv *conv, const eg_call *call, int64_t batch)
{
    const eg_grid *g = &conv->grid;
    job j = {.grid = g, .call = call, .form = eg_depthwise_forms(eg_cpu_best())};
    int64_t size = eg_clamp(g->h * g->w, g->p * g->q, INT64_MAX) * g->c;
    j.units = eg_clamp(eg_div_up(g->p, LEAST_ROWS), 1, eg_clamp(MOST_TASKS / batch, 1, MOST_TASKS));
    j.bands = eg_div_up(size, j.units * EG_GRAIN);
    j.grain = eg_div_up(batch * j.units, MOST_TASKS);
    return j;
}

static int64_t task_count(const job *j, int64_t batch)
{
    return eg_div_up(batch * j->units, j->grain);
}

void eg_conv_depthwise_memory(const eg_conv *conv, int64_t batch, bool training, eg_op_memory *out)
{
    const eg_grid *g = &conv->grid;
    size_t weight = (size_t)weight_size(g) * sizeof(float),
           bias = eg_columns_scratch(batch * g->p * g->q, g->c);
    *out = (eg_op_memory){.scratch = weight};
    if (training) out->scratch += MOST_TASKS * weight;
    if (training && out->scratch < bias) out->scratch = bias;
}

static const float *packed_weight(const job *j)
{
    const eg_grid *g = j->grid;
    eg_weight_pack(1, g->c, g->r * g->s, j->call->params[EG_CONV_WEIGHT], j->call->scratch);
    return j->call->scratch;
}

/* A unit's band's part of an image with `height` rows. */
static rows rows_of(const job *j, int64_t unit, int64_t band, int64_t height)
{
    int64_t at = unit % j->units * j->bands + band, count = j->units * j->bands;
    return (rows){at * height / count, (at + 1) * height / count};
}

static void forward_band(const job *j, int64_t image, rows p)
{
    const eg_grid *g = j->grid;
    int64_t at = image * g->p * g->q * g->c, done = at + p.first * g->q * g->c;
    eg_epilogue epilogue = eg_epilogue_at(&j->call->epilogue, done, 0);
    eg_depthwise_forward(j->form, g, j->call->x[0] + image * g->h * g->w * g->c, j->weight,
                         j->call->params[EG_CONV_BIAS], p.first, p.end, j->call->y + at);
    if (!eg_epilogue_is_empty(&epilogue))
        eg_epilogue_apply((p.end - p.first) * g->q, g->c, g->c, j->call->y + done, &epilogue,
                          j->call->y + done);
}

static void forward_task(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    for (int64_t unit = begin; unit < end; unit++)
        for (int64_t band = 0; band < j->bands; band++)
            forward_band(j, unit / j->units, rows_of(j, unit, band, j->grid->p));
}

void eg_conv_depthwise_forward(const eg_conv *conv, const eg_call *call)
{
    job j = make_job(conv, call, call->batch);
    j.weight = packed_weight(&j);
    eg_range_run(call->pool, call->batch * j.units, j.grain, forward_task, &j);
}

static void backward_band(const job *j, int64_t image, rows h, rows p, float *total)
{
    const eg_grid *g = j->grid;
    int64_t x = image * g->h * g->w * g->c;
    const float *dy = j->call->dy + image * g->p * g->q * g->c;
    if (j->weight) eg_depthwise_input_grad(j->form, g, dy, j->weight, h.first, h.end, j->call->dx[0] + x);
    if (total) eg_depthwise_weight_grad(j->form, g, j->call->x[0] + x, dy, p.first, p.end, total);
}

static void backward_task(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const job *j = context;
    float *total = j->totals ? j->totals + begin / j->grain * weight_size(j->grid) : NULL;
    for (int64_t i = 0; total && i < weight_size(j->grid); i++) total[i] = 0;
    for (int64_t unit = begin; unit < end; unit++)
        for (int64_t band = 0; band < j->bands; band++)
            backward_band(j, unit / j->units, rows_of(j, unit, band, j->grid->h),
                          rows_of(j, unit, band, j->grid->p), total);
}

void eg_conv_depthwise_backward(const eg_conv *conv, const eg_call *call)
{
    const eg_grid *g = &conv->grid;
    job j = make_job(conv, call, call->batch);
    if (call->dx[0]) j.weight = packed_weight(&j);
    if (call->grads[EG_CONV_WEIGHT]) j.totals = (float *)call->scratch + weight_size(g);
    if (j.weight || j.totals) eg_range_run(call->pool, call->batch * j.units, j.grain, backward_task, &j);
    if (j.totals)
        eg_depthwise_weight_sum(task_count(&j, call->batch), g->c, g->r * g->s, j.totals,
                                call->grads[EG_CONV_WEIGHT], call->add_grads[EG_CONV_WEIGHT]);
    if (call->grads[EG_CONV_BIAS])
        eg_columns_sum(call->pool, call->batch * g->p * g->q, g->c, call->dy, call->scratch,
                       call->grads[EG_CONV_BIAS], call->add_grads[EG_CONV_BIAS]);
}
