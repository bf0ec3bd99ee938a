/* The name of a set of features: a digest of everything that decides their bits. */
#ifndef ENGRAFT_TRAIN_FEATURE_KEY_H
#define ENGRAFT_TRAIN_FEATURE_KEY_H

#include "data/pipeline.h"
#include "net/cut.h"
#include "net/weights.h"

typedef struct eg_feature_key {
    const eg_net *net;
    const eg_weights *weights;
    const eg_cut *cut;
    const eg_dataset *dataset;
    const eg_pipeline *pipeline;
    uint64_t seed; /* of augmentation; */
    int64_t pool;  /* how many draws a sample has; 0: none */
    int64_t batch; /* samples that are computed together, in order; 0: each has the same bits in any batch */
} eg_feature_key;

/* Writes 64 lower-case hex digits and a zero: the SHA-256 of the arithmetic, the architecture, the cut, the
 * parameters before it, the pipeline, and every sample's bytes. Fails when a sample cannot be read. */
bool eg_feature_key_make(const eg_feature_key *of, eg_pool *pool, char hex[65], eg_error *err);

#endif
