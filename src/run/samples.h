/* The data of a run: its sets, and the pipelines that make the network's input of them. */
#ifndef ENGRAFT_RUN_SAMPLES_H
#define ENGRAFT_RUN_SAMPLES_H

#include "data/pipeline.h"
#include "engraft/net.h"

typedef struct eg_samples {
    const eg_dataset *train; /* NULL: not opened */
    const eg_dataset *val;   /* NULL: none */
    eg_pipeline train_pipeline, val_pipeline;
} eg_samples;

/* Opens data.train and, where there is one, data.val, for a network that classifies images. Checked: the
 * network takes images of 1 or 3 channels and gives a vector; the sets' classes are target.classes (when
 * given), the same in both sets, and as many as the network's outputs; the pipelines end in the network's
 * input size, and the first sample of each set comes through them. */
bool eg_samples_open(eg_samples *samples, eg_arena *arena, const eg_recipe *recipe, const eg_net *net,
                     eg_error *err);
/* One set for evaluation alone, with the given classes (count 0: the set's own). `place` is used where its
 * classes are not the network's. */
bool eg_samples_open_val(eg_samples *samples, eg_arena *arena, const eg_data_set *set,
                         const char *const *classes, size_t class_count, eg_transform_list preprocess,
                         const eg_net *net, eg_place place, eg_error *err);
/* An image of 1 or 3 channels comes in, a vector comes out. */
bool eg_samples_check_net(eg_arena *arena, const eg_net *net, eg_place place, eg_error *err);
/* A pipeline that ends in the network's input size; augment empty: evaluation. */
bool eg_samples_pipeline(eg_pipeline *pipeline, eg_arena *arena, eg_transform_list preprocess,
                         eg_transform_list augment, const eg_net *net, eg_error *err);
/* "ants, bees", at most a dozen. */
const char *eg_samples_classes(eg_arena *arena, const char *const *classes, size_t count);

#endif
