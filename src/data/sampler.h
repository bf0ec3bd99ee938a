/* The order in which an epoch takes the samples. */
#ifndef ENGRAFT_DATA_SAMPLER_H
#define ENGRAFT_DATA_SAMPLER_H

#include "data/dataset.h"

/* As many samples as the set has; what has no samples of its own costs nothing.
 *
 * shuffle: every sample once (eg_shuffle). class_balanced: the classes take turns, so that each comes equally
 * often (but for one); a class goes through its samples in an order of its own, and again in another when it
 * has come to the end; the whole is shuffled then. The k-th time of a sample in the epoch is sample + k *
 * count, see eg_batch_load. Depends on (seed, epoch) and the labels alone. */
typedef struct eg_order {
    eg_sampler sampler;
    const eg_dataset *dataset;
    int64_t *samples;  /* of the epoch: dataset->count of them */
    int64_t *by_class; /* class_balanced: the samples of each class, one class after the other */
    int64_t *begins;   /* per class and one more */
    int64_t *picks;    /* of the class being dealt */
    int64_t *places;
} eg_order;

/* In the arena; takes everything that eg_order_draw needs. */
void eg_order_init(eg_order *order, eg_arena *arena, const eg_dataset *dataset, eg_sampler sampler);
void eg_order_draw(eg_order *order, uint64_t seed, uint64_t epoch);

#endif
