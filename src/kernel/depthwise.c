#include "kernel/depthwise.h"

#include <assert.h>

#include "kernel/depthwise_forms.h"

static const eg_depthwise *const forms[EG_CPU_COUNT] = {
    [EG_CPU_PORTABLE] = &eg_depthwise_portable,
#if defined(__x86_64__)
    [EG_CPU_AVX2] = &eg_depthwise_avx2,
    [EG_CPU_AVX512] = &eg_depthwise_avx512,
#endif
};

const eg_depthwise *eg_depthwise_forms(eg_cpu cpu)
{
    assert(forms[cpu]);
    return forms[cpu];
}

enum { MOST_TAPS = 64 }; /* gathered at a time */

/* One row of pixels. Tap (r, s) of its pixel j lies on row `row(r)` and column start(s) + j * stride of the
 * other image. In the input's gradient the pixels are those of one phase: `stride` columns apart, they have
 * the same taps. */
typedef struct line {
    const eg_grid *g;
    void (*form)(const eg_depthwise_run *run);
    const float *image;
    bool backward;
    int64_t at, phase; /* row of the pixels; backward: their first column */
    int64_t pixels;
    int64_t height, width, stride; /* of the other image; columns that a tap moves from pixel to pixel */
    eg_depthwise_run run;          /* from pixel 0 on */
} line;

/* A position divided by the stride, exactly; false when it does not divide. */
static bool divide(int64_t position, int64_t stride, int64_t *quotient)
{
    *quotient = position / stride;
    return *quotient * stride == position;
}

static bool tap_row(const line *l, int64_t r, int64_t *row)
{
    const eg_grid *g = l->g;
    bool exact = true;
    if (l->backward)
        exact = divide(l->at + g->padding[0] - r * g->dilation[0], g->stride[0], row);
    else
        *row = l->at * g->stride[0] - g->padding[0] + r * g->dilation[0];
    return exact && *row >= 0 && *row < l->height;
}

static bool tap_column(const line *l, int64_t s, int64_t *column)
{
    const eg_grid *g = l->g;
    if (l->backward) return divide(l->phase + g->padding[1] - s * g->dilation[1], g->stride[1], column);
    *column = s * g->dilation[1] - g->padding[1];
    return true;
}

/* The image's row below the lowest tap's, which is the last tap or backward the first, is read soon. */
static void call_form(const line *l, eg_depthwise_run *run)
{
    if (run->count) {
        int64_t row = l->width * run->c;
        run->next_image = run->taps[l->backward ? 0 : run->count - 1].image;
        if (run->next_image - l->image < (l->height - 1) * row) run->next_image += row;
    } else {
        run->next_image = l->image;
        run->step = 0;
    }
    l->form(run);
}

/* `pixels` pixels from j on, which all have the taps that pixel j has. */
static void run_pixels(const line *l, int64_t j, int64_t pixels)
{
    const eg_grid *g = l->g;
    eg_depthwise_tap taps[MOST_TAPS];
    eg_depthwise_run run = l->run;
    int64_t row, column;
    run.pixels = pixels;
    run.taps = taps;
    if (run.out) run.out += j * run.out_step;
    if (run.dy) run.dy += j * run.out_step;
    run.next_out += j * run.out_step;
    for (int64_t r = 0; r < g->r; r++) {
        if (!tap_row(l, r, &row)) continue;
        for (int64_t s = 0; s < g->s; s++) {
            if (!tap_column(l, s, &column)) continue;
            column += j * l->stride;
            if (column < 0 || column >= l->width) continue;
            if (run.count == MOST_TAPS) {
                /* Windows this large run pixel by pixel: the sum so far is the next one's start. */
                call_form(l, &run);
                run.start = run.out;
                run.count = 0;
            }
            taps[run.count++] =
                (eg_depthwise_tap){l->image + (row * l->width + column) * g->c, (r * g->s + s) * g->c};
        }
    }
    call_form(l, &run);
}

/* The pixels that no tap of a row misses are one run, those before and behind are one each. */
static void run_line(const line *l)
{
    int64_t first = 0, end = l->pixels, column;
    for (int64_t s = 0; s < l->g->s; s++) {
        int64_t low, high;
        if (!tap_column(l, s, &column)) continue;
        eg_grid_clip(column, l->stride, l->pixels, l->width, &low, &high);
        if (low > first) first = low;
        if (high < end) end = high;
    }
    if (end <= first || l->g->r * l->g->s > MOST_TAPS) first = end = l->pixels;
    for (int64_t j = 0; j < first; j++) run_pixels(l, j, 1);
    if (end > first) run_pixels(l, first, end - first);
    for (int64_t j = end; j < l->pixels; j++) run_pixels(l, j, 1);
}

/* Pixels of the output, whose taps lie in x. */
static line output_line(const eg_grid *g, const float *x)
{
    return (line){.g = g,
                  .image = x,
                  .pixels = g->q,
                  .height = g->h,
                  .width = g->w,
                  .stride = g->stride[1],
                  .run = {.c = g->c, .step = g->stride[1] * g->c, .out_step = g->c}};
}

void eg_depthwise_forward(const eg_depthwise *form, const eg_grid *grid, const float *x, const float *weight,
                          const float *bias, int64_t p0, int64_t p1, float *y)
{
    line l = output_line(grid, x);
    l.form = form->sum;
    l.run.weight = weight;
    l.run.start = bias;
    for (l.at = p0; l.at < p1; l.at++) {
        l.run.out = y + l.at * grid->q * grid->c;
        l.run.next_out = l.run.out + (l.at + 1 < grid->p ? grid->q * grid->c : 0);
        run_line(&l);
    }
}

void eg_depthwise_input_grad(const eg_depthwise *form, const eg_grid *grid, const float *dy,
                             const float *weight, int64_t h0, int64_t h1, float *dx)
{
    line l = {
        .g = grid,
        .form = form->sum,
        .image = dy,
        .backward = true,
        .height = grid->p,
        .width = grid->q,
        .stride = 1,
        .run = {.c = grid->c, .step = grid->c, .out_step = grid->stride[1] * grid->c, .weight = weight}};
    for (l.at = h0; l.at < h1; l.at++)
        for (l.phase = 0; l.phase < grid->stride[1] && l.phase < grid->w; l.phase++) {
            l.pixels = (grid->w - l.phase + grid->stride[1] - 1) / grid->stride[1];
            l.run.out = dx + (l.at * grid->w + l.phase) * grid->c;
            l.run.next_out = l.run.out + (l.at + 1 < grid->h ? grid->w * grid->c : 0);
            run_line(&l);
        }
}

void eg_depthwise_weight_grad(const eg_depthwise *form, const eg_grid *grid, const float *x, const float *dy,
                              int64_t p0, int64_t p1, float *total)
{
    line l = output_line(grid, x);
    l.form = form->grad;
    l.run.total = total;
    for (l.at = p0; l.at < p1; l.at++) {
        l.run.dy = dy + l.at * grid->q * grid->c;
        l.run.next_out = l.run.dy + (l.at + 1 < grid->p ? grid->q * grid->c : 0);
        run_line(&l);
    }
}

void eg_depthwise_weight_sum(int64_t parts, int64_t c, int64_t t, const float *totals, float *out,
                             bool accumulate)
{
    for (int64_t channel = 0; channel < c; channel++)
        for (int64_t at = 0; at < t; at++) {
            double sum = 0;
            for (int64_t part = 0; part < parts; part++) sum += (double)totals[(part * t + at) * c + channel];
            float *to = &out[channel * t + at];
            *to = accumulate ? *to + (float)sum : (float)sum;
        }
}
