/* Layer normalisation: each row of a (rows, c) array has its own mean and variance. */
#ifndef ENGRAFT_KERNEL_ROW_NORM_H
#define ENGRAFT_KERNEL_ROW_NORM_H

#include "kernel/kernel.h"

/* Of a row; inverse is 1 / sqrt(variance + eps). */
typedef struct eg_row_stats {
    float mean, inverse;
} eg_row_stats;

/* y = (x - mean) * inverse * weight + bias; weight, bias (c) or NULL; stats (rows) receives the rows' or is
 * NULL. */
void eg_row_norm_forward(int64_t rows, int64_t c, const float *x, const float *weight, const float *bias,
                         double eps, float *y, eg_row_stats *stats);
/* With g = dy * weight: dx = inverse * (g - mean(g) - xhat * mean(g * xhat)). */
void eg_row_norm_input_grad(int64_t rows, int64_t c, const float *x, const float *dy, const float *weight,
                            const eg_row_stats *stats, float *dx);
/* product (c) = the sum over rows of dy * xhat, sum (c) that of dy: float over runs of EG_SUM_RUN rows (see
 * kernel/norm.h), double over the runs. */
void eg_row_norm_param_sums(int64_t rows, int64_t c, const float *x, const float *dy,
                            const eg_row_stats *stats, double *product, double *sum);

#endif
