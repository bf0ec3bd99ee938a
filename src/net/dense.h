/* A linear map of rows, y (rows, k) = x (rows, f) * weight (k, f)^T + bias (k), and its gradients, in tasks
 * cut by shape alone: what linear layers and attention share. */
#ifndef ENGRAFT_NET_DENSE_H
#define ENGRAFT_NET_DENSE_H

#include <stddef.h>

#include "base/pool.h"

typedef struct eg_dense {
    eg_pool *pool;
    int64_t rows, f, k;
} eg_dense;

/* bias may be NULL. */
void eg_dense_forward(const eg_dense *dense, const float *x, const float *weight, const float *bias,
                      float *y);
/* dx (rows, f). */
void eg_dense_input_grad(const eg_dense *dense, const float *dy, const float *weight, float *dx);
/* grad (k, f), added to when accumulate. That of the bias is eg_columns_sum of dy. */
void eg_dense_weight_grad(const eg_dense *dense, const float *x, const float *dy, float *grad,
                          bool accumulate);

#endif
