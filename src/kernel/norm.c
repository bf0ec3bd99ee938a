#include "kernel/norm.h"

EG_INLINE void add_lanes(const eg_lanes *part, double *sum, int64_t width)
{
    for (int64_t i = 0; i < EG_LANES && i < width; i++) sum[i] += (double)(*part)[i];
}

EG_INLINE int64_t run_end(int64_t row, int64_t rows)
{
    return row + EG_SUM_RUN < rows ? row + EG_SUM_RUN : rows;
}

EG_CLONES void eg_column_sum(int64_t rows, int64_t c, const float *x, double *sum)
{
    for (int64_t at = 0; at < c; at += EG_LANES) {
        for (int64_t i = at; i < at + EG_LANES && i < c; i++) sum[i] = 0;
        for (int64_t row = 0; row < rows;) {
            eg_lanes part = {0}, v;
            for (int64_t end = run_end(row, rows); row < end; row++) {
                eg_lanes_load(&v, x + row * c + at, c - at);
                part += v;
            }
            add_lanes(&part, sum + at, c - at);
        }
    }
}

EG_CLONES static void squared_differences(int64_t rows, int64_t c, const float *x, const double *mean,
                                          double *squares)
{
    for (int64_t at = 0; at < c; at += EG_LANES) {
        eg_lanes centre = {0};
        for (int64_t i = 0; i < EG_LANES && at + i < c; i++) {
            centre[i] = (float)mean[at + i];
            squares[at + i] = 0;
        }
        for (int64_t row = 0; row < rows;) {
            eg_lanes part = {0}, v;
            for (int64_t end = run_end(row, rows); row < end; row++) {
                eg_lanes_load(&v, x + row * c + at, c - at);
                v -= centre;
                part += v * v;
            }
            add_lanes(&part, squares + at, c - at);
        }
        /* About the rounded mean: its distance from the mean itself counts too. */
        for (int64_t i = 0; i < EG_LANES && at + i < c; i++) {
            double off = (double)centre[i] - mean[at + i];
            squares[at + i] -= (double)rows * off * off;
            if (squares[at + i] < 0) squares[at + i] = 0;
        }
    }
}

void eg_column_moments(int64_t rows, int64_t c, const float *x, double *mean, double *squares)
{
    eg_column_sum(rows, c, x, mean);
    for (int64_t i = 0; i < c; i++) mean[i] /= (double)rows;
    squared_differences(rows, c, x, mean, squares);
}

EG_CLONES void eg_column_grad_sums(int64_t rows, int64_t c, const float *x, const float *dy,
                                   const float *mean, double *sum, double *product)
{
    for (int64_t at = 0; at < c; at += EG_LANES) {
        eg_lanes centre;
        eg_lanes_load(&centre, mean + at, c - at);
        for (int64_t i = at; i < at + EG_LANES && i < c; i++) sum[i] = product[i] = 0;
        for (int64_t row = 0; row < rows;) {
            eg_lanes part = {0}, both = {0}, v, grad;
            for (int64_t end = run_end(row, rows); row < end; row++) {
                eg_lanes_load(&v, x + row * c + at, c - at);
                eg_lanes_load(&grad, dy + row * c + at, c - at);
                part += grad;
                both += grad * (v - centre);
            }
            add_lanes(&part, sum + at, c - at);
            add_lanes(&both, product + at, c - at);
        }
    }
}

EG_CLONES void eg_column_affine(int64_t rows, int64_t c, const float *x, const float *scale,
                                const float *shift, float *y)
{
    for (int64_t row = 0; row < rows; row++, x += c, y += c)
        for (int64_t at = 0; at < c; at += EG_LANES) {
            eg_lanes v, a, b;
            eg_lanes_load(&v, x + at, c - at);
            eg_lanes_load(&a, scale + at, c - at);
            eg_lanes_load(&b, shift + at, c - at);
            v = v * a + b;
            eg_lanes_store(&v, y + at, c - at);
        }
}

EG_CLONES void eg_norm_input_grad(int64_t rows, int64_t c, const float *x, const float *dy, const float *mean,
                                  const float *scale, const float *shift, const float *slope, float *dx)
{
    for (int64_t row = 0; row < rows; row++, x += c, dy += c, dx += c)
        for (int64_t at = 0; at < c; at += EG_LANES) {
            eg_lanes v, grad, m, a, b, k;
            eg_lanes_load(&v, x + at, c - at);
            eg_lanes_load(&grad, dy + at, c - at);
            eg_lanes_load(&m, mean + at, c - at);
            eg_lanes_load(&a, scale + at, c - at);
            eg_lanes_load(&b, shift + at, c - at);
            eg_lanes_load(&k, slope + at, c - at);
            v = a * (grad - b - (v - m) * k);
            eg_lanes_store(&v, dx + at, c - at);
        }
}

EG_CLONES void eg_group_input_grad(int64_t rows, int64_t c, const float *restrict x, const float *restrict dy,
                                   const float *restrict mean, const float *restrict a,
                                   const float *restrict b, const float *restrict shift, float *restrict dx)
{
    for (int64_t row = 0; row < rows; row++, x += c, dy += c, dx += c)
        for (int64_t i = 0; i < c; i++) dx[i] = a[i] * dy[i] + b[i] * (x[i] - mean[i]) + shift[i];
}

EG_CLONES void eg_column_scale(int64_t rows, int64_t c, const float *dy, const float *scale, float *dx)
{
    for (int64_t row = 0; row < rows; row++, dy += c, dx += c)
        for (int64_t at = 0; at < c; at += EG_LANES) {
            eg_lanes v, a;
            eg_lanes_load(&v, dy + at, c - at);
            eg_lanes_load(&a, scale + at, c - at);
            v = v * a;
            eg_lanes_store(&v, dx + at, c - at);
        }
}
