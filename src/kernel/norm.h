/* Statistics and affine maps over the rows of a (rows, c) array: batch normalisation, and sums over rows. The
 * sums of a block of rows are made here; the caller combines blocks in a fixed order. */
#ifndef ENGRAFT_KERNEL_NORM_H
#define ENGRAFT_KERNEL_NORM_H

#include "kernel/kernel.h"

/* Sums below: float over runs of EG_SUM_RUN rows, double over the runs. Where a pass over the rows is bound
 * by memory, EG_SUM_ROWS rows at a time are read from their beginning to their end, for EG_SUM_COLUMNS
 * columns at most, so that addresses grow and the sums stay in the first cache. */
enum { EG_SUM_RUN = 64, EG_SUM_ROWS = 4, EG_SUM_COLUMNS = 512 };
/* Before the loop over these rows inside one over columns, which then becomes vectors of columns. */
#ifdef __clang__
#define EG_UNROLL_ROWS _Pragma("unroll")
#else
#define EG_UNROLL_ROWS _Pragma("GCC unroll 4")
#endif

/* sum (c) of the rows. */
void eg_column_sum(int64_t rows, int64_t c, const float *x, double *sum);
/* mean (c), and the sum of squared differences from it (c): one pass over the block, about the mean of its
 * first rows, so that means far from zero cost no digits. */
void eg_column_moments(int64_t rows, int64_t c, const float *x, double *mean, double *squares);
/* sum (c) of dy, and of dy * (x - mean). */
void eg_column_grad_sums(int64_t rows, int64_t c, const float *x, const float *dy, const float *mean,
                         double *sum, double *product);
/* y = x * scale + shift. */
void eg_column_affine(int64_t rows, int64_t c, const float *x, const float *scale, const float *shift,
                      float *y);
/* dx = a * dy + b * (x - mean) + shift: what a group's own statistics give. */
void eg_group_input_grad(int64_t rows, int64_t c, const float *x, const float *dy, const float *mean,
                         const float *a, const float *b, const float *shift, float *dx);

#endif
