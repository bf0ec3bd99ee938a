/* Convolution whose windows are read where they lie (kernel/direct.h): with strides, with few channels. The
 * input of a tile is copied once, with the padding around it, where there is padding at all.
 *
 *   forward       a task: some lines of the result (whole images where maps are small), some panels of k
 *   input grad    the same over dy: the pixels of dx that lie `stride` apart have the same taps of the
 * window, and each such phase is a convolution with stride 1 weight grad   a task: a panel of k over a part
 * of the tiles; parts are added in order
 *
 * What it gained over products of copied windows, one core with AVX-512, batch 16, milliseconds forward and
 * backward: 7x7 with stride 2 on 224x224x3 to 64 58 -> 27 and 57 -> 48; the three 3x3 with stride 2 of
 * ResNet-18 55 -> 42 and 118 -> 96. Weight gradients before dy's panel was gathered: 20 % slower, its lines
 * fell into few sets of the cache. Twelve pixels by two vectors for six by four: half as fast (spills). */
#include <assert.h>
#include <string.h>

#include "kernel/direct.h"
#include "net/columns.h"
#include "net/conv.h"
#include "net/range.h"

enum {
    MOST_STRIDE = 4,
    MOST_PHASES = MOST_STRIDE * MOST_STRIDE,
    COPY = 1 << 17,      /* floats of a tile's input: half a MiB */
    TILE = 1024,         /* pixels of a tile, at most */
    ENOUGH_PIXELS = 192, /* so that a panel's weights, once in cache, are worth it */
    ENOUGH_TASKS = 16,
    GRAD_TILE = 96, /* pixels of a tile of the weight's gradient: a panel of dy stays in the first cache */
    GRAD_CHANNELS = 48, /* of x that are gathered together: what is a page apart shares few sets of a cache */
    FEW_CHANNELS = 16,  /* below: a row of the window at a time, with the padding copied */
};

/* Pixels of the result that have the same taps: first, first + spread, …; start: the place in the source of
 * the window's first tap at the first of them. */
typedef struct phase {
    eg_direct_taps taps;
    int64_t first[2], start[2], count[2];
    int64_t offset; /* of its packed weights, in rows of a panel */
} phase;

/* Forward: x to y; the input's gradient: dy to dx. */
typedef struct sweep {
    const eg_direct *form;
    const eg_conv *conv;
    const eg_call *call;
    int64_t source[2], depth; /* height, width, channels */
    int64_t result[2], width;
    int64_t step[2], spread[2]; /* from pixel to pixel of a phase, in the source and in the result */
    phase phases[MOST_PHASES];
    int64_t phase_count;
    int64_t low[2], extent[2]; /* of the source under a phase's pixel: where it starts at pixel 0, its size */
    int64_t size[2];           /* pixels of a phase, at most */
    bool in_place;             /* no padding */
    int64_t lines, images;     /* of a tile */
    int64_t rows, columns;     /* of a tile's copy */
    int64_t tiles, image_tiles; /* in the batch; in an image, when a tile is of one image */
    int64_t panels, slice, slices;
    int64_t panel_rows;
    bool accumulate;
    const float *from, *packed;
    float *to;
} sweep;

static void set_phases_forward(sweep *s)
{
    const eg_grid *g = &s->conv->grid;
    s->phase_count = 1;
    s->phases[0] = (phase){.taps = {.step = {1, 1}, .count = {g->r, g->s}},
                           .start = {-g->padding[0], -g->padding[1]},
                           .count = {g->p, g->q}};
}

static void set_phases_backward(sweep *s)
{
    const eg_grid *g = &s->conv->grid;
    const int64_t window[] = {g->r, g->s}, size[] = {g->h, g->w};
    s->phase_count = g->stride[0] * g->stride[1];
    for (int64_t i = 0; i < s->phase_count; i++) {
        phase *n = &s->phases[i];
        *n = (phase){.first = {i / g->stride[1], i % g->stride[1]}, .taps = {.turned = true}};
        for (int axis = 0; axis < 2; axis++) {
            int64_t stride = g->stride[axis], at = n->first[axis] + g->padding[axis], rest = at % stride;
            n->taps.count[axis] = rest < window[axis] ? eg_div_up(window[axis] - rest, stride) : 0;
            n->taps.first[axis] = rest + (n->taps.count[axis] - 1) * stride;
            n->taps.step[axis] = -stride;
            n->start[axis] = (at - n->taps.first[axis]) / stride;
            n->count[axis] = size[axis] > n->first[axis] ? eg_div_up(size[axis] - n->first[axis], stride) : 0;
        }
    }
}

