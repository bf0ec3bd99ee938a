#include "data/geometry.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/colour.h"
#include "format/image.h"

enum { ATTEMPTS = 10, PIXEL_LIMIT = 178956970 };

void eg_frame_clear(eg_frame *frame)
{
    eg_scratch_free(frame->scratch, frame->owned);
    *frame = (eg_frame){0};
}

static void replace(eg_frame *frame, uint8_t *pixels, int width, int height)
{
    int channels = frame->view.channels;
    eg_scratch_free(frame->scratch, frame->owned);
    frame->owned = pixels;
    frame->view = (eg_raster){pixels, (size_t)width * (size_t)channels, width, height, channels};
}

static uint8_t *new_pixels(const eg_frame *frame, int width, int height)
{
    return eg_scratch_new(frame->scratch,
                          eg_size_product((size_t)width * (size_t)height, (size_t)frame->view.channels));
}

static void crop(eg_frame *frame, int top, int left, int width, int height)
{
    eg_raster *v = &frame->view;
    v->pixels += (size_t)top * v->stride + (size_t)left * (size_t)v->channels;
    v->width = width;
    v->height = height;
}

static bool resize(eg_frame *frame, int64_t width, int64_t height, eg_interpolation how, eg_error *err)
{
    if (width > PIXEL_LIMIT || height > PIXEL_LIMIT || width * height > PIXEL_LIMIT)
        return eg_fail(err, EG_MALFORMED, "resizing %d x %d pixels to %lld x %lld makes more than %d pixels",
                       frame->view.width, frame->view.height, (long long)width, (long long)height,
                       PIXEL_LIMIT);
    if (width == frame->view.width && height == frame->view.height) return true;
    uint8_t *pixels = new_pixels(frame, (int)width, (int)height);
    eg_resize(&frame->view, (int)width, (int)height, how, frame->scratch, pixels);
    replace(frame, pixels, (int)width, (int)height);
    return true;
}

/* Resize(size): the shorter side becomes `size`, the longer one int(size * long / short). Resize((h, w)):
 * just that. */
static bool apply_resize(eg_frame *frame, const eg_transform *step, eg_stream stream, uint64_t at,
                         eg_error *err)
{
    (void)stream;
    (void)at;
    int64_t w = frame->view.width, h = frame->view.height, size = step->height;
    if (step->width > 0) return resize(frame, step->width, step->height, step->interpolation, err);
    int64_t longer = (int64_t)((double)(size * (w > h ? w : h)) / (double)(w > h ? h : w));
    return w <= h ? resize(frame, size, longer, step->interpolation, err)
                  : resize(frame, longer, size, step->interpolation, err);
}

/* Smaller images get a black border, the odd pixel right and below; larger ones are cut at the middle, halves
 * rounded to even. */
static bool apply_center_crop(eg_frame *frame, const eg_transform *step, eg_stream stream, uint64_t at,
                              eg_error *err)
{
    (void)stream;
    (void)at;
    (void)err;
    int cw = step->width, ch = step->height, w = frame->view.width, h = frame->view.height;
    int left = w > cw ? (int)rint((w - cw) / 2.0) : 0, top = h > ch ? (int)rint((h - ch) / 2.0) : 0;
    crop(frame, top, left, w < cw ? w : cw, h < ch ? h : ch);
    if (w >= cw && h >= ch) return true;
    const eg_raster *v = &frame->view;
    size_t channels = (size_t)v->channels, row = (size_t)cw * channels;
    size_t border_left = w < cw ? (size_t)(cw - w) / 2 : 0, border_top = h < ch ? (size_t)(ch - h) / 2 : 0;
    uint8_t *pixels = new_pixels(frame, cw, ch);
    memset(pixels, 0, row * (size_t)ch);
    for (size_t y = 0; y < (size_t)v->height; y++)
        memcpy(pixels + (y + border_top) * row + border_left * channels, v->pixels + y * v->stride,
               (size_t)v->width * channels);
    replace(frame, pixels, cw, ch);
    return true;
}

