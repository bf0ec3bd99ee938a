#include "format/png.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>
#include <zlib.h>

#include "base/memory.h"
#include "format/pixels.h"

enum { SIGNATURE = 8, CHUNK_HEAD = 8, CHUNK_CRC = 4 };

typedef struct decoder {
    const uint8_t *bytes;
    size_t size, at; /* libpng has been given everything up to here */
    eg_image *image;
    eg_error *err;
    png_structp png;
    png_infop info;
    unsigned bits; /* a sample, in the file */
    bool interlaced;
    uint8_t *raw;                       /* interlaced: all lines, in libpng's form */
    size_t raw_size;                    /* of one line */
    bool done;                          /* all lines are there */
    uint8_t palette[256][3], gray[256]; /* of palette indices; gray also of 1, 2 and 4-bit values */
} decoder;

/* ---- chunks: length (be32), type (4 letters), body, CRC (be32) ---- */
static uint32_t be32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool is_type(const uint8_t *type)
{
    for (int i = 0; i < 4; i++) {
        uint8_t lower = type[i] | 0x20;
        bool letter = lower >= 'a' && lower <= 'z', digit = type[i] >= '0' && type[i] <= '9';
        if (!letter && !digit && type[i] != '_') return false;
    }
    return true;
}

static bool is_chunk(const uint8_t *head, const char *type)
{
    return memcmp(head + 4, type, 4) == 0;
}

/* A chunk outside the image data: whole, and with the right CRC. */
static bool check_chunk(const decoder *d, const uint8_t *head, size_t length, size_t left)
{
    if (left < CHUNK_HEAD + CHUNK_CRC || length > left - CHUNK_HEAD - CHUNK_CRC)
        return eg_fail(d->err, EG_MALFORMED, "the PNG file is truncated: it ends within its %.4s chunk",
                       (const char *)head + 4);
    uint32_t found = (uint32_t)crc32_z(crc32_z(0, NULL, 0), head + 4, length + 4);
    if (found != be32(head + CHUNK_HEAD + length))
        return eg_fail(d->err, EG_MALFORMED,
                       "the PNG file is damaged: its %.4s chunk has CRC %08x, expected %08x",
                       (const char *)head + 4, found, be32(head + CHUNK_HEAD + length));
    return true;
}

/* cut: the file ends; otherwise its image data does. */
static bool data_missing(const decoder *d, bool cut)
{
    return eg_fail(d->err, EG_MALFORMED, "the PNG file is %s before its %s",
                   cut ? "truncated: it ends" : "damaged: it stops",
                   d->image->pixels ? "last line" : "image data");
}

static void feed(decoder *d, size_t count)
{
    const uint8_t *bytes = d->bytes + d->at;
    d->at += count;
    png_process_data(d->png, d->info, (png_bytep)bytes, count); /* which it only reads */
}

/* Hands libpng one chunk after another (what there is of it), until all lines have come. */
static bool read_data(decoder *d)
{
    feed(d, SIGNATURE);
    while (!d->done) {
        size_t left = d->size - d->at;
        const uint8_t *head = d->bytes + d->at;
        if (left < CHUNK_HEAD) return data_missing(d, true);
        if (!is_type(head + 4))
            return eg_fail(d->err, EG_MALFORMED, "the PNG file is damaged: no chunk at byte %zu", d->at);
        if (is_chunk(head, "IEND")) return data_missing(d, false);
        size_t length = be32(head), whole = CHUNK_HEAD + length + CHUNK_CRC;
        if (!is_chunk(head, "IDAT") && !check_chunk(d, head, length, left)) return false;
        feed(d, whole < left ? whole : left);
    }
    return true;
}

/* Once all lines are there, only a chunk that has begun after them and is cut is an error. */
static bool check_tail(const decoder *d)
{
    for (size_t at = d->at; d->size - at >= CHUNK_HEAD;) {
        const uint8_t *head = d->bytes + at;
        if (!is_type(head + 4) || is_chunk(head, "IEND")) return true;
        size_t length = be32(head), left = d->size - at - CHUNK_HEAD;
        if (length > left)
            return eg_fail(d->err, EG_MALFORMED, "the PNG file is truncated: it ends within its %.4s chunk",
                           (const char *)head + 4);
        at += CHUNK_HEAD + length + (left - length < CHUNK_CRC ? left - length : CHUNK_CRC);
    }
    return true;
}

/* ---- lines ---- */
/* Gray values of few bits are spread over 0 … 255; a palette is a table. */
static void fill_tables(decoder *d)
{
    png_colorp colours = NULL;
    int count = 0;
    for (unsigned i = 0; i < 256; i++) {
        d->gray[i] = (uint8_t)(d->bits < 8 ? i * 255 / ((1u << d->bits) - 1) : i);
        d->palette[i][0] = d->palette[i][1] = d->palette[i][2] = (uint8_t)i;
    }
    if (png_get_color_type(d->png, d->info) != PNG_COLOR_TYPE_PALETTE) return;
    png_get_PLTE(d->png, d->info, &colours, &count);
    for (int i = 0; i < count && i < 256; i++) {
        d->palette[i][0] = colours[i].red;
        d->palette[i][1] = colours[i].green;
        d->palette[i][2] = colours[i].blue;
    }
    for (int i = 0; i < 256; i++) d->gray[i] = eg_luma(d->palette[i]);
}

