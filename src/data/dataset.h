/* Data sets: where samples come from. */
#ifndef ENGRAFT_DATA_DATASET_H
#define ENGRAFT_DATA_DATASET_H

#include "engraft/arena.h"
#include "engraft/recipe.h"
#include "format/image.h"

typedef struct eg_sample {
    const char *file; /* folder, csv, jsonl: the image's path; idx: "images.idx#17" */
    int32_t label;    /* position in classes */
} eg_sample;

typedef struct eg_dataset {
    const eg_data_set *spec;
    eg_sample *samples; /* in class order, then by file name; idx, csv, jsonl: in file order */
    size_t count;
    const char **classes;
    size_t class_count;
    size_t skipped;           /* files in the folders that are not images */
    const struct eg_idx *idx; /* idx: the pixels */
    const char **groups;      /* csv, jsonl with a group column: of each sample; else NULL */
    int channels;             /* 1 or 3 that samples are decoded to */
} eg_dataset;

/* Lists a set. classes (may be NULL) fixes names and order and must be the set's own names; channels is what
 * the network wants (1 or 3). The arena owns it. An empty class, an unknown class or a set without samples is
 * an error that names folder and place.
 *
 * The recipe's `limit` is met by filling the classes in turn, one sample at a time; one that runs out leaves
 * its share to the others, and a class's first samples (by path; idx: in file order) are the ones that stay.
 * No chance is involved. An idx set's classes are its labels as numbers ("0", "1", …): those that occur, by
 * value. Since a file of labels names nothing, a class of the network that no label has is fine there. */
const eg_dataset *eg_dataset_open(eg_arena *arena, const eg_data_set *spec, const char *const *classes,
                                  size_t class_count, int channels, eg_error *err);
/* Decodes one sample; the caller clears the image. */
bool eg_dataset_image(const eg_dataset *dataset, size_t sample, eg_image *image, eg_error *err);

#endif
