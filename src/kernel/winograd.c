/* What was tried, and what it gained: one core of an Emerald Rapids server, OpenBLAS 0.3.21 with its SkylakeX
 * kernels, batch 16, a busy machine: differences below 5 % are noise. GFLOP/s count a direct convolution; the
 * best of several runs.
 *
 * - Points 3/4, 3/2 for 1, 2: largest error 2.4e-5 -> 6.3e-6 of the root mean square.
 * - Transforms with fused multiply-adds (264 operations of the input's 16 channels become 144) and all loops
 * unrolled: gcc had left some rolled. 64 channels at 56 x 56: 361 -> 384, 128 -> 32 at 28 x 28: 297 -> 338,
 * with OpenBLAS's products. The input's takes some 190 ticks of 2.1 GHz for 16 channels of a tile in cache,
 * 210 from memory, the output's 120 and 180. Fetching the next tile beforehand: 210 -> 290.
 * - Products by direct.h's dot, rows of u read where they lie, for OpenBLAS's kernels for small products,
 * which copy nothing either: as fast within 5 % up to 256 channels, because both are bound by the
 * second-level cache (115 to 140 GFLOP/s a product; dot alone with hot rows 155 to 172); with the next
 * filters fetched meanwhile 256 -> 512 channels 434 -> 490, 512 channels 450 -> 482. And an element's bits
 * depend on nothing around it. Pointers of six rows made anew for each call cost 5 to 10 %.
 * - u and m by tile, (tiles, 36, c), for by point: transforms write one stream instead of 36, but rows are
 * far apart and come late: 256 -> 512 channels 425 -> 350.
 * - Blocks: 48, 120, 180 tiles: 379, 354, 351 at 64 channels and 321, 297 at 128 -> 32, where a block of 48
 * stays in the second-level cache; 425, 470 (48, 120) at 256 -> 512, where none does and filters are read
 * once a block.
 * - 36 matrices an odd number of cache lines apart, for multiples of 4 KiB: packing 512 x 512 filters 12 -> 7
 * ms.
 * - Filters that one block reads made in cache just before their products, not all 38 MB beforehand: 512
 * channels at 7 x 7, milliseconds 29 -> 15 with their making. With two blocks, each making them for itself,
 * 14 x 14 got 10 % slower.
 * - 7 x 7 maps waste 23 % of their tiles, yet F(2x2, 3x3) would need 1.8 times the multiplications: not
 * built. Non-temporal stores: not tried. */
#include "kernel/winograd.h"

#include <assert.h>
#include <string.h>

#include "kernel/direct.h"
#include "kernel/winograd_forms.h"
#include "kernel/winograd_tiles.h"

enum {
    PANEL = EG_WINOGRAD_PANEL,
    POINTS = EG_WINOGRAD_POINTS,
    BLOCK_FLOATS = 288 * 1024, /* of a block's transformed tiles: what a second-level cache holds */
    BLOCK_LEAST = 48,          /* tiles of a block: filters are read once a block */
    BLOCK_MOST = 120,
    GATHER = 8,              /* channels whose filters are fetched together */
    GROUP = 4,               /* panels of a task, at least: every group repeats the input's transform */
    GROUP_MOST = 8,          /* and at most: scratch memory grows with it */
    TASKS = 16,              /* wanted, so that threads have something to share */
    DEPTH = 128,             /* channels of a product: a panel's filters stay in the first-level cache */
    FAR_FILTERS = 1 << 15,   /* from so many on they are fetched, because the second-level cache is full */
    FRESH_FILTERS = 1 << 17, /* from so many on, if they are read once */
};

static const eg_winograd_forms *const forms[EG_CPU_COUNT] = {
    [EG_CPU_PORTABLE] = &eg_winograd_portable,
#if defined(__x86_64__)
    [EG_CPU_AVX2] = &eg_winograd_avx2,
    [EG_CPU_AVX512] = &eg_winograd_avx512,
#endif
};

