/* Colour conversions of 8-bit pixels, as Pillow's Convert.c does them. Each handles n pixels; out must not
 * overlap. */
#ifndef ENGRAFT_FORMAT_PIXELS_H
#define ENGRAFT_FORMAT_PIXELS_H

#include <stddef.h>
#include <stdint.h>

/* ITU-R 601-2 luma in 16-bit fixed point: Pillow's L24. */
static inline uint8_t eg_luma(const uint8_t *rgb)
{
    return (uint8_t)((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
}

/* Colour pixels `step` bytes apart (3: RGB, 4: RGB with an alpha that is ignored) to gray, and to RGB. */
void eg_pixels_luma(const uint8_t *in, size_t step, size_t n, uint8_t *out);
void eg_pixels_rgb(const uint8_t *in, size_t step, size_t n, uint8_t *out);
/* Gray to RGB. */
void eg_pixels_spread(const uint8_t *gray, size_t n, uint8_t *out);
/* CMYK as Adobe stores it (inverted, four bytes a pixel) to RGB, without a colour profile. */
void eg_pixels_cmyk(const uint8_t *in, size_t n, uint8_t *out);

#endif
