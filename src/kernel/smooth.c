#include "kernel/smooth.h"

#include "kernel/mathf.h"
#include "kernel/rows.h"

EG_CLONES void eg_elu_forward(int64_t n, const float *restrict x, float a, float *restrict y)
{
    for (int64_t i = 0; i < n; i++) y[i] = eg_f32_select(x[i] > 0, x[i], a * eg_expm1f_negative(x[i]));
}

EG_CLONES void eg_elu_backward(int64_t n, const float *y, const float *dy, float a, float *dx)
{
    EG_ELEMENTWISE
    for (int64_t i = 0; i < n; i++) dx[i] = dy[i] * eg_f32_select(y[i] > 0, 1, y[i] + a);
}

EG_CLONES void eg_gelu_forward(int64_t n, const float *restrict x, float a, float *restrict y)
{
    (void)a;
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * eg_normalf(x[i]).below;
}

EG_CLONES void eg_gelu_backward(int64_t n, const float *x, const float *dy, float a, float *dx)
{
    (void)a;
    EG_ELEMENTWISE
    for (int64_t i = 0; i < n; i++) {
        eg_normal_parts normal = eg_normalf(x[i]);
        dx[i] = dy[i] * (normal.below + x[i] * (normal.bell * 0.398942280F)); /* 1 / sqrt(2 pi) */
    }
}

/* 1 + tanh(u) = 2 sigmoid(2u): 2u here. */
EG_INLINE float gelu_tanh_twice(float x)
{
    return 1.59576912F * (x + 0.044715F * (x * x * x));
}

EG_CLONES void eg_gelu_tanh_forward(int64_t n, const float *restrict x, float a, float *restrict y)
{
    (void)a;
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * eg_sigmoidf(gelu_tanh_twice(x[i]));
}

EG_CLONES void eg_gelu_tanh_backward(int64_t n, const float *x, const float *dy, float a, float *dx)
{
    (void)a;
    EG_ELEMENTWISE
    for (int64_t i = 0; i < n; i++) {
        float s = eg_sigmoidf(gelu_tanh_twice(x[i]));
        float slope = 1.59576912F * (1.0F + 3.0F * 0.044715F * (x[i] * x[i]));
        dx[i] = dy[i] * (s + x[i] * (s * (1.0F - s) * slope));
    }
}

EG_CLONES void eg_silu_forward(int64_t n, const float *restrict x, float a, float *restrict y)
{
    (void)a;
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * eg_sigmoidf(x[i]);
}

EG_CLONES void eg_silu_backward(int64_t n, const float *x, const float *dy, float a, float *dx)
{
    (void)a;
    EG_ELEMENTWISE
    for (int64_t i = 0; i < n; i++) {
        float s = eg_sigmoidf(x[i]);
        dx[i] = dy[i] * (s * (1.0F + x[i] * (1.0F - s)));
    }
}

EG_CLONES void eg_sigmoid_forward(int64_t n, const float *restrict x, float a, float *restrict y)
{
    (void)a;
    for (int64_t i = 0; i < n; i++) y[i] = eg_sigmoidf(x[i]);
}

EG_CLONES void eg_sigmoid_backward(int64_t n, const float *y, const float *dy, float a, float *dx)
{
    (void)a;
    EG_ELEMENTWISE
    for (int64_t i = 0; i < n; i++) dx[i] = dy[i] * ((1.0F - y[i]) * y[i]);
}

EG_CLONES void eg_tanh_forward(int64_t n, const float *restrict x, float a, float *restrict y)
{
    (void)a;
    for (int64_t i = 0; i < n; i++) y[i] = eg_tanhf(x[i]);
}

EG_CLONES void eg_tanh_backward(int64_t n, const float *y, const float *dy, float a, float *dx)
{
    (void)a;
    EG_ELEMENTWISE
    for (int64_t i = 0; i < n; i++) dx[i] = dy[i] * (1.0F - y[i] * y[i]);
}

/* min(max(x + 3, 0), 6); NaN stays. */
EG_INLINE float hard_step(float x)
{
    float up = x + 3.0F, low = eg_f32_select(up < 0, 0, up);
    return eg_f32_select(low > 6.0F, 6.0F, low);
}

EG_CLONES void eg_hardswish_forward(int64_t n, const float *restrict x, float a, float *restrict y)
{
    (void)a;
    for (int64_t i = 0; i < n; i++) y[i] = x[i] * hard_step(x[i]) / 6.0F;
}

EG_CLONES void eg_hardswish_backward(int64_t n, const float *x, const float *dy, float a, float *dx)
{
    (void)a;
    EG_ELEMENTWISE
    for (int64_t i = 0; i < n; i++) {
        float slope = eg_f32_select(x[i] >= 3.0F, 1.0F, x[i] / 3.0F + 0.5F);
        dx[i] = dy[i] * eg_f32_select(x[i] <= -3.0F, 0, slope);
    }
}

EG_CLONES void eg_hardsigmoid_forward(int64_t n, const float *restrict x, float a, float *restrict y)
{
    (void)a;
    for (int64_t i = 0; i < n; i++) y[i] = hard_step(x[i]) / 6.0F;
}

EG_CLONES void eg_hardsigmoid_backward(int64_t n, const float *y, const float *dy, float a, float *dx)
{
    (void)a;
    EG_ELEMENTWISE
    for (int64_t i = 0; i < n; i++) dx[i] = eg_f32_select((y[i] <= 0) | (y[i] >= 1.0F), 0, dy[i] / 6.0F);
}

EG_CLONES void eg_reciprocal_forward(int64_t n, const float *restrict x, float a, float *restrict y)
{
    (void)a;
    for (int64_t i = 0; i < n; i++) y[i] = 1.0F / x[i];
}

EG_CLONES void eg_reciprocal_backward(int64_t n, const float *y, const float *dy, float a, float *dx)
{
    (void)a;
    EG_ELEMENTWISE
    for (int64_t i = 0; i < n; i++) dx[i] = -dy[i] * y[i] * y[i];
}

/* Eight at a time, so that the order does not depend on the instruction set. A NaN is passed over here: the
 * sum brings it back. */
EG_INLINE float largest(int64_t c, const float *x)
{
    float part[EG_LANES];
    for (int k = 0; k < EG_LANES; k++) part[k] = x[0];
    int64_t i = 0;
    for (; i + EG_LANES <= c; i += EG_LANES)
        for (int k = 0; k < EG_LANES; k++) part[k] = x[i + k] > part[k] ? x[i + k] : part[k];
    for (; i < c; i++) part[0] = x[i] > part[0] ? x[i] : part[0];
    for (int k = 1; k < EG_LANES; k++) part[0] = part[k] > part[0] ? part[k] : part[0];
    return part[0];
}

EG_CLONES void eg_softmax_forward(int64_t rows, int64_t c, const float *restrict x, float *restrict y)
{
    for (int64_t row = 0; row < rows; row++, x += c, y += c) {
        float top = largest(c, x);
        for (int64_t i = 0; i < c; i++) y[i] = eg_expf(x[i] - top);
        float scale = 1.0F / eg_row_sum(c, y, NULL);
        for (int64_t i = 0; i < c; i++) y[i] *= scale;
    }
}

EG_CLONES void eg_softmax_backward(int64_t rows, int64_t c, const float *restrict y, const float *restrict dy,
                                   float *restrict dx)
{
    for (int64_t row = 0; row < rows; row++, y += c, dy += c, dx += c) {
        float mean = eg_row_sum(c, y, dy);
        for (int64_t i = 0; i < c; i++) dx[i] = y[i] * (dy[i] - mean);
    }
}
