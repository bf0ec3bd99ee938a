/* Resizing 8-bit images as Pillow 9.4's Image.resize does, to the bit.
 *
 * Bilinear and bicubic are antialiased: the filter is stretched by the factor of reduction, its taps are
 * rounded to 22 bits after the point, and each of the two passes (first along rows, then along columns)
 * rounds to 8 bits. Nearest takes the pixel under the centre of the new one. Source: Pillow,
 * libImaging/Resample.c and Geometry.c. */
#ifndef ENGRAFT_DATA_RESIZE_H
#define ENGRAFT_DATA_RESIZE_H

#include <stddef.h>
#include <stdint.h>

#include "base/scratch.h"
#include "engraft/recipe.h"

/* A rectangle of an image: interleaved pixels, rows `stride` bytes apart. */
typedef struct eg_raster {
    const uint8_t *pixels;
    size_t stride;
    int width, height, channels; /* 1 or 3 */
} eg_raster;

/* Writes the rectangle at another size (equal sizes are copied) to out (height, width, channels). All sizes
 * are at least 1, and both images have fewer than 2^28 pixels. scratch may be NULL. */
void eg_resize(const eg_raster *in, int width, int height, eg_interpolation how, eg_scratch *scratch,
               uint8_t *out);

#endif