const eg_winograd_forms *eg_winograd_forms_of(eg_cpu cpu)
{
    assert(forms[cpu]);
    return forms[cpu];
}

bool eg_winograd_fits(const eg_winograd_shape *s)
{
    for (int axis = 0; axis < 2; axis++) {
        if (s->padding[axis] < 0 || s->padding[axis] > 2) return false;
    }
    return s->n > 0 && s->c > 0 && s->k > 0 && s->h + 2 * s->padding[0] >= 3 && s->w + 2 * s->padding[1] >= 3;
}

/* Floats of the packed filters before a panel. */
static int64_t filters_before(const eg_winograd *plan, int64_t panel)
{
    return panel * POINTS * eg_winograd_stride(plan->shape.c, PANEL);
}

/* Channels of a group, in whole lines. */
static int64_t columns_of(int64_t k, int64_t panels)
{
    return eg_least(eg_winograd_padded(k), panels * PANEL);
}

/* Tiles of a block, at most: whole rows of a product. */
static int64_t longest_block(const eg_winograd_shape *s, int64_t panels)
{
    const int64_t columns = columns_of(s->k, eg_least(panels, GROUP_MOST));
    const int64_t fit = BLOCK_FLOATS / (POINTS * (eg_winograd_padded(s->c) + columns));
    const int64_t most = fit < BLOCK_LEAST ? BLOCK_MOST : eg_least(fit, BLOCK_MOST);
    return eg_div_up(most, EG_DIRECT_ROWS) * EG_DIRECT_ROWS;
}

static int64_t block_of(int64_t tiles, int64_t longest)
{
    int64_t blocks = eg_div_up(tiles, longest);
    if (blocks > 2) blocks = eg_div_up(blocks, 4) * 4; /* for 2 or 4 threads */
    return eg_div_up(eg_div_up(tiles, blocks), EG_DIRECT_ROWS) * EG_DIRECT_ROWS;
}

static int64_t panels_of_a_group(int64_t panels, int64_t blocks)
{
    int64_t group = eg_most(GROUP, eg_div_up(panels * blocks, TASKS));
    group = eg_least(group, GROUP_MOST);
    return eg_div_up(panels, eg_div_up(panels, group));
}

static eg_winograd make_plan(const eg_winograd_shape *s, bool turned)
{
    eg_winograd plan = {.shape = *s, .cpu = eg_cpu_best(), .turned = turned};
    plan.p = s->h + 2 * s->padding[0] - 2;
    plan.q = s->w + 2 * s->padding[1] - 2;
    plan.rows = eg_div_up(plan.p, EG_WINOGRAD_TILE);
    plan.columns = eg_div_up(plan.q, EG_WINOGRAD_TILE);
    plan.tiles = s->n * plan.rows * plan.columns;
    plan.panels = eg_div_up(s->k, PANEL);
    const int64_t longest = longest_block(s, plan.panels);
    plan.block = block_of(plan.tiles, longest);
    plan.blocks = eg_div_up(plan.tiles, plan.block);
    plan.group = panels_of_a_group(plan.panels, plan.blocks);
    plan.groups = eg_div_up(plan.panels, plan.group);
    plan.tasks = plan.blocks * plan.groups;
    const bool many = s->c * s->k >= FRESH_FILTERS;
    plan.packs = many && plan.blocks == 1 ? 0 : plan.panels;
    plan.filter_bytes = sizeof(float) * (size_t)filters_before(&plan, plan.packs);
    const int64_t most = eg_least(longest, plan.tiles); /* so that smaller batches need no more */
    int64_t floats =
        eg_winograd_padded(s->c) + POINTS * (eg_winograd_stride(most, eg_winograd_padded(s->c)) +
                                             eg_winograd_stride(most, columns_of(s->k, plan.group)));
    if (many) floats += POINTS * eg_winograd_stride(DEPTH, PANEL); /* for smaller batches, too */
    plan.scratch_bytes = sizeof(float) * (size_t)floats;
    return plan;
}

