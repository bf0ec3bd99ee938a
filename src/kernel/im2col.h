/* Convolution as a matrix product: the window's contents at each output position, one row a position, and
 * back. */
#ifndef ENGRAFT_KERNEL_IM2COL_H
#define ENGRAFT_KERNEL_IM2COL_H

#include "kernel/kernel.h"

/* Which part of the (positions, taps, channels) array: positions are numbered through all images (n, p, q).
 */
typedef struct eg_patch {
    int64_t first, rows;    /* positions */
    int64_t tap, taps;      /* taps tap … tap+taps-1, row by row */
    int64_t channel, width; /* channels channel … channel+width-1 */
} eg_patch;

/* cols (rows, taps, width) from x (n, h, w, c); zeros where a tap lies outside the image. */
void eg_im2col(const eg_grid *grid, const eg_patch *patch, const float *x, float *cols);
/* The transpose: adds cols to dx (n, h, w, c). */
void eg_col2im(const eg_grid *grid, const eg_patch *patch, const float *cols, float *dx);

/* Weights (k, c, t) as PyTorch keeps them to (k, t, c) as the products above want them. */
void eg_weight_pack(int64_t k, int64_t c, int64_t t, const float *weight, float *packed);
/* The sum of `parts` gradients (k, t, c), `part_size` apart, in this order, to (k, c, t); added to out when
 * accumulate. */
void eg_weight_unpack(int64_t k, int64_t c, int64_t t, int64_t parts, int64_t part_size, const float *packed,
                      float *out, bool accumulate);

#endif
