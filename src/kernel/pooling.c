#include "kernel/pooling.h"

#include <math.h>
#include <string.h>

EG_INLINE void take_larger(int64_t c, const float *restrict x, int32_t at, float *restrict y,
                           int32_t *restrict tap)
{
    for (int64_t i = 0; i < c; i++) {
        bool larger = (x[i] > y[i]) | (x[i] != x[i]);
        y[i] = larger ? x[i] : y[i];
        tap[i] = larger ? at : tap[i];
    }
}

EG_INLINE void keep_larger(int64_t c, const float *restrict x, float *restrict y)
{
    for (int64_t i = 0; i < c; i++) {
        bool larger = (x[i] > y[i]) | (x[i] != x[i]);
        y[i] = larger ? x[i] : y[i];
    }
}

/* The window's part inside the image at one place. */
typedef struct clip {
    int64_t row, column; /* of tap 0 */
    int64_t r0, r1, s0, s1;
} clip;

EG_INLINE clip clip_at(const eg_grid *g, int64_t p, int64_t q)
{
    clip k = {.row = p * g->stride[0] - g->padding[0], .column = q * g->stride[1] - g->padding[1]};
    eg_grid_clip(k.row, g->dilation[0], g->r, g->h, &k.r0, &k.r1);
    eg_grid_clip(k.column, g->dilation[1], g->s, g->w, &k.s0, &k.s1);
    return k;
}

EG_INLINE int64_t pixel(const eg_grid *g, const clip *k, int64_t r, int64_t s)
{
    return ((k->row + r * g->dilation[0]) * g->w + k->column + s * g->dilation[1]) * g->c;
}

EG_INLINE void max_pixel(const eg_grid *g, const float *x, int64_t p, int64_t q, float *y, int32_t *tap)
{
    clip k = clip_at(g, p, q);
    for (int64_t i = 0; i < g->c; i++) y[i] = -INFINITY;
    for (int64_t i = 0; tap && i < g->c; i++) tap[i] = (int32_t)(k.r0 * g->s + k.s0);
    for (int64_t r = k.r0; r < k.r1; r++)
        for (int64_t s = k.s0; s < k.s1; s++) {
            if (tap)
                take_larger(g->c, x + pixel(g, &k, r, s), (int32_t)(r * g->s + s), y, tap);
            else
                keep_larger(g->c, x + pixel(g, &k, r, s), y);
        }
}

EG_CLONES void eg_max_pool_forward(const eg_grid *grid, const float *x, int64_t p0, int64_t p1, float *y,
                                   int32_t *tap)
{
    for (int64_t p = p0; p < p1; p++)
        for (int64_t q = 0; q < grid->q; q++) {
            int64_t at = (p * grid->q + q) * grid->c;
            max_pixel(grid, x, p, q, y + at, tap ? tap + at : NULL);
        }
}

EG_INLINE void give_back(int64_t c, const float *restrict dy, const int32_t *restrict tap, int32_t at,
                         float *restrict dx)
{
    for (int64_t i = 0; i < c; i++) dx[i] += tap[i] == at ? dy[i] : 0.0F;
}

EG_CLONES void eg_max_pool_backward(const eg_grid *grid, const float *dy, const int32_t *tap, float *dx)
{
    memset(dx, 0, (size_t)(grid->h * grid->w * grid->c) * sizeof *dx);
    for (int64_t p = 0; p < grid->p; p++)
        for (int64_t q = 0; q < grid->q; q++, dy += grid->c, tap += grid->c) {
            clip k = clip_at(grid, p, q);
            for (int64_t r = k.r0; r < k.r1; r++)
                for (int64_t s = k.s0; s < k.s1; s++)
                    give_back(grid->c, dy, tap, (int32_t)(r * grid->s + s), dx + pixel(grid, &k, r, s));
        }
}

EG_CLONES void eg_area_max(const float *x, int64_t w, int64_t c, int64_t row, int64_t row_end, int64_t column,
                           int64_t column_end, float *y, int32_t *at)
{
    for (int64_t i = 0; i < c; i++) y[i] = -INFINITY;
    for (int64_t i = 0; at && i < c; i++) at[i] = (int32_t)(row * w + column);
    for (int64_t r = row; r < row_end; r++)
        for (int64_t s = column; s < column_end; s++) {
            if (at)
                take_larger(c, x + (r * w + s) * c, (int32_t)(r * w + s), y, at);
            else
                keep_larger(c, x + (r * w + s) * c, y);
        }
}

EG_CLONES void eg_window_sum(const float *x, int64_t pitch, int64_t rows, int64_t columns, int64_t c,
                             float scale, float *y)
{
    for (int64_t at = 0; at < c; at += EG_LANES) {
        eg_lanes sum = {0};
        for (int64_t r = 0; r < rows; r++) {
            eg_lanes row = {0}, v; /* row by row: shorter chains of additions, smaller error */
            for (int64_t s = 0; s < columns; s++) {
                eg_lanes_load(&v, x + r * pitch + s * c + at, c - at);
                row += v;
            }
            sum += row;
        }
        sum *= scale;
        eg_lanes_store(&sum, y + at, c - at);
    }
}

EG_CLONES void eg_window_spread(const float *dy, int64_t pitch, int64_t rows, int64_t columns, int64_t c,
                                float scale, float *dx)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t s = 0; s < columns; s++) {
            float *restrict to = dx + r * pitch + s * c;
            for (int64_t i = 0; i < c; i++) to[i] += scale * dy[i];
        }
}