/* Rows of gray, with or without alpha: `step` bytes a pixel, 16-bit values (big-endian) clipped. */
static void convert_gray(const decoder *d, const uint8_t *in, size_t step, bool wide, uint8_t *out)
{
    size_t n = (size_t)d->image->width, channels = (size_t)d->image->channels;
    for (size_t i = 0; i < n; i++, in += step, out += channels) {
        uint8_t v = !wide ? d->gray[in[0]] : in[0] ? 255 : in[1];
        for (size_t c = 0; c < channels; c++) out[c] = v;
    }
}

static void convert_palette(const decoder *d, const uint8_t *in, uint8_t *out)
{
    size_t n = (size_t)d->image->width;
    if (d->image->channels == 1)
        for (size_t i = 0; i < n; i++) out[i] = d->gray[in[i]];
    else
        for (size_t i = 0; i < n; i++) memcpy(out + 3 * i, d->palette[in[i]], 3);
}

static void convert_row(const decoder *d, const uint8_t *in, uint8_t *out)
{
    size_t n = (size_t)d->image->width, step = png_get_channels(d->png, d->info);
    switch (png_get_color_type(d->png, d->info)) {
    case PNG_COLOR_TYPE_PALETTE: convert_palette(d, in, out); break;
    case PNG_COLOR_TYPE_GRAY: {
        bool wide = png_get_bit_depth(d->png, d->info) == 16;
        convert_gray(d, in, wide ? 2 : 1, wide, out);
        break;
    }
    case PNG_COLOR_TYPE_GRAY_ALPHA: convert_gray(d, in, step, false, out); break;
    default:
        if (d->image->channels == 1)
            eg_pixels_luma(in, step, n, out);
        else
            eg_pixels_rgb(in, step, n, out);
    }
}

static uint8_t *image_row(const decoder *d, size_t y)
{
    return d->image->pixels + y * (size_t)d->image->width * (size_t)d->image->channels;
}

/* ---- libpng ---- */
static void on_error(png_structp png, png_const_charp text)
{
    decoder *d = png_get_error_ptr(png);
    if (!d->done) eg_fail(d->err, EG_MALFORMED, "the PNG data is damaged: %s", text);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

/* The header is read. Rows will hold one byte a sample, or two for 16-bit gray. */
static void on_info(png_structp png, png_infop info)
{
    decoder *d = png_get_progressive_ptr(png);
    if (d->image->pixels) png_error(png, "other chunks stand between its image data");
    if (!eg_image_allocate(d->image, png_get_image_width(png, info), png_get_image_height(png, info),
                           d->image->channels, d->err))
        png_error(png, "size"); /* the sentence is written */
    d->bits = png_get_bit_depth(png, info);
    d->interlaced = png_get_interlace_type(png, info) != PNG_INTERLACE_NONE;
    png_set_packing(png);
    if (png_get_color_type(png, info) != PNG_COLOR_TYPE_GRAY) png_set_strip_16(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    d->raw_size = png_get_rowbytes(png, info);
    if (d->interlaced)
        d->raw = eg_scratch_new(d->image->scratch, eg_size_product(d->raw_size, (size_t)d->image->height));
    fill_tables(d);
}

/* A line of a pass; NULL where the pass has nothing new for it. */
static void on_row(png_structp png, png_bytep row, png_uint_32 y, int pass)
{
    decoder *d = png_get_progressive_ptr(png);
    if (d->done) return;
    if (!d->interlaced)
        convert_row(d, row, image_row(d, y));
    else if (row)
        png_progressive_combine_row(png, d->raw + y * d->raw_size, row);
    d->done = y + 1 == (png_uint_32)d->image->height &&
              pass == (d->interlaced ? PNG_INTERLACE_ADAM7_PASSES - 1 : 0);
}

static void on_end(png_structp png, png_infop info)
{
    (void)png;
    (void)info;
}

static bool open_decoder(decoder *d)
{
    d->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, d, on_error, on_warning);
    d->info = d->png ? png_create_info_struct(d->png) : NULL;
    if (!d->info) return eg_fail(d->err, EG_SYSTEM, "no memory for decoding a PNG");
    png_set_user_limits(d->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* eg_image_allocate judges */
    png_set_crc_action(d->png, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    png_set_keep_unknown_chunks(d->png, PNG_HANDLE_CHUNK_NEVER, NULL,
                                -1); /* no text, profile or other extras */
    png_set_progressive_read_fn(d->png, d, on_info, on_row, on_end);
    return true;
}

static bool decode(decoder *d)
{
    if (setjmp(png_jmpbuf(d->png)) == 0) {
        if (!read_data(d)) return false;
    } else if (!d->done) {
        return false;
    }
    for (size_t y = 0; d->interlaced && y < (size_t)d->image->height; y++)
        convert_row(d, d->raw + y * d->raw_size, image_row(d, y));
    return check_tail(d);
}

bool eg_png_decode(eg_image *image, const uint8_t *bytes, size_t size, int channels, eg_error *err)
{
    decoder d = {.bytes = bytes, .size = size, .image = image, .err = err};
    *image = (eg_image){.channels = channels, .scratch = image->scratch};
    bool ok = open_decoder(&d) && decode(&d);
    png_destroy_read_struct(&d.png, &d.info, NULL);
    eg_scratch_free(image->scratch, d.raw);
    if (!ok) eg_image_clear(image);
    return ok;
}
