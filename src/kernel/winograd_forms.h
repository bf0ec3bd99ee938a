/* The transforms of winograd.h, one table an instruction set. Every form works lane by lane in the same
 * order, without fused multiply-adds: all give the same bits.
 *
 * A tile's 36 values lie row by row, index i * 6 + j; arrays of 36 matrices are `stride` floats apart. */
#ifndef ENGRAFT_KERNEL_WINOGRAD_FORMS_H
#define ENGRAFT_KERNEL_WINOGRAD_FORMS_H

#include <stdint.h>

#include "kernel/winograd.h"

enum { EG_WINOGRAD_PANEL = 64 }; /* output channels that are worked on together */

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
    /* Channels from … to-1 of 36 pixels to u: B'dB. */
    void (*input)(const float *const pixels[36], int64_t from, int64_t to, float *u, int64_t stride);
    /* Channels from … to-1 of m to the target: A'mA, then the epilogue. */
    void (*output)(const float *m, int64_t stride, int64_t from, int64_t to,
                   const eg_winograd_target *target);
    /* 9 taps of EG_WINOGRAD_PANEL filters, taps (9, panel), to v: GgG'. */
    void (*filter)(const float *taps, float *v, int64_t stride);
    /* Channels from … to-1 of 16 pixels of the output's gradient to d. */
    void (*grad)(const float *const pixels[16], int64_t from, int64_t to, float *d, int64_t stride);
    /* Products from … to-1 of m to 9 taps, `tap_stride` apart. */
    void (*taps)(const float *m, int64_t stride, int64_t from, int64_t to, float *taps, int64_t tap_stride);
} eg_winograd_forms;

extern const eg_winograd_forms eg_winograd_scalar; /* one at a time: the reference, and the ends of rows */
extern const eg_winograd_forms eg_winograd_portable;
extern const eg_winograd_forms eg_winograd_avx2;
extern const eg_winograd_forms eg_winograd_avx512;

#endif
