#include "format/jpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include "base/memory.h"
#include "format/pixels.h"

typedef struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    jmp_buf jump;
    eg_image *image;
    eg_error *err;
    uint8_t *row; /* one line as libjpeg gives it, when that is not what is wanted */
} decoder;

static void on_error(j_common_ptr jpeg)
{
    decoder *d = jpeg->client_data;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    eg_fail(d->err, EG_MALFORMED, "the JPEG data is damaged: %s", text);
    longjmp(d->jump, 1);
}

static void on_message(j_common_ptr jpeg)
{
    (void)jpeg;
}

static void on_source(j_decompress_ptr jpeg)
{
    (void)jpeg;
}

/* All bytes are in the buffer, so that wanting more means that the file is cut: libjpeg "suspends", and the
 * decoder sees it as a call that does not finish. */
static boolean on_empty(j_decompress_ptr jpeg)
{
    (void)jpeg;
    return FALSE;
}

static void on_skip(j_decompress_ptr jpeg, long count)
{
    struct jpeg_source_mgr *source = jpeg->src;
    if (count <= 0) return;
    size_t n = (size_t)count < source->bytes_in_buffer ? (size_t)count : source->bytes_in_buffer;
    source->next_input_byte += n;
    source->bytes_in_buffer -= n;
}

static void open_decoder(decoder *d, const uint8_t *bytes, size_t size)
{
    d->jpeg.err = jpeg_std_error(&d->errors);
    d->errors.error_exit = on_error;
    d->errors.output_message = on_message;
    jpeg_create_decompress(&d->jpeg);
    d->source = (struct jpeg_source_mgr){
        .next_input_byte = bytes,
        .bytes_in_buffer = size,
        .init_source = on_source,
        .fill_input_buffer = on_empty,
        .skip_input_data = on_skip,
        .resync_to_restart = jpeg_resync_to_restart,
        .term_source = on_source,
    };
    d->jpeg.src = &d->source;
}

static bool read_header(decoder *d)
{
    int found;
    do {
        found = jpeg_read_header(&d->jpeg, FALSE);
    } while (found == JPEG_HEADER_TABLES_ONLY);
    if (found == JPEG_SUSPENDED)
        return eg_fail(d->err, EG_MALFORMED, "the JPEG file is truncated: it ends within its header");
    int parts = d->jpeg.num_components;
    if (parts != 1 && parts != 3 && parts != 4)
        return eg_fail(d->err, EG_MALFORMED,
                       "the JPEG has %d colour components, expected 1 (gray), 3 (RGB) or 4 (CMYK)", parts);
    d->jpeg.out_color_space = parts == 1 ? JCS_GRAYSCALE : parts == 3 ? JCS_RGB : JCS_CMYK;
    return eg_image_allocate(d->image, d->jpeg.image_width, d->jpeg.image_height, d->image->channels, d->err);
}

static void convert_row(const decoder *d, uint8_t *out)
{
    size_t n = d->jpeg.output_width;
    if (d->jpeg.out_color_space == JCS_GRAYSCALE) {
        eg_pixels_spread(d->row, n, out);
    } else if (d->jpeg.out_color_space == JCS_RGB) {
        eg_pixels_luma(d->row, 3, n, out);
    } else if (d->image->channels == 3) {
        eg_pixels_cmyk(d->row, n, out);
    } else {
        uint8_t *rgb = d->row + 4 * n;
        eg_pixels_cmyk(d->row, n, rgb);
        eg_pixels_luma(rgb, 3, n, out);
    }
}

static bool read_rows(decoder *d)
{
    eg_image *image = d->image;
    size_t row_size = (size_t)image->width * (size_t)image->channels;
    bool started = jpeg_start_decompress(&d->jpeg);
    bool direct = d->jpeg.out_color_space != JCS_CMYK && d->jpeg.output_components == image->channels;
    if (!direct)
        d->row =
            eg_scratch_new(image->scratch, eg_size_product((size_t)image->width, 7)); /* CMYK, then RGB */
    for (int y = 0; y < image->height; y++) {
        uint8_t *out = image->pixels + (size_t)y * row_size;
        JSAMPROW line = direct ? out : d->row;
        if (!started || jpeg_read_scanlines(&d->jpeg, &line, 1) != 1)
            return eg_fail(d->err, EG_MALFORMED, "the JPEG file is truncated: it ends before line %d of %d",
                           y + 1, image->height);
        if (!direct) convert_row(d, out);
    }
    jpeg_finish_decompress(&d->jpeg); /* a missing end marker is fine, as it is for Pillow */
    return true;
}

static bool decode(decoder *d, const uint8_t *bytes, size_t size)
{
    if (setjmp(d->jump)) return false;
    open_decoder(d, bytes, size);
    return read_header(d) && read_rows(d);
}

bool eg_jpeg_decode(eg_image *image, const uint8_t *bytes, size_t size, int channels, eg_error *err)
{
    decoder d = {.image = image, .err = err};
    *image = (eg_image){.channels = channels, .scratch = image->scratch};
    d.jpeg.client_data = &d;
    bool ok = decode(&d, bytes, size);
    jpeg_destroy_decompress(&d.jpeg);
    eg_scratch_free(image->scratch, d.row);
    if (!ok) eg_image_clear(image);
    return ok;
}

/* ---- encoding ---- */

typedef struct encoder {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf jump;
    unsigned char *bytes;
    unsigned long size;
    eg_error *err;
} encoder;

static void on_encode_error(j_common_ptr jpeg)
{
    encoder *e = jpeg->client_data;
    char text[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, text);
    eg_fail(e->err, EG_SYSTEM, "the image cannot be made a JPEG: %s", text);
    longjmp(e->jump, 1);
}

static bool encode(encoder *e, const eg_image *image, int quality)
{
    if (setjmp(e->jump)) return false;
    e->jpeg.err = jpeg_std_error(&e->errors);
    e->errors.error_exit = on_encode_error;
    e->errors.output_message = on_message;
    jpeg_create_compress(&e->jpeg);
    jpeg_mem_dest(&e->jpeg, &e->bytes, &e->size);
    e->jpeg.image_width = (JDIMENSION)image->width;
    e->jpeg.image_height = (JDIMENSION)image->height;
    e->jpeg.input_components = image->channels;
    e->jpeg.in_color_space = image->channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&e->jpeg);
    jpeg_set_quality(&e->jpeg, quality, TRUE);
    jpeg_start_compress(&e->jpeg, TRUE);
    for (int y = 0; y < image->height; y++) {
        JSAMPROW line = image->pixels + (size_t)y * (size_t)image->width * (size_t)image->channels;
        jpeg_write_scanlines(&e->jpeg, &line, 1);
    }
    jpeg_finish_compress(&e->jpeg);
    return true;
}

bool eg_jpeg_encode(const eg_image *image, int quality, uint8_t **bytes, size_t *size, eg_error *err)
{
    encoder e = {.err = err};
    e.jpeg.client_data = &e;
    bool ok = encode(&e, image, quality);
    jpeg_destroy_compress(&e.jpeg);
    *bytes = e.bytes;
    *size = e.size;
    return ok;
}
