#include "format/image.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/memory.h"
#include "format/jpeg.h"
#include "format/png.h"

/* Twice Pillow's Image.MAX_IMAGE_PIXELS, where it stops warning and refuses. */
#define PIXEL_LIMIT 178956970u

/* File types that are told by their first bytes, to say what was found; those with a decoder are read. */
static const struct kind {
    const char *name, *magic;
    size_t length;
    bool (*decode)(eg_image *image, const uint8_t *bytes, size_t size, int channels, eg_error *err);
} kinds[] = {
    {"JPEG", "\xff\xd8\xff", 3, eg_jpeg_decode},
    {"PNG", "\x89PNG\r\n\x1a\n", 8, eg_png_decode},
    {"GIF", "GIF8", 4, NULL},
    {"WebP or other RIFF", "RIFF", 4, NULL},
    {"BMP", "BM", 2, NULL},
    {"TIFF", "II*\0", 4, NULL},
    {"TIFF", "MM\0*", 4, NULL},
    {"HTML or XML", "<", 1, NULL},
};

static const struct kind *find_kind(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (size >= kinds[i].length && memcmp(bytes, kinds[i].magic, kinds[i].length) == 0) return &kinds[i];
    return NULL;
}

bool eg_image_allocate(eg_image *image, uint64_t width, uint64_t height, int channels, eg_error *err)
{
    assert(channels == 1 || channels == 3);
    uint64_t pixels;
    if (width == 0 || height == 0)
        return eg_fail(err, EG_MALFORMED, "the image is %llu x %llu pixels, expected at least 1 x 1",
                       (unsigned long long)width, (unsigned long long)height);
    if (__builtin_mul_overflow(width, height, &pixels) || pixels > PIXEL_LIMIT)
        return eg_fail(err, EG_MALFORMED, "the image has %llu x %llu pixels, expected at most %u in all",
                       (unsigned long long)width, (unsigned long long)height, PIXEL_LIMIT);
    size_t size = eg_size_product((size_t)pixels, (size_t)channels); /* up to half a gigabyte */
    uint8_t *memory = image->scratch ? eg_scratch_new(image->scratch, size) : malloc(size);
    if (!memory)
        return eg_fail(err, EG_SYSTEM, "no memory for an image of %llu x %llu pixels",
                       (unsigned long long)width, (unsigned long long)height);
    *image = (eg_image){(int)width, (int)height, channels, memory, image->scratch};
    return true;
}

bool eg_image_decode(eg_image *image, const uint8_t *bytes, size_t size, int channels, eg_error *err)
{
    assert(channels == 1 || channels == 3);
    *image = (eg_image){.scratch = image->scratch};
    if (size == 0) return eg_fail(err, EG_MALFORMED, "the file is empty, expected a JPEG or PNG image");
    const struct kind *kind = find_kind(bytes, size);
    if (!kind)
        return eg_fail(err, EG_MALFORMED, "this is not an image that can be read, expected JPEG or PNG");
    if (!kind->decode)
        return eg_fail(err, EG_MALFORMED,
                       "this is a %s file whatever its name says, expected JPEG or PNG: convert it",
                       kind->name);
    return kind->decode(image, bytes, size, channels, err);
}

bool eg_image_read(eg_image *image, const char *path, int channels, eg_error *err)
{
    eg_mapping mapping;
    *image = (eg_image){.scratch = image->scratch};
    if (!eg_mapping_open(&mapping, path, err)) return false;
    bool ok = eg_image_decode(image, mapping.bytes, (size_t)mapping.size, channels, err);
    eg_mapping_close(&mapping);
    return ok || eg_error_in(err, path);
}

void eg_image_clear(eg_image *image)
{
    eg_scratch_free(image->scratch, image->pixels);
    *image = (eg_image){.scratch = image->scratch};
}

bool eg_image_is_named(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t n = strlen(endings[i]);
        if (length > n && strcasecmp(name + length - n, endings[i]) == 0) return true;
    }
    return false;
}

bool eg_image_rejpeg(eg_image *image, int quality, eg_error *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0;
    eg_image again = {.scratch = image->scratch};
    bool ok = eg_jpeg_encode(image, quality, &bytes, &size, err) &&
              eg_jpeg_decode(&again, bytes, size, image->channels, err);
    if (ok)
        memcpy(image->pixels, again.pixels,
               (size_t)image->width * (size_t)image->height * (size_t)image->channels);
    eg_image_clear(&again);
    free(bytes);
    return ok;
}
