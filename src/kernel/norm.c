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

enum { VECTORS = 8, WIDTH = VECTORS * EG_LANES, FIRST_ROWS = 16 };

/* The mean of the first rows. */
EG_INLINE void find_centre(int64_t rows, int64_t c, const float *x, int64_t width, eg_lanes *centre)
{
    int64_t first = rows < FIRST_ROWS ? rows : FIRST_ROWS;
    eg_lanes sum = {0}, v;
    for (int64_t row = 0; row < first; row++) {
        eg_lanes_load(&v, x + row * c, width);
        sum += v;
    }
    *centre = sum / (float)first;
}

/* Eight vectors of channels at a time: runs of whole cache lines are read, and additions do not wait for each
 * other. */
EG_INLINE void moments(int64_t rows, int64_t c, int64_t at, int64_t vectors, const float *x, double *mean,
                       double *squares)
{
    eg_lanes centre[VECTORS];
    double sum[WIDTH] = {0}, square[WIDTH] = {0};
    for (int64_t i = 0; i < vectors; i++)
        find_centre(rows, c, x + at + i * EG_LANES, c - at - i * EG_LANES, &centre[i]);
    for (int64_t row = 0; row < rows;) {
        eg_lanes part[VECTORS] = {{0}}, both[VECTORS] = {{0}}, v;
        for (int64_t end = run_end(row, rows); row < end; row++)
            for (int64_t i = 0; i < vectors; i++) {
                int64_t from = at + i * EG_LANES;
                eg_lanes_load(&v, x + row * c + from, c - from);
                v -= centre[i];
                part[i] += v;
                both[i] += v * v;
            }
        for (int64_t i = 0; i < vectors; i++) {
            add_lanes(&part[i], sum + i * EG_LANES, EG_LANES);
            add_lanes(&both[i], square + i * EG_LANES, EG_LANES);
        }
    }
    for (int64_t i = 0; i < vectors * EG_LANES && at + i < c; i++) {
        double off = sum[i] / (double)rows, rest = square[i] - sum[i] * off;
        mean[at + i] = (double)centre[i / EG_LANES][i % EG_LANES] + off;
        squares[at + i] = rest > 0 ? rest : 0;
    }
}

EG_CLONES void eg_column_moments(int64_t rows, int64_t c, const float *x, double *mean, double *squares)
{
    int64_t at = 0;
    for (; at + WIDTH <= c; at += WIDTH) moments(rows, c, at, VECTORS, x, mean, squares);
    for (; at < c; at += EG_LANES) moments(rows, c, at, 1, x, mean, squares);
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

EG_CLONES void eg_group_input_grad(int64_t rows, int64_t c, const float *restrict x, const float *restrict dy,
                                   const float *restrict mean, const float *restrict a,
                                   const float *restrict b, const float *restrict shift, float *restrict dx)
{
    for (int64_t row = 0; row < rows; row++, x += c, dy += c, dx += c)
        for (int64_t i = 0; i < c; i++) dx[i] = a[i] * dy[i] + b[i] * (x[i] - mean[i]) + shift[i];
}
