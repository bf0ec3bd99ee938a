/* Element by element. Arrays do not overlap, unless stated. */
#ifndef ENGRAFT_KERNEL_ELEMENTWISE_H
#define ENGRAFT_KERNEL_ELEMENTWISE_H

#include "kernel/kernel.h"

/* y = a + b, y = a - b, y = a * b; a step of 0 repeats an operand's first element, 1 goes along it. */
void eg_add(int64_t n, const float *a, int a_step, const float *b, int b_step, float *y);
void eg_subtract(int64_t n, const float *a, int a_step, const float *b, int b_step, float *y);
void eg_multiply(int64_t n, const float *a, int a_step, const float *b, int b_step, float *y);
/* sum += x. */
void eg_accumulate(int64_t n, const float *x, float *sum);
/* sum += x * y; x may have step 0. */
void eg_multiply_accumulate(int64_t n, const float *x, int x_step, const float *y, float *sum);
/* The sum of x, or of x * y when y is not NULL: eight interleaved sums, then these in order. */
float eg_sum(int64_t n, const float *x, const float *y);
/* y = x * factor + offset. */
void eg_scale(int64_t n, const float *x, float factor, float offset, float *y);
/* y = keep ? x * scale : 0. */
void eg_mask_scale(int64_t n, const float *x, const uint8_t *keep, float scale, float *y);
/* Every row of y (rows, n; rows `ld` apart) = x (n). */
void eg_fill_rows(int64_t rows, int64_t n, const float *x, float *y, int64_t ld);

#endif
