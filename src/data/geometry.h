/* Cropping, resizing, flipping and colouring one image: torchvision 0.14's transforms on Pillow images, with
 * its rounding.
 *
 * Random numbers come from the stream (seed, EG_DRAW_AUGMENT, epoch, sample). The step at position p of the
 * pipeline uses the draws from 64 * p on, each a uniform double unless said otherwise: random_resized_crop,
 * attempt a of 0 … 9: +4a area, +4a+1 logarithm of the ratio, +4a+2 top (below n), +4a+3 left (below n);
 * horizontal_flip, vertical_flip, grayscale: +0, done when it is less than p;
 * color_jitter: +0 … +3 the factors of brightness, contrast, saturation and hue, +4 … +6 their order (from
 * the end: below 4, below 3, below 2); jpeg_quality: +0 as the flips, +1 the quality. */
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

/* Whether the step sets the image's size. */
bool eg_frame_resizes(eg_transform_kind kind);
void eg_frame_clear(eg_frame *frame);
/* One step (not normalize). A resize to more than 178 956 970 pixels fails, and a JPEG that cannot be made.
 */
bool eg_frame_apply(eg_frame *frame, const eg_transform *step, eg_stream stream, uint64_t at, eg_error *err);

#endif