/* Weights' places, and the part of the source that the pixels read. */
static void measure_phases(sweep *s)
{
    for (int64_t i = 0; i < s->phase_count; i++) {
        phase *n = &s->phases[i];
        n->offset = s->panel_rows;
        s->panel_rows += n->taps.count[0] * n->taps.count[1] * s->depth;
    }
    s->in_place = true;
    for (int axis = 0; axis < 2; axis++) {
        int64_t low = INT64_MAX, high = INT64_MIN;
        for (int64_t i = 0; i < s->phase_count; i++) {
            const phase *n = &s->phases[i];
            if (n->taps.count[0] * n->taps.count[1] == 0) continue;
            low = eg_least(low, n->start[axis]);
            high = eg_most(high, n->start[axis] + n->taps.count[axis]);
        }
        s->low[axis] = low;
        s->extent[axis] = high - low;
        s->size[axis] = s->phases[0].count[axis];
        assert(s->size[axis] > 0 && s->extent[axis] > 0 && s->step[axis] > 0);
        if (low < 0 || high + (s->size[axis] - 1) * s->step[axis] > s->source[axis]) s->in_place = false;
    }
}

static void cut_tiles(sweep *s, int64_t batch)
{
    s->columns = s->in_place ? s->source[1] : (s->size[1] - 1) * s->step[1] + s->extent[1];
    int64_t line = s->step[0] * s->columns * s->depth;
    assert(line > 0);
    s->lines = eg_clamp(eg_least(COPY / line, TILE / s->size[1]), 1, s->size[0]);
    s->image_tiles = eg_div_up(s->size[0], s->lines);
    s->lines = eg_div_up(s->size[0], s->image_tiles);
    s->images = s->image_tiles > 1 ? 1 : eg_div_up(ENOUGH_PIXELS, s->size[0] * s->size[1]);
    s->images = eg_clamp(eg_least(s->images, COPY / (line * s->size[0])), 1, batch);
    s->tiles = eg_div_up(batch, s->images) * s->image_tiles;
    s->rows = s->in_place ? s->source[0] : (s->lines - 1) * s->step[0] + s->extent[0];
    s->panels = eg_div_up(s->width, s->form->panel);
    s->slices = eg_clamp(eg_div_up(ENOUGH_TASKS, s->tiles), 1, s->panels);
    s->slice = eg_div_up(s->panels, s->slices);
    s->slices = eg_div_up(s->panels, s->slice);
}

static sweep make_sweep(const eg_conv *conv, int64_t batch, bool backward)
{
    const eg_grid *g = &conv->grid;
    sweep s = {.form = eg_direct_forms(eg_cpu_best()), .conv = conv};
    for (int axis = 0; axis < 2; axis++) {
        int64_t x = axis == 0 ? g->h : g->w, y = axis == 0 ? g->p : g->q;
        s.source[axis] = backward ? y : x;
        s.result[axis] = backward ? x : y;
        s.step[axis] = backward ? 1 : g->stride[axis];
        s.spread[axis] = backward ? g->stride[axis] : 1;
    }
    s.depth = backward ? conv->k : g->c;
    s.width = backward ? g->c : conv->k;
    if (backward)
        set_phases_backward(&s);
    else
        set_phases_forward(&s);
    measure_phases(&s);
    cut_tiles(&s, batch);
    return s;
}

static int64_t packed_floats(const sweep *s)
{
    return s->panels * s->panel_rows * s->form->panel;
}

static int64_t copy_floats(const sweep *s)
{
    return s->in_place ? 0 : s->images * s->rows * s->columns * s->depth;
}

static void pack_task(const void *context, int64_t panel, int64_t end, int worker)
{
    (void)end, (void)worker;
    const sweep *s = context;
    const eg_grid *g = &s->conv->grid;
    for (int64_t i = 0; i < s->phase_count; i++) {
        const phase *n = &s->phases[i];
        float *to = (float *)s->call->scratch + (panel * s->panel_rows + n->offset) * s->form->panel;
        eg_direct_pack(s->form, panel, s->conv->k, g->c, g->r, g->s, &n->taps,
                       s->call->params[EG_CONV_WEIGHT], to);
    }
}

/* A tile while it is worked on. */
typedef struct tile {
    int64_t image, images, line, lines;
    const float *from; /* what lies under pixel 0 of its first line, and of the source's column low[1] */
    int64_t image_step;
} tile;

