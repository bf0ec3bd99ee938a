/* What was tried, and what it gained: one core of a Sapphire Rapids server, OpenBLAS 0.3.21 with its SkylakeX
 * kernels (about 150 GFLOP/s), batch 16, a busy machine: differences below 5 % are noise. GFLOP/s count a
 * direct convolution. All in all the forward pass reaches 360 to 425 on maps of 56 and 28, where PyTorch 1.13
 * has 130 to 160.
 *
 * - Points 3/4, 3/2 for 1, 2: largest error 2.4e-5 -> 6.3e-6 of the root mean square.
 * - Products below a million multiplications (64 columns, 60 to 240 rows), where OpenBLAS has AVX-512 kernels
 * that copy nothing: 64 channels 108 -> 160 GFLOP/s a product, 128 channels 124 -> 150; the forward pass at
 * 256 and 512 channels gains 20 %. With the AVX2 kernels, which know no such thing, whole products are 10 %
 * better.
 * - All panels of one product before the next product, for all products of one panel: 512 channels 345 ->
 * 389, smaller ones the same.
 * - Blocks of 60, 120, 240 tiles: 371, 355, 327 at 64 channels; 318, 389, 389 at 512, where the filters fill
 * 38 MB and are read once a block. 128 is good everywhere, and AVX2 products want rows.
 * - 36 matrices an odd number of cache lines apart, for multiples of 4 KiB: packing 512 x 512 filters 12 -> 7
 * ms.
 * - Sums of the weight gradient in the order in which they are read at last: 7 x 7 maps of 512 channels 110
 * -> 230. Rectangles of 128 channels for 256: no faster, so only where there would be a single task.
 * - The transforms are bound by memory: the input's takes 500 cycles for 16 channels of a tile, with 264
 * operations; the portable form is as fast as the others within 10 %.
 * - Filters that one block reads made in cache just before their products, not all 38 MB beforehand: 512
 * channels at 7 x 7, milliseconds 29 -> 15 with their making. With two blocks, each making them for itself,
 * 14 x 14 got 10 % slower.
 * - 7 x 7 maps waste 23 % of their tiles, yet F(2x2, 3x3) would need 1.8 times the multiplications: not
 * built. Non-temporal stores: not tried. */
#include "kernel/winograd.h"

#include <assert.h>
#include <string.h>

#include "kernel/gemm.h"
#include "kernel/winograd_forms.h"

enum {
    PANEL = EG_WINOGRAD_PANEL,
    TILE = 4,   /* outputs along an axis */
    WINDOW = 6, /* inputs along an axis */
    POINTS = 36,
    LINE = 16, /* floats of a cache line */
    PAIR = 2 * LINE,
    BLOCK_TILES = 128, /* of a block, at most */
    DEPTH = 256,       /* channels summed by one product, when products are limited */
    SMALL_PRODUCT =
        1000 * 1000,         /* multiplications for which OpenBLAS's AVX-512 kernels work without copying */
    GATHER = 8,              /* channels whose filters are fetched together */
    GROUP = 4,               /* panels of a task, at least: every group repeats the input's transform */
    GROUP_MOST = 8,          /* and at most: scratch memory grows with it */
    TASKS = 16,              /* wanted, so that threads have something to share */
    FRESH_DEPTH = 64,        /* channels whose filters are made together, when just before their products */
    FRESH_FILTERS = 1 << 17, /* from so many on, if they are read once */
    WEIGHT_BLOCK = 256,      /* channels of a weight gradient's rectangle */
    WEIGHT_DEPTH = 128,      /* input channels of one of its products */
    WEIGHT_TASKS = 2,        /* below which rectangles are halved */
    PART_TILES = 240         /* tiles of a part, at least */
};

