/* Convolution with one window a channel (groups = c = k), directly: there is no product to be made of it. */
#ifndef ENGRAFT_KERNEL_DEPTHWISE_H
#define ENGRAFT_KERNEL_DEPTHWISE_H

#include "kernel/kernel.h"

/* Rows p0 … p1-1 of y (p, q, c) of one image x (h, w, c); weight (t, c); bias (c) or NULL. */
void eg_depthwise_forward(const eg_grid *grid, const float *x, const float *weight, const float *bias,
                          int64_t p0, int64_t p1, float *y);
/* Rows h0 … h1-1 of dx (h, w, c) of one image; every element is written. */
void eg_depthwise_input_grad(const eg_grid *grid, const float *dy, const float *weight, int64_t h0,
                             int64_t h1, float *dx);
/* Adds one image's part of the weight's gradient to sum (t, c). Float over a row of positions, double over
 * rows. */
void eg_depthwise_weight_grad(const eg_grid *grid, const float *x, const float *dy, double *sum);
/* The sum of `parts` such sums, in order, to a gradient (c, t); added to out when accumulate. */
void eg_depthwise_weight_sum(int64_t parts, int64_t c, int64_t t, const double *sums, float *out,
                             bool accumulate);

#endif
