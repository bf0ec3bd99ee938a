/* Convolution with a 1x1 window and stride 1: products of whole maps, of each group by itself.
 *
 *   forward       y (rows, k) = x (rows, c) * W^T        a task: some rows, some panels of k
 *   input grad    dx (rows, c) = dy (rows, k) * W        the same over dy, in panels of c
 *   weight grad   dW (k, c) = dy^T (k, rows) * x         a task: some c and some k, over all rows or, where
 * that makes too few tasks, over a part of them; parts are added in order
 *
 * Rows are read where they lie by panels of packed weights (kernel/direct.h), the next rows and the results
 * are fetched meanwhile. What that gained over OpenBLAS, which packs both sides of every product, one core
 * with AVX-512, maps that are not in cache, GFLOP/s: 64 -> 64 channels 66 to 106, 64 -> 256 92 to 114, 256 ->
 * 64 86 to 114, 512 -> 128 112 to 136, 256 -> 1024 135 to 147, 728 -> 728 142 to 152; without the fetching
 * ahead 84, 97, 92, 124, 131 and 150. */
#include "kernel/direct.h"
#include "kernel/gemm.h"
#include "kernel/im2col.h"
#include "net/columns.h"
#include "net/conv.h"
#include "net/range.h"

enum {
    BLOCK = 1 << 17, /* floats of a tile's rows: half a MiB */
    LEAST_ROWS = 96, /* of a tile: so that a panel's weights, once in cache, are worth it */
    MOST_ROWS = 384,
    ENOUGH_TASKS = 16,
    GRAD_COLUMNS = 256, /* of a task of the weight's gradient */
    GRAD_SLICE = 128,   /* k of such a task */
    ROWS_PER_PART = 1024,
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Forward: x to y; the input's gradient: dy to dx. Channels of one group. */
typedef struct sweep {
    const eg_direct *form;
    const eg_conv *conv;
    const eg_call *call;
    bool backward;
    int64_t positions, depth, width; /* (positions, depth) -> (positions, width) */
    int64_t rows, panels, slice, slices;
    const float *from, *packed;
    float *to;
} sweep;

static sweep make_sweep(const eg_conv *conv, int64_t batch, bool backward)
{
    const eg_grid *g = &conv->grid;
    sweep s = {.form = eg_direct_forms(eg_cpu_best()), .conv = conv, .backward = backward};
    int64_t c = g->c / conv->groups, k = conv->k / conv->groups;
    s.positions = batch * g->p * g->q;
    s.depth = backward ? k : c;
    s.width = backward ? c : k;
    s.rows = eg_clamp(BLOCK / s.depth, LEAST_ROWS, MOST_ROWS) / EG_DIRECT_ROWS * EG_DIRECT_ROWS;
    s.panels = eg_div_up(s.width, s.form->panel);
    int64_t tiles = eg_div_up(s.positions, s.rows) * conv->groups;
    s.slice = eg_div_up(s.panels, eg_clamp(eg_div_up(ENOUGH_TASKS, tiles), 1, s.panels));
    s.slices = eg_div_up(s.panels, s.slice);
    return s;
}

static int64_t packed_floats(const sweep *s)
{
    return s->conv->groups * s->panels * s->depth * s->form->panel;
}

static void pack_task(const void *context, int64_t task, int64_t end, int worker)
{
    (void)end, (void)worker;
    const sweep *s = context;
    int64_t c = s->backward ? s->width : s->depth, k = s->backward ? s->depth : s->width;
    const eg_direct_taps taps = {.step = {1, 1}, .count = {1, 1}, .turned = s->backward};
    eg_direct_pack(s->form, task % s->panels, k, c, 1, 1, &taps,
                   (const float *)s->call->params[EG_CONV_WEIGHT] + task / s->panels * k * c,
                   (float *)s->call->scratch + task * s->depth * s->form->panel);
}

/* One panel of the rows first … end-1. cold: nobody read the rows just before. */
static void run_panel(const sweep *s, int64_t first, int64_t end, int64_t group, int64_t panel, bool cold)
{
    int64_t column = panel * s->form->panel, depth = s->depth * s->conv->groups,
            width = s->width * s->conv->groups;
    const float *from = s->from + group * s->depth;
    float *to = s->to + group * s->width + column;
    eg_dot d = {.width = least(s->form->panel, s->width - column),
                .runs = 1,
                .length = s->depth,
                .b = s->packed + (group * s->panels + panel) * s->depth * s->form->panel,
                .accumulate = s->backward && s->call->add_dx[0],
                .cold = true,
                .ahead = cold ? EG_DIRECT_ROWS * depth : 0};
    for (int64_t row = first; row < end; row += EG_DIRECT_ROWS) {
        d.rows = least(EG_DIRECT_ROWS, end - row);
        if (row + 2 * EG_DIRECT_ROWS > end) d.ahead = 0;
        for (int64_t i = 0; i < EG_DIRECT_ROWS; i++) {
            int64_t at = row + least(i, d.rows - 1);
            d.a[i] = from + at * depth;
            d.c[i] = to + at * width;
        }
        s->form->dot(&d);
    }
    if (s->backward) return;
    eg_epilogue epilogue = eg_conv_epilogue(s->call);
    epilogue = eg_epilogue_at(&epilogue, first * width, group * s->width + column);
    if (!eg_epilogue_is_empty(&epilogue))
        eg_epilogue_apply(end - first, d.width, width, to + first * width, &epilogue, to + first * width);
}

static void sweep_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last, (void)worker;
    const sweep *s = context;
    int64_t slice = task % s->slices, group = task / s->slices % s->conv->groups;
    int64_t first = task / s->slices / s->conv->groups * s->rows, begin = slice * s->slice;
    for (int64_t panel = begin; panel < least(begin + s->slice, s->panels); panel++)
        run_panel(s, first, least(first + s->rows, s->positions), group, panel, panel == begin);
}

