/* The weight's gradient of winograd.h. What was tried, as in winograd.c:
 *
 * - Products by direct.h's outer, for OpenBLAS's kernels for small ones (below a million multiplications they
 * copy nothing): 128 -> 32 channels at 28 x 28 282 -> 238, 128 channels 393 -> 367, elsewhere 0 to 7 % less.
 * - Sums in the order in which they are read at last: 7 x 7 maps of 512 channels 110 -> 230. Rectangles of
 * 128 channels for 256: no faster, so only where there would be a single task.
 *
 * Rows of u and d are whole cache lines, sums' too. */
#include "kernel/winograd.h"

#include <assert.h>
#include <string.h>

#include "kernel/gemm.h"
#include "kernel/winograd_forms.h"
#include "kernel/winograd_tiles.h"

enum {
    PANEL = EG_WINOGRAD_PANEL,
    POINTS = EG_WINOGRAD_POINTS,
    LINE = EG_WINOGRAD_LINE,
    CHUNK_TILES = 128, /* transformed at a time, at most */
    DEPTH = 128,       /* input channels of a product: OpenBLAS's kernels for small ones copy nothing */
    TASKS = 16,        /* wanted, so that threads have something to share */
    SIDE = 256,        /* channels of a task's rectangle */
    TASKS_LEAST = 2,   /* below which rectangles are halved */
    PART_TILES = 240   /* tiles of a part, at least */
};

/* `total` in equal parts of about `wanted`, a multiple of `unit`. */
static int64_t share(int64_t total, int64_t wanted, int64_t unit)
{
    const int64_t parts = eg_div_up(total, wanted);
    return eg_div_up(eg_div_up(total, parts), unit) * unit;
}

/* Floats of one part's sums. */
static int64_t sums_of(const eg_winograd_weights *plan)
{
    return plan->sum_tasks * LINE * plan->shape.c * 9;
}

/* Rectangles of at most `side` channels each way. */
static void set_rectangles(eg_winograd_weights *plan, int64_t side)
{
    plan->c_block = eg_least(plan->shape.c, share(plan->shape.c, side, LINE));
    plan->c_blocks = eg_div_up(plan->shape.c, plan->c_block);
    plan->k_block = share(plan->shape.k, side, PANEL);
    plan->k_blocks = eg_div_up(plan->shape.k, plan->k_block);
}

eg_winograd_weights eg_winograd_plan_weight_grad(const eg_winograd_shape *s)
{
    assert(eg_winograd_fits(s));
    eg_winograd_weights plan = {.shape = *s, .cpu = eg_cpu_best()};
    plan.p = s->h + 2 * s->padding[0] - 2;
    plan.q = s->w + 2 * s->padding[1] - 2;
    plan.rows = eg_div_up(plan.p, EG_WINOGRAD_TILE);
    plan.columns = eg_div_up(plan.q, EG_WINOGRAD_TILE);
    plan.tiles = s->n * plan.rows * plan.columns;
    const int64_t most_parts = eg_most(1, plan.tiles / PART_TILES);
    set_rectangles(&plan, SIDE);
    if (most_parts * plan.c_blocks * plan.k_blocks < TASKS_LEAST) set_rectangles(&plan, SIDE / 2);
    const int64_t rectangles = plan.c_blocks * plan.k_blocks;
    const int64_t parts = eg_least(eg_div_up(TASKS, rectangles), most_parts);
    plan.part = eg_div_up(plan.tiles, parts);
    plan.parts = eg_div_up(plan.tiles, plan.part);
    plan.chunk = share(plan.part, CHUNK_TILES, 1);
    plan.tasks = plan.parts * rectangles;
    plan.sum_tasks = eg_div_up(s->k, LINE);
    plan.sums_bytes = sizeof(float) * (size_t)(parts * sums_of(&plan)); /* smaller batches need no more */
    const int64_t longest = eg_least(CHUNK_TILES, plan.tiles);
    plan.scratch_bytes =
        sizeof(float) * (size_t)(eg_winograd_padded(eg_most(s->c, s->k)) +
                                 POINTS * eg_winograd_stride(longest, eg_winograd_padded(plan.c_block)) +
                                 POINTS * eg_winograd_stride(longest, eg_winograd_padded(plan.k_block)) +
                                 POINTS * eg_winograd_stride(plan.c_block, plan.k_block));
    return plan;
}

/* A running task: its rectangle of channels, and its scratch. */
typedef struct work {
    const eg_winograd_weights *plan;
    int64_t c_first, c_count, k_first, k_count;
    int64_t u_row, d_row;                 /* floats from tile to tile */
    int64_t u_stride, d_stride, m_stride; /* and from point to point */
    float *zeros;                         /* (max(c, k)) */
    float *u;                             /* (tiles, 36, c_count) */
    float *d;                             /* (tiles, 36, k_count) */
    float *m;                             /* (36, panels of a product, c_count, their columns) */
} work;

