/* Activations made of exp and its relatives, and piecewise ones, element by element. Forward: y of x;
 * backward: dx of dy and what the comment names. `a` is the activation's number, where it has one. Arrays do
 * not overlap, but dx may be dy. */
#ifndef ENGRAFT_KERNEL_SMOOTH_H
#define ENGRAFT_KERNEL_SMOOTH_H

#include "kernel/kernel.h"

typedef void eg_smooth_forward(int64_t n, const float *x, float a, float *y);
typedef void eg_smooth_backward(int64_t n, const float *from, const float *dy, float a, float *dx);

/* x > 0 ? x : a (e^x - 1), a > 0; from y. */
void eg_elu_forward(int64_t n, const float *x, float a, float *y);
void eg_elu_backward(int64_t n, const float *y, const float *dy, float a, float *dx);
/* x times the normal distribution's probability of less than x; from x. */
void eg_gelu_forward(int64_t n, const float *x, float a, float *y);
void eg_gelu_backward(int64_t n, const float *x, const float *dy, float a, float *dx);
/* The same with tanh in place of erf, x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))); from x. */
void eg_gelu_tanh_forward(int64_t n, const float *x, float a, float *y);
void eg_gelu_tanh_backward(int64_t n, const float *x, const float *dy, float a, float *dx);
/* x / (1 + e^-x); from x. */
void eg_silu_forward(int64_t n, const float *x, float a, float *y);
void eg_silu_backward(int64_t n, const float *x, const float *dy, float a, float *dx);
/* From y. */
void eg_sigmoid_forward(int64_t n, const float *x, float a, float *y);
void eg_sigmoid_backward(int64_t n, const float *y, const float *dy, float a, float *dx);
/* From y. */
void eg_tanh_forward(int64_t n, const float *x, float a, float *y);
void eg_tanh_backward(int64_t n, const float *y, const float *dy, float a, float *dx);
/* x min(max(x + 3, 0), 6) / 6; from x. */
void eg_hardswish_forward(int64_t n, const float *x, float a, float *y);
void eg_hardswish_backward(int64_t n, const float *x, const float *dy, float a, float *dx);
/* min(max(x + 3, 0), 6) / 6; from y. */
void eg_hardsigmoid_forward(int64_t n, const float *x, float a, float *y);
void eg_hardsigmoid_backward(int64_t n, const float *y, const float *dy, float a, float *dx);
/* 1 / x; from y. */
void eg_reciprocal_forward(int64_t n, const float *x, float a, float *y);
void eg_reciprocal_backward(int64_t n, const float *y, const float *dy, float a, float *dx);

/* Softmax of each row of x (rows, c), and its gradient from y. The row's sum is eight interleaved ones. */
void eg_softmax_forward(int64_t rows, int64_t c, const float *x, float *y);
void eg_softmax_backward(int64_t rows, int64_t c, const float *y, const float *dy, float *dx);

#endif
