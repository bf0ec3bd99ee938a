/* The transforms for one vector width. The file that includes this defines, beforehand: LANES, the floats of
 * a vector; TARGET, its functions' attributes; FORMS, the name of the table. What is left at a row's end goes
 * to the scalar form.
 *
 * F(4x4, 3x3) and F(3x3, 4x4) with the points 0, 3/4, -3/4, 3/2, -3/2 and infinity; both share the input's
 * transform B. The usual points 0, 1, -1, 2, -2 save three of 22 operations, but these halve the error (a
 * third in the worst element), and the constants of A and B are exact. */
#include "kernel/winograd_forms.h"

#if LANES == 1
typedef float vec;
#else
typedef float vec __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t mask __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
#endif
#define INLINE static inline __attribute__((always_inline)) TARGET

INLINE vec *at(float *p)
{
    return (vec *)p;
}

INLINE const vec *from_at(const float *p)
{
    return (const vec *)p;
}

/* t = B'd for six values; t's are `step` apart. */
INLINE void input_axis(const vec *d, vec *t, int step)
{
    vec even = d[4] - 2.25F * d[2], odd = 0.75F * (d[3] - 2.25F * d[1]);
    vec far_even = d[4] - 0.5625F * d[2], far_odd = 1.5F * (d[3] - 0.5625F * d[1]);
    t[0] = (1.265625F * d[0] - 2.8125F * d[2]) + d[4];
    t[step] = even + odd;
    t[2 * step] = even - odd;
    t[3 * step] = far_even + far_odd;
    t[4 * step] = far_even - far_odd;
    t[5 * step] = (1.265625F * d[1] - 2.8125F * d[3]) + d[5];
}

/* y = A'm, six values to four. */
INLINE void output_axis(const vec *m, vec *y, int step)
{
    vec even = m[1] + m[2], odd = m[1] - m[2];
    vec far_even = m[3] + m[4], far_odd = m[3] - m[4];
    y[0] = (m[0] + even) + far_even;
    y[step] = 0.75F * odd + 1.5F * far_odd;
    y[2 * step] = 0.5625F * even + 2.25F * far_even;
    y[3 * step] = (0.421875F * odd + 3.375F * far_odd) + m[5];
}

/* v = Gg, three taps to six values. */
INLINE void filter_axis(const vec *g, vec *v, int step)
{
    vec even = g[0] * (-128.0F / 243) + g[2] * (-8.0F / 27), odd = g[1] * (-32.0F / 81);
    vec far_even = g[0] * (32.0F / 243) + g[2] * (8.0F / 27), far_odd = g[1] * (16.0F / 81);
    v[0] = g[0] * (64.0F / 81);
    v[step] = even + odd;
    v[2 * step] = even - odd;
    v[3 * step] = far_even + far_odd;
    v[4 * step] = far_even - far_odd;
    v[5 * step] = g[2];
}

/* Four values of the output's gradient to six: G of F(3, 4). */
INLINE void grad_axis(const vec *g, vec *v, int step)
{
    vec even = g[0] * (-128.0F / 243) + g[2] * (-8.0F / 27), odd = g[1] * (-32.0F / 81) + g[3] * (-2.0F / 9);
    vec far_even = g[0] * (32.0F / 243) + g[2] * (8.0F / 27),
        far_odd = g[1] * (16.0F / 81) + g[3] * (4.0F / 9);
    v[0] = g[0] * (64.0F / 81);
    v[step] = even + odd;
    v[2 * step] = even - odd;
    v[3 * step] = far_even + far_odd;
    v[4 * step] = far_even - far_odd;
    v[5 * step] = g[3];
}

/* Six products to three taps: A of F(3, 4). */
INLINE void taps_axis(const vec *m, vec *y, int step)
{
    vec even = m[1] + m[2], far_even = m[3] + m[4];
    y[0] = (m[0] + even) + far_even;
    y[step] = 0.75F * (m[1] - m[2]) + 1.5F * (m[3] - m[4]);
    y[2 * step] = (0.5625F * even + 2.25F * far_even) + m[5];
}

/* v = other where the condition holds. */
#if LANES == 1
#define REPLACE(v, condition, other) ((v) = (condition) ? (other) : (v))
#else
#define REPLACE(v, condition, other) ((v) = (vec)(((mask)(other) & (condition)) | ((mask)(v) & ~(condition))))
#endif

INLINE void activate(vec *v, eg_winograd_activation activation, float slope)
{
    const vec zero = {0};
    const vec six = zero + 6.0F, scaled = *v * slope;
    if (activation == EG_WINOGRAD_LEAKY) REPLACE(*v, *v < zero, scaled);
    if (activation == EG_WINOGRAD_RELU || activation == EG_WINOGRAD_RELU6) REPLACE(*v, *v < zero, zero);
    if (activation == EG_WINOGRAD_RELU6) REPLACE(*v, *v > six, six);
}

