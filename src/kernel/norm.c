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

enum { FIRST_ROWS = 16 };

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

EG_INLINE void row_moments(int rows, int64_t c, int64_t width, const float *restrict x,
                           const float *restrict centre, float *restrict part, float *restrict both)
{
    EG_ELEMENTWISE
    for (int64_t i = 0; i < width; i++) {
        float sum = part[i], squares = both[i];
        EG_UNROLL_ROWS
        for (int row = 0; row < rows; row++) {
            float v = x[row * c + i] - centre[i];
            sum += v;
            squares += v * v;
        }
        part[i] = sum;
        both[i] = squares;
    }
}

/* Of `width` columns: the float sums of x - centre and of its square over one run, added to the doubles. */
EG_INLINE void run_moments(int64_t rows, int64_t c, int64_t width, const float *x, const float *centre,
                           double *sum, double *square)
{
    float part[EG_SUM_COLUMNS] = {0}, both[EG_SUM_COLUMNS] = {0};
    int64_t row = 0;
    for (; row + EG_SUM_ROWS <= rows; row += EG_SUM_ROWS)
        row_moments(EG_SUM_ROWS, c, width, x + row * c, centre, part, both);
    for (; row < rows; row++) row_moments(1, c, width, x + row * c, centre, part, both);
    for (int64_t i = 0; i < width; i++) sum[i] += (double)part[i];
    for (int64_t i = 0; i < width; i++) square[i] += (double)both[i];
}

/* mean and squares hold the sums until all rows are in. */
EG_INLINE void moments(int64_t rows, int64_t c, int64_t width, const float *x, double *mean, double *squares)
{
    float centre[EG_SUM_COLUMNS] = {0};
    for (int64_t at = 0; at < width; at += EG_LANES)
        find_centre(rows, c, x + at, width - at, (eg_lanes *)(centre + at));
    for (int64_t i = 0; i < width; i++) mean[i] = squares[i] = 0;
    for (int64_t row = 0, end; row < rows; row = end) {
        end = run_end(row, rows);
        run_moments(end - row, c, width, x + row * c, centre, mean, squares);
    }
    for (int64_t i = 0; i < width; i++) {
        double sum = mean[i], off = sum / (double)rows, rest = squares[i] - sum * off;
        mean[i] = (double)centre[i] + off;
        squares[i] = rest > 0 ? rest : 0;
    }
}

EG_CLONES void eg_column_moments(int64_t rows, int64_t c, const float *x, double *mean, double *squares)
{
    for (int64_t at = 0; at < c; at += EG_SUM_COLUMNS)
        moments(rows, c, c - at < EG_SUM_COLUMNS ? c - at : EG_SUM_COLUMNS, x + at, mean + at, squares + at);
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
