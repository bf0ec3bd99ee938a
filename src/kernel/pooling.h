/* Pooling of one image, channels last. */
#ifndef ENGRAFT_KERNEL_POOLING_H
#define ENGRAFT_KERNEL_POOLING_H

#include "kernel/kernel.h"

/* Rows p0 … p1-1 of y (p, q, c): the largest element under the window, the first of equal ones; NaN where
 * there is one. tap (p, q, c), or NULL, receives which tap of the window it was. */
void eg_max_pool_forward(const eg_grid *grid, const float *x, int64_t p0, int64_t p1, float *y, int32_t *tap);
/* dx (h, w, c) from dy and tap; every element is written. */
void eg_max_pool_backward(const eg_grid *grid, const float *dy, const int32_t *tap, float *dx);

/* y (c) = the largest of the pixels (row … row_end-1, column … column_end-1) of an image x (h, w, c), the
 * first of equal ones, NaN where there is one; pixel (c), or NULL, receives which it was, row * w + column.
 */
void eg_area_max(const float *x, int64_t w, int64_t c, int64_t row, int64_t row_end, int64_t column,
                 int64_t column_end, float *y, int32_t *pixel);

/* y (c) = scale * the sum over a rectangle of x: rows * columns pixels, rows `pitch` elements apart. */
void eg_window_sum(const float *x, int64_t pitch, int64_t rows, int64_t columns, int64_t c, float scale,
                   float *y);
/* The transpose: adds scale * dy (c) to every pixel of the rectangle. */
void eg_window_spread(const float *dy, int64_t pitch, int64_t rows, int64_t columns, int64_t c, float scale,
                      float *dx);

#endif
