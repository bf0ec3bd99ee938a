/* MNIST's file format: one file of images, one of labels.
 *
 *   images: 00 00 08 03, count (be32), height (be32), width (be32), then the pixels, one byte each; or
 *           00 00 08 04, count, height, width, channels (1 or 3), then interleaved pixels
 *   labels: 00 00 08 01, count (be32), then one byte a sample */
#ifndef ENGRAFT_DATA_IDX_H
#define ENGRAFT_DATA_IDX_H

#include "engraft/arena.h"
#include "format/image.h"

typedef struct eg_idx {
    const uint8_t *pixels, *labels; /* in the mapped files */
    size_t count;
    int width, height, channels;
    uint32_t *rows; /* the data set's sample -> position in the files; filled by the data set */
} eg_idx;

/* Maps both files and checks them against each other; they are closed with the arena. */
eg_idx *eg_idx_open(eg_arena *arena, const char *images, const char *labels, eg_error *err);
/* Copies one image (by position in the file) as 1 or 3 channels: gray is repeated, colour becomes luma. */
bool eg_idx_image(const eg_idx *idx, size_t row, int channels, eg_image *image, eg_error *err);

#endif
