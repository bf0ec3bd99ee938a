/* Sums along rows, for kernels that work row by row. */
#ifndef ENGRAFT_KERNEL_ROWS_H
#define ENGRAFT_KERNEL_ROWS_H

#include "kernel/kernel.h"

/* The eight sums in order. */
EG_INLINE float eg_lanes_sum(const eg_lanes *v)
{
    float total = 0;
    for (int i = 0; i < EG_LANES; i++) total += (*v)[i];
    return total;
}

/* The sum of x (c), or of x * y when y is not NULL: eight interleaved sums, then these in order. */
EG_INLINE float eg_row_sum(int64_t c, const float *x, const float *y)
{
    eg_lanes sum = {0}, v, factor;
    for (int64_t i = 0; i < c; i += EG_LANES) {
        eg_lanes_load(&v, x + i, c - i);
        if (y) {
            eg_lanes_load(&factor, y + i, c - i);
            v *= factor;
        }
        sum += v;
    }
    return eg_lanes_sum(&sum);
}

#endif
