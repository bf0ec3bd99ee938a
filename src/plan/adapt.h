/* Source tensors whose shape is not the target's, made to fit. Each is a sum of pieces of the source, so that
 * no value is read before the plan is applied.
 *
 *   | policy      | source -> target          | result |
 *   |-------------|---------------------------|---------------------------------------------------------------|
 *   | adapt_input | [o, i, …] -> [o, 1, …]    | the sum over the input channels | |             | [o, i, …]
 * -> [o, n, …]    | the channels over and over, times i/n (as timm's first layer) | | overlap     | any two
 * of equal rank     | the common corner; the rest is drawn                          | | interpolate | [1, n,
 * d] -> [1, m, d]    | a square grid of positions (after up to two class tokens),    | |             | or [n,
 * d] -> [m, d]       | bicubic with aligned corners, as torchvision's                | | head        | [c, …]
 * -> [k, …]          | rows by class: kept, combined, or drawn                       | */
#ifndef ENGRAFT_PLAN_ADAPT_H
#define ENGRAFT_PLAN_ADAPT_H

#include "engraft/plan.h"

/* The source as the target's shape by the policy, or NULL when the policy has no meaning for these shapes. */
const eg_mosaic *eg_adapt(eg_arena *arena, eg_key_policy policy, const eg_mosaic *source, eg_shape target);
/* Rows by class: rows[r] is a list of source rows for row r of the target, empty for one that is drawn. */
typedef struct eg_row {
    const int64_t *sources;
    size_t count;
} eg_row;
const eg_mosaic *eg_adapt_rows(eg_arena *arena, const eg_mosaic *source, const eg_row *rows, size_t count,
                               eg_combine combine);

#endif
