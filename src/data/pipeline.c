#include "data/pipeline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/geometry.h"

/* ---- building ---- */
static bool has_random_crop(eg_transform_list list)
{
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].kind == EG_TRANSFORM_RANDOM_RESIZED_CROP) return true;
    return false;
}

typedef struct builder {
    eg_transform *items;
    size_t count;
    const eg_transform *normalize; /* the one, or NULL */
    const eg_transform *sized;     /* the last step that sets the size, or NULL */
    const eg_pipeline *result;
    eg_error *err;
} builder;

static bool add_normalize(builder *b, const eg_transform *step)
{
    int channels = b->result->channels;
    if (b->normalize)
        return eg_fail_at(b->err, EG_RECIPE, step->place, "normalize is given twice, expected once");
    if (step->channels != channels && step->channels != 1)
        return eg_fail_at(b->err, EG_RECIPE, step->place,
                          "normalize has mean and std of %d channels, but the network takes %d",
                          step->channels, channels);
    for (int c = 0; c < step->channels; c++)
        if (!(step->std[c] > 0))
            return eg_fail_at(b->err, EG_RECIPE, step->place,
                              "std of channel %d is %g, expected a positive number", c, step->std[c]);
    b->normalize = step;
    return true;
}

static bool add_step(builder *b, const eg_transform *step)
{
    if (step->kind == EG_TRANSFORM_NORMALIZE) return add_normalize(b, step);
    eg_transform *added = &b->items[b->count++];
    *added = *step;
    if (step->kind == EG_TRANSFORM_RANDOM_RESIZED_CROP && step->height == 0) {
        added->height = b->result->height;
        added->width = b->result->width;
    }
    if (step->kind == EG_TRANSFORM_HORIZONTAL_FLIP) return true;
    bool shorter_side = step->kind == EG_TRANSFORM_RESIZE && step->width == 0;
    if (added->height <= 0 || (added->width <= 0 && !shorter_side))
        return eg_fail_at(b->err, EG_RECIPE, step->place,
                          "the size %d x %d is given, expected positive numbers", added->height,
                          added->width);
    b->sized = added;
    return true;
}

static bool check_size(const builder *b)
{
    const eg_transform *last = b->sized;
    const eg_pipeline *p = b->result;
    if (!last) return true; /* the images' own size, which is not known yet */
    if (last->kind == EG_TRANSFORM_RESIZE && last->width == 0)
        return eg_fail_at(
            b->err, EG_RECIPE, last->place,
            "resize: %d sets only the shorter side, so that images differ in size: add center_crop, or "
            "give resize as [height, width]",
            last->height);
    if (last->height != p->height || last->width != p->width)
        return eg_fail_at(b->err, EG_RECIPE, last->place,
                          "this makes images of %d x %d pixels, but the network takes %d x %d", last->height,
                          last->width, p->height, p->width);
    return true;
}

bool eg_pipeline_build(eg_pipeline *pipeline, eg_arena *arena, eg_transform_list preprocess,
                       eg_transform_list augment, int height, int width, int channels, eg_error *err)
{
    assert(channels == 1 || channels == 3);
    *pipeline = (eg_pipeline){.height = height, .width = width, .channels = channels};
    builder b = {.items = EG_NEW_ARRAY(arena, eg_transform, preprocess.count + augment.count + 1),
                 .result = pipeline,
                 .err = err};
    bool replaced = has_random_crop(augment);
    for (size_t i = 0; i < preprocess.count; i++) {
        const eg_transform *step = &preprocess.items[i];
        bool sizes = step->kind == EG_TRANSFORM_RESIZE || step->kind == EG_TRANSFORM_CENTER_CROP;
        if (!(replaced && sizes) && !add_step(&b, step)) return false;
    }
    for (size_t i = 0; i < augment.count; i++)
        if (!add_step(&b, &augment.items[i])) return false;
    if (!check_size(&b)) return false;
    if (b.normalize) b.items[b.count++] = *b.normalize;
    pipeline->transforms = (eg_transform_list){b.items, b.count};
    return true;
}

/* ---- running ---- */
/* ToTensor and Normalize of a byte: x / 255, minus mean, divided by std, each rounded to float. */
typedef struct tables {
    float values[3][256];
} tables;

static tables make_tables(const eg_pipeline *pipeline)
{
    tables t;
    eg_transform_list list = pipeline->transforms;
    const eg_transform *last = list.count ? &list.items[list.count - 1] : NULL;
    bool normalize = last && last->kind == EG_TRANSFORM_NORMALIZE;
    for (int c = 0; c < pipeline->channels; c++) {
        int from = normalize && c < last->channels ? c : 0;
        for (int x = 0; x < 256; x++) {
            float v = (float)x / 255.0f;
            t.values[c][x] = normalize ? (v - (float)last->mean[from]) / (float)last->std[from] : v;
        }
    }
    return t;
}