typedef struct box {
    int top, left, width, height;
} box;

/* RandomResizedCrop.get_params; Python's round is to even. */
static box random_box(const eg_transform *step, int width, int height, eg_stream stream, uint64_t at)
{
    double low = log(step->ratio[0]), high = log(step->ratio[1]), area = (double)width * height;
    for (int i = 0; i < ATTEMPTS; i++, at += 4) {
        double target =
            area * (step->scale[0] + eg_draw_uniform(stream, at) * (step->scale[1] - step->scale[0]));
        double ratio = exp(low + eg_draw_uniform(stream, at + 1) * (high - low));
        double w = rint(sqrt(target * ratio)), h = rint(sqrt(target / ratio));
        if (!(w > 0 && w <= width && h > 0 && h <= height)) continue;
        box b = {.width = (int)w, .height = (int)h};
        b.top = (int)eg_draw_below(stream, at + 2, (uint64_t)(height - b.height) + 1);
        b.left = (int)eg_draw_below(stream, at + 3, (uint64_t)(width - b.width) + 1);
        return b;
    }
    /* None fits: the middle, as much of it as the ratio allows, but at least a pixel (torchvision: none at
     * all). */
    box b = {.width = width, .height = height};
    double ratio = (double)width / height, least = fmin(step->ratio[0], step->ratio[1]),
           most = fmax(step->ratio[0], step->ratio[1]);
    if (ratio < least)
        b.height = (int)rint(width / least);
    else if (ratio > most)
        b.width = (int)rint(height * most);
    if (b.height < 1) b.height = 1;
    if (b.width < 1) b.width = 1;
    b.top = (height - b.height) / 2;
    b.left = (width - b.width) / 2;
    return b;
}

static bool apply_random_resized_crop(eg_frame *frame, const eg_transform *step, eg_stream stream,
                                      uint64_t at, eg_error *err)
{
    box b = random_box(step, frame->view.width, frame->view.height, stream, at);
    crop(frame, b.top, b.left, b.width, b.height);
    return resize(frame, step->width, step->height, step->interpolation, err);
}

/* Pixels of its own, one row behind the other. */
static void make_whole(eg_frame *frame)
{
    uint8_t *pixels = new_pixels(frame, frame->view.width, frame->view.height);
    eg_resize(&frame->view, frame->view.width, frame->view.height, EG_NEAREST, frame->scratch,
              pixels); /* a plain copy */
    replace(frame, pixels, frame->view.width, frame->view.height);
}

static void mirror_row(uint8_t *row, size_t width, size_t channels)
{
    for (size_t a = 0, b = width - 1; a < b; a++, b--)
        for (size_t c = 0; c < channels; c++) {
            uint8_t keep = row[a * channels + c];
            row[a * channels + c] = row[b * channels + c];
            row[b * channels + c] = keep;
        }
}

static bool apply_horizontal_flip(eg_frame *frame, const eg_transform *step, eg_stream stream, uint64_t at,
                                  eg_error *err)
{
    (void)err;
    if (!(eg_draw_uniform(stream, at) < step->p)) return true;
    if (!frame->owned) make_whole(frame);
    const eg_raster *v = &frame->view;
    uint8_t *pixels = frame->owned + (v->pixels - frame->owned);
    for (size_t y = 0; y < (size_t)v->height; y++)
        mirror_row(pixels + y * v->stride, (size_t)v->width, (size_t)v->channels);
    return true;
}

static bool apply_vertical_flip(eg_frame *frame, const eg_transform *step, eg_stream stream, uint64_t at,
                                eg_error *err)
{
    (void)err;
    if (!(eg_draw_uniform(stream, at) < step->p)) return true;
    const eg_raster *v = &frame->view;
    size_t row = (size_t)v->width * (size_t)v->channels;
    uint8_t *pixels = new_pixels(frame, v->width, v->height);
    for (int y = 0; y < v->height; y++)
        memcpy(pixels + (size_t)y * row, v->pixels + (size_t)(v->height - 1 - y) * v->stride, row);
    replace(frame, pixels, v->width, v->height);
    return true;
}