static const eg_winograd_forms *const forms[EG_CPU_COUNT] = {
    [EG_CPU_PORTABLE] = &eg_winograd_portable,
#if defined(__x86_64__)
    [EG_CPU_AVX2] = &eg_winograd_avx2,
    [EG_CPU_AVX512] = &eg_winograd_avx512,
#endif
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t ceiling(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

/* `total` in equal parts of about `wanted`, a multiple of `unit`. */
static int64_t share(int64_t total, int64_t wanted, int64_t unit)
{
    return ceiling(ceiling(total, ceiling(total, wanted)), unit) * unit;
}

/* Floats between the 36 matrices of `rows * columns`: an odd number of cache lines, lest all 36 fall into one
 * set. */
static int64_t stride_of(int64_t rows, int64_t columns)
{
    return ceiling(rows * columns, PAIR) * PAIR + LINE;
}

static int64_t padded(int64_t floats)
{
    return ceiling(floats, LINE) * LINE;
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
    return panel * POINTS * stride_of(plan->shape.c, PANEL);
}

static eg_winograd make_plan(const eg_winograd_shape *s, bool turned)
{
    eg_winograd plan = {.shape = *s, .cpu = eg_cpu_best(), .turned = turned};
    plan.p = s->h + 2 * s->padding[0] - 2;
    plan.q = s->w + 2 * s->padding[1] - 2;
    plan.rows = ceiling(plan.p, TILE);
    plan.columns = ceiling(plan.q, TILE);
    plan.tiles = s->n * plan.rows * plan.columns;
    const int64_t wanted = ceiling(plan.tiles, BLOCK_TILES);
    plan.block = ceiling(plan.tiles, wanted > 2 ? ceiling(wanted, 4) * 4 : wanted); /* for 2 or 4 threads */
    plan.blocks = ceiling(plan.tiles, plan.block);
    plan.panels = ceiling(s->k, PANEL);
    plan.group = least(most(GROUP, ceiling(plan.panels * plan.blocks, TASKS)), GROUP_MOST);
    plan.group = share(plan.panels, plan.group, 1);
    plan.groups = ceiling(plan.panels, plan.group);
    plan.tasks = plan.blocks * plan.groups;
    const int64_t longest = least(BLOCK_TILES, plan.tiles); /* so that smaller batches need no more */
    plan.product = eg_cpu_detect() == EG_CPU_AVX512 ? SMALL_PRODUCT : 0;
    const int64_t last = s->k - (plan.panels - 1) * PANEL;
    const bool many = s->c * s->k >= FRESH_FILTERS;
    plan.packs = many && plan.blocks == 1 ? 0 : plan.panels;
    if (plan.packs > 0)
        plan.filter_bytes =
            sizeof(float) * (size_t)(filters_before(&plan, plan.panels - 1) + POINTS * stride_of(s->c, last));
    int64_t floats =
        padded(s->c) + POINTS * (stride_of(longest, s->c) + stride_of(longest, plan.group * PANEL));
    if (many) floats += POINTS * stride_of(FRESH_DEPTH, PANEL); /* for smaller batches, too */
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

/* The panel's filters of the channels c … c+count-1 to out (36, count, panel's channels), matrices `stride`
 * apart. */
static void pack(const eg_winograd *plan, int64_t panel, int64_t c, int64_t count, const float *weight,
                 float *out, int64_t stride)
{
    const int64_t first = panel * PANEL, width = least(PANEL, plan->shape.k - first);
    const layout at = layout_of(plan);
    float taps[GATHER * 9 * PANEL] = {0}, values[POINTS * PANEL];
    weight += first * at.k_step + c * at.c_step + (plan->turned ? 8 : 0);
    for (int64_t i = 0; i < count; i++) {
        if (i % GATHER == 0) gather_taps(weight + i * at.c_step, at, width, least(GATHER, count - i), taps);
        const float *own = taps + i % GATHER * 9 * PANEL;
        if (width == PANEL) {
            forms[plan->cpu]->filter(own, out + i * PANEL, stride);
            continue;
        }
        forms[plan->cpu]->filter(own, values, PANEL);
        for (int64_t e = 0; e < POINTS; e++) {
            memcpy(out + e * stride + i * width, values + e * PANEL, sizeof(float) * (size_t)width);
        }
    }
}

void eg_winograd_pack(const eg_winograd *plan, int64_t panel, const float *weight, float *packed)
{
    assert(panel >= 0 && panel < plan->packs);
    const int64_t c = plan->shape.c, width = least(PANEL, plan->shape.k - panel * PANEL);
    pack(plan, panel, 0, c, weight, packed + filters_before(plan, panel), stride_of(c, width));
}

/* A tile's place: image, first output row and column. */
typedef struct place {
    int64_t image, row, column;
} place;

static place place_of(int64_t tile, int64_t rows, int64_t columns)
{
    return (place){tile / (rows * columns), tile / columns % rows * TILE, tile % columns * TILE};
}

/* The pixels of a square of a map (h, w, c) whose first pixel is (row, column); `outside` for those that lie
 * outside the map. */
static void gather(const float *map, int64_t h, int64_t w, int64_t c, int64_t row, int64_t column,
                   int64_t size, const float *outside, const float **pixels)
{
    for (int64_t i = 0; i < size; i++) {
        for (int64_t j = 0; j < size; j++) {
            bool inside = row + i >= 0 && row + i < h && column + j >= 0 && column + j < w;
            pixels[i * size + j] = inside ? map + ((row + i) * w + column + j) * c : outside;
        }
    }
}

/* u (36, tiles, c) of the block's tiles; zeros (c) are the pixels outside. */
static void transform_input(const eg_winograd *plan, int64_t first, int64_t tiles, const float *x,
                            const float *zeros, float *u, int64_t stride)
{
    const eg_winograd_shape *s = &plan->shape;
    const float *pixels[POINTS];
    for (int64_t i = 0; i < tiles; i++) {
        place at = place_of(first + i, plan->rows, plan->columns);
        gather(x + at.image * s->h * s->w * s->c, s->h, s->w, s->c, at.row - s->padding[0],
               at.column - s->padding[1], WINDOW, zeros, pixels);
        forms[plan->cpu]->input(pixels, 0, s->c, u + i * s->c, stride);
    }
}

/* m (36, panel, tiles, 64) = u * the filters of the panels begin … end-1. All panels of one product before
 * the next product: its part of u stays in cache. */
static void multiply(const eg_winograd *plan, int64_t tiles, const float *u, int64_t u_stride,
                     const float *packed, int64_t begin, int64_t end, float *m, int64_t m_stride)
{
    const int64_t c = plan->shape.c, depth = plan->product ? share(c, DEPTH, 1) : c;
    const int64_t rows = plan->product ? share(tiles, most(1, plan->product / (PANEL * depth)), 1) : tiles;
    for (int64_t job = 0; job < POINTS * (end - begin); job++) {
        const int64_t e = job / (end - begin), panel = begin + job % (end - begin);
        const int64_t width = least(PANEL, plan->shape.k - panel * PANEL);
        const float *filters = packed + filters_before(plan, panel) + e * stride_of(c, width);
        float *out = m + e * m_stride + (panel - begin) * tiles * PANEL;
        for (int64_t i = 0; i < tiles; i += rows) {
            for (int64_t d = 0; d < c; d += depth) {
                eg_matrix a = {u + e * u_stride + i * c + d, c, false},
                          b = {filters + d * width, width, false};
                eg_gemm(least(rows, tiles - i), width, least(depth, c - d), a, b, out + i * PANEL, PANEL,
                        d > 0);
            }
        }
    }
}

/* The same where filters are read once: a few channels' are made in cache just before. */
static void multiply_fresh(const eg_winograd *plan, int64_t tiles, const float *u, int64_t u_stride,
                           const float *weight, int64_t begin, int64_t end, float *m, int64_t m_stride,
                           float *filters)
{
    const int64_t c = plan->shape.c, stride = stride_of(FRESH_DEPTH, PANEL);
    for (int64_t job = 0; job < (end - begin) * ceiling(c, FRESH_DEPTH); job++) {
        const int64_t panel = begin + job / ceiling(c, FRESH_DEPTH),
                      d = job % ceiling(c, FRESH_DEPTH) * FRESH_DEPTH;
        const int64_t width = least(PANEL, plan->shape.k - panel * PANEL), depth = least(FRESH_DEPTH, c - d);
        pack(plan, panel, d, depth, weight, filters, stride);
        for (int64_t e = 0; e < POINTS; e++) {
            eg_matrix a = {u + e * u_stride + d, c, false}, b = {filters + e * stride, width, false};
            eg_gemm(tiles, width, depth, a, b, m + e * m_stride + (panel - begin) * tiles * PANEL, PANEL,
                    d > 0);
        }
    }
}

/* The panel's channels k … k+width-1 of the block's tiles of y. */
static void transform_output(const eg_winograd *plan, int64_t first, int64_t tiles, const float *m,
                             int64_t stride, int64_t k, int64_t width, const eg_epilogue *epilogue, float *y)
{
    eg_winograd_target target = {.activation = epilogue->activation, .slope = epilogue->slope};
    target.scale = epilogue->scale ? epilogue->scale + k : NULL;
    target.bias = epilogue->bias ? epilogue->bias + k : NULL;
    target.has_residual = epilogue->residual != NULL;
    for (int64_t i = 0; i < tiles; i++) {
        place at = place_of(first + i, plan->rows, plan->columns);
        for (int64_t j = 0; j < TILE * TILE; j++) {
            int64_t row = at.row + j / TILE, column = at.column + j % TILE;
            int64_t offset = ((at.image * plan->p + row) * plan->q + column) * plan->shape.k + k;
            bool inside = row < plan->p && column < plan->q;
            target.y[j] = inside ? y + offset : NULL;
            target.residual[j] = inside && epilogue->residual ? epilogue->residual + offset : NULL;
        }
        forms[plan->cpu]->output(m + i * PANEL, stride, 0, width, &target);
    }
}

void eg_winograd_forward(const eg_winograd *plan, int64_t task, const float *x, const float *weight,
                         const float *packed, const eg_epilogue *epilogue, float *y, void *scratch)
{
    assert(task >= 0 && task < plan->tasks);
    static const eg_epilogue none = {0};
    const int64_t c = plan->shape.c, k = plan->shape.k;
    const int64_t first = task / plan->groups * plan->block, tiles = least(plan->block, plan->tiles - first);
    const int64_t begin = task % plan->groups * plan->group, end = least(begin + plan->group, plan->panels);
    const int64_t u_stride = stride_of(tiles, c), m_stride = stride_of(tiles, (end - begin) * PANEL);
    float *zeros = scratch, *u = zeros + padded(c), *m = u + POINTS * u_stride;

    memset(zeros, 0, sizeof(float) * (size_t)c);
    transform_input(plan, first, tiles, x, zeros, u, u_stride);
    if (plan->packs > 0)
        multiply(plan, tiles, u, u_stride, packed, begin, end, m, m_stride);
    else
        multiply_fresh(plan, tiles, u, u_stride, weight, begin, end, m, m_stride, m + POINTS * m_stride);
    for (int64_t panel = begin; panel < end; panel++) {
        transform_output(plan, first, tiles, m + (panel - begin) * tiles * PANEL, m_stride, panel * PANEL,
                         least(PANEL, k - panel * PANEL), epilogue ? epilogue : &none, y);
    }
}

/* Floats of one part's sums. */
static int64_t sums_of(const eg_winograd_weights *plan)
{
    return plan->sum_tasks * LINE * plan->shape.c * 9;
}

/* Rectangles of at most `side` channels each way. */
static void set_rectangles(eg_winograd_weights *plan, int64_t side)
{
    plan->c_block = least(plan->shape.c, share(plan->shape.c, side, LINE));
    plan->c_blocks = ceiling(plan->shape.c, plan->c_block);
    plan->k_block = share(plan->shape.k, side, PANEL);
    plan->k_blocks = ceiling(plan->shape.k, plan->k_block);
}

eg_winograd_weights eg_winograd_plan_weight_grad(const eg_winograd_shape *s)
{
    assert(eg_winograd_fits(s));
    eg_winograd_weights plan = {.shape = *s, .cpu = eg_cpu_best()};
    plan.p = s->h + 2 * s->padding[0] - 2;
    plan.q = s->w + 2 * s->padding[1] - 2;
    plan.rows = ceiling(plan.p, TILE);
    plan.columns = ceiling(plan.q, TILE);
    plan.tiles = s->n * plan.rows * plan.columns;
    const int64_t most_parts = most(1, plan.tiles / PART_TILES);
    set_rectangles(&plan, WEIGHT_BLOCK);
    if (most_parts * plan.c_blocks * plan.k_blocks < WEIGHT_TASKS) set_rectangles(&plan, WEIGHT_BLOCK / 2);
    const int64_t rectangles = plan.c_blocks * plan.k_blocks;
    const int64_t parts = least(ceiling(TASKS, rectangles), most_parts);
    plan.part = ceiling(plan.tiles, parts);
    plan.parts = ceiling(plan.tiles, plan.part);
    plan.chunk = share(plan.part, BLOCK_TILES, 1);
    plan.tasks = plan.parts * rectangles;
    plan.sum_tasks = ceiling(s->k, LINE);
    plan.sums_bytes = sizeof(float) * (size_t)(parts * sums_of(&plan)); /* smaller batches need no more */
    const int64_t longest = least(BLOCK_TILES, plan.tiles);
    plan.scratch_bytes =
        sizeof(float) * (size_t)(padded(most(s->c, s->k)) + POINTS * (stride_of(longest, plan.c_block) +
                                                                      stride_of(longest, plan.k_block) +
                                                                      stride_of(plan.c_block, plan.k_block)));
    return plan;
}

/* What a task of the weight gradient works on, and its scratch. */
typedef struct weight_task {
    const eg_winograd_weights *plan;
    int64_t c_first, c_count, k_first, k_count;
    int64_t u_stride, d_stride, m_stride;
    float *zeros; /* (max(c, k)) */
    float *u;     /* (36, tiles, c_count) */
    float *d;     /* (36, tiles, k_count) */
    float *m;     /* (36, panel, c_count, panel's channels) */
} weight_task;

/* u and d of the tiles. */
static void transform_pair(const weight_task *t, int64_t first, int64_t tiles, const float *x,
                           const float *dy)
{
    const eg_winograd_weights *plan = t->plan;
    const eg_winograd_shape *s = &plan->shape;
    const float *pixels[POINTS];
    for (int64_t i = 0; i < tiles; i++) {
        place at = place_of(first + i, plan->rows, plan->columns);
        gather(x + at.image * s->h * s->w * s->c + t->c_first, s->h, s->w, s->c, at.row - s->padding[0],
               at.column - s->padding[1], WINDOW, t->zeros, pixels);
        forms[plan->cpu]->input(pixels, 0, t->c_count, t->u + i * t->c_count, t->u_stride);
        gather(dy + at.image * plan->p * plan->q * s->k + t->k_first, plan->p, plan->q, s->k, at.row,
               at.column, TILE, t->zeros, pixels);
        forms[plan->cpu]->grad(pixels, 0, t->k_count, t->d + i * t->k_count, t->d_stride);
    }
}

/* m += u' * d; m = when this is the first chunk. */
static void multiply_pair(const weight_task *t, int64_t tiles, bool accumulate)
{
    const int64_t depth = share(t->c_count, WEIGHT_DEPTH, 1);
    for (int64_t e = 0; e < POINTS; e++) {
        for (int64_t k = 0; k < t->k_count; k += PANEL) {
            const int64_t width = least(PANEL, t->k_count - k);
            for (int64_t c = 0; c < t->c_count; c += depth) {
                eg_matrix a = {t->u + e * t->u_stride + c, t->c_count, true};
                eg_matrix b = {t->d + e * t->d_stride + k, t->k_count, false};
                float *m = t->m + e * t->m_stride + k * t->c_count + c * width;
                eg_gemm(least(depth, t->c_count - c), width, tiles, a, b, m, width, accumulate);
            }
        }
    }
}

/* The rectangle of sums (k / 16, c, 9, 16). */
static void transform_sums(const weight_task *t, float *sums)
{
    const int64_t c = t->plan->shape.c;
    for (int64_t panel = 0; panel < t->k_count; panel += PANEL) {
        const int64_t width = least(PANEL, t->k_count - panel);
        for (int64_t i = 0; i < t->c_count; i++) {
            const float *m = t->m + panel * t->c_count + i * width;
            for (int64_t k = 0; k < width; k += LINE) {
                float *to = sums + ((t->k_first + panel + k) * c + (t->c_first + i) * LINE) * 9;
                forms[t->plan->cpu]->taps(m + k, t->m_stride, 0, least(LINE, width - k), to, LINE);
            }
        }
    }
}

void eg_winograd_weight_grad(const eg_winograd_weights *plan, int64_t task, const float *x, const float *dy,
                             float *sums, void *scratch)
{
    assert(task >= 0 && task < plan->tasks);
    const int64_t rectangles = plan->c_blocks * plan->k_blocks, part = task / rectangles;
    const int64_t c = plan->shape.c, k = plan->shape.k;
    weight_task t = {.plan = plan};
    t.c_first = task % rectangles / plan->k_blocks * plan->c_block;
    t.k_first = task % plan->k_blocks * plan->k_block;
    t.c_count = least(plan->c_block, c - t.c_first);
    t.k_count = least(plan->k_block, k - t.k_first);
    t.u_stride = stride_of(plan->chunk, t.c_count);
    t.d_stride = stride_of(plan->chunk, t.k_count);
    t.m_stride = stride_of(t.c_count, t.k_count);
    t.zeros = scratch;
    t.u = t.zeros + padded(most(c, k));
    t.d = t.u + POINTS * t.u_stride;
    t.m = t.d + POINTS * t.d_stride;

    memset(t.zeros, 0, sizeof(float) * (size_t)most(c, k));
    const int64_t begin = part * plan->part, end = least(begin + plan->part, plan->tiles);
    for (int64_t first = begin; first < end; first += plan->chunk) {
        const int64_t tiles = least(plan->chunk, end - first);
        transform_pair(&t, first, tiles, x, dy);
        multiply_pair(&t, tiles, first > begin);
    }
    transform_sums(&t, sums + part * sums_of(plan));
}

void eg_winograd_weight_sum(const eg_winograd_weights *plan, int64_t task, const float *sums, float *out,
                            bool accumulate)
{
    assert(task >= 0 && task < plan->sum_tasks);
    const int64_t c = plan->shape.c, first = task * LINE, count = least(LINE, plan->shape.k - first);
    for (int64_t i = 0; i < c; i++) {
        const float *from = sums + (first * c + i * LINE) * 9;
        float sum[9 * LINE];
        memcpy(sum, from, sizeof sum);
        for (int64_t part = 1; part < plan->parts; part++) {
            for (int64_t j = 0; j < 9 * LINE; j++) sum[j] += from[part * sums_of(plan) + j];
        }
        for (int64_t k = 0; k < count; k++) {
            float *to = out + ((first + k) * c + i) * 9;
            for (int64_t tap = 0; tap < 9; tap++) {
                const float value = sum[tap * LINE + k];
                to[tap] = accumulate ? to[tap] + value : value;
            }
        }
    }
}