static void write_floats(const eg_raster *v, const tables *t, float *out)
{
    for (int y = 0; y < v->height; y++) {
        const uint8_t *in = v->pixels + (size_t)y * v->stride;
        if (v->channels == 1) {
            for (int x = 0; x < v->width; x++) *out++ = t->values[0][in[x]];
            continue;
        }
        for (int x = 0; x < v->width; x++, in += 3, out += 3)
            for (int c = 0; c < 3; c++) out[c] = t->values[c][in[c]];
    }
}

/* Consumes the frame. */
static bool run_steps(const eg_pipeline *pipeline, eg_frame *frame, eg_stream stream, const tables *t,
                      float *out, eg_error *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < pipeline->transforms.count; i++)
        if (pipeline->transforms.items[i].kind != EG_TRANSFORM_NORMALIZE)
            ok = eg_frame_apply(frame, &pipeline->transforms.items[i], stream, i * EG_DRAWS_PER_STEP, err);
    const eg_raster *v = &frame->view;
    if (ok && (v->width != pipeline->width || v->height != pipeline->height))
        ok = eg_fail(
            err, EG_MALFORMED,
            "the image is %d x %d pixels (height x width), but the network takes %d x %d: add resize or "
            "center_crop to preprocess",
            v->height, v->width, pipeline->height, pipeline->width);
    if (ok) write_floats(v, t, out);
    eg_frame_clear(frame);
    return ok;
}

typedef struct batch {
    const eg_pipeline *pipeline;
    const eg_dataset *dataset;
    const int64_t *order;
    uint64_t seed, epoch;
    tables tables;
    float *out;
    int32_t *labels;
    eg_error **errors; /* one a sample; NULL: fine */
} batch;

static bool load_sample(const batch *b, int64_t i, eg_error *err)
{
    const eg_pipeline *p = b->pipeline;
    uint64_t draw = (uint64_t)b->order[i];
    size_t sample = (size_t)(draw % b->dataset->count);
    eg_image image;
    assert(b->order[i] >= 0);
    if (!eg_dataset_image(b->dataset, sample, &image, err)) return false;
    eg_frame frame = {{image.pixels, (size_t)image.width * (size_t)image.channels, image.width, image.height,
                       image.channels},
                      image.pixels};
    eg_stream stream = eg_stream_make(b->seed, EG_DRAW_AUGMENT, b->epoch, draw);
    float *out = b->out + (size_t)i * (size_t)p->height * (size_t)p->width * (size_t)p->channels;
    if (!run_steps(p, &frame, stream, &b->tables, out, err))
        return eg_error_in(err, b->dataset->samples[sample].file);
    if (b->labels) b->labels[i] = b->dataset->samples[sample].label;
    return true;
}

static void load_task(void *context, int64_t task, int worker)
{
    batch *b = context;
    eg_error err = {0};
    (void)worker;
    if (load_sample(b, task, &err)) return;
    b->errors[task] = eg_malloc(sizeof err);
    *b->errors[task] = err;
}

bool eg_batch_load(const eg_pipeline *pipeline, const eg_dataset *dataset, const int64_t *order, int64_t n,
                   uint64_t seed, uint64_t epoch, eg_pool *pool, float *out, int32_t *labels, eg_error *err)
{
    assert(dataset->channels == pipeline->channels);
    batch b = {pipeline, dataset, order, seed, epoch, make_tables(pipeline), out, labels, NULL};
    b.errors = eg_malloc(eg_size_product((size_t)n, sizeof(void *)));
    for (int64_t i = 0; i < n; i++) b.errors[i] = NULL;
    eg_pool_run(pool, n, load_task, &b);
    bool ok = true;
    for (int64_t i = 0; i < n; i++) {
        if (b.errors[i] && ok && err && err->code == EG_OK)
            *err = *b.errors[i]; /* the first in order, on any threads */
        if (b.errors[i]) ok = false;
        free(b.errors[i]);
    }
    free(b.errors);
    return ok;
}

bool eg_image_load(const eg_pipeline *pipeline, const eg_image *image, float *out, eg_error *err)
{
    assert(image->channels == pipeline->channels);
    tables t = make_tables(pipeline);
    eg_frame frame = {{image->pixels, (size_t)image->width * (size_t)image->channels, image->width,
                       image->height, image->channels},
                      NULL};
    return run_steps(pipeline, &frame, eg_stream_make(0, EG_DRAW_AUGMENT, 0, 0), &t, out, err);
}

/* Fisher and Yates, from the end. */
void eg_shuffle_keyed(uint64_t seed, uint64_t epoch, uint64_t key, int64_t n, int64_t *order)
{
    eg_stream stream = eg_stream_make(seed, EG_DRAW_SHUFFLE, epoch, key);
    for (int64_t i = 0; i < n; i++) order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = (int64_t)eg_draw_below(stream, (uint64_t)i, (uint64_t)i + 1), keep = order[i];
        order[i] = order[j];
        order[j] = keep;
    }
}

void eg_shuffle(uint64_t seed, uint64_t epoch, int64_t n, int64_t *order)
{
    eg_shuffle_keyed(seed, epoch, 0, n, order);
}