eg_winograd eg_winograd_plan(const eg_winograd_shape *s)
{
    assert(eg_winograd_fits(s));
    return make_plan(s, false);
}

eg_winograd eg_winograd_plan_input_grad(const eg_winograd_shape *s)
{
    assert(eg_winograd_fits(s));
    eg_winograd_shape turned = {.n = s->n, .c = s->k, .k = s->c};
    turned.h = s->h + 2 * s->padding[0] - 2;
    turned.w = s->w + 2 * s->padding[1] - 2;
    for (int axis = 0; axis < 2; axis++) turned.padding[axis] = 2 - s->padding[axis];
    return make_plan(&turned, true);
}

/* Where the taps of a filter lie: filter (c, k), tap t at k * k_step + c * c_step + t * tap_step. */
typedef struct layout {
    int64_t k_step, c_step, tap_step;
} layout;

/* taps (count, 9, panel) of the channels c … c+count-1: several at a time, because a line holds more than
 * one. */
static void gather_taps(const float *weight, layout at, int64_t width, int64_t count, float *taps)
{
    for (int64_t k = 0; k < width; k++) {
        for (int64_t i = 0; i < count; i++) {
            for (int64_t t = 0; t < 9; t++)
                taps[(i * 9 + t) * PANEL + k] = weight[k * at.k_step + i * at.c_step + t * at.tap_step];
        }
    }
}

static layout layout_of(const eg_winograd *plan)
{
    return plan->turned ? (layout){9, plan->shape.k * 9, -1} : (layout){plan->shape.c * 9, 9, 1};
}

/* The panel's filters of the channels c … c+count-1 to out (36, panels of a product, count, their columns),
 * matrices `stride` apart. */
static void pack(const eg_winograd *plan, int64_t panel, int64_t c, int64_t count, const float *weight,
                 float *out, int64_t stride)
{
    const int64_t first = panel * PANEL, width = eg_least(PANEL, plan->shape.k - first);
    const int64_t columns = eg_direct_forms(plan->cpu)->panel;
    const layout at = layout_of(plan);
    float taps[GATHER * 9 * PANEL] = {0};
    weight += first * at.k_step + c * at.c_step + (plan->turned ? 8 : 0);
    for (int64_t i = 0; i < count; i++) {
        if (i % GATHER == 0)
            gather_taps(weight + i * at.c_step, at, width, eg_least(GATHER, count - i), taps);
        forms[plan->cpu]->filter(taps + i % GATHER * 9 * PANEL, columns, out + i * columns, stride,
                                 count * columns);
    }
}

void eg_winograd_pack(const eg_winograd *plan, int64_t panel, const float *weight, float *packed)
{
    assert(panel >= 0 && panel < plan->packs);
    const int64_t c = plan->shape.c;
    packed += filters_before(plan, panel);
    for (int64_t i = 0; i < c; i += DEPTH)
        pack(plan, panel, i, eg_least(DEPTH, c - i), weight, packed + i * PANEL,
             eg_winograd_stride(c, PANEL));
}

/* A running task. */
typedef struct work {
    const eg_winograd *plan;
    int64_t first, tiles;       /* its tiles */
    int64_t k, width;           /* its channels of y */
    int64_t u_row, m_row;       /* floats from tile to tile */
    int64_t u_stride, m_stride; /* and from point to point */
    float *zeros;               /* (c): pixels outside */
    float *u;                   /* (tiles, 36, c) */
    float *m;                   /* (tiles, 36, width) */
    float *filters;             /* of a panel and DEPTH channels */
} work;

static void transform_input(const work *w, const float *x)
{
    const eg_winograd *plan = w->plan;
    const eg_winograd_shape *s = &plan->shape;
    const float *pixels[POINTS];
    for (int64_t i = 0; i < w->tiles; i++) {
        eg_winograd_place at = eg_winograd_place_of(w->first + i, plan->rows, plan->columns);
        eg_winograd_gather(x + at.image * s->h * s->w * s->c, s->h, s->w, s->c, at.row - s->padding[0],
                           at.column - s->padding[1], EG_WINOGRAD_WINDOW, w->zeros, pixels);
        forms[plan->cpu]->input(pixels, s->c, w->u + i * w->u_row, w->u_stride);
    }
}

