/* Eight vectors of channels at a time: runs of whole cache lines are read, and additions do not wait for each
 * other. Eight for two: the sums take 6 instead of 8 % of a ResNet-50 step. */
#include "kernel/norm_grad.h"

#include "kernel/norm.h"

enum { VECTORS = 8, WIDTH = VECTORS * EG_LANES };

/* grad of eight channels from `at` on, of which `width` are there; v: the row's x. */
EG_INLINE void find_grad(const eg_norm_grad *n, int64_t offset, int64_t width, const eg_lanes *v,
                         const eg_lanes *scale, const eg_lanes *shift, eg_activation activation,
                         eg_lanes *grad)
{
    eg_lanes_load(grad, n->dy + offset, width);
    if (activation == EG_ACTIVATION_NONE) return;
    eg_lanes out;
    if (n->y)
        eg_lanes_load(&out, n->y + offset, width);
    else
        out = *v * *scale + *shift;
    eg_lanes_activate_grad(grad, &out, activation, n->slope);
}

EG_INLINE void sum_columns(int64_t rows, int64_t c, int64_t at, int64_t vectors, const eg_norm_grad *n,
                           float *residual, bool add, eg_activation activation, double *sum, double *product)
{
    eg_lanes mean[VECTORS], scale[VECTORS], shift[VECTORS];
    for (int64_t i = 0; i < vectors; i++) {
        int64_t from = at + i * EG_LANES;
        eg_lanes_load(&mean[i], n->mean + from, c - from);
        eg_lanes_load(&scale[i], n->scale + from, c - from);
        eg_lanes_load(&shift[i], n->shift + from, c - from);
    }
    for (int64_t i = at; i < at + vectors * EG_LANES && i < c; i++) sum[i] = product[i] = 0;
    for (int64_t row = 0; row < rows;) {
        eg_lanes part[VECTORS] = {{0}}, both[VECTORS] = {{0}};
        for (int64_t end = row + EG_SUM_RUN < rows ? row + EG_SUM_RUN : rows; row < end; row++)
            for (int64_t i = 0; i < vectors; i++) {
                int64_t from = at + i * EG_LANES, offset = row * c + from;
                eg_lanes v, grad, old;
                eg_lanes_load(&v, n->x + offset, c - from);
                find_grad(n, offset, c - from, &v, &scale[i], &shift[i], activation, &grad);
                part[i] += grad;
                both[i] += grad * (v - mean[i]);
                if (!residual) continue;
                if (add) {
                    eg_lanes_load(&old, residual + offset, c - from);
                    grad += old;
                }
                eg_lanes_store(&grad, residual + offset, c - from);
            }
        for (int64_t i = 0; i < vectors * EG_LANES && at + i < c; i++) {
            sum[at + i] += (double)part[i / EG_LANES][i % EG_LANES];
            product[at + i] += (double)both[i / EG_LANES][i % EG_LANES];
        }
    }
}

EG_INLINE void sums(int64_t rows, int64_t c, const eg_norm_grad *n, float *residual, bool add,
                    eg_activation activation, double *sum, double *product)
{
    int64_t at = 0;
    for (; at + WIDTH <= c; at += WIDTH)
        sum_columns(rows, c, at, VECTORS, n, residual, add, activation, sum, product);
    for (; at < c; at += EG_LANES) sum_columns(rows, c, at, 1, n, residual, add, activation, sum, product);
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

EG_INLINE void input(int64_t rows, int64_t c, const eg_norm_grad *n, const float *a, const float *b,
                     const float *k, bool add, eg_activation activation, float *dx)
{
    for (int64_t row = 0; row < rows; row++)
        for (int64_t at = 0; at < c; at += EG_LANES) {
            int64_t offset = row * c + at, width = c - at;
            eg_lanes v, grad, scale, shift, factor;
            eg_lanes_load(&v, n->x + offset, width);
            eg_lanes_load(&scale, n->scale + at, width);
            eg_lanes_load(&shift, n->shift + at, width);
            find_grad(n, offset, width, &v, &scale, &shift, activation, &grad);
            eg_lanes_load(&factor, a + at, width);
            if (b) {
                eg_lanes mean, slope;
                eg_lanes_load(&mean, n->mean + at, width);
                eg_lanes_load(&shift, b + at, width);
                eg_lanes_load(&slope, k + at, width);
                grad = grad - shift - (v - mean) * slope;
            }
            grad *= factor;
            if (add) {
                eg_lanes_load(&v, dx + offset, width);
                grad += v;
            }
            eg_lanes_store(&grad, dx + offset, width);
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
    for (int64_t i = 0; i < n; i += EG_LANES) {
        eg_lanes v, g;
        eg_lanes_load(&v, y + i, n - i);
        eg_lanes_load(&g, dy + i, n - i);
        eg_lanes_activate_grad(&g, &v, activation, slope);
        eg_lanes_store(&g, grad + i, n - i);
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
