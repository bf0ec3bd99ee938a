/* A linear map of rows, y (rows, k) = x (rows, f) * weight (k, f)^T + bias (k), and its gradients, in tasks
 * cut by shape alone: what linear layers and attention share. */
#ifndef ENGRAFT_NET_DENSE_H
#define ENGRAFT_NET_DENSE_H

#include "net/op.h"

typedef struct eg_dense {
    eg_pool *pool;
    int64_t rows, f, k;
} eg_dense;

/* bias may be NULL. */
void eg_dense_forward(const eg_dense *dense, const float *x, const float *weight, const float *bias,
                      float *y);
/* dx (rows, f). */
void eg_dense_input_grad(const eg_dense *dense, const float *dy, const float *weight, float *dx);
/* The gradients that the call wants of its parameters `weight` and `weight` + 1, the bias; scratch:
 * eg_columns_scratch(rows, k) bytes. */
void eg_dense_param_grads(const eg_call *call, const eg_dense *dense, int weight, const float *x,
                          const float *dy, void *scratch);

#endif
