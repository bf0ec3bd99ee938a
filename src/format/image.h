/* Images: decoding equal to Pillow's, to the bit. */
#ifndef ENGRAFT_FORMAT_IMAGE_H
#define ENGRAFT_FORMAT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/scratch.h"
#include "engraft/error.h"

/* Interleaved 8-bit samples, row-major: (height, width, channels). Zeroed before it is read into. */
typedef struct eg_image {
    int width, height;
    int channels;        /* 1 or 3 */
    uint8_t *pixels;     /* height * width * channels; freed by eg_image_clear */
    eg_scratch *scratch; /* where memory comes from, set by who reads the image; NULL: the heap */
} eg_image;

/* Sets the size and makes room for the pixels (not set). Refuses sizes of 0, and more than 178 956 970
 * pixels. */
bool eg_image_allocate(eg_image *image, uint64_t width, uint64_t height, int channels, eg_error *err);
/* Decodes a JPEG or PNG (told by content) to `channels` channels: 3 as Image.open(f).convert('RGB'), 1 as
 * .convert('L'). EXIF orientation is not applied. Refuses images of more than 178 956 970 pixels (Pillow's
 * bomb limit). */
bool eg_image_decode(eg_image *image, const uint8_t *bytes, size_t size, int channels, eg_error *err);
bool eg_image_read(eg_image *image, const char *path, int channels, eg_error *err);
/* What the pixels become when they are saved as a JPEG of that quality (1 … 100) and read again, as by Pillow
 * with its defaults; in place. */
bool eg_image_rejpeg(eg_image *image, int quality, eg_error *err);
void eg_image_clear(eg_image *image);
/* True when the name ends as an image that eg_image_read knows (.jpg .jpeg .png, any case). */
bool eg_image_is_named(const char *name);

#endif