static tile find_tile(const sweep *s, int64_t at, float *copy)
{
    tile t = {.image = at / s->image_tiles * s->images, .line = at % s->image_tiles * s->lines};
    int64_t map = s->source[0] * s->source[1] * s->depth, row = s->low[0] + t.line * s->step[0];
    t.images = eg_least(s->images, s->call->batch - t.image);
    t.lines = eg_least(s->lines, s->size[0] - t.line);
    if (s->in_place) {
        t.from = s->from + t.image * map + (row * s->columns + s->low[1]) * s->depth;
        t.image_step = map;
        return t;
    }
    t.from = copy;
    t.image_step = s->rows * s->columns * s->depth;
    for (int64_t i = 0; i < t.images; i++)
        eg_direct_copy(s->from + (t.image + i) * map, s->source[0], s->source[1], s->depth, row, s->low[1],
                       (t.lines - 1) * s->step[0] + s->extent[0], s->columns, copy + i * t.image_step);
    return t;
}

static void finish_dot(const sweep *s, eg_dot *d)
{
    if (d->rows == 0) return;
    for (int64_t i = d->rows; i < EG_DIRECT_ROWS; i++) d->a[i] = d->a[d->rows - 1];
    s->form->dot(d);
    d->rows = 0;
}

/* One panel of the tile's pixels of a phase. */
static void run_phase(const sweep *s, const phase *n, const tile *t, int64_t panel)
{
    int64_t column = panel * s->form->panel, lines = eg_least(t->lines, n->count[0] - t->line);
    eg_dot d = {.width = eg_least(s->form->panel, s->width - column),
                .runs = n->taps.count[0],
                .length = n->taps.count[1] * s->depth,
                .pitch = s->columns * s->depth,
                .b = s->packed + (panel * s->panel_rows + n->offset) * s->form->panel,
                .accumulate = s->accumulate};
    int64_t shift = (n->start[0] - s->low[0]) * d.pitch + (n->start[1] - s->low[1]) * s->depth;
    for (int64_t row = 0; row < t->images * lines; row++) {
        int64_t image = row / lines, line = row % lines;
        const float *a = t->from + image * t->image_step + line * s->step[0] * d.pitch + shift;
        float *c = s->to + column +
                   (((t->image + image) * s->result[0] + n->first[0] + (t->line + line) * s->spread[0]) *
                        s->result[1] +
                    n->first[1]) *
                       s->width;
        for (int64_t pixel = 0; pixel < n->count[1]; pixel++) {
            d.a[d.rows] = a + pixel * s->step[1] * s->depth;
            d.c[d.rows] = c + pixel * s->spread[1] * s->width;
            if (++d.rows == EG_DIRECT_ROWS) finish_dot(s, &d);
        }
    }
    finish_dot(s, &d);
}

/* Forward alone: the tile's pixels of the panels lie line behind line. */
static void apply_epilogue(const sweep *s, const tile *t, int64_t begin, int64_t end)
{
    int64_t first = (t->image * s->result[0] + t->line) * s->result[1];
    int64_t pixels = t->images * t->lines * s->result[1], column = begin * s->form->panel;
    eg_epilogue epilogue = eg_conv_epilogue(s->call);
    epilogue = eg_epilogue_at(&epilogue, first * s->width, column);
    float *y = s->to + first * s->width + column;
    if (!eg_epilogue_is_empty(&epilogue))
        eg_epilogue_apply(pixels, eg_least(end * s->form->panel, s->width) - column, s->width, y, &epilogue,
                          y);
}

static float *worker_floats(const eg_call *call, int worker)
{
    return (float *)(void *)(call->worker_scratch + (size_t)worker * call->worker_stride);
}

static void sweep_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last;
    const sweep *s = context;
    tile t = find_tile(s, task / s->slices, s->in_place ? NULL : worker_floats(s->call, worker));
    int64_t begin = task % s->slices * s->slice, end = eg_least(begin + s->slice, s->panels);
    for (int64_t i = 0; i < s->phase_count; i++)
        for (int64_t panel = begin; panel < end; panel++) run_phase(s, &s->phases[i], &t, panel);
    if (s->from == s->call->x[0]) apply_epilogue(s, &t, begin, end);
}

static void run_sweep(sweep *s, const eg_call *call, const float *from, float *to)
{
    s->call = call;
    s->from = from;
    s->packed = call->scratch;
    s->to = to;
    if (!call->packed) eg_range_run(call->pool, s->panels, 1, pack_task, s);
    eg_range_run(call->pool, s->tiles * s->slices, 1, sweep_task, s);
}