/* The channels of from … to-1 that make whole vectors end here. */
INLINE int64_t whole(int64_t from, int64_t to)
{
    return to - (to - from) % LANES;
}

TARGET static void input(const float *const pixels[36], int64_t from, int64_t to, float *u, int64_t stride)
{
    const int64_t end = whole(from, to);
    for (int64_t c = from; c < end; c += LANES) {
        vec d[6], half[36], t[6];
        for (int j = 0; j < 6; j++) {
            for (int i = 0; i < 6; i++) d[i] = *from_at(pixels[i * 6 + j] + c);
            input_axis(d, half + j, 6);
        }
        for (int i = 0; i < 6; i++) {
            input_axis(half + i * 6, t, 1);
            for (int j = 0; j < 6; j++) *at(u + (i * 6 + j) * stride + c) = t[j];
        }
    }
    if (LANES > 1 && end < to) eg_winograd_scalar.input(pixels, end, to, u, stride);
}

INLINE void finish(vec *v, int64_t at_channel, int i, const eg_winograd_target *target)
{
    if (!target->y[i]) return;
    if (target->bias) *v += *from_at(target->bias + at_channel);
    if (target->has_residual) *v += *from_at(target->residual[i] + at_channel);
    activate(v, target->activation, target->slope);
    *at(target->y[i] + at_channel) = *v;
}

TARGET static void output(const float *m, int64_t stride, int64_t from, int64_t to,
                          const eg_winograd_target *target)
{
    const int64_t end = whole(from, to);
    for (int64_t k = from; k < end; k += LANES) {
        vec d[6], half[24], y[4];
        for (int j = 0; j < 6; j++) {
            for (int i = 0; i < 6; i++) d[i] = *from_at(m + (i * 6 + j) * stride + k);
            output_axis(d, half + j, 6);
        }
        for (int i = 0; i < 4; i++) {
            output_axis(half + i * 6, y, 1);
            for (int j = 0; j < 4; j++) finish(&y[j], k, i * 4 + j, target);
        }
    }
    if (LANES > 1 && end < to) eg_winograd_scalar.output(m, stride, end, to, target);
}

TARGET static void filter(const float *taps, float *v, int64_t stride)
{
    for (int64_t k = 0; k < EG_WINOGRAD_PANEL; k += LANES) {
        vec g[3], half[18], t[6];
        for (int j = 0; j < 3; j++) {
            for (int i = 0; i < 3; i++) g[i] = *from_at(taps + (i * 3 + j) * EG_WINOGRAD_PANEL + k);
            filter_axis(g, half + j, 3);
        }
        for (int i = 0; i < 6; i++) {
            filter_axis(half + i * 3, t, 1);
            for (int j = 0; j < 6; j++) *at(v + (i * 6 + j) * stride + k) = t[j];
        }
    }
}

TARGET static void grad(const float *const pixels[16], int64_t from, int64_t to, float *d, int64_t stride)
{
    const int64_t end = whole(from, to);
    for (int64_t k = from; k < end; k += LANES) {
        vec g[4], half[24], t[6];
        for (int j = 0; j < 4; j++) {
            for (int i = 0; i < 4; i++) g[i] = *from_at(pixels[i * 4 + j] + k);
            grad_axis(g, half + j, 4);
        }
        for (int i = 0; i < 6; i++) {
            grad_axis(half + i * 4, t, 1);
            for (int j = 0; j < 6; j++) *at(d + (i * 6 + j) * stride + k) = t[j];
        }
    }
    if (LANES > 1 && end < to) eg_winograd_scalar.grad(pixels, end, to, d, stride);
}

TARGET static void taps(const float *m, int64_t stride, int64_t from, int64_t to, float *y,
                        int64_t tap_stride)
{
    const int64_t end = whole(from, to);
    for (int64_t k = from; k < end; k += LANES) {
        vec d[6], half[18], t[3];
        for (int j = 0; j < 6; j++) {
            for (int i = 0; i < 6; i++) d[i] = *from_at(m + (i * 6 + j) * stride + k);
            taps_axis(d, half + j, 6);
        }
        for (int i = 0; i < 3; i++) {
            taps_axis(half + i * 6, t, 1);
            for (int j = 0; j < 3; j++) *at(y + (i * 3 + j) * tap_stride + k) = t[j];
        }
    }
    if (LANES > 1 && end < to) eg_winograd_scalar.taps(m, stride, end, to, y, tap_stride);
}

const eg_winograd_forms FORMS = {
    .input = input, .output = output, .filter = filter, .grad = grad, .taps = taps};
