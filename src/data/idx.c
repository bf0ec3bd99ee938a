#include "data/idx.h"

#include <assert.h>
#include <string.h>

#include "base/file.h"
#include "format/pixels.h"

enum { TYPE_BYTES = 0x08, RANKS = 4 };

typedef struct file {
    const uint8_t *data; /* behind the header */
    uint32_t dims[RANKS];
    unsigned rank;
} file;

static void close_mapping(void *mapping)
{
    eg_mapping_close(mapping);
}

static bool check_header(const uint8_t *bytes, uint64_t size, eg_error *err)
{
    if (size < 4)
        return eg_fail(err, EG_MALFORMED, "the file has %llu bytes, expected an idx file (MNIST's format)",
                       (unsigned long long)size);
    if (bytes[0] == 0x1f && bytes[1] == 0x8b)
        return eg_fail(err, EG_MALFORMED,
                       "the file is packed by gzip, expected an idx file: unpack it with gunzip");
    if (bytes[0] != 0 || bytes[1] != 0)
        return eg_fail(err, EG_MALFORMED,
                       "the file starts with %02x %02x, expected an idx file (MNIST's format: 00 00 08)",
                       bytes[0], bytes[1]);
    if (bytes[2] != TYPE_BYTES)
        return eg_fail(err, EG_MALFORMED, "the idx file has elements of type 0x%02x, expected 0x08 (bytes)",
                       bytes[2]);
    return true;
}

/* Reads the header, and checks that the data are exactly as long as it says. */
static bool parse(file *f, const eg_mapping *mapping, unsigned low, unsigned high, const char *expected,
                  eg_error *err)
{
    if (!check_header(mapping->bytes, mapping->size, err)) return false;
    f->rank = mapping->bytes[3];
    if (f->rank < low || f->rank > high)
        return eg_fail(err, EG_MALFORMED, "the idx file has %u dimensions, expected %s", f->rank, expected);
    uint64_t header = 4 + 4 * (uint64_t)f->rank, total = 1;
    if (mapping->size < header)
        return eg_fail(err, EG_MALFORMED, "the idx file is truncated: it ends within its header");
    for (unsigned i = 0; i < f->rank; i++) {
        const uint8_t *at = mapping->bytes + 4 + (size_t)4 * i;
        f->dims[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
        if (f->dims[i] == 0) return eg_fail(err, EG_MALFORMED, "dimension %u of the idx file is 0", i + 1);
        if (__builtin_mul_overflow(total, f->dims[i], &total)) total = UINT64_MAX / 2;
    }
    if (mapping->size - header != total)
        return eg_fail(err, EG_MALFORMED,
                       "the idx file has %llu bytes of data, expected %llu as its header says",
                       (unsigned long long)(mapping->size - header), (unsigned long long)total);
    f->data = mapping->bytes + header;
    return true;
}

static bool open_file(file *f, eg_arena *arena, const char *path, unsigned low, unsigned high,
                      const char *expected, eg_error *err)
{
    eg_mapping *mapping = EG_NEW(arena, eg_mapping);
    if (!eg_mapping_open(mapping, path, err)) return false;
    eg_arena_defer(arena, close_mapping, mapping);
    return parse(f, mapping, low, high, expected, err) || eg_error_in(err, path);
}

eg_idx *eg_idx_open(eg_arena *arena, const char *images, const char *labels, eg_error *err)
{
    file x = {0}, y = {0};
    if (!open_file(&x, arena, images, 3, 4, "3 (count, height, width) or 4 (and channels)", err)) return NULL;
    if (!open_file(&y, arena, labels, 1, 1, "1 (count): are images and labels exchanged?", err)) return NULL;
    uint32_t channels = x.rank == 4 ? x.dims[3] : 1;
    if (channels != 1 && channels != 3) {
        eg_fail(err, EG_MALFORMED, "the images have %u channels, expected 1 or 3", channels);
    } else if (x.dims[1] > INT32_MAX || x.dims[2] > INT32_MAX) {
        eg_fail(err, EG_MALFORMED, "the images have %u x %u pixels, which is too many", x.dims[2], x.dims[1]);
    } else if (x.dims[0] != y.dims[0]) {
        eg_fail(err, EG_MALFORMED, "the file has %u images, but '%s' has %u labels", x.dims[0], labels,
                y.dims[0]);
    } else {
        eg_idx *idx = EG_NEW(arena, eg_idx);
        *idx = (eg_idx){x.data, y.data, x.dims[0], (int)x.dims[2], (int)x.dims[1], (int)channels, NULL};
        return idx;
    }
    eg_error_in(err, images);
    return NULL;
}

bool eg_idx_image(const eg_idx *idx, size_t row, int channels, eg_image *image, eg_error *err)
{
    assert(row < idx->count);
    *image = (eg_image){.scratch = image->scratch};
    if (!eg_image_allocate(image, (uint64_t)idx->width, (uint64_t)idx->height, channels, err)) return false;
    size_t n = (size_t)idx->width * (size_t)idx->height;
    const uint8_t *in = idx->pixels + row * n * (size_t)idx->channels;
    if (idx->channels == channels)
        memcpy(image->pixels, in, n * (size_t)channels);
    else if (channels == 3)
        eg_pixels_spread(in, n, image->pixels);
    else
        eg_pixels_luma(in, 3, n, image->pixels);
    return true;
}
