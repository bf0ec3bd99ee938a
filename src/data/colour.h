/* Colours of 8-bit images as Pillow 9.4 changes them under torchvision's adjust_* functions, to the bit.
 *
 *   brightness, contrast, saturation   a blend of the image with black, with its mean gray, with its own
 * gray; factor 1 leaves it as it is (ImageEnhance, Image.blend) hue                                a turn of
 * the colour circle by factor (a share of it) in 8-bit HSV
 *
 * Source: Pillow, libImaging/Blend.c and Convert.c; torchvision, functional_pil.py. */
#ifndef ENGRAFT_DATA_COLOUR_H
#define ENGRAFT_DATA_COLOUR_H

#include <stddef.h>
#include <stdint.h>

typedef enum eg_colour {
    EG_COLOUR_BRIGHTNESS,
    EG_COLOUR_CONTRAST,
    EG_COLOUR_SATURATION,
    EG_COLOUR_HUE,
    EG_COLOUR_COUNT,
} eg_colour;

/* pixels: `count` of 1 or 3 channels, in place. The hue of a gray image is none. */
void eg_colour_apply(eg_colour kind, uint8_t *pixels, size_t count, int channels, double factor);

#endif
