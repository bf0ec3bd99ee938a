#include "kernel/depthwise.h"

/* A tap that touches a pixel: where the other image's pixel and the tap's weights are. */
typedef struct tap {
    const float *image, *weight;
} tap;

enum { BATCH = 64 }; /* taps gathered at a time; a 7x7 window in one go */

/* out (c) = start (c; NULL: 0) + sum over taps of image * weight. */
EG_INLINE void sum_taps(const tap *taps, int64_t count, int64_t c, const float *start, float *out)
{
    for (int64_t at = 0; at < c; at += EG_LANES) {
        eg_lanes sum = {0}, image, weight;
        if (start) eg_lanes_load(&sum, start + at, c - at);
        for (int64_t i = 0; i < count; i++) {
            eg_lanes_load(&image, taps[i].image + at, c - at);
            eg_lanes_load(&weight, taps[i].weight + at, c - at);
            sum += image * weight;
        }
        eg_lanes_store(&sum, out + at, c - at);
    }
}

EG_INLINE void forward_pixel(const eg_grid *g, const float *x, const float *weight, const float *bias,
                             int64_t p, int64_t q, float *y)
{
    tap taps[BATCH];
    int64_t row = p * g->stride[0] - g->padding[0], column = q * g->stride[1] - g->padding[1];
    int64_t r0, r1, s0, s1, count = 0;
    const float *start = bias;
    eg_grid_clip(row, g->dilation[0], g->r, g->h, &r0, &r1);
    eg_grid_clip(column, g->dilation[1], g->s, g->w, &s0, &s1);
    for (int64_t r = r0; r < r1; r++)
        for (int64_t s = s0; s < s1; s++) {
            if (count == BATCH) {
                sum_taps(taps, count, g->c, start, y);
                start = y;
                count = 0;
            }
            int64_t pixel = (row + r * g->dilation[0]) * g->w + column + s * g->dilation[1];
            taps[count++] = (tap){x + pixel * g->c, weight + (r * g->s + s) * g->c};
        }
    sum_taps(taps, count, g->c, start, y);
}

EG_CLONES void eg_depthwise_forward(const eg_grid *grid, const float *x, const float *weight,
                                    const float *bias, int64_t p0, int64_t p1, float *y)
{
    for (int64_t p = p0; p < p1; p++)
        for (int64_t q = 0; q < grid->q; q++)
            forward_pixel(grid, x, weight, bias, p, q, y + (p * grid->q + q) * grid->c);
}

/* The output row (or column) whose tap lies on input row `at`, or -1. */
EG_INLINE int64_t output_of(const eg_grid *g, int axis, int64_t at, int64_t tap_at, int64_t size)
{
    int64_t from = at + g->padding[axis] - tap_at * g->dilation[axis];
    if (from < 0) return -1;
    int64_t place = g->stride[axis] == 1 ? from : from / g->stride[axis];
    return place < size && place * g->stride[axis] == from ? place : -1;
}

EG_INLINE void input_grad_pixel(const eg_grid *g, const float *dy, const float *weight, int64_t h, int64_t w,
                                float *dx)
{
    tap taps[BATCH];
    int64_t count = 0;
    const float *start = NULL;
    for (int64_t r = 0; r < g->r; r++) {
        int64_t p = output_of(g, 0, h, r, g->p);
        for (int64_t s = 0; p >= 0 && s < g->s; s++) {
            int64_t q = output_of(g, 1, w, s, g->q);
            if (q < 0) continue;
            if (count == BATCH) {
                sum_taps(taps, count, g->c, start, dx);
                start = dx;
                count = 0;
            }
            taps[count++] = (tap){dy + (p * g->q + q) * g->c, weight + (r * g->s + s) * g->c};
        }
    }
    sum_taps(taps, count, g->c, start, dx);
}

EG_CLONES void eg_depthwise_input_grad(const eg_grid *grid, const float *dy, const float *weight, int64_t h0,
                                       int64_t h1, float *dx)
{
    for (int64_t h = h0; h < h1; h++)
        for (int64_t w = 0; w < grid->w; w++)
            input_grad_pixel(grid, dy, weight, h, w, dx + (h * grid->w + w) * grid->c);
}

/* The output columns first … end-1 whose tap s lies inside the image. */
EG_INLINE void output_columns(const eg_grid *g, int64_t s, int64_t *first, int64_t *end)
{
    eg_grid_clip(s * g->dilation[1] - g->padding[1], g->stride[1], g->q, g->w, first, end);
}

/* One tap over one row of positions: sum (c) += sum over q of x * dy. */
EG_INLINE void weight_grad_row(const eg_grid *g, const float *x, const float *dy, int64_t count, double *sum)
{
    int64_t step = g->stride[1] * g->c;
    for (int64_t at = 0; at < g->c; at += EG_LANES) {
        eg_lanes part = {0}, image, grad;
        for (int64_t q = 0; q < count; q++) {
            eg_lanes_load(&image, x + q * step + at, g->c - at);
            eg_lanes_load(&grad, dy + q * g->c + at, g->c - at);
            part += image * grad;
        }
        for (int64_t i = 0; i < EG_LANES && at + i < g->c; i++) sum[at + i] += (double)part[i];
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