void eg_conv_direct_forward(const eg_conv *conv, const eg_call *call)
{
    sweep s = make_sweep(conv, call->batch, false);
    run_sweep(&s, call, call->x[0], call->y);
}

/* The weight's gradient. */
typedef struct weights {
    const eg_direct *form;
    const eg_conv *conv;
    const eg_call *call;
    bool few;
    int64_t panel_copy;    /* floats of a tile's panel of dy */
    int64_t rows, columns; /* few: of a tile's copy */
    int64_t lines, image_tiles, tiles;
    int64_t part, parts; /* tiles of a part */
    int64_t panels, panel_size;
} weights;

static weights make_weights(const eg_conv *conv, int64_t batch)
{
    const eg_grid *g = &conv->grid;
    weights u = {.form = eg_direct_forms(eg_cpu_best()), .conv = conv, .few = g->c < FEW_CHANNELS};
    u.lines = eg_clamp(GRAD_TILE / g->q, 1, g->p);
    u.image_tiles = eg_div_up(g->p, u.lines);
    u.tiles = batch * u.image_tiles;
    u.rows = (u.lines - 1) * g->stride[0] + g->r;
    u.columns = (g->q - 1) * g->stride[1] + g->s;
    u.panels = eg_div_up(conv->k, u.form->panel);
    u.panel_copy = u.lines * g->q * u.form->panel;
    u.panel_size = g->r * g->s * g->c * u.form->panel;
    u.part = eg_div_up(u.tiles, eg_least(u.tiles, eg_div_up(ENOUGH_TASKS, u.panels)));
    u.parts = eg_div_up(u.tiles, u.part);
    return u;
}

/* The most that any smaller batch may have. */
static int64_t sums_floats(const weights *u)
{
    return eg_least(u->tiles, eg_div_up(ENOUGH_TASKS, u->panels)) * u->panels * u->panel_size;
}

/* The window's values row by row, from a copy with the padding around it. */
static void outer_rows(const weights *u, eg_outer *o, const float *x, int64_t line, float *copy, float *sums)
{
    const eg_grid *g = &u->conv->grid;
    eg_direct_copy(x, g->h, g->w, g->c, line * g->stride[0] - g->padding[0], -g->padding[1], u->rows,
                   u->columns, copy);
    o->count = g->s * g->c;
    o->a_line = g->stride[0] * u->columns * g->c;
    for (int64_t r = 0; r < g->r; r++) {
        o->a = copy + r * u->columns * g->c;
        o->sum = sums + r * o->count * u->form->panel;
        u->form->outer(o);
    }
}

/* One tap at a time: the pixels at which it lies inside the image are a rectangle. */
static void outer_tap(const weights *u, eg_outer o, const float *x, int64_t line, int64_t tap, float *copy,
                      float *sums)
{
    const eg_grid *g = &u->conv->grid;
    int64_t row = line * g->stride[0] - g->padding[0] + tap / g->s, column = tap % g->s - g->padding[1];
    int64_t first_line, last_line, first, last;
    eg_grid_clip(row, g->stride[0], o.lines, g->h, &first_line, &last_line);
    eg_grid_clip(column, g->stride[1], o.pixels, g->w, &first, &last);
    if (last_line <= first_line || last <= first) return;
    x += ((row + first_line * g->stride[0]) * g->w + column + first * g->stride[1]) * g->c;
    o.d += first_line * o.d_line + first * u->form->panel;
    o.lines = last_line - first_line;
    o.pixels = last - first;
    o.a = copy;
    for (int64_t c = 0; c < g->c; c += GRAD_CHANNELS) {
        o.count = eg_least(GRAD_CHANNELS, g->c - c);
        o.a_step = o.count;
        o.a_line = o.pixels * o.count;
        o.sum = sums + (tap * g->c + c) * u->form->panel;
        u->form->gather(&(eg_gather){.from = x + c,
                                     .step = g->stride[1] * g->c,
                                     .line = g->stride[0] * g->w * g->c,
                                     .lines = o.lines,
                                     .pixels = o.pixels,
                                     .count = o.count,
                                     .to = copy,
                                     .group = o.count});
        u->form->outer(&o);
    }
}

