/* Batches equal torchvision 0.14's transforms on Pillow images to the bit (tests/data/pipeline.txt, written
 * by tests/oracle/pipeline.py, which runs torchvision's own code with this project's random draws); the same
 * bits on any number of threads; and every sentence of eg_pipeline_build and eg_batch_load. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/str.h"
#include "data/pipeline.h"

#define RESIZE(h, w, how)                                                                                    \
    {                                                                                                        \
        .kind = EG_TRANSFORM_RESIZE, .height = (h), .width = (w), .interpolation = (how)                     \
    }
#define CENTER_CROP(h, w)                                                                                    \
    {                                                                                                        \
        .kind = EG_TRANSFORM_CENTER_CROP, .height = (h), .width = (w)                                        \
    }
#define FLIP(probability)                                                                                    \
    {                                                                                                        \
        .kind = EG_TRANSFORM_HORIZONTAL_FLIP, .p = (probability)                                             \
    }
#define RANDOM_CROP(h, w, s0, s1, r0, r1, how)                                                               \
    {                                                                                                        \
        .kind = EG_TRANSFORM_RANDOM_RESIZED_CROP, .height = (h), .width = (w), .scale = {s0, s1},            \
        .ratio = {r0, r1}, .interpolation = (how)                                                            \
    }
#define IMAGENET                                                                                             \
    {                                                                                                        \
        .kind = EG_TRANSFORM_NORMALIZE, .mean = {0.485, 0.456, 0.406}, .std = {0.229, 0.224, 0.225},         \
        .channels = 3                                                                                        \
    }
#define MNIST                                                                                                \
    {                                                                                                        \
        .kind = EG_TRANSFORM_NORMALIZE, .mean = {0.1307}, .std = {0.3081}, .channels = 1                     \
    }

enum { STEPS = 3, SEED = 7 };

static const struct {
    const char *name;
    int height, width;
    size_t pre_count, augment_count;
    eg_transform pre[STEPS], augment[STEPS];
} pipelines[] = {
    {"plain", 13, 17, 1, 0, {RESIZE(13, 17, EG_BILINEAR)}, {{0}}},
    {"eval", 16, 16, 3, 0, {RESIZE(20, 0, EG_BILINEAR), CENTER_CROP(16, 16), IMAGENET}, {{0}}},
    {"odd", 18, 15, 3, 0, {RESIZE(19, 0, EG_BICUBIC), CENTER_CROP(18, 15), IMAGENET}, {{0}}},
    {"pad", 48, 33, 2, 0, {CENTER_CROP(48, 33), IMAGENET}, {{0}}},
    {"pad-both", 50, 61, 1, 0, {CENTER_CROP(50, 61)}, {{0}}},
    {"nearest", 40, 9, 1, 0, {RESIZE(40, 9, EG_NEAREST)}, {{0}}},
    {"gray", 17, 17, 3, 0, {RESIZE(18, 0, EG_BILINEAR), CENTER_CROP(17, 17), MNIST}, {{0}}},
    /* The random crop takes the place of resize and center_crop, and has the size of the result. */
    {"train",
     16,
     16,
     3,
     2,
     {RESIZE(20, 0, EG_BILINEAR), CENTER_CROP(16, 16), IMAGENET},
     {RANDOM_CROP(0, 0, 0.08, 1, 3. / 4, 4. / 3, EG_BILINEAR), FLIP(0.5)}},
    {"bicubic", 11, 14, 0, 2, {{0}}, {RANDOM_CROP(11, 14, 0.5, 1, 0.5, 2, EG_BICUBIC), FLIP(0.3)}},
    {"fallback", 12, 12, 0, 1, {{0}}, {RANDOM_CROP(12, 12, 0.9, 1, 3, 4, EG_BILINEAR)}},
    {"fallback-tall", 12, 12, 0, 1, {{0}}, {RANDOM_CROP(12, 12, 0.9, 1, 0.2, 0.25, EG_BILINEAR)}},
    {"flip", 15, 15, 1, 1, {RESIZE(15, 15, EG_BILINEAR)}, {FLIP(0.5)}},
    {"imagenet", 224, 224, 3, 0, {RESIZE(256, 0, EG_BILINEAR), CENTER_CROP(224, 224), IMAGENET}, {{0}}},
    {"imagenet-train",
     224,
     224,
     1,
     2,
     {IMAGENET},
     {RANDOM_CROP(224, 224, 0.08, 1, 3. / 4, 4. / 3, EG_BILINEAR), FLIP(0.5)}},
};

static eg_pipeline build(eg_arena *arena, const char *name, int channels)
{
    for (size_t i = 0; i < sizeof pipelines / sizeof *pipelines; i++) {
        if (strcmp(pipelines[i].name, name) != 0) continue;
        eg_pipeline p;
        eg_error err = {0};
        eg_transform_list pre = {pipelines[i].pre, pipelines[i].pre_count};
        eg_transform_list augment = {pipelines[i].augment, pipelines[i].augment_count};
        if (!eg_pipeline_build(&p, arena, pre, augment, pipelines[i].height, pipelines[i].width, channels,
                               &err))
            fail_msg("%s: %s", name, err.text);
        return p;
    }
    fail_msg("no pipeline %s", name);
    return (eg_pipeline){0};
}

