/* What was tried, on one core with AVX-512 whose memory gives 13 to 25 GB/s: sums over 64 columns of a run of
 * rows at a time, in vectors of eight, read at 4 to 13 GB/s; over four whole rows at a time, in vectors of
 * sixteen, at 9 to 19; moments the same way 7 to 17, now 8 to 23. Maps in vectors of sixteen, without reading
 * their own sizes again after every store: 10 -> 11 to 17. */
#include "kernel/norm_grad.h"

#include "kernel/norm.h"

/* grad of at most EG_WIDE columns of a row, whose x is v; what is behind them is 0. */
EG_INLINE void find_grad(const eg_norm_grad *n, int64_t offset, int64_t width, const eg_wide *v,
                         const eg_wide *scale, const eg_wide *shift, eg_activation activation, eg_wide *grad)
{
    eg_wide out;
    eg_wide_load(grad, n->dy + offset, width);
    if (activation == EG_ACTIVATION_NONE) return;
    if (n->y)
        eg_wide_load(&out, n->y + offset, width);
    else
        out = *v * *scale + *shift;
    eg_wide_activate_grad(grad, &out, activation, n->slope);
}

/* What the sums of EG_SUM_COLUMNS columns at most work on; columns count from the first of them. */
typedef struct run {
    eg_norm_grad at;
    float *residual; /* or NULL */
    bool add;
    float part[EG_SUM_COLUMNS], both[EG_SUM_COLUMNS];
} run;

EG_INLINE void add_sums(int64_t rows, int64_t c, int64_t first, int64_t at, int64_t width, run *n,
                        eg_activation activation)
{
    eg_wide own = *(const eg_wide *)(n->part + at), products = *(const eg_wide *)(n->both + at);
    eg_wide mean, scale, shift, v, grad, old;
    eg_wide_load(&mean, n->at.mean + at, width);
    eg_wide_load(&scale, n->at.scale + at, width);
    eg_wide_load(&shift, n->at.shift + at, width);
    for (int64_t i = 0; i < rows; i++) {
        int64_t offset = (first + i) * c + at;
        eg_wide_load(&v, n->at.x + offset, width);
        find_grad(&n->at, offset, width, &v, &scale, &shift, activation, &grad);
        own += grad;
        products += grad * (v - mean);
        if (!n->residual) continue;
        if (n->add) {
            eg_wide_load(&old, n->residual + offset, width);
            grad += old;
        }
        eg_wide_store(&grad, n->residual + offset, width);
    }
    *(eg_wide *)(n->part + at) = own;
    *(eg_wide *)(n->both + at) = products;
}

EG_INLINE void row_sums(int64_t rows, int64_t c, int64_t first, int64_t width, run *n,
                        eg_activation activation)
{
    int64_t at = 0;
    for (; at + EG_WIDE <= width; at += EG_WIDE) add_sums(rows, c, first, at, EG_WIDE, n, activation);
    if (at < width) add_sums(rows, c, first, at, width - at, n, activation);
}

/* The float sums over the rows begin … end-1, added to the doubles. */
EG_INLINE void run_sums(int64_t begin, int64_t end, int64_t c, int64_t width, run *n,
                        eg_activation activation, double *sum, double *product)
{
    int64_t row = begin;
    for (int64_t i = 0; i < EG_SUM_COLUMNS; i++) n->part[i] = n->both[i] = 0;
    for (; row + EG_SUM_ROWS <= end; row += EG_SUM_ROWS) row_sums(EG_SUM_ROWS, c, row, width, n, activation);
    for (; row < end; row++) row_sums(1, c, row, width, n, activation);
    for (int64_t i = 0; i < width; i++) sum[i] += (double)n->part[i];
    for (int64_t i = 0; i < width; i++) product[i] += (double)n->both[i];
}

EG_INLINE void sums(int64_t rows, int64_t c, const eg_norm_grad *n, float *residual, bool add,
                    eg_activation activation, double *sum, double *product)
{
    for (int64_t i = 0; i < c; i++) sum[i] = product[i] = 0;
    for (int64_t at = 0; at < c; at += EG_SUM_COLUMNS) {
        int64_t width = c - at < EG_SUM_COLUMNS ? c - at : EG_SUM_COLUMNS;
        run own = {.at = *n, .residual = residual ? residual + at : NULL, .add = add};
        own.at.x += at, own.at.dy += at, own.at.mean += at, own.at.scale += at, own.at.shift += at;
        if (n->y) own.at.y += at;
        for (int64_t row = 0; row < rows; row += EG_SUM_RUN)
            run_sums(row, row + EG_SUM_RUN < rows ? row + EG_SUM_RUN : rows, c, width, &own, activation,
                     sum + at, product + at);
    }
}

