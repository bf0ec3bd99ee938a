/* Where a network's batches come from: images through the whole network, or the features of its part before
 * the cut (net/cut.h), which are computed once for each sample and then read.
 *
 * Features stand for images only where a sample always gives the same: its images are not drawn at random, or
 * drawn from a finite pool. With or without them the results are the same bits: eg_exec's `apart` makes a
 * sample's features independent of its batch. The first batch that is read is computed, too, and compared. */
#ifndef ENGRAFT_TRAIN_FEED_H
#define ENGRAFT_TRAIN_FEED_H

#include "data/pipeline.h"
#include "net/exec.h"

typedef struct eg_feed eg_feed;

/* Everything is borrowed and must outlive the feed; parameters before the cut must not change. */
typedef struct eg_feed_options {
    const char *name; /* "training", for people */
    eg_exec *exec;
    const eg_net *net;
    const eg_weights *weights;
    const bool *trainable; /* per parameter, as the exec's */
    const eg_dataset *dataset;
    const eg_pipeline *pipeline;
    uint64_t seed;       /* of augmentation */
    int64_t pool_size;   /* how many draws a sample has; 0: a new one in every epoch */
    int64_t batch;       /* most samples at a time */
    bool apart;          /* the exec's; without it samples come in the same batches in every epoch */
    eg_cache_kind cache; /* EG_CACHE_OFF: features are never kept */
    const char *folder;  /* of the disk's files; NULL: eg_feature_folder */
    eg_pool *pool;
} eg_feed_options;

/* Whether a sample's image is the same in every epoch, or one of a few. */
bool eg_feed_repeats(const eg_pipeline *pipeline, int64_t pool_size);
/* Says on standard error where features are kept, or why not. Errors: no room where the recipe names memory
 * or disk, a sample that cannot be read, no memory. */
eg_feed *eg_feed_new(const eg_feed_options *options, eg_error *err);
void eg_feed_free(eg_feed *feed); /* NULL is fine */
/* Runs samples order[0 … n-1] forward, as eg_batch_load and eg_exec_forward do; a pool has no further draws
 * of a sample that comes again, numbered from the set's count on. labels may be NULL. EG_MISMATCH when
 * features that were computed again differ twice: then this machine computes at random. */
bool eg_feed_forward(eg_feed *feed, const int64_t *order, int64_t n, uint64_t epoch, bool training,
                     uint64_t step, int32_t *labels, eg_error *err);
/* Bytes held in memory. */
size_t eg_feed_bytes(const eg_feed *feed);

#endif
