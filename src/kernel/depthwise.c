#include "kernel/depthwise.h"

/* A tap that touches a run of pixels: where the other image's pixel and the tap's weights are, for the first
 * of them. */
typedef struct tap {
    const float *image, *weight;
} tap;

enum { BATCH = 64, COMMON = 9 }; /* taps gathered at a time; those of a 3x3 window */

/* Pixels of `out` that have the same taps: out = start (c; NULL: 0) + sum over taps of image * weight. */
typedef struct run {
    int64_t pixels, step, out_step; /* elements from one pixel to the next, in the taps' image and in out */
    int64_t c;
    const float *start;
    float *out;
} run;

/* Eight channels of a run. With `count` known to the compiler the weights stay in registers. */
EG_INLINE void sum_lanes(const run *n, const tap *taps, int64_t count, int64_t at)
{
    eg_lanes start = {0}, weight[COMMON], image;
    if (n->start) start = *(const eg_lanes *)(n->start + at);
    for (int i = 0; i < COMMON && i < count; i++) weight[i] = *(const eg_lanes *)(taps[i].weight + at);
    for (int64_t j = 0; j < n->pixels; j++) {
        eg_lanes sum = start;
        for (int64_t i = 0; i < count; i++) {
            image = *(const eg_lanes *)(taps[i].image + j * n->step + at);
            sum += image * (i < COMMON ? weight[i] : *(const eg_lanes *)(taps[i].weight + at));
        }
        *(eg_lanes *)(n->out + j * n->out_step + at) = sum;
    }
}

/* The last channels, fewer than eight. */
EG_INLINE void sum_rest(const run *n, const tap *taps, int64_t count, int64_t at)
{
    for (int64_t j = 0; j < n->pixels; j++)
        for (int64_t c = at; c < n->c; c++) {
            float sum = n->start ? n->start[c] : 0;
            for (int64_t i = 0; i < count; i++) sum += taps[i].image[j * n->step + c] * taps[i].weight[c];
            n->out[j * n->out_step + c] = sum;
        }
}

EG_INLINE void sum_taps(const run *n, const tap *taps, int64_t count)
{
    int64_t at = 0;
    for (; at + EG_LANES <= n->c; at += EG_LANES) {
        if (count == COMMON)
            sum_lanes(n, taps, COMMON, at);
        else
            sum_lanes(n, taps, count, at);
    }
    if (at < n->c) sum_rest(n, taps, count, at);
}

/* One row of output pixels. Tap (r, s) of its pixel j lies on row `row(r)` and column start(s) + j * stride
 * of the other image. In the input's gradient the output pixels are those of one phase: `stride` columns
 * apart, they have the same taps. */
typedef struct line {
    const eg_grid *g;
    const float *image, *weight;
    const float *bias;
    bool backward;
    int64_t at, phase; /* row of the output; backward: its first column */
    int64_t pixels;
    int64_t height, width, stride; /* of the other image; columns that a tap moves from pixel to pixel */
    float *out;
    int64_t out_step;
} line;

/* A position divided by the stride, exactly; false when it does not divide. */
EG_INLINE bool divide(int64_t position, int64_t stride, int64_t *quotient)
{
    *quotient = position / stride;
    return *quotient * stride == position;
}

EG_INLINE bool tap_row(const line *l, int64_t r, int64_t *row)
{
    const eg_grid *g = l->g;
    bool exact = true;
    if (l->backward)
        exact = divide(l->at + g->padding[0] - r * g->dilation[0], g->stride[0], row);
    else
        *row = l->at * g->stride[0] - g->padding[0] + r * g->dilation[0];
    return exact && *row >= 0 && *row < l->height;
}

EG_INLINE bool tap_column(const line *l, int64_t s, int64_t *column)
{
    const eg_grid *g = l->g;
    if (l->backward) return divide(l->phase + g->padding[1] - s * g->dilation[1], g->stride[1], column);
    *column = s * g->dilation[1] - g->padding[1];
    return true;
}

/* `pixels` pixels from j on, which all have the taps that pixel j has. */
EG_INLINE void sum_run(const line *l, int64_t j, int64_t pixels)
{
    const eg_grid *g = l->g;
    tap taps[BATCH];
    run n = {pixels, l->stride * g->c, l->out_step, g->c, l->bias, l->out + j * l->out_step};
    int64_t count = 0, row, column;
    for (int64_t r = 0; r < g->r; r++) {
        if (!tap_row(l, r, &row)) continue;
        for (int64_t s = 0; s < g->s; s++) {
            if (!tap_column(l, s, &column)) continue;
            column += j * l->stride;
            if (column < 0 || column >= l->width) continue;
            if (count == BATCH) {
                /* Windows this large run pixel by pixel: the sum so far is the next one's start. */
                sum_taps(&n, taps, count);
                n.start = n.out;
                count = 0;
            }
            taps[count++] =
                (tap){l->image + (row * l->width + column) * g->c, l->weight + (r * g->s + s) * g->c};
        }
    }
    sum_taps(&n, taps, count);
}

