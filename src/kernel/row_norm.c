#include "kernel/row_norm.h"

#include <math.h>

#include "kernel/norm.h"
#include "kernel/rows.h"

/* The lanes of a row past its end are zero after a load, but not after a subtraction. */
EG_INLINE float squared_distance(int64_t c, const float *x, float mean)
{
    eg_lanes sum = {0}, v;
    int64_t i = 0;
    for (; i + EG_LANES <= c; i += EG_LANES) {
        eg_lanes_load(&v, x + i, EG_LANES);
        v -= mean;
        sum += v * v;
    }
    for (int lane = 0; i < c; i++, lane++) sum[lane] += (x[i] - mean) * (x[i] - mean);
    return eg_lanes_sum(&sum);
}

EG_INLINE eg_row_stats find_stats(int64_t c, const float *x, double eps)
{
    float mean = eg_row_sum(c, x, NULL) / (float)c;
    double variance = (double)squared_distance(c, x, mean) / (double)c;
    return (eg_row_stats){mean, (float)(1 / sqrt(variance + eps))};
}

EG_CLONES void eg_row_norm_forward(int64_t rows, int64_t c, const float *restrict x, const float *weight,
                                   const float *bias, double eps, float *restrict y, eg_row_stats *stats)
{
    for (int64_t row = 0; row < rows; row++, x += c, y += c) {
        eg_row_stats s = find_stats(c, x, eps);
        if (stats) stats[row] = s;
        for (int64_t i = 0; i < c; i++) y[i] = (x[i] - s.mean) * s.inverse;
        for (int64_t i = 0; weight && i < c; i++) y[i] *= weight[i];
        for (int64_t i = 0; bias && i < c; i++) y[i] += bias[i];
    }
}

/* dx is g = dy * weight first, then the gradient. */
EG_CLONES void eg_row_norm_input_grad(int64_t rows, int64_t c, const float *restrict x,
                                      const float *restrict dy, const float *restrict weight,
                                      const eg_row_stats *stats, float *restrict dx)
{
    for (int64_t row = 0; row < rows; row++, x += c, dy += c, dx += c) {
        float mean = stats[row].mean, inverse = stats[row].inverse;
        for (int64_t i = 0; i < c; i++) dx[i] = weight ? dy[i] * weight[i] : dy[i];
        eg_lanes sum = {0}, product = {0}, v, g;
        for (int64_t i = 0; i < c; i += EG_LANES) {
            eg_lanes_load(&v, x + i, c - i);
            eg_lanes_load(&g, dx + i, c - i); /* zeros past the end */
            sum += g;
            product += g * ((v - mean) * inverse);
        }
        float shift = eg_lanes_sum(&sum) / (float)c, slope = eg_lanes_sum(&product) / (float)c;
        for (int64_t i = 0; i < c; i++) dx[i] = inverse * (dx[i] - shift - (x[i] - mean) * inverse * slope);
    }
}

EG_INLINE void add_lanes(const eg_lanes *part, double *sum, int64_t width)
{
    for (int64_t i = 0; i < EG_LANES && i < width; i++) sum[i] += (double)(*part)[i];
}

EG_CLONES void eg_row_norm_param_sums(int64_t rows, int64_t c, const float *x, const float *dy,
                                      const eg_row_stats *stats, double *product, double *sum)
{
    for (int64_t at = 0; at < c; at += EG_LANES) {
        for (int64_t i = at; i < at + EG_LANES && i < c; i++) sum[i] = product[i] = 0;
        for (int64_t row = 0; row < rows;) {
            eg_lanes part = {0}, both = {0}, v, grad;
            int64_t end = row + EG_SUM_RUN < rows ? row + EG_SUM_RUN : rows;
            for (; row < end; row++) {
                eg_lanes_load(&v, x + row * c + at, c - at);
                eg_lanes_load(&grad, dy + row * c + at, c - at);
                part += grad;
                both += grad * ((v - stats[row].mean) * stats[row].inverse);
            }
            add_lanes(&part, sum + at, c - at);
            add_lanes(&both, product + at, c - at);
        }
    }
}