/* A piece of a product: point e of m's columns from … from+width-1 += that of u's channels c … c+depth-1
 * times filters (depth, width); = where c is 0. Meanwhile what the next piece takes is fetched. */
typedef struct piece {
    int64_t e, c, depth, from, width;
    const float *filters;
} piece;

/* The rows behind those that are done; where fewer than six are left, the last stands for those missing. */
static void advance(const work *w, eg_dot *dot, int64_t rest)
{
    dot->rows = eg_least(EG_DIRECT_ROWS, rest);
    for (int64_t i = 0; i < EG_DIRECT_ROWS; i++) {
        dot->a[i] = i < rest ? dot->a[i] + EG_DIRECT_ROWS * w->u_row : dot->a[rest - 1];
        dot->c[i] = i < rest ? dot->c[i] + EG_DIRECT_ROWS * w->m_row : dot->c[rest - 1];
    }
}

/* One panel of the product's, from column k on. `lines` of `next` are fetched meanwhile. */
static void multiply_panel(const work *w, const piece *p, int64_t k, const float *next, int64_t lines)
{
    const eg_direct *form = eg_direct_forms(w->plan->cpu);
    const float *u = w->u + p->e * w->u_stride + p->c;
    float *m = w->m + p->e * w->m_stride + p->from + k;
    eg_dot dot = {.runs = 1, .length = p->depth, .accumulate = p->c > 0, .b = p->filters + k * p->depth};
    dot.width = eg_least(form->panel, p->width - k);
    dot.rows = eg_least(EG_DIRECT_ROWS, w->tiles);
    for (int64_t i = 0; i < EG_DIRECT_ROWS; i++) {
        dot.a[i] = u + eg_least(i, dot.rows - 1) * w->u_row;
        dot.c[i] = m + eg_least(i, dot.rows - 1) * w->m_row;
    }
    for (int64_t i = 0; i < w->tiles; i += EG_DIRECT_ROWS) {
        if (i > 0) advance(w, &dot, w->tiles - i);
        const int64_t end = eg_least(i + EG_DIRECT_ROWS, w->tiles);
        for (int64_t j = lines * i / w->tiles; j < lines * end / w->tiles; j++)
            __builtin_prefetch(next + j * EG_WINOGRAD_LINE, 0, 2);
        form->dot(&dot);
    }
}

static void multiply_piece(const work *w, const piece *p, const piece *next)
{
    const int64_t panel = eg_direct_forms(w->plan->cpu)->panel;
    const bool far = next && w->plan->shape.c * w->plan->shape.k >= FAR_FILTERS;
    const int64_t lines = far ? next->depth * panel / EG_WINOGRAD_LINE : 0;
    for (int64_t k = 0; k < p->width; k += panel)
        multiply_panel(w, p, k, far ? next->filters + k * next->depth : NULL, lines);
}

/* Pieces in their order: all panels of one point before the next, so that its part of u stays in cache. */
static bool take_piece(const work *w, const float *packed, int64_t number, piece *p)
{
    const int64_t c = w->plan->shape.c, depths = eg_div_up(c, DEPTH);
    const int64_t panels = eg_div_up(w->width, PANEL);
    if (number == POINTS * panels * depths) return false;
    p->e = number / (panels * depths);
    p->c = number % depths * DEPTH;
    p->depth = eg_least(DEPTH, c - p->c);
    p->from = number / depths % panels * PANEL;
    p->width = eg_least(PANEL, w->width - p->from);
    p->filters = packed + filters_before(w->plan, (w->k + p->from) / PANEL) +
                 p->e * eg_winograd_stride(c, PANEL) + p->c * PANEL;
    return true;
}