/* copies: the panel of dy, then what the loops over x need. */
static void weight_grad_tile(const weights *u, int64_t at, int64_t panel, float *copies, float *sums)
{
    const eg_grid *g = &u->conv->grid;
    int64_t k = u->conv->k, image = at / u->image_tiles, line = at % u->image_tiles * u->lines;
    const float *x = u->call->x[0] + image * g->h * g->w * g->c;
    const float *dy = u->call->dy + (image * g->p + line) * g->q * k + panel * u->form->panel;
    eg_outer o = {.a_step = g->stride[1] * g->c,
                  .d = copies,
                  .d_line = g->q * u->form->panel,
                  .lines = eg_least(u->lines, g->p - line),
                  .pixels = g->q,
                  .width = eg_least(u->form->panel, k - panel * u->form->panel)};
    u->form->gather(&(eg_gather){.from = dy,
                                 .step = k,
                                 .lines = 1,
                                 .pixels = o.lines * g->q,
                                 .count = o.width,
                                 .to = copies,
                                 .group = u->form->panel});
    copies += u->panel_copy;
    if (u->few) outer_rows(u, &o, x, line, copies, sums);
    for (int64_t tap = 0; !u->few && tap < g->r * g->s; tap++) outer_tap(u, o, x, line, tap, copies, sums);
}

static void weight_grad_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last;
    const weights *u = context;
    int64_t panel = task % u->panels, part = task / u->panels;
    float *sums = (float *)u->call->scratch + task * u->panel_size;
    memset(sums, 0, (size_t)u->panel_size * sizeof *sums);
    for (int64_t at = part * u->part; at < eg_least((part + 1) * u->part, u->tiles); at++)
        weight_grad_tile(u, at, panel, worker_floats(u->call, worker), sums);
}

static void unpack_task(const void *context, int64_t panel, int64_t last, int worker)
{
    (void)last, (void)worker;
    const weights *u = context;
    const eg_grid *g = &u->conv->grid;
    eg_direct_unpack(u->form, panel, u->conv->k, g->c, g->r * g->s, u->parts, u->panels * u->panel_size,
                     (const float *)u->call->scratch + panel * u->panel_size, u->call->grads[EG_CONV_WEIGHT],
                     u->call->add_grads[EG_CONV_WEIGHT]);
}

void eg_conv_direct_backward(const eg_conv *conv, const eg_call *call)
{
    if (call->dx[0]) {
        sweep s = make_sweep(conv, call->batch, true);
        s.accumulate = call->add_dx[0];
        run_sweep(&s, call, call->dy, call->dx[0]);
    }
    if (call->grads[EG_CONV_WEIGHT]) {
        weights u = make_weights(conv, call->batch);
        u.call = call;
        eg_range_run(call->pool, u.parts * u.panels, 1, weight_grad_task, &u);
        eg_range_run(call->pool, u.panels, 1, unpack_task, &u);
    }
    if (call->grads[EG_CONV_BIAS])
        eg_columns_sum(call->pool, call->batch * conv->grid.p * conv->grid.q, conv->k, call->dy,
                       call->scratch, call->grads[EG_CONV_BIAS], call->add_grads[EG_CONV_BIAS]);
}

static void weights_memory(const eg_conv *conv, int64_t batch, int64_t *scratch, int64_t *worker)
{
    weights u = make_weights(conv, batch);
    int64_t rows = u.rows * u.columns * conv->grid.c, gathered = u.lines * conv->grid.q * GRAD_CHANNELS;
    *scratch = eg_most(*scratch, sums_floats(&u));
    *worker = eg_most(*worker, u.panel_copy + (u.few ? rows : gathered));
}

void eg_conv_direct_memory(const eg_conv *conv, int64_t batch, bool training, eg_op_memory *out)
{
    sweep s = make_sweep(conv, batch, false);
    int64_t scratch = packed_floats(&s), worker = copy_floats(&s), size = (int64_t)sizeof(float);
    if (training) {
        s = make_sweep(conv, batch, true);
        scratch = eg_most(scratch, packed_floats(&s));
        worker = eg_most(worker, copy_floats(&s));
        weights_memory(conv, batch, &scratch, &worker);
    }
    *out = (eg_op_memory){.scratch = (size_t)(scratch * size), .worker = (size_t)(worker * size)};
    size_t bias = eg_columns_scratch(batch * conv->grid.p * conv->grid.q, conv->k);
    if (training && out->scratch < bias) out->scratch = bias;
}

bool eg_conv_direct_fits(const eg_conv *conv)
{
    const eg_grid *g = &conv->grid;
    return conv->groups == 1 && g->dilation[0] == 1 && g->dilation[1] == 1 && g->stride[0] <= MOST_STRIDE &&
           g->stride[1] <= MOST_STRIDE;
}
