/* Batch normalisation's parameters, and what it is where its statistics are fixed: y = x * scale + shift. */
#ifndef ENGRAFT_NET_NORM_H
#define ENGRAFT_NET_NORM_H

#include "net/op.h"

enum { EG_NORM_WEIGHT, EG_NORM_BIAS, EG_NORM_MEAN, EG_NORM_VAR, EG_NORM_COUNT, EG_NORM_PARAMS };

/* scale, shift (c) from the stored statistics; params as a call's. */
void eg_batch_norm2d_fold(const eg_node *node, int64_t c, void *const params[], float *scale, float *shift);

#endif
