/* The transforms of winograd.h, one table an instruction set. Every form works lane by lane in the same
 * order; those with fused multiply-adds (avx2, avx512) give the same bits as each other, the portable one
 * rounds more often.
 *
 * A tile's 36 values lie point by point, index i * 6 + j, `stride` floats from one to the next. Whole vectors
 * are read and written there: channels lie in whole cache lines. */
#ifndef ENGRAFT_KERNEL_WINOGRAD_FORMS_H
#define ENGRAFT_KERNEL_WINOGRAD_FORMS_H

#include <stdint.h>

#include "kernel/winograd.h"

enum {
    EG_WINOGRAD_PANEL = 64, /* output channels that are worked on together */
    EG_WINOGRAD_LINE = 16   /* floats of a cache line */
};

/* Where an output tile goes. */
typedef struct eg_winograd_target {
    float *y[16];              /* the tile's pixels; NULL where outside the map */
    const float *residual[16]; /* read only where y is not NULL, and when has_residual */
    const float *scale, *bias; /* or NULL */
    bool has_residual;
    eg_activation activation;
    float slope;
} eg_winograd_target;

typedef struct eg_winograd_forms {
    /* `count` channels of 36 pixels to u: B'dB. */
    void (*input)(const float *const pixels[36], int64_t count, float *u, int64_t stride);
    /* `count` channels of m to the target: A'mA, then the epilogue. */
    void (*output)(const float *m, int64_t stride, int64_t count, const eg_winograd_target *target);
    /* 9 taps of EG_WINOGRAD_PANEL filters, taps (9, panel), to 36 points of v, `stride` apart: GgG'. Every
     * `panel` filters of a point start `step` floats behind those before. */
    void (*filter)(const float *taps, int64_t panel, float *v, int64_t stride, int64_t step);
    /* `count` channels of 16 pixels of the output's gradient to d. */
    void (*grad)(const float *const pixels[16], int64_t count, float *d, int64_t stride);
    /* EG_WINOGRAD_LINE products of m's 36 points, `stride` apart, to taps (9, line). */
    void (*taps)(const float *m, int64_t stride, float *taps);
} eg_winograd_forms;

extern const eg_winograd_forms eg_winograd_portable;
extern const eg_winograd_forms eg_winograd_avx2;
extern const eg_winograd_forms eg_winograd_avx512;

const eg_winograd_forms *eg_winograd_forms_of(eg_cpu cpu);

#endif
