/* Which nodes run as one: an operator that leaves its result element by element, and what is done to each
 * element next, in one pass. The last node's value is then the only one that is written.
 *
 *   head            takes in, in this order, each at most once
 *   batch_norm2d    add, activation
 *   conv2d          activation; and, where nothing below depends on a trainable parameter and the statistics
 *                   are the stored ones, batch_norm2d, add, activation
 *
 * And which batch_norm2d with its activation is not made at all: where its one reader maps x on the way in.
 *
 * A value between them has no other reader. add takes the head's value and one of the same shape that is
 * there before the head runs. Nothing is taken in across the cut (see cut.h). */
#ifndef ENGRAFT_NET_FUSE_H
#define ENGRAFT_NET_FUSE_H

#include "net/cut.h"

typedef struct eg_fused {
    bool absorbed;    /* it runs within an earlier node */
    int32_t output;   /* the value that it writes: of the last absorbed node, else its own */
    int32_t norm;     /* the batch_norm2d that a convolution took in; -1: none */
    int32_t residual; /* the value that is added; -1: none */
    int32_t mapped;   /* the batch_norm2d that x[0] goes through on the way in; -1: none */
    bool unmade;      /* it is such a batch_norm2d */
    eg_activation activation;
    float slope;
} eg_fused;

/* trainable (per parameter) and batch_norm (per node) as in eg_exec_options; cut: of the same; plain: nothing
 * is fused. fused: per node. */
void eg_fuse(eg_arena *work, const eg_net *net, const bool *trainable, const eg_bn_mode *batch_norm,
             const eg_cut *cut, bool plain, eg_fused *fused);

#endif
