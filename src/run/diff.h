/* What differs between two state dicts, tensor by tensor. */
#ifndef ENGRAFT_RUN_DIFF_H
#define ENGRAFT_RUN_DIFF_H

#include "engraft/tensor.h"

typedef enum eg_change_kind {
    EG_CHANGE_NONE,    /* the same bits */
    EG_CHANGE_RENAMED, /* the same bits under another name */
    EG_CHANGE_VALUES,
    EG_CHANGE_QUANTIZATION, /* the same integers with another scale or zero point */
    EG_CHANGE_DTYPE,        /* the same shape in another type; values may differ, too */
    EG_CHANGE_SHAPE,
    EG_CHANGE_ONLY_A,
    EG_CHANGE_ONLY_B,
    EG_CHANGE_COUNT,
} eg_change_kind;

typedef struct eg_change {
    eg_change_kind kind;
    const eg_entry *a, *b; /* NULL: not there */
    uint64_t numel;
    uint64_t differing; /* VALUES: elements of other bits; DTYPE: of another value */
    double largest;     /* the largest |a - b|; NaN where the type has no numbers */
} eg_change;

typedef struct eg_diff {
    eg_change *changes; /* A's tensors in its order, then those that only B has */
    size_t count;
    size_t counts[EG_CHANGE_COUNT];
    bool equal;
    bool same_order; /* the names that both have stand in the same order */
} eg_diff;

/* Compares every tensor. Names that only one side has are paired by type, shape and content; of several
 * candidates the one whose name ends alike. Reads two tensors at a time. */
bool eg_diff_build(eg_diff *diff, eg_arena *arena, const eg_store *a, const eg_store *b, eg_error *err);

#endif