EG_CLONES void eg_norm_grad_sums(int64_t rows, int64_t c, const eg_norm_grad *n, float *residual, bool add,
                                 double *sum, double *product)
{
    switch (n->activation) {
    case EG_ACTIVATION_RELU: sums(rows, c, n, residual, add, EG_ACTIVATION_RELU, sum, product); break;
    case EG_ACTIVATION_RELU6: sums(rows, c, n, residual, add, EG_ACTIVATION_RELU6, sum, product); break;
    case EG_ACTIVATION_LEAKY: sums(rows, c, n, residual, add, EG_ACTIVATION_LEAKY, sum, product); break;
    default: sums(rows, c, n, residual, add, EG_ACTIVATION_NONE, sum, product); break;
    }
}

EG_INLINE void input_part(const eg_norm_grad *n, int64_t offset, int64_t at, int64_t width, const float *a,
                          const float *b, const float *k, bool add, eg_activation activation, float *dx)
{
    eg_wide v, grad, scale, shift, factor;
    eg_wide_load(&v, n->x + offset, width);
    eg_wide_load(&scale, n->scale + at, width);
    eg_wide_load(&shift, n->shift + at, width);
    find_grad(n, offset, width, &v, &scale, &shift, activation, &grad);
    eg_wide_load(&factor, a + at, width);
    if (b) {
        eg_wide mean, slope;
        eg_wide_load(&mean, n->mean + at, width);
        eg_wide_load(&shift, b + at, width);
        eg_wide_load(&slope, k + at, width);
        grad = grad - shift - (v - mean) * slope;
    }
    grad *= factor;
    if (add) {
        eg_wide_load(&v, dx + offset, width);
        grad += v;
    }
    eg_wide_store(&grad, dx + offset, width);
}

EG_INLINE void input(int64_t rows, int64_t c, const eg_norm_grad *grad, const float *a, const float *b,
                     const float *k, bool add, eg_activation activation, float *dx)
{
    const eg_norm_grad n = *grad; /* dx may not change it */
    for (int64_t row = 0; row < rows; row++) {
        int64_t at = 0;
        for (; at + EG_WIDE <= c; at += EG_WIDE)
            input_part(&n, row * c + at, at, EG_WIDE, a, b, k, add, activation, dx);
        if (at < c) input_part(&n, row * c + at, at, c - at, a, b, k, add, activation, dx);
    }
}

EG_CLONES void eg_norm_grad_input(int64_t rows, int64_t c, const eg_norm_grad *n, const float *a,
                                  const float *b, const float *k, bool add, float *dx)
{
    switch (n->activation) {
    case EG_ACTIVATION_RELU: input(rows, c, n, a, b, k, add, EG_ACTIVATION_RELU, dx); break;
    case EG_ACTIVATION_RELU6: input(rows, c, n, a, b, k, add, EG_ACTIVATION_RELU6, dx); break;
    case EG_ACTIVATION_LEAKY: input(rows, c, n, a, b, k, add, EG_ACTIVATION_LEAKY, dx); break;
    default: input(rows, c, n, a, b, k, add, EG_ACTIVATION_NONE, dx); break;
    }
}

EG_INLINE void mask(int64_t n, const float *y, const float *dy, eg_activation activation, float slope,
                    float *grad)
{
    for (int64_t i = 0; i < n; i += EG_WIDE) {
        eg_wide v, g;
        eg_wide_load(&v, y + i, n - i);
        eg_wide_load(&g, dy + i, n - i);
        eg_wide_activate_grad(&g, &v, activation, slope);
        eg_wide_store(&g, grad + i, n - i);
    }
}

EG_CLONES void eg_activation_grad(int64_t n, const float *y, const float *dy, eg_activation activation,
                                  float slope, float *grad)
{
    switch (activation) {
    case EG_ACTIVATION_RELU: mask(n, y, dy, EG_ACTIVATION_RELU, slope, grad); break;
    case EG_ACTIVATION_RELU6: mask(n, y, dy, EG_ACTIVATION_RELU6, slope, grad); break;
    case EG_ACTIVATION_LEAKY: mask(n, y, dy, EG_ACTIVATION_LEAKY, slope, grad); break;
    default: mask(n, y, dy, EG_ACTIVATION_NONE, slope, grad); break;
    }
}
