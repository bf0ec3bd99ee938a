/* Names over the same bytes: tied weights. */
#ifndef ENGRAFT_TENSOR_TIE_H
#define ENGRAFT_TENSOR_TIE_H

#include "engraft/tensor.h"

/* Per entry: the name of the first one over the same bytes, or NULL where there is none before it. Empty
 * tensors are tied to nothing. */
const char **eg_store_ties(eg_arena *arena, const eg_store *store);

#endif