/* A data set of one file under many numbers. */
static eg_dataset repeated(eg_arena *arena, const char *file, size_t count, int channels)
{
    eg_sample *samples = EG_NEW_ARRAY(arena, eg_sample, count);
    for (size_t i = 0; i < count; i++) samples[i] = (eg_sample){file, (int32_t)(i % 5)};
    return (eg_dataset){.samples = samples, .count = count, .channels = channels};
}

static size_t numel(const eg_pipeline *p)
{
    return (size_t)p->height * (size_t)p->width * (size_t)p->channels;
}

static const char *images_folder(eg_arena *arena)
{
    const char *root = getenv("ENGRAFT_TEST_ROOT");
    return eg_path_join(arena, root ? root : ".", "tests/data/images");
}

/* False when the line's image is a shared one that is not there. */
static bool check_line(eg_arena *arena, const char *line, eg_pool *pool)
{
    char name[32], file[200], expected[80], hex[65];
    int channels;
    long long epoch, sample;
    const char *shared = getenv("ENGRAFT_SHARED");
    assert_int_equal(
        sscanf(line, "%31s %199s %d %lld %lld %79s", name, file, &channels, &epoch, &sample, expected), 6);
    const char *path = eg_path_join(arena, images_folder(arena), file);
    if (eg_starts_with(file, "hymenoptera/"))
        path = eg_arena_printf(arena, "%s/images/%s", shared ? shared : ".", file);
    if (!eg_path_exists(path)) return false;
    eg_pipeline p = build(arena, name, channels);
    eg_dataset set = repeated(arena, path, (size_t)sample + 1, channels);
    float *out = malloc(numel(&p) * sizeof *out);
    int64_t order = sample;
    int32_t label = -1;
    eg_error err = {0};
    if (!eg_batch_load(&p, &set, &order, 1, SEED, (uint64_t)epoch, pool, out, &label, &err))
        fail_msg("%s", err.text);
    assert_int_equal(label, sample % 5);
    eg_sha256_hex(out, numel(&p) * sizeof *out, hex);
    if (strcmp(hex, expected) != 0) fail_msg("not torchvision's: %s", line);
    free(out);
    return true;
}

static void test_torchvision(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_error err = {0};
    const char *list = eg_arena_printf(&arena, "%s/../pipeline.txt", images_folder(&arena));
    char *text = eg_file_read(&arena, list, 1 << 20, NULL, &err);
    assert_non_null(text);
    eg_pool *pool = eg_pool_new(1, &err);
    int checked = 0, absent = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (check_line(&arena, line, pool))
            checked++;
        else
            absent++;
    assert_true(checked > 100);
    if (absent)
        print_message("%d lines on shared images skipped: ENGRAFT_SHARED does not hold them\n", absent);
    eg_pool_free(pool);
    eg_arena_clear(&arena);
}

/* The same bits on 1, 2 and 3 threads, in batches of any size and order, and for a sample alone. */
static void test_threads(void **state)
{
    (void)state;
    enum { COUNT = 23 };
    eg_arena arena = {0};
    eg_error err = {0};
    eg_pipeline p = build(&arena, "train", 3);
    eg_dataset set = repeated(&arena, eg_path_join(&arena, images_folder(&arena), "444.jpg"), COUNT, 3);
    size_t n = numel(&p);
    float *first = malloc(COUNT * n * sizeof *first), *other = malloc(COUNT * n * sizeof *other);
    int64_t order[COUNT];
    eg_shuffle(SEED, 1, COUNT, order);
    for (int threads = 1; threads <= 3; threads++) {
        float *out = threads == 1 ? first : other;
        int32_t labels[COUNT];
        eg_pool *pool = eg_pool_new(threads, &err);
        assert_true(eg_batch_load(&p, &set, order, COUNT, SEED, 4, pool, out, labels, &err));
        assert_memory_equal(first, out, COUNT * n * sizeof *out);
        for (int i = 0; i < COUNT; i++) assert_int_equal(labels[i], order[i] % 5);
        assert_true(eg_batch_load(&p, &set, order + 9, 1, SEED, 4, pool, other, NULL, &err));
        assert_memory_equal(first + 9 * n, other, n * sizeof *other);
        eg_pool_free(pool);
    }
    assert_memory_not_equal(first, first + n, n * sizeof *first);
    free(first);
    free(other);
    eg_arena_clear(&arena);
}

static void test_one_image(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_error err = {0};
    eg_pool *pool = eg_pool_new(1, &err);
    const char *names[] = {"eval", "flip", "pad"};
    const char *path = eg_path_join(&arena, images_folder(&arena), "422.jpg");
    eg_dataset set = repeated(&arena, path, 1, 3);
    eg_image image = {0};
    assert_true(eg_image_read(&image, path, 3, &err));
    for (size_t i = 0; i < 3; i++) {
        eg_pipeline p = build(&arena, names[i], 3);
        float *a = malloc(numel(&p) * sizeof *a), *b = malloc(numel(&p) * sizeof *b);
        assert_true(eg_image_load(&p, &image, a, &err));
        assert_true(eg_batch_load(&p, &set, (int64_t[]){0}, 1, 0, 0, pool, b, NULL, &err));
        assert_memory_equal(a, b, numel(&p) * sizeof *a);
        free(a);
        free(b);
    }
    eg_image_clear(&image);
    eg_pool_free(pool);
    eg_arena_clear(&arena);
}

