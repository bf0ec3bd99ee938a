/* Backward of batch normalisation together with the activation and the residual behind it, in two passes over
 * (rows, c): sums, then the input's gradient. */
#ifndef ENGRAFT_KERNEL_NORM_GRAD_H
#define ENGRAFT_KERNEL_NORM_GRAD_H

#include "kernel/epilogue.h"

/* Forward was y = activation(x * scale + shift [+ residual]). grad below is dy before the activation, which
 * tells by y, or, where y is NULL, by x * scale + shift once more. */
typedef struct eg_norm_grad {
    const float *x, *dy;               /* (rows, c) */
    const float *y;                    /* (rows, c), or NULL: there was no residual */
    const float *mean, *scale, *shift; /* (c) */
    eg_activation activation;
    float slope;
} eg_norm_grad;

/* sum (c) of grad, and of grad * (x - mean), as in norm.h; residual (rows, c), unless NULL, gets grad, or
 * more of it when add. residual may be dy unless add. */
void eg_norm_grad_sums(int64_t rows, int64_t c, const eg_norm_grad *n, float *residual, bool add, double *sum,
                       double *product);
/* dx = a * (grad - b - (x - mean) * k); b and k NULL: dx = a * grad. Or dx += that when add. dx may
 * be dy unless add. */
void eg_norm_grad_input(int64_t rows, int64_t c, const eg_norm_grad *n, const float *a, const float *b,
                        const float *k, bool add, float *dx);
/* grad = dy before the activation, told by y. grad may be dy. */
void eg_activation_grad(int64_t n, const float *y, const float *dy, eg_activation activation, float slope,
                        float *grad);

#endif