EG_INLINE void sum_line(const line *l)
{
    int64_t first = 0, end = l->pixels, column;
    for (int64_t s = 0; s < l->g->s; s++) { /* the pixels that no tap of a row misses */
        int64_t low, high;
        if (!tap_column(l, s, &column)) continue;
        eg_grid_clip(column, l->stride, l->pixels, l->width, &low, &high);
        if (low > first) first = low;
        if (high < end) end = high;
    }
    if (end <= first || l->g->r * l->g->s > BATCH) first = end = l->pixels;
    for (int64_t j = 0; j < first; j++) sum_run(l, j, 1);
    if (end > first) sum_run(l, first, end - first);
    for (int64_t j = end; j < l->pixels; j++) sum_run(l, j, 1);
}

EG_CLONES void eg_depthwise_forward(const eg_grid *grid, const float *x, const float *weight,
                                    const float *bias, int64_t p0, int64_t p1, float *y)
{
    line l = {.g = grid,
              .image = x,
              .weight = weight,
              .bias = bias,
              .pixels = grid->q,
              .height = grid->h,
              .width = grid->w,
              .stride = grid->stride[1],
              .out_step = grid->c};
    for (l.at = p0; l.at < p1; l.at++) {
        l.out = y + l.at * grid->q * grid->c;
        sum_line(&l);
    }
}

EG_CLONES void eg_depthwise_input_grad(const eg_grid *grid, const float *dy, const float *weight, int64_t h0,
                                       int64_t h1, float *dx)
{
    line l = {.g = grid,
              .image = dy,
              .weight = weight,
              .backward = true,
              .height = grid->p,
              .width = grid->q,
              .stride = 1,
              .out_step = grid->stride[1] * grid->c};
    for (l.at = h0; l.at < h1; l.at++)
        for (l.phase = 0; l.phase < grid->stride[1] && l.phase < grid->w; l.phase++) {
            l.pixels = (grid->w - l.phase + grid->stride[1] - 1) / grid->stride[1];
            l.out = dx + (l.at * grid->w + l.phase) * grid->c;
            sum_line(&l);
        }
}

/* The output columns first … end-1 whose tap s lies inside the image. */
EG_INLINE void output_columns(const eg_grid *g, int64_t s, int64_t *first, int64_t *end)
{
    eg_grid_clip(s * g->dilation[1] - g->padding[1], g->stride[1], g->q, g->w, first, end);
}

/* One tap over one row of positions: sum (c) += sum over q of x * dy. Four sums side by side, since an
 * addition takes four cycles. */
EG_INLINE void weight_grad_lanes(const float *x, int64_t step, const float *dy, int64_t c, int64_t count,
                                 double *sum)
{
    eg_lanes part[4] = {{0}, {0}, {0}, {0}};
    int64_t q = 0;
    for (; q + 4 <= count; q += 4)
        for (int i = 0; i < 4; i++)
            part[i] += *(const eg_lanes *)(x + (q + i) * step) * *(const eg_lanes *)(dy + (q + i) * c);
    for (; q < count; q++) part[0] += *(const eg_lanes *)(x + q * step) * *(const eg_lanes *)(dy + q * c);
    part[0] = (part[0] + part[1]) + (part[2] + part[3]);
    for (int i = 0; i < EG_LANES; i++) sum[i] += (double)part[0][i];
}

EG_INLINE void weight_grad_row(const eg_grid *g, const float *x, const float *dy, int64_t count, double *sum)
{
    int64_t step = g->stride[1] * g->c, at = 0;
    for (; at + EG_LANES <= g->c; at += EG_LANES)
        weight_grad_lanes(x + at, step, dy + at, g->c, count, sum + at);
    for (; at < g->c; at++) {
        float part = 0;
        for (int64_t q = 0; q < count; q++) part += x[q * step + at] * dy[q * g->c + at];
        sum[at] += (double)part;
    }
}

EG_CLONES void eg_depthwise_weight_grad(const eg_grid *grid, const float *x, const float *dy, double *sum)
{
    for (int64_t p = 0; p < grid->p; p++)
        for (int64_t r = 0; r < grid->r; r++) {
            int64_t row = p * grid->stride[0] - grid->padding[0] + r * grid->dilation[0];
            if (row < 0 || row >= grid->h) continue;
            for (int64_t s = 0; s < grid->s; s++) {
                int64_t first, end;
                output_columns(grid, s, &first, &end);
                int64_t column = first * grid->stride[1] - grid->padding[1] + s * grid->dilation[1];
                weight_grad_row(grid, x + (row * grid->w + column) * grid->c,
                                dy + (p * grid->q + first) * grid->c, end - first,
                                sum + (r * grid->s + s) * grid->c);
            }
        }
}

void eg_depthwise_weight_sum(int64_t parts, int64_t c, int64_t t, const double *sums, float *out,
                             bool accumulate)
{
    for (int64_t channel = 0; channel < c; channel++)
        for (int64_t at = 0; at < t; at++) {
            double sum = 0;
            for (int64_t part = 0; part < parts; part++) sum += sums[(part * t + at) * c + channel];
            float *to = &out[channel * t + at];
            *to = accumulate ? *to + (float)sum : (float)sum;
        }
}