static void multiply(const work *w, const float *packed)
{
    piece pieces[2];
    bool more = take_piece(w, packed, 0, &pieces[0]);
    for (int64_t i = 0; more; i++) {
        more = take_piece(w, packed, i + 1, &pieces[(i + 1) % 2]);
        multiply_piece(w, &pieces[i % 2], more ? &pieces[(i + 1) % 2] : NULL);
    }
}

/* The same where filters are read once: a few channels' are made in cache just before. */
static void multiply_fresh(const work *w, const float *weight)
{
    const int64_t c = w->plan->shape.c, stride = eg_winograd_stride(DEPTH, PANEL);
    for (int64_t k = 0; k < w->width; k += PANEL) {
        for (int64_t from = 0; from < c; from += DEPTH) {
            piece p = {.c = from, .depth = eg_least(DEPTH, c - from), .from = k};
            p.width = eg_least(PANEL, w->width - k);
            pack(w->plan, (w->k + k) / PANEL, from, p.depth, weight, w->filters, stride);
            for (p.e = 0; p.e < POINTS; p.e++) {
                p.filters = w->filters + p.e * stride;
                multiply_piece(w, &p, NULL);
            }
        }
    }
}

static void transform_output(const work *w, const eg_epilogue *epilogue, float *y)
{
    const eg_winograd *plan = w->plan;
    eg_winograd_target target = {.activation = epilogue->activation, .slope = epilogue->slope};
    target.scale = epilogue->scale ? epilogue->scale + w->k : NULL;
    target.bias = epilogue->bias ? epilogue->bias + w->k : NULL;
    target.has_residual = epilogue->residual != NULL;
    for (int64_t i = 0; i < w->tiles; i++) {
        eg_winograd_place at = eg_winograd_place_of(w->first + i, plan->rows, plan->columns);
        for (int64_t j = 0; j < EG_WINOGRAD_TILE * EG_WINOGRAD_TILE; j++) {
            int64_t row = at.row + j / EG_WINOGRAD_TILE, column = at.column + j % EG_WINOGRAD_TILE;
            int64_t offset = ((at.image * plan->p + row) * plan->q + column) * plan->shape.k + w->k;
            bool inside = row < plan->p && column < plan->q;
            target.y[j] = inside ? y + offset : NULL;
            target.residual[j] = inside && epilogue->residual ? epilogue->residual + offset : NULL;
        }
        forms[plan->cpu]->output(w->m + i * w->m_row, w->m_stride, w->width, &target);
    }
}

static work work_of(const eg_winograd *plan, int64_t task, float *scratch)
{
    work w = {.plan = plan, .zeros = scratch, .u_row = eg_winograd_padded(plan->shape.c)};
    w.first = task / plan->groups * plan->block;
    w.tiles = eg_least(plan->block, plan->tiles - w.first);
    w.k = task % plan->groups * plan->group * PANEL;
    w.width = eg_least(plan->group * PANEL, plan->shape.k - w.k);
    w.m_row = eg_winograd_padded(w.width);
    w.u = w.zeros + eg_winograd_padded(plan->shape.c);
    w.u_stride = eg_winograd_stride(w.tiles, w.u_row);
    w.m_stride = eg_winograd_stride(w.tiles, w.m_row);
    w.m = w.u + POINTS * w.u_stride;
    w.filters = w.m + POINTS * w.m_stride;
    return w;
}

void eg_winograd_forward(const eg_winograd *plan, int64_t task, const float *x, const float *weight,
                         const float *packed, const eg_epilogue *epilogue, float *y, void *scratch)
{
    assert(task >= 0 && task < plan->tasks);
    static const eg_epilogue none = {0};
    const work w = work_of(plan, task, scratch);
    memset(w.zeros, 0, sizeof(float) * (size_t)plan->shape.c);
    transform_input(&w, x);
    if (plan->packs > 0)
        multiply(&w, packed);
    else
        multiply_fresh(&w, weight);
    transform_output(&w, epilogue ? epilogue : &none, y);
}
