/* 3x3 convolution with stride 1 by Winograd's method: forward, input gradient, weight gradient.
 *
 * The map is cut into output tiles of 4x4. A tile's 6x6 inputs are transformed into 36 values a channel,
 * which turns the convolution into 36 matrix products (tiles, c) * (c, k), and these are transformed back: a
 * quarter of the multiplications (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015).
 * Rounding errors grow some fivefold against a direct float convolution.
 *
 * Maps are channels last: x (n, h, w, c), y (n, p, q, k). Work is cut into tasks by shape alone; tasks may
 * run in any order and on any threads, each with scratch memory of its own, and give the same bits. Nothing
 * is allocated, nothing fails; pointers to scratch, filters and sums are best aligned to 64 bytes.
 *
 * An element of y has the same bits whatever surrounds it. Forms with fused multiply-adds (avx2, avx512) give
 * the same bits as each other, the portable one rounds more often. */
#ifndef ENGRAFT_KERNEL_WINOGRAD_H
#define ENGRAFT_KERNEL_WINOGRAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/cpu.h"
#include "kernel/epilogue.h"

typedef struct eg_winograd_shape {
    int64_t n, h, w, c, k;
    int64_t padding[2]; /* rows, columns; 0 … 2, the same on both sides */
} eg_winograd_shape;

/* Products work on panels of 64 output channels; filters are stored (panel, 36, c, 64), and where a product's
 * registers hold fewer channels, these come first: (panel, 36, 64 / them, c, them). */
typedef struct eg_winograd {
    eg_winograd_shape shape;
    int64_t p, q;                  /* output: h + 2 padding - 2 */
    int64_t rows, columns, tiles;  /* tiles down and across a map, and in the batch */
    int64_t block, blocks;         /* tiles of a block (the last may have fewer), blocks */
    int64_t panels, group, groups; /* panels; panels of one task; groups of them */
    int64_t tasks;                 /* blocks * groups */
    int64_t packs;                 /* panels to be packed: all, or none where each would be read but once */
    bool turned;                   /* of an input gradient */
    size_t filter_bytes;           /* of packed filters */
    size_t scratch_bytes;          /* of a running task */
    eg_cpu cpu;                    /* whose transforms; eg_cpu_best */
} eg_winograd;

/* Whether the method applies: the window, stride and dilation are the caller's to check; the padding is 0 … 2
 * and the output not empty. */
bool eg_winograd_fits(const eg_winograd_shape *shape);
eg_winograd eg_winograd_plan(const eg_winograd_shape *shape);
/* The plan of the input gradient of a convolution of this shape: its x is dy (n, p, q, k), its y is dx (n, h,
 * w, c). */
eg_winograd eg_winograd_plan_input_grad(const eg_winograd_shape *shape);

/* Filters of one panel, 0 … packs-1. weight (k, c, 3, 3) as PyTorch keeps it; the plan of an input gradient
 * takes the forward weight (its c, its k, 3, 3) and turns it by 180°. */
void eg_winograd_pack(const eg_winograd *plan, int64_t panel, const float *weight, float *packed);

/* Task 0 … tasks-1: its tiles and channels of y. packed: all panels; without packs NULL, and filters are made
 * from the weight as they are needed. epilogue may be NULL; its residual may be y itself, which adds to it.
 */
void eg_winograd_forward(const eg_winograd *plan, int64_t task, const float *x, const float *weight,
                         const float *packed, const eg_epilogue *epilogue, float *y, void *scratch);

/* The weight gradient: the same tiles, 36 products (c, tiles) * (tiles, k). A task takes a part of the tiles
 * and a rectangle of channels; parts are summed at last, in order. */
typedef struct eg_winograd_weights {
    eg_winograd_shape shape;
    int64_t p, q, rows, columns, tiles;
    int64_t part, parts; /* tiles of a part, parts */
    int64_t chunk;       /* tiles transformed at a time */
    int64_t c_block, c_blocks, k_block, k_blocks;
    int64_t tasks;     /* parts * c_blocks * k_blocks */
    int64_t sum_tasks; /* of eg_winograd_weight_sum */
    size_t sums_bytes; /* (parts, k / 16 rounded up, c, 9, 16) */
    size_t scratch_bytes;
    eg_cpu cpu;
} eg_winograd_weights;

eg_winograd_weights eg_winograd_plan_weight_grad(const eg_winograd_shape *shape);
/* Task 0 … tasks-1: writes its rectangle of its part of sums. */
void eg_winograd_weight_grad(const eg_winograd_weights *plan, int64_t task, const float *x, const float *dy,
                             float *sums, void *scratch);
/* Task 0 … sum_tasks-1, after all of the above: some output channels of the gradient (k, c, 3, 3), added to
 * out when accumulate. */
void eg_winograd_weight_sum(const eg_winograd_weights *plan, int64_t task, const float *sums, float *out,
                            bool accumulate);

#endif
