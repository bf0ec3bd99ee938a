/* Convolution with one window a channel (groups = c = k), directly: there is no product to be made of it.
 * Images are walked row by row; what a row's loops are made of are runs, pixels that have the same taps:
 *
 *   sum    out = start + the sum over taps of image * weight: the result, and the input's gradient
 *   grad   the weight's gradient: each tap's sum over the run's pixels of image * dy
 *
 * An element is summed in one order whatever surrounds it, and all forms give the same bits. */
#ifndef ENGRAFT_KERNEL_DEPTHWISE_H
#define ENGRAFT_KERNEL_DEPTHWISE_H

#include "kernel/cpu.h"
#include "kernel/kernel.h"

typedef struct eg_depthwise_tap {
    const float *image; /* its pixel (c) under the run's first */
    int64_t weight;     /* floats from the first tap's, in weight and total (t, c) */
} eg_depthwise_tap;

typedef struct eg_depthwise_run {
    int64_t pixels, c;
    int64_t count;
    const eg_depthwise_tap *taps;
    int64_t step, out_step; /* floats from a pixel to the next, in the taps' image and in out or dy */
    const float *next_image, *next_out; /* what is read and written soon: brought to the cache */
    /* of sum: */
    const float *weight;
    const float *start; /* (c), or NULL: 0 */
    float *out;
    /* of grad: */
    const float *dy;
    float *total; /* added to: some pixels are summed in order, these sums are added in order */
} eg_depthwise_run;

typedef struct eg_depthwise {
    void (*sum)(const eg_depthwise_run *run);
    void (*grad)(const eg_depthwise_run *run);
} eg_depthwise;

const eg_depthwise *eg_depthwise_forms(eg_cpu cpu);

/* Rows p0 … p1-1 of y (p, q, c) of one image x (h, w, c); weight (t, c); bias (c) or NULL. */
void eg_depthwise_forward(const eg_depthwise *form, const eg_grid *grid, const float *x, const float *weight,
                          const float *bias, int64_t p0, int64_t p1, float *y);
/* Rows h0 … h1-1 of dx (h, w, c) of one image; every element is written. */
void eg_depthwise_input_grad(const eg_depthwise *form, const eg_grid *grid, const float *dy,
                             const float *weight, int64_t h0, int64_t h1, float *dx);
/* Adds the part of rows p0 … p1-1 of one image's dy in the weight's gradient to total (t, c). */
void eg_depthwise_weight_grad(const eg_depthwise *form, const eg_grid *grid, const float *x, const float *dy,
                              int64_t p0, int64_t p1, float *total);
/* The sum of `parts` such totals, in order and in double, to a gradient (c, t); added to out when accumulate.
 */
void eg_depthwise_weight_sum(int64_t parts, int64_t c, int64_t t, const float *totals, float *out,
                             bool accumulate);

#endif
