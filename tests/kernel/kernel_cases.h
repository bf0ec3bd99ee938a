/* What the kernel tests share: numbers, grids at awkward sizes, arrays with guards behind them. */
#ifndef ENGRAFT_TESTS_KERNEL_CASES_H
#define ENGRAFT_TESTS_KERNEL_CASES_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/kernel.h"

enum { GUARD = 32 };
#define GUARD_VALUE (-777.25F)

/* Numbers in [-1, 1), the same in every run. */
static inline float number(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(*seed >> 40) / (double)(1 << 23) - 1);
}

/* count floats and a guard behind them; free() it. */
static inline float *array(int64_t count)
{
    float *out = malloc((size_t)(count + GUARD) * sizeof *out);
    for (int64_t i = 0; i < count + GUARD; i++) out[i] = GUARD_VALUE;
    return out;
}

static inline float *random_array(int64_t count, uint64_t seed)
{
    float *out = array(count);
    for (int64_t i = 0; i < count; i++) out[i] = number(&seed);
    return out;
}

static inline void expect_guard(const float *x, int64_t count)
{
    for (int64_t i = count; i < count + GUARD; i++) assert_true(x[i] == GUARD_VALUE);
}

/* A float sum of n products of numbers below 1 differs from the exact one by less than n roundings of n. */
static inline void expect_near(float got, double want, int64_t terms)
{
    double tolerance = 6e-8 * (double)(terms + 4) * (1 + fabs(want));
    if (!(fabs((double)got - want) <= tolerance)) fail_msg("%.9g is not %.9g", (double)got, want);
}

/* Height, width, channels, window, strides, padding, dilation. */
static const int64_t grids[][11] = {
    {5, 7, 8, 3, 3, 1, 1, 1, 1, 1, 1},  {5, 7, 1, 3, 3, 1, 1, 0, 0, 1, 1}, {1, 1, 3, 1, 1, 1, 1, 0, 0, 1, 1},
    {6, 4, 13, 3, 2, 2, 1, 1, 0, 1, 2}, {3, 3, 9, 3, 3, 7, 9, 1, 1, 1, 1}, {2, 2, 17, 5, 5, 1, 1, 2, 2, 1, 1},
    {9, 8, 16, 2, 3, 3, 2, 0, 3, 3, 1}, {4, 9, 5, 1, 7, 1, 2, 0, 3, 1, 1}, {1, 6, 24, 1, 2, 1, 5, 0, 0, 1, 4},
    {7, 5, 7, 9, 9, 2, 3, 4, 4, 1, 1},
};
enum { GRIDS = sizeof grids / sizeof *grids };

static inline eg_grid grid_of(const int64_t v[11])
{
    eg_grid g = {.h = v[0],
                 .w = v[1],
                 .c = v[2],
                 .r = v[3],
                 .s = v[4],
                 .stride = {v[5], v[6]},
                 .padding = {v[7], v[8]},
                 .dilation = {v[9], v[10]}};
    g.p = (g.h + 2 * g.padding[0] - g.dilation[0] * (g.r - 1) - 1) / g.stride[0] + 1;
    g.q = (g.w + 2 * g.padding[1] - g.dilation[1] * (g.s - 1) - 1) / g.stride[1] + 1;
    return g;
}

static inline eg_grid grid_at(int i)
{
    return grid_of(grids[i]);
}

/* The offset of the pixel under tap (r, s) of place (p, q) in an image, or -1 outside. */
static inline int64_t pixel_under(const eg_grid *g, int64_t p, int64_t q, int64_t r, int64_t s)
{
    int64_t row = p * g->stride[0] - g->padding[0] + r * g->dilation[0];
    int64_t column = q * g->stride[1] - g->padding[1] + s * g->dilation[1];
    if (row < 0 || row >= g->h || column < 0 || column >= g->w) return -1;
    return (row * g->w + column) * g->c;
}

/* for each place (p, q) and tap (r, s) of a grid */
#define EACH_TAP(g)                                                                                          \
    for (int64_t p = 0; p < (g).p; p++)                                                                      \
        for (int64_t q = 0; q < (g).q; q++)                                                                  \
            for (int64_t r = 0; r < (g).r; r++)                                                              \
                for (int64_t s = 0; s < (g).s; s++)

#endif
