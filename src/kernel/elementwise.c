#include "kernel/elementwise.h"

#include <string.h>

#include "kernel/rows.h"

EG_CLONES void eg_add(int64_t n, const float *a, int a_step, const float *b, int b_step, float *restrict y)
{
    if (a_step && b_step) {
        for (int64_t i = 0; i < n; i++) y[i] = a[i] + b[i];
    } else {
        for (int64_t i = 0; i < n; i++) y[i] = a[i * a_step] + b[i * b_step];
    }
}

EG_CLONES void eg_subtract(int64_t n, const float *a, int a_step, const float *b, int b_step,
                           float *restrict y)
{
    if (a_step && b_step) {
        for (int64_t i = 0; i < n; i++) y[i] = a[i] - b[i];
    } else {
        for (int64_t i = 0; i < n; i++) y[i] = a[i * a_step] - b[i * b_step];
    }
}

EG_CLONES void eg_multiply(int64_t n, const float *a, int a_step, const float *b, int b_step,
                           float *restrict y)
{
    if (a_step && b_step) {
        for (int64_t i = 0; i < n; i++) y[i] = a[i] * b[i];
    } else {
        for (int64_t i = 0; i < n; i++) y[i] = a[i * a_step] * b[i * b_step];
    }
}

EG_CLONES void eg_accumulate(int64_t n, const float *restrict x, float *restrict sum)
{
    for (int64_t i = 0; i < n; i++) sum[i] += x[i];
}

EG_CLONES void eg_multiply_accumulate(int64_t n, const float *x, int x_step, const float *y,
                                      float *restrict sum)
{
    for (int64_t i = 0; i < n; i++) sum[i] += x[i * x_step] * y[i];
}

EG_CLONES float eg_sum(int64_t n, const float *x, const float *y)
{
    return eg_row_sum(n, x, y);
}

EG_CLONES void eg_scale(int64_t n, const float *restrict x, float factor, float offset, float *restrict y)
{
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * factor + offset;
}

EG_CLONES void eg_mask_scale(int64_t n, const float *restrict x, const uint8_t *restrict keep, float scale,
                             float *restrict y)
{
    for (int64_t i = 0; i < n; i++) y[i] = keep[i] ? x[i] * scale : 0.0F;
}

void eg_fill_rows(int64_t rows, int64_t n, const float *x, float *y, int64_t ld)
{
    for (int64_t row = 0; row < rows; row++) memcpy(y + row * ld, x, (size_t)n * sizeof *y);
}