/* ---- colour ---- */

static bool apply_grayscale(eg_frame *frame, const eg_transform *step, eg_stream stream, uint64_t at,
                            eg_error *err)
{
    (void)err;
    if (frame->view.channels != 3 || !(eg_draw_uniform(stream, at) < step->p)) return true;
    make_whole(frame);
    eg_colour_apply(EG_COLOUR_SATURATION, frame->owned,
                    (size_t)frame->view.width * (size_t)frame->view.height, 3, 0);
    return true;
}

/* torchvision's ColorJitter: the four in an order that is drawn; those that change nothing are left out. */
static bool apply_color_jitter(eg_frame *frame, const eg_transform *step, eg_stream stream, uint64_t at,
                               eg_error *err)
{
    const double *const ranges[] = {step->brightness, step->contrast, step->saturation, step->hue};
    int order[] = {EG_COLOUR_BRIGHTNESS, EG_COLOUR_CONTRAST, EG_COLOUR_SATURATION, EG_COLOUR_HUE};
    (void)err;
    make_whole(frame);
    for (uint64_t i = 3; i > 0; i--) {
        uint64_t j = eg_draw_below(stream, at + 7 - i, i + 1);
        int keep = order[i];
        order[i] = order[j];
        order[j] = keep;
    }
    for (int i = 0; i < 4; i++) {
        int kind = order[i];
        const double *range = ranges[kind], nothing = kind == EG_COLOUR_HUE ? 0 : 1;
        if (range[0] == nothing && range[1] == nothing) continue;
        double factor = range[0] + eg_draw_uniform(stream, at + (uint64_t)kind) * (range[1] - range[0]);
        eg_colour_apply((eg_colour)kind, frame->owned, (size_t)frame->view.width * (size_t)frame->view.height,
                        frame->view.channels, factor);
    }
    return true;
}

static bool apply_jpeg_quality(eg_frame *frame, const eg_transform *step, eg_stream stream, uint64_t at,
                               eg_error *err)
{
    if (!(eg_draw_uniform(stream, at) < step->p)) return true;
    uint64_t choices = (uint64_t)(step->quality[1] - step->quality[0] + 1);
    int quality = (int)(step->quality[0] + (int64_t)eg_draw_below(stream, at + 1, choices));
    make_whole(frame);
    const eg_raster *v = &frame->view;
    eg_image image = {v->width, v->height, v->channels, frame->owned, frame->scratch};
    return eg_image_rejpeg(&image, quality, err);
}

bool eg_frame_resizes(eg_transform_kind kind)
{
    return kind == EG_TRANSFORM_RESIZE || kind == EG_TRANSFORM_CENTER_CROP ||
           kind == EG_TRANSFORM_RANDOM_RESIZED_CROP;
}

bool eg_frame_apply(eg_frame *frame, const eg_transform *step, eg_stream stream, uint64_t at, eg_error *err)
{
    static bool (*const apply[EG_TRANSFORM_COUNT])(eg_frame *, const eg_transform *, eg_stream, uint64_t,
                                                   eg_error *) = {
        [EG_TRANSFORM_RESIZE] = apply_resize,
        [EG_TRANSFORM_CENTER_CROP] = apply_center_crop,
        [EG_TRANSFORM_RANDOM_RESIZED_CROP] = apply_random_resized_crop,
        [EG_TRANSFORM_HORIZONTAL_FLIP] = apply_horizontal_flip,
        [EG_TRANSFORM_VERTICAL_FLIP] = apply_vertical_flip,
        [EG_TRANSFORM_COLOR_JITTER] = apply_color_jitter,
        [EG_TRANSFORM_GRAYSCALE] = apply_grayscale,
        [EG_TRANSFORM_JPEG_QUALITY] = apply_jpeg_quality,
    };
    assert(step->kind >= 0 && step->kind < EG_TRANSFORM_COUNT && apply[step->kind]);
    return apply[step->kind](frame, step, stream, at, err);
}
