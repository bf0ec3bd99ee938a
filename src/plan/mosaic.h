/* Tensors put together from pieces of others (see eg_mosaic). What reshapes, cuts and joins them changes
 * views and positions alone; values are read at the end, by eg_mosaic_read.
 *
 * Dims are those of PyTorch, already counted from 0. The arena owns all results. */
#ifndef ENGRAFT_PLAN_MOSAIC_H
#define ENGRAFT_PLAN_MOSAIC_H

#include "engraft/plan.h"

/* The whole of a source tensor. */
const eg_mosaic *eg_mosaic_whole(eg_arena *arena, const eg_entry *entry);
/* True when it is a source tensor as it stands in the file. */
bool eg_mosaic_is_plain(const eg_mosaic *mosaic);
/* True when it moves elements and changes none: no scaling, no sums, nothing left to be drawn. */
bool eg_mosaic_is_move(const eg_mosaic *mosaic);
/* Dim d of the result is dim order[d]. */
const eg_mosaic *eg_mosaic_permute(eg_arena *arena, const eg_mosaic *mosaic, const int64_t *order);
/* A dim of size 1 before dim (0 … rank); without dim, which has size 1. */
const eg_mosaic *eg_mosaic_unsqueeze(eg_arena *arena, const eg_mosaic *mosaic, uint32_t dim);
const eg_mosaic *eg_mosaic_squeeze(eg_arena *arena, const eg_mosaic *mosaic, uint32_t dim);
/* Dim becomes several, of the sizes, whose product it is. NULL when a piece does not span it. */
const eg_mosaic *eg_mosaic_unflatten(eg_arena *arena, const eg_mosaic *mosaic, uint32_t dim,
                                     const int64_t *sizes, uint32_t count);
/* Dim and all behind it become one. NULL when a piece does not span them, or does not hold them in order. */
const eg_mosaic *eg_mosaic_flatten(eg_arena *arena, const eg_mosaic *mosaic, uint32_t dim);
/* Elements start … start+length-1 of dim. */
const eg_mosaic *eg_mosaic_slice(eg_arena *arena, const eg_mosaic *mosaic, uint32_t dim, int64_t start,
                                 int64_t length);
/* One after the other along dim; ranks, other dims and dtypes must agree. */
const eg_mosaic *eg_mosaic_concat(eg_arena *arena, const eg_mosaic *const *list, size_t count, uint32_t dim);
/* The pieces of `value` times scale, moved by `at`, as further pieces of a growing list. */
typedef struct eg_pieces {
    eg_piece *items;
    size_t count, capacity;
} eg_pieces;
void eg_pieces_add(eg_arena *arena, eg_pieces *list, const eg_mosaic *value, const int64_t *at, double scale,
                   bool add);
/* The names of the sources of its pieces, each once. */
const char *const *eg_mosaic_sources(eg_arena *arena, const eg_mosaic *mosaic, size_t *count);
/* True when both hold the same bits; reads them. */
bool eg_mosaic_compare(const eg_mosaic *a, const eg_mosaic *b, bool *equal, eg_error *err);
/* Puts the values into out, which holds what is not covered. dtype is F32 (they are converted), or their own
 * where they are only moved. */
bool eg_mosaic_read(const eg_mosaic *mosaic, eg_dtype dtype, void *out, eg_error *err);

#endif