/* u and d of the tiles. */
static void transform_pair(const work *w, int64_t first, int64_t tiles, const float *x, const float *dy)
{
    const eg_winograd_weights *plan = w->plan;
    const eg_winograd_shape *s = &plan->shape;
    const eg_winograd_forms *form = eg_winograd_forms_of(plan->cpu);
    const float *pixels[POINTS];
    for (int64_t i = 0; i < tiles; i++) {
        eg_winograd_place at = eg_winograd_place_of(first + i, plan->rows, plan->columns);
        eg_winograd_gather(x + at.image * s->h * s->w * s->c + w->c_first, s->h, s->w, s->c,
                           at.row - s->padding[0], at.column - s->padding[1], EG_WINOGRAD_WINDOW, w->zeros,
                           pixels);
        form->input(pixels, w->c_count, w->u + i * w->u_row, w->u_stride);
        eg_winograd_gather(dy + at.image * plan->p * plan->q * s->k + w->k_first, plan->p, plan->q, s->k,
                           at.row, at.column, EG_WINOGRAD_TILE, w->zeros, pixels);
        form->grad(pixels, w->k_count, w->d + i * w->d_row, w->d_stride);
    }
}

/* m += u' * d; m = when this is the first chunk. */
static void multiply_pair(const work *w, int64_t tiles, bool accumulate)
{
    const int64_t depth = share(w->c_count, DEPTH, 1);
    for (int64_t e = 0; e < POINTS; e++) {
        for (int64_t k = 0; k < w->k_count; k += PANEL) {
            const int64_t width = eg_least(PANEL, w->k_count - k), row = eg_winograd_padded(width);
            for (int64_t c = 0; c < w->c_count; c += depth) {
                eg_matrix u = {w->u + e * w->u_stride + c, w->u_row, true};
                eg_matrix d = {w->d + e * w->d_stride + k, w->d_row, false};
                float *m = w->m + e * w->m_stride + k * w->c_count + c * row;
                eg_gemm(eg_least(depth, w->c_count - c), width, tiles, u, d, m, row, accumulate);
            }
        }
    }
}

/* The rectangle of sums (k / 16, c, 9, 16). */
static void transform_sums(const work *w, float *sums)
{
    const eg_winograd_forms *form = eg_winograd_forms_of(w->plan->cpu);
    const int64_t c = w->plan->shape.c;
    for (int64_t k = 0; k < w->d_row; k += LINE) {
        const int64_t row = eg_least(PANEL, w->d_row - k / PANEL * PANEL);
        const float *m = w->m + k / PANEL * PANEL * w->c_count + k % PANEL;
        float *to = sums + ((w->k_first + k) / LINE * c + w->c_first) * 9 * LINE;
        for (int64_t i = 0; i < w->c_count; i++) form->taps(m + i * row, w->m_stride, to + i * 9 * LINE);
    }
}

static work work_of(const eg_winograd_weights *plan, int64_t rectangle, float *scratch)
{
    const int64_t c = plan->shape.c, k = plan->shape.k;
    work w = {.plan = plan, .zeros = scratch};
    w.c_first = rectangle / plan->k_blocks * plan->c_block;
    w.k_first = rectangle % plan->k_blocks * plan->k_block;
    w.c_count = eg_least(plan->c_block, c - w.c_first);
    w.k_count = eg_least(plan->k_block, k - w.k_first);
    w.u_row = eg_winograd_padded(w.c_count);
    w.d_row = eg_winograd_padded(w.k_count);
    w.u_stride = eg_winograd_stride(plan->chunk, w.u_row);
    w.d_stride = eg_winograd_stride(plan->chunk, w.d_row);
    w.m_stride = eg_winograd_stride(w.c_count, w.d_row);
    w.u = w.zeros + eg_winograd_padded(eg_most(c, k));
    w.d = w.u + POINTS * w.u_stride;
    w.m = w.d + POINTS * w.d_stride;
    return w;
}

void eg_winograd_weight_grad(const eg_winograd_weights *plan, int64_t task, const float *x, const float *dy,
                             float *sums, void *scratch)
{
    assert(task >= 0 && task < plan->tasks);
    const int64_t rectangles = plan->c_blocks * plan->k_blocks, part = task / rectangles;
    const work w = work_of(plan, task % rectangles, scratch);
    memset(w.zeros, 0, sizeof(float) * (size_t)eg_most(plan->shape.c, plan->shape.k));
    const int64_t begin = part * plan->part, end = eg_least(begin + plan->part, plan->tiles);
    for (int64_t first = begin; first < end; first += plan->chunk) {
        const int64_t tiles = eg_least(plan->chunk, end - first);
        transform_pair(&w, first, tiles, x, dy);
        multiply_pair(&w, tiles, first > begin);
    }
    transform_sums(&w, sums + part * sums_of(plan));
}

void eg_winograd_weight_sum(const eg_winograd_weights *plan, int64_t task, const float *sums, float *out,
                            bool accumulate)
{
    assert(task >= 0 && task < plan->sum_tasks);
    const int64_t c = plan->shape.c, first = task * LINE, count = eg_least(LINE, plan->shape.k - first);
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
