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
 * ahead 84, 97, 92, 124, 131 and 150. Depth in blocks of 128 to 256, for a panel's slice to stay in the first
 * cache: the same. Weight gradients from gathered tiles, against OpenBLAS's: 58 to 62, 64 to 86, 77 to 104,
 * 87 to 110 (1024 x 256), 83 to 105 (728 x 728), while memory was slow. */
#include <string.h>

#include "kernel/direct.h"
#include "net/columns.h"
#include "net/conv.h"
#include "net/range.h"

enum {
    BLOCK = 1 << 17, /* floats of a tile's rows: half a MiB */
    LEAST_ROWS = 96, /* of a tile: so that a panel's weights, once in cache, are worth it */
    MOST_ROWS = 384,
    ENOUGH_TASKS = 16,
    GRAD_SLICE = 512,    /* c and k of a task of the weight's gradient, at most */
    GRAD_LEAST = 128,    /* and at least, where there are more */
    GRAD_ROWS = 96,      /* of its tiles: a panel of x stays in the first cache, */
    GRAD_GROUP = 48,     /* with so many channels of dy */
    GRAD_AHEAD = 4,      /* rows that are fetched before they are gathered */
    ROWS_PER_PART = 400, /* cutting the rows is faster than cutting c and k shorter */
};

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
    bool mapped; /* forward: the rows go through the prologue first */
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

/* One panel of the rows first … end-1. copy: of these rows, (rows, depth); NULL: they are read where they
 * lie. cold: nobody read them just before. */
