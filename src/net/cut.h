/* Where a network can be cut: the nodes whose result for a sample is the same in every step of a training,
 * because no trainable parameter, no draw and no batch statistic reaches them. What the nodes behind the cut
 * read of them are the sample's features: computed once, they stand for the whole part before the cut. */
#ifndef ENGRAFT_NET_CUT_H
#define ENGRAFT_NET_CUT_H

#include "net/op.h"

typedef enum eg_side {
    EG_SIDE_CONSTANT, /* made of frozen parameters alone: no sample reaches it */
    EG_SIDE_BEFORE,
    EG_SIDE_BEHIND,
} eg_side;

typedef struct eg_cut {
    const eg_side *side;   /* per node */
    const int32_t *values; /* the features, ascending; views stand for what they show */
    int32_t value_count;   /* 0: nothing stands behind the cut */
    int64_t numel;         /* floats of one sample's features */
    double flops;          /* of one sample before the cut */
    int32_t first;         /* the first node behind it that another one's kind or parameters keep from the
                              other side; node_count: none */
} eg_cut;

/* trainable (per parameter; NULL: none) and batch_norm (per node; NULL: all EG_BN_EVAL) as in
 * eg_exec_options. The arena owns the result. */
eg_cut eg_cut_find(eg_arena *arena, const eg_net *net, const bool *trainable, const eg_bn_mode *batch_norm);
/* Why the cut's first node stands behind it, for people: "'fc' trains", in the arena. "" where there is none.
 */
const char *eg_cut_reason(eg_arena *arena, const eg_net *net, const bool *trainable, const eg_cut *cut);

#endif