/* ---- sentences ---- */
static void refused(const eg_transform *pre, size_t n, const eg_transform *augment, size_t m,
                    const char *text)
{
    eg_arena arena = {0};
    eg_pipeline p;
    eg_error err = {0};
    assert_false(eg_pipeline_build(&p, &arena, (eg_transform_list){pre, n}, (eg_transform_list){augment, m},
                                   16, 16, 3, &err));
    assert_int_equal(err.code, EG_RECIPE);
    assert_string_equal(err.text, text);
    assert_int_equal(err.line, 12);
    assert_string_equal(err.file, "r.yaml");
    eg_arena_clear(&arena);
}

static eg_transform placed(eg_transform step)
{
    step.place = (eg_place){"r.yaml", 12, 3};
    return step;
}

static void test_refused(void **state)
{
    (void)state;
    eg_transform shorter = placed((eg_transform)RESIZE(16, 0, EG_BILINEAR));
    eg_transform other = placed((eg_transform)CENTER_CROP(16, 15)),
                 zero = placed((eg_transform)CENTER_CROP(16, 0));
    eg_transform norm = placed((eg_transform)IMAGENET), two = norm, flat = norm;
    two.channels = 2;
    flat.std[1] = 0;
    refused(&shorter, 1, NULL, 0,
            "resize: 16 sets only the shorter side, so that images differ in size: add center_crop, or give "
            "resize as "
            "[height, width]");
    refused(&other, 1, NULL, 0, "this makes images of 16 x 15 pixels, but the network takes 16 x 16");
    refused(&zero, 1, NULL, 0, "the size 16 x 0 is given, expected positive numbers");
    refused(&norm, 1, &norm, 1, "normalize is given twice, expected once");
    refused(&two, 1, NULL, 0, "normalize has mean and std of 2 channels, but the network takes 3");
    refused(&flat, 1, NULL, 0, "std of channel 1 is 0, expected a positive number");
}

/* Of several failures the first one in the batch's order is told, on any number of threads. */
static void test_failing_samples(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_error err = {0};
    eg_pipeline p;
    assert_true(
        eg_pipeline_build(&p, &arena, (eg_transform_list){0}, (eg_transform_list){0}, 11, 13, 3, &err));
    eg_dataset set = repeated(&arena, eg_path_join(&arena, images_folder(&arena), "rgb8.png"), 6, 3);
    float *out = malloc(6 * numel(&p) * sizeof *out);
    const int64_t order[] = {0, 1, 2, 3, 4, 5};
    for (int threads = 1; threads <= 3; threads++) {
        eg_pool *pool = eg_pool_new(threads, &err);
        set.samples[2].file = set.samples[0].file;
        set.samples[4].file = set.samples[0].file;
        assert_true(eg_batch_load(&p, &set, order, 6, 0, 0, pool, out, NULL, &err));
        set.samples[2].file = eg_path_join(&arena, images_folder(&arena), "420.jpg");
        set.samples[4].file = "absent.png";
        assert_false(eg_batch_load(&p, &set, order, 6, 0, 0, pool, out, NULL, &err));
        assert_int_equal(err.code, EG_MALFORMED);
        assert_string_equal(err.file, set.samples[2].file);
        assert_string_equal(
            err.text, "the image is 29 x 37 pixels (height x width), but the network takes 11 x 13: add "
                      "resize or center_crop to preprocess");
        err = (eg_error){0};
        assert_false(eg_batch_load(&p, &set, order + 3, 3, 0, 0, pool, out, NULL, &err));
        assert_int_equal(err.code, EG_SYSTEM);
        assert_string_equal(err.file, "absent.png");
        err = (eg_error){0};
        eg_pool_free(pool);
    }
    free(out);
    eg_arena_clear(&arena);
}

/* A sliver of an image cannot make the machine allocate a huge one. */
static void test_huge_resize(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_error err = {0};
    const eg_transform steps[] = {RESIZE(16384, 0, EG_BILINEAR), CENTER_CROP(16, 16)};
    uint8_t pixels[1 * 100000] = {0};
    eg_image image = {1, 100000, 1, pixels, NULL};
    float out[16 * 16];
    eg_pipeline p;
    assert_true(eg_pipeline_build(&p, &arena, (eg_transform_list){steps, 2}, (eg_transform_list){0}, 16, 16,
                                  1, &err));
    assert_false(eg_image_load(&p, &image, out, &err));
    assert_string_equal(err.text,
                        "resizing 1 x 100000 pixels to 16384 x 1638400000 makes more than 178956970 pixels");
    eg_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torchvision),     cmocka_unit_test(test_threads),
        cmocka_unit_test(test_one_image),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_failing_samples), cmocka_unit_test(test_huge_resize),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
