/* What every kernel follows. Kernels take pointers and sizes, return nothing, never allocate, never fail, and
 * know no type of engraft's but their own. Images are channels last, parameters come in the order that each
 * kernel states.
 *
 * Letters: n images; h, w rows and columns of the input; c input channels; p, q rows and columns of the
 * output; k output channels; r, s rows and columns of the window; t = r * s taps, row by row.
 *
 * Floating-point sums run in an order that the sizes alone decide, and no contraction or reassociation is
 * allowed to the compiler: the vector forms below give the same bits as the portable one. */
#ifndef ENGRAFT_KERNEL_KERNEL_H
#define ENGRAFT_KERNEL_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One function, compiled by gcc for several instruction sets, chosen when the program starts. Sanitizers
 * instrument the code that chooses, which runs before they are ready; clang before 17 gives it names that
 * other files do not find: both have the portable form alone. A build that is to measure one form says so:
 * -DEG_CLONES='__attribute__((target("avx2")))'. */
#ifdef EG_CLONES
#elif defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) &&               \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define EG_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define EG_CLONES
#endif

/* Before a loop over elements whose arrays are one and the same or do not overlap: gcc then makes vectors as
 * wide as the clone's without asking where they lie. */
#if defined(__GNUC__) && !defined(__clang__)
#define EG_ELEMENTWISE _Pragma("GCC ivdep")
#else
#define EG_ELEMENTWISE
#endif

#define EG_INLINE static inline __attribute__((always_inline))

/* Sizes, and cutting them. */
static inline int64_t eg_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t eg_most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline int64_t eg_div_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static inline int64_t eg_clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* Eight channels at a time; the last ones of a row may be fewer. */
enum { EG_LANES = 8 };
typedef float eg_lanes __attribute__((vector_size(32), aligned(4), may_alias));

EG_INLINE void eg_lanes_load(eg_lanes *v, const float *from, int64_t width)
{
    if (width >= EG_LANES) {
        *v = *(const eg_lanes *)from;
    } else {
        float part[EG_LANES] = {0};
        for (int64_t i = 0; i < width; i++) part[i] = from[i];
        *v = *(const eg_lanes *)part;
    }
}

EG_INLINE void eg_lanes_store(const eg_lanes *v, float *to, int64_t width)
{
    if (width >= EG_LANES) {
        *(eg_lanes *)to = *v;
    } else {
        for (int64_t i = 0; i < width; i++) to[i] = (*v)[i];
    }
}

/* A window that slides over an image: convolution and pooling. */
typedef struct eg_grid {
    int64_t h, w, c;                            /* input */
    int64_t p, q;                               /* output */
    int64_t r, s;                               /* window */
    int64_t stride[2], padding[2], dilation[2]; /* rows, columns; padding before the first */
} eg_grid;

/* The taps first … end-1 of a window that lie inside an axis of `size`, when tap 0 lies at `start`. */
EG_INLINE void eg_grid_clip(int64_t start, int64_t dilation, int64_t taps, int64_t size, int64_t *first,
                            int64_t *end)
{
    *first = start < 0 ? (-start + dilation - 1) / dilation : 0;
    int64_t room = size - start;
    *end = room <= 0 ? 0 : start + (taps - 1) * dilation < size ? taps : (room + dilation - 1) / dilation;
    if (*end < *first) *end = *first;
}

#endif
