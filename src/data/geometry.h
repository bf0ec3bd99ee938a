/* Cropping, resizing and flipping one image: torchvision 0.14's transforms on Pillow images, with its
 * rounding.
 *
 * Random numbers come from the stream (seed, EG_DRAW_AUGMENT, epoch, sample). The step at position p of the
 * pipeline uses the draws from 64 * p on, each a uniform double unless said otherwise: random_resized_crop,
 * attempt a of 0 … 9: +4a area, +4a+1 logarithm of the ratio, +4a+2 top (below n), +4a+3 left (below n);
 * horizontal_flip: +0, flipped when it is less than p. */
#ifndef ENGRAFT_DATA_GEOMETRY_H
#define ENGRAFT_DATA_GEOMETRY_H

#include "base/rng.h"
#include "data/resize.h"

#define EG_DRAWS_PER_STEP 64

/* An image on its way: a rectangle of pixels that the frame owns, or only looks at. */
typedef struct eg_frame {
    eg_raster view;
    uint8_t *owned;      /* NULL: the pixels are somebody else's */
    eg_scratch *scratch; /* where memory comes from; NULL: the heap */
} eg_frame;

void eg_frame_clear(eg_frame *frame);
/* One step of geometry (not normalize). Only a resize to more than 178 956 970 pixels can fail. */
bool eg_frame_apply(eg_frame *frame, const eg_transform *step, eg_stream stream, uint64_t at, eg_error *err);

#endif
