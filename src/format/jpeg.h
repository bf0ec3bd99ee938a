/* JPEG decoding and encoding through libjpeg-turbo with Pillow's settings: the accurate integer DCT, smooth
 * chroma upsampling, block smoothing. The only file that knows jpeglib.h is jpeg.c. */
#ifndef ENGRAFT_FORMAT_JPEG_H
#define ENGRAFT_FORMAT_JPEG_H

#include "format/image.h"

/* As eg_image_decode, of bytes that start as a JPEG does. Gray, RGB and YCbCr, CMYK and YCCK (taken as
 * inverted, the way Adobe writes them). A file that ends too early is refused. */
bool eg_jpeg_decode(eg_image *image, const uint8_t *bytes, size_t size, int channels, eg_error *err);

/* The bytes of a baseline JPEG as Pillow writes it: chroma of half the size both ways, tables by quality (1 …
 * 100). *bytes is the caller's to free, whatever the result. */
bool eg_jpeg_encode(const eg_image *image, int quality, uint8_t **bytes, size_t *size, eg_error *err);

#endif