static void run_sweep(sweep *s, const eg_call *call, const float *from, float *to)
{
    s->call = call;
    s->from = from;
    s->to = to;
    s->packed = call->scratch;
    if (!call->packed) eg_range_run(call->pool, s->conv->groups * s->panels, 1, pack_task, s);
    eg_range_run(call->pool, eg_div_up(s->positions, s->rows) * s->conv->groups * s->slices, 1, sweep_task,
                 s);
}

void eg_conv_pointwise_forward(const eg_conv *conv, const eg_call *call)
{
    sweep s = make_sweep(conv, call->batch, false);
    run_sweep(&s, call, call->x[0], call->y);
}

/* The weight's gradient. */
typedef struct weights {
    const eg_conv *conv;
    const eg_call *call;
    int64_t positions, c, k; /* of one group */
    int64_t columns, slices; /* tasks along c, along k */
    int64_t part_rows, parts;
    float *sums; /* (parts, all k, c); the gradient itself when there is one part */
    bool add;
} weights;

static weights make_weights(const eg_conv *conv, int64_t batch)
{
    const eg_grid *g = &conv->grid;
    weights u = {.conv = conv, .c = g->c / conv->groups, .k = conv->k / conv->groups};
    u.positions = batch * g->p * g->q;
    u.columns = eg_div_up(u.c, GRAD_COLUMNS);
    u.slices = eg_div_up(u.k, GRAD_SLICE);
    int64_t tasks = u.columns * u.slices * conv->groups;
    u.parts = eg_clamp(eg_div_up(ENOUGH_TASKS, tasks), 1, eg_div_up(u.positions, ROWS_PER_PART));
    u.part_rows = eg_div_up(u.positions, u.parts);
    u.parts = eg_div_up(u.positions, u.part_rows);
    return u;
}

static void weight_grad_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last, (void)worker;
    const weights *u = context;
    int64_t column = task % u->columns * GRAD_COLUMNS, slice = task / u->columns % u->slices * GRAD_SLICE;
    int64_t group = task / u->columns / u->slices % u->conv->groups;
    int64_t part = task / u->columns / u->slices / u->conv->groups;
    int64_t first = part * u->part_rows, rows = least(u->part_rows, u->positions - first);
    int64_t c = u->c * u->conv->groups, k = u->conv->k, out = group * u->k + slice;
    eg_matrix dy = {u->call->dy + first * k + out, k, true};
    eg_matrix x = {u->call->x[0] + first * c + group * u->c + column, c, false};
    eg_gemm(least(GRAD_SLICE, u->k - slice), least(GRAD_COLUMNS, u->c - column), rows, dy, x,
            u->sums + (part * k + out) * u->c + column, u->c, u->add);
}

static void unpack_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const weights *u = context;
    eg_weight_unpack(end - begin, u->c, 1, u->parts, u->conv->k * u->c, u->sums + begin * u->c,
                     u->call->grads[EG_CONV_WEIGHT] + begin * u->c, u->call->add_grads[EG_CONV_WEIGHT]);
}

static void weight_grad(const eg_conv *conv, const eg_call *call)
{
    weights u = make_weights(conv, call->batch);
    u.call = call;
    u.sums = u.parts > 1 ? call->scratch : call->grads[EG_CONV_WEIGHT];
    u.add = u.parts == 1 && call->add_grads[EG_CONV_WEIGHT];
    eg_range_run(call->pool, u.columns * u.slices * conv->groups * u.parts, 1, weight_grad_task, &u);
    if (u.parts > 1)
        eg_range_run(call->pool, conv->k, eg_clamp(EG_GRAIN / u.c, 1, conv->k), unpack_range, &u);
}

void eg_conv_pointwise_backward(const eg_conv *conv, const eg_call *call)
{
    if (call->dx[0]) {
        sweep s = make_sweep(conv, call->batch, true);
        run_sweep(&s, call, call->dy, call->dx[0]);
    }
    if (call->grads[EG_CONV_WEIGHT]) weight_grad(conv, call);
    if (call->grads[EG_CONV_BIAS])
        eg_columns_sum(call->pool, call->batch * conv->grid.p * conv->grid.q, conv->k, call->dy,
                       call->scratch, call->grads[EG_CONV_BIAS], call->add_grads[EG_CONV_BIAS]);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

void eg_conv_pointwise_memory(const eg_conv *conv, int64_t batch, bool training, eg_op_memory *out)
{
    sweep s = make_sweep(conv, batch, false);
    *out = (eg_op_memory){.scratch = (size_t)packed_floats(&s) * sizeof(float)};
    if (!training) return;
    s = make_sweep(conv, batch, true);
    weights u = make_weights(conv, batch);
    /* The most parts that any smaller batch may have: their number does not always grow with the rows. */
    int64_t parts = u.parts > 1 ? eg_div_up(ENOUGH_TASKS, u.columns * u.slices * conv->groups) : 0;
    out->scratch = larger(out->scratch, (size_t)packed_floats(&s) * sizeof(float));
    out->scratch = larger(out->scratch, (size_t)(parts * conv->k * u.c) * sizeof(float));
    out->scratch = larger(out->scratch, eg_columns_scratch(u.positions, conv->k));
}

bool eg_conv_pointwise_fits(const eg_conv *conv)
{
    const eg_grid *g = &conv->grid;
    return g->r * g->s == 1 && g->stride[0] == 1 && g->stride[1] == 1 && g->padding[0] == 0 &&
           g->padding[1] == 0 && g->p == g->h && g->q == g->w;
}
