/* From samples to batches: geometry, augmentation, normalisation, as torchvision does them on Pillow images.
 */
#ifndef ENGRAFT_DATA_PIPELINE_H
#define ENGRAFT_DATA_PIPELINE_H

#include "base/pool.h"
#include "data/dataset.h"

typedef struct eg_pipeline {
    eg_transform_list transforms; /* geometry in order, then one normalisation */
    int height, width, channels;  /* of the result */
} eg_pipeline;

/* The pipeline of evaluation (augment empty) or training. Where `augment` holds a random crop, it takes the
 * place of preprocess's resize and center_crop (its size defaults to theirs); other augmentations come after
 * them; normalize is last. An error (with the step's place) when the result's size is not fixed, or is not
 * (height, width, channels). Without any resize or crop, every image must have that size already:
 * eg_batch_load looks. */
bool eg_pipeline_build(eg_pipeline *pipeline, eg_arena *arena, eg_transform_list preprocess,
                       eg_transform_list augment, int height, int width, int channels, eg_error *err);
/* Decodes, transforms and normalises samples order[0 … n-1] into out (n, height, width, channels), one task a
 * sample. Draws depend on (seed, epoch, the sample's number in the data set) alone, see geometry.h. A number
 * of dataset->count or more is the sample modulo the count again, with draws of its own. labels may be NULL.
 * Fails with the file's name when one cannot be read. */
bool eg_batch_load(const eg_pipeline *pipeline, const eg_dataset *dataset, const int64_t *order, int64_t n,
                   uint64_t seed, uint64_t epoch, eg_pool *pool, float *out, int32_t *labels, eg_error *err);
/* One image, as eg_batch_load does a sample (sample number 0 of epoch 0). */
bool eg_image_load(const eg_pipeline *pipeline, const eg_image *image, float *out, eg_error *err);
/* The epoch's order: a permutation of 0 … n-1 that depends on (seed, epoch) alone. */
void eg_shuffle(uint64_t seed, uint64_t epoch, int64_t n, int64_t *order);
/* Another one for each key; eg_shuffle's is 0. */
void eg_shuffle_keyed(uint64_t seed, uint64_t epoch, uint64_t key, int64_t n, int64_t *order);

#endif