static void run_panel(const sweep *s, int64_t first, int64_t end, int64_t group, int64_t panel,
                      const float *copy, bool cold)
{
    int64_t column = panel * s->form->panel, width = s->width * s->conv->groups;
    int64_t depth = copy ? s->depth : s->depth * s->conv->groups;
    const float *from = copy ? copy - first * depth : s->from + group * s->depth;
    float *to = s->to + group * s->width + column;
    eg_dot d = {.width = eg_least(s->form->panel, s->width - column),
                .runs = 1,
                .length = s->depth,
                .b = s->packed + (group * s->panels + panel) * s->depth * s->form->panel,
                .accumulate = s->backward && s->call->add_dx[0],
                .cold = true,
                .ahead = cold ? EG_DIRECT_ROWS * depth : 0};
    for (int64_t row = first; row < end; row += EG_DIRECT_ROWS) {
        d.rows = eg_least(EG_DIRECT_ROWS, end - row);
        if (row + 2 * EG_DIRECT_ROWS > end) d.ahead = 0;
        for (int64_t i = 0; i < EG_DIRECT_ROWS; i++) {
            int64_t at = row + eg_least(i, d.rows - 1);
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

static float *worker_floats(const eg_call *call, int worker)
{
    return (float *)(void *)(call->worker_scratch + (size_t)worker * call->worker_stride);
}

/* A group's channels of some rows through the prologue. */
static const float *map_rows(const sweep *s, int64_t first, int64_t rows, int64_t group, float *copy)
{
    int64_t depth = s->depth * s->conv->groups;
    const eg_gather gather = {.from = s->from + first * depth + group * s->depth,
                              .step = depth,
                              .lines = 1,
                              .pixels = rows,
                              .count = s->depth,
                              .to = copy,
                              .group = s->depth};
    const eg_epilogue prologue = eg_epilogue_at(&s->call->prologue, 0, group * s->depth);
    s->form->gather(&gather);
    eg_epilogue_apply(rows, s->depth, s->depth, copy, &prologue, copy);
    return copy;
}

static void sweep_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last;
    const sweep *s = context;
    int64_t slice = task % s->slices, group = task / s->slices % s->conv->groups;
    int64_t first = task / s->slices / s->conv->groups * s->rows, begin = slice * s->slice;
    int64_t end = eg_least(first + s->rows, s->positions);
    const float *copy =
        s->mapped ? map_rows(s, first, end - first, group, worker_floats(s->call, worker)) : NULL;
    for (int64_t panel = begin; panel < eg_least(begin + s->slice, s->panels); panel++)
        run_panel(s, first, end, group, panel, copy, !copy && panel == begin);
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
    s.mapped = !eg_epilogue_is_empty(&call->prologue);
    run_sweep(&s, call, call->x[0], call->y);
}

/* The weight's gradient: sums over rows of some k (read one by one) times a panel of c. */
typedef struct weights {
    const eg_direct *form;
    const eg_conv *conv;
    const eg_call *call;
    int64_t positions, c, k, panels; /* of one group */
    int64_t column, columns;         /* panels of a task; tasks along c */
    int64_t slice, slices;           /* k of a task; tasks along k */
    int64_t part_rows, parts, most;  /* most: parts that any smaller batch may have */
    float *sums;                     /* (parts, groups, panels, k, panel) */
} weights;

/* Halves the longer side of a task until there are enough. */
static void cut_weights(weights *u)
{
    int64_t panel = u->form->panel, c = eg_div_up(u->c, eg_div_up(u->c, GRAD_SLICE));
    u->slice = eg_div_up(u->k, eg_div_up(u->k, GRAD_SLICE));
    for (;; u->slice > c ? (u->slice = eg_div_up(u->slice, 2)) : (c = eg_div_up(c, 2))) {
        u->column = eg_div_up(c, panel);
        u->columns = eg_div_up(u->panels, u->column);
        u->slices = eg_div_up(u->k, u->slice);
        bool small = c <= GRAD_LEAST && u->slice <= GRAD_LEAST;
        if (small || u->columns * u->slices * u->conv->groups * u->most >= ENOUGH_TASKS) return;
    }
}

static weights make_weights(const eg_conv *conv, int64_t batch)
{
    const eg_grid *g = &conv->grid;
    weights u = {.form = eg_direct_forms(eg_cpu_best()), .conv = conv};
    u.c = g->c / conv->groups, u.k = conv->k / conv->groups;
    u.positions = batch * g->p * g->q;
    u.panels = eg_div_up(u.c, u.form->panel);
    int64_t tasks = eg_div_up(u.c, GRAD_SLICE) * eg_div_up(u.k, GRAD_SLICE) * conv->groups;
    u.most = eg_clamp(eg_div_up(ENOUGH_TASKS, tasks), 1, eg_div_up(u.positions, ROWS_PER_PART));
    u.part_rows = eg_div_up(u.positions, u.most);
    u.parts = eg_div_up(u.positions, u.part_rows);
    cut_weights(&u);
    return u;
}

/* Floats of a part's sums, and of a worker's copies of a tile. */
static int64_t part_floats(const weights *u)
{
    return u->conv->groups * u->panels * u->k * u->form->panel;
}

static int64_t tile_floats(const weights *u)
{
    return GRAD_ROWS * (eg_div_up(u->slice, GRAD_GROUP) * GRAD_GROUP + u->column * u->form->panel);
}

/* What a task works on. */
typedef struct block {
    int64_t first_k, k, first_c, c, channel_k, channel_c; /* channel: of all groups' */
    float *sums;                                          /* (its panels, all k, panel), at its first k */
    float *dy, *x;                                        /* copies of a tile */
} block;

/* The copy of x through the prologue, panel by panel. */
static void map_tile(const weights *u, const block *b, int64_t rows)
{
    int64_t panel = u->form->panel;
    for (int64_t i = 0; i < b->c; i += panel) {
        const eg_epilogue prologue = eg_epilogue_at(&u->call->prologue, 0, b->channel_c + i);
        float *x = b->x + i * GRAD_ROWS;
        eg_epilogue_apply(rows, eg_least(panel, b->c - i), panel, x, &prologue, x);
    }
}

static void add_tile(const weights *u, const block *b, int64_t row, int64_t rows)
{
    int64_t k = u->conv->k, c = u->c * u->conv->groups, panel = u->form->panel;
    eg_gather gather = {.from = u->call->dy + row * k + b->channel_k,
                        .step = k,
                        .lines = 1,
                        .pixels = rows,
                        .count = b->k,
                        .to = b->dy,
                        .group = GRAD_GROUP,
                        .pitch = GRAD_ROWS * GRAD_GROUP,
                        .ahead = row + rows + GRAD_AHEAD <= u->positions ? GRAD_AHEAD : 0};
    u->form->gather(&gather);
    gather.from = u->call->x[0] + row * c + b->channel_c;
    gather.step = c, gather.count = b->c;
    gather.to = b->x, gather.group = panel, gather.pitch = GRAD_ROWS * panel;
    u->form->gather(&gather);
    if (!eg_epilogue_is_empty(&u->call->prologue)) map_tile(u, b, rows);
    eg_outer o = {.a_step = GRAD_GROUP, .lines = 1, .pixels = rows};
    for (int64_t i = 0; i < b->c; i += panel)
        for (int64_t at = 0; at < b->k; at += GRAD_GROUP) {
            o.a = b->dy + at * GRAD_ROWS;
            o.d = b->x + i * GRAD_ROWS;
            o.count = eg_least(GRAD_GROUP, b->k - at);
            o.width = eg_least(panel, b->c - i);
            o.sum = b->sums + i * u->k + at * panel;
            u->form->outer(&o);
        }
}

static void weight_grad_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last;
    const weights *u = context;
    int64_t panel = u->form->panel, column = task % u->columns * u->column,
            slice = task / u->columns % u->slices;
    int64_t group = task / u->columns / u->slices % u->conv->groups;
    int64_t part = task / u->columns / u->slices / u->conv->groups;
    int64_t row = part * u->part_rows, end = eg_least(row + u->part_rows, u->positions);
    block b = {.first_k = slice * u->slice, .first_c = column * panel};
    b.k = eg_least(u->slice, u->k - b.first_k);
    b.c = eg_least(u->column * panel, u->c - b.first_c);
    b.channel_k = group * u->k + b.first_k;
    b.channel_c = group * u->c + b.first_c;
    b.sums = u->sums + part * part_floats(u) + ((group * u->panels + column) * u->k + b.first_k) * panel;
    b.dy = worker_floats(u->call, worker);
    b.x = b.dy + GRAD_ROWS * eg_div_up(u->slice, GRAD_GROUP) * GRAD_GROUP;
    for (int64_t i = 0; i < b.c; i += panel)
        memset(b.sums + i * u->k, 0, (size_t)(b.k * panel) * sizeof(float));
    for (; row < end; row += GRAD_ROWS) add_tile(u, &b, row, eg_least(GRAD_ROWS, end - row));
}

/* The parts in order: `width` neighbours of dW. */
static void add_parts(const weights *u, const float *from, int64_t width, bool add, float *to)
{
    for (int64_t part = 0; part < u->parts; part++, from += part_floats(u), add = true)
        for (int64_t i = 0; i < width; i++) to[i] = add ? to[i] + from[i] : from[i];
}

static void unpack_range(const void *context, int64_t begin, int64_t end, int worker)
{
    (void)worker;
    const weights *u = context;
    int64_t panel = u->form->panel;
    for (int64_t row = begin; row < end; row++)
        for (int64_t at = 0; at < u->c; at += panel) {
            int64_t group = row / u->k, line = (group * u->panels + at / panel) * u->k + row % u->k;
            add_parts(u, u->sums + line * panel, eg_least(panel, u->c - at),
                      u->call->add_grads[EG_CONV_WEIGHT],
                      (float *)u->call->grads[EG_CONV_WEIGHT] + row * u->c + at);
        }
}

static void weight_grad(const eg_conv *conv, const eg_call *call)
{
    weights u = make_weights(conv, call->batch);
    u.call = call;
    u.sums = call->scratch;
    eg_range_run(call->pool, u.columns * u.slices * conv->groups * u.parts, 1, weight_grad_task, &u);
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

void eg_conv_pointwise_memory(const eg_conv *conv, int64_t batch, bool training, eg_op_memory *out)
{
    sweep s = make_sweep(conv, batch, false);
    *out = (eg_op_memory){.scratch = (size_t)packed_floats(&s) * sizeof(float),
                          .worker = (size_t)(eg_least(s.rows, s.positions) * s.depth) * sizeof(float)};
    if (!training) return;
    s = make_sweep(conv, batch, true);
    weights u = make_weights(conv, batch);
    out->scratch = eg_conv_larger(out->scratch, (size_t)packed_floats(&s) * sizeof(float));
    out->scratch = eg_conv_larger(out->scratch, (size_t)(u.most * part_floats(&u)) * sizeof(float));
    out->worker = eg_conv_larger(out->worker, (size_t)tile_floats(&u) * sizeof(float));
    out->scratch = eg_conv_larger(out->scratch, eg_columns_scratch(u.positions, conv->k));
}

bool eg_conv_pointwise_fits(const eg_conv *conv)
{
    const eg_grid *g = &conv->grid;
    return g->r * g->s == 1 && g->stride[0] == 1 && g->stride[1] == 1 && g->padding[0] == 0 &&
           g->padding[1] == 0 && g->p == g->h && g->q == g->w;
}
