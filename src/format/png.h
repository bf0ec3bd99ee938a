/* PNG decoding through libpng, with the conversions of Pillow's PNG plug-in. The only file that knows png.h
 * is png.c. */
#ifndef ENGRAFT_FORMAT_PNG_H
#define ENGRAFT_FORMAT_PNG_H

#include "format/image.h"

/* As eg_image_decode, of bytes that start as a PNG does. Every bit depth and colour type, interlaced or not:
 *   - transparency (tRNS, alpha) is ignored, as Image.convert('RGB') and ('L') do;
 *   - 16-bit gray is clipped at 255, 16-bit colour (and gray with alpha) keeps its upper bytes;
 *   - palette entries that the file does not give are a gray ramp.
 * Chunks before the image data must be whole and have the right CRC; later ones must be whole, a missing end
 * is fine. The CRC of the image data is not looked at. All of this is Pillow's behaviour. Refused although
 * Pillow goes on: data that ends at a line's end before the last line, a palette image without palette,
 * unknown critical chunks. */
bool eg_png_decode(eg_image *image, const uint8_t *bytes, size_t size, int channels, eg_error *err);

#endif
