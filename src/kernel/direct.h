/* Products whose left side is read where it lies: convolutions with few channels or strides, without a copy
 * of the windows. What a tile's loops are made of:
 *
 *   dot     some pixels of the result: the sum over the window's values, which come in runs (a run is a row
 *           of the window: s * c neighbouring floats)
 *   outer   the weight's gradient: some values of the window times a panel of output channels, summed over a
 *           rectangle of pixels
 *
 * Packed weights are (panels, depth, panel): `panel` output channels are worked on together, as many as fill
 * the registers; the last panel is filled up with zeros. An element is summed in one order whatever surrounds
 * it. Forms with fused multiply-adds (avx2, avx512) give the same bits as each other, the portable one rounds
 * more often. */
#ifndef ENGRAFT_KERNEL_DIRECT_H
#define ENGRAFT_KERNEL_DIRECT_H

#include "kernel/cpu.h"
#include "kernel/kernel.h"

enum { EG_DIRECT_ROWS = 6 };

typedef struct eg_dot {
    const float *a[EG_DIRECT_ROWS]; /* the pixels' windows; those from `rows` on repeat the last */
    float *c[EG_DIRECT_ROWS];       /* and results (width) */
    int64_t rows, width;            /* width: at most a panel */
    int64_t runs, length, pitch;    /* depth = runs * length; floats from run to run */
    const float *b;                 /* (depth, panel) */
    bool accumulate;
    bool cold;     /* the results are not in cache: fetched while the sums are made */
    int64_t ahead; /* floats from a window to one that is fetched meanwhile; 0: none */
} eg_dot;

typedef struct eg_outer {
    const float *a; /* the first pixel's values; from pixel to pixel, and from line to line: */
    int64_t a_step, a_line;
    const float *d; /* the first pixel's gradients (panel); pixels lie one behind the other, and lines: */
    int64_t d_line;
    int64_t lines, pixels; /* the rectangle; pixels of a line */
    int64_t count, width;  /* of values; of gradients, those from width on are 0 */
    float *sum;            /* (count, panel), added to */
} eg_outer;

/* A rectangle of pixels with some neighbouring values each, written group by group of the values, so that a
 * group's pixels lie one behind the other: to (groups, lines, pixels, group), zeros behind the last value. */
typedef struct eg_gather {
    const float *from; /* the first pixel's values; from pixel to pixel, and from line to line: */
    int64_t step, line;
    int64_t lines, pixels, count; /* count: values of a pixel */
    float *to;
    int64_t group, pitch; /* values of a group; floats from group to group */
    int64_t ahead;        /* pixels from one to that which is fetched meanwhile; 0: none */
} eg_gather;

typedef struct eg_direct {
    int64_t panel;
    void (*dot)(const eg_dot *dot);
    void (*outer)(const eg_outer *outer);
    void (*gather)(const eg_gather *gather);
} eg_direct;

const eg_direct *eg_direct_forms(eg_cpu cpu);

/* One panel of weights: weight (k, c, r, s) in PyTorch's order. The panel's rows are the taps
 * first[0], first[0] + step[0], … (count[0] of them) by first[1], … of all c; outputs are k. turned: rows are
 * (taps, k) and outputs are c. */
typedef struct eg_direct_taps {
    int64_t first[2], step[2], count[2];
    bool turned;
} eg_direct_taps;
void eg_direct_pack(const eg_direct *form, int64_t panel, int64_t k, int64_t c, int64_t r, int64_t s,
                    const eg_direct_taps *taps, const float *weight, float *packed);

/* Pixels (row … row+rows-1, column … column+columns-1) of a map (h, w, c), zeros where outside it. */
void eg_direct_copy(const float *map, int64_t h, int64_t w, int64_t c, int64_t row, int64_t column,
                    int64_t rows, int64_t columns, float *out);

/* The sum of `parts` gradients (t * c, panel) of one panel, `part_size` apart, in this order, to the panel's
 * rows of out (k, c, t); added when accumulate. */
void eg_direct_unpack(const eg_direct *form, int64_t panel, int64_t k, int64_t c, int64_t t, int64_t parts,
                      int64_t part_size, const float *sums, float *out, bool accumulate);

#endif
