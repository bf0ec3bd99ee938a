/* x > 0 ? x : slope * x, with a slope for each column of a (rows, c) array. */
#ifndef ENGRAFT_KERNEL_PRELU_H
#define ENGRAFT_KERNEL_PRELU_H

#include "kernel/kernel.h"

void eg_prelu_forward(int64_t rows, int64_t c, const float *x, const float *slope, float *y);
void eg_prelu_input_grad(int64_t rows, int64_t c, const float *x, const float *dy, const float *slope,
                         float *dx);
/* sum (c) = over rows, dy * x where x is not above 0: float over runs of EG_SUM_RUN rows (see kernel/norm.h),
 * double over the runs. */
void eg_prelu_slope_sums(int64_t rows, int64_t c, const float *x, const float *dy, double *sum);

#endif
