/* idx sets: the shipped digits, colour and gray, class names, choice and limit, and every sentence about a
 * file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/str.h"
#include "data/dataset.h"
#include "data/idx.h"

typedef struct fixture {
    eg_arena arena;
    char root[64];
    const char *images, *labels;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    strcpy(f->root, "/tmp/engraft-idx-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    f->images = eg_arena_printf(&f->arena, "%s/images", f->root);
    f->labels = eg_arena_printf(&f->arena, "%s/labels", f->root);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    unlink(f->images);
    unlink(f->labels);
    rmdir(f->root);
    eg_arena_clear(&f->arena);
    free(f);
    return 0;
}

static void put(const char *path, const char *bytes, size_t size)
{
    eg_error err = {0};
    assert_true(eg_file_write(path, bytes, size, &err));
}

#define PUT(path, text) put(path, text, sizeof(text) - 1)

/* Six images of 2 x 1, labels 7 0 7 9 7 0. */
static void put_set(fixture *f)
{
    PUT(f->images, "\0\0\x08\x03\0\0\0\x06\0\0\0\x01\0\0\0\x02"
                   "abcdefghijkl");
    PUT(f->labels, "\0\0\x08\x01\0\0\0\x06\x07\0\x07\x09\x07\0");
}

static eg_data_set spec_of(const fixture *f)
{
    return (eg_data_set){
        .kind = EG_DATA_IDX, .images = f->images, .labels = f->labels, .place = {"r.yaml", 4, 9}};
}

static const char *labels_text(fixture *f, const eg_dataset *set)
{
    eg_buf buf = {0};
    for (size_t i = 0; i < set->count; i++)
        eg_buf_printf(&buf, "%s%d%s", i ? " " : "", set->samples[i].label,
                      strrchr(set->samples[i].file, '#'));
    return eg_buf_take(&buf, &f->arena);
}

static const eg_dataset *open_set(fixture *f, const eg_data_set *spec, const char *const *fixed, size_t n,
                                  int channels)
{
    eg_error err = {0};
    const eg_dataset *set = eg_dataset_open(&f->arena, spec, fixed, n, channels, &err);
    if (!set) fail_msg("%s", err.text);
    return set;
}

static void test_digits(void **state)
{
    fixture *f = *state;
    const char *root = getenv("ENGRAFT_TEST_ROOT");
    static const struct {
        const char *part;
        size_t count;
    } parts[] = {{"train", 1297}, {"test", 500}};
    for (size_t i = 0; i < 2; i++) {
        eg_data_set spec = spec_of(f);
        spec.images = eg_arena_printf(&f->arena, "%s/configs/digits/%s-images.idx3-ubyte", root ? root : ".",
                                      parts[i].part);
        spec.labels = eg_arena_printf(&f->arena, "%s/configs/digits/%s-labels.idx1-ubyte", root ? root : ".",
                                      parts[i].part);
        const eg_dataset *set = open_set(f, &spec, NULL, 0, 1);
        assert_int_equal(set->count, parts[i].count);
        assert_int_equal(set->class_count, 10);
        assert_string_equal(set->classes[9], "9");
    }
    eg_data_set spec = spec_of(f);
    spec.images = eg_arena_printf(&f->arena, "%s/configs/digits/train-images.idx3-ubyte", root ? root : ".");
    spec.labels = eg_arena_printf(&f->arena, "%s/configs/digits/train-labels.idx1-ubyte", root ? root : ".");
    spec.classes = (const char *const[]){"5", "6", "7", "8", "9"};
    spec.class_count = 5;
    spec.limit = 50;
    const eg_dataset *set = open_set(f, &spec, NULL, 0, 1);
    int seen[5] = {0};
    for (size_t i = 0; i < set->count; i++) seen[set->samples[i].label]++;
    for (int c = 0; c < 5; c++) assert_int_equal(seen[c], 10);
    eg_image image = {0};
    eg_error err = {0};
    assert_true(eg_dataset_image(set, 0, &image, &err));        /* the sixth sample is the first five */
    static const uint8_t row[8] = {0, 0, 191, 159, 0, 0, 0, 0}; /* 0 0 12 10 0 0 0 0 */
    assert_int_equal(image.width, 8);
    assert_int_equal(image.height, 8);
    assert_memory_equal(image.pixels, row, 8);
    assert_true(eg_ends_with(set->samples[0].file, "train-images.idx3-ubyte#5"));
    eg_image_clear(&image);
}

static void test_classes(void **state)
{
    fixture *f = *state;
    put_set(f);
    eg_data_set spec = spec_of(f);
    const eg_dataset *set = open_set(f, &spec, NULL, 0, 1);
    assert_int_equal(set->class_count, 3);
    assert_string_equal(set->classes[0], "0");
    assert_string_equal(set->classes[2], "9");
    assert_string_equal(labels_text(f, set), "1#0 0#1 1#2 2#3 1#4 0#5");
    /* Classes that the model has and this set has not. */
    set = open_set(f, &spec, (const char *const[]){"7", "8", "9", "0"}, 4, 1);
    assert_string_equal(labels_text(f, set), "0#0 3#1 0#2 2#3 0#4 3#5");
    spec.classes = (const char *const[]){"9", "7"};
    spec.class_count = 2;
    set = open_set(f, &spec, NULL, 0, 1);
    assert_string_equal(labels_text(f, set), "1#0 1#2 0#3 1#4");
    spec.limit = 3;
    set = open_set(f, &spec, NULL, 0, 1);
    assert_string_equal(labels_text(f, set), "1#0 1#2 0#3");
    eg_image image = {0};
    eg_error err = {0};
    assert_true(eg_dataset_image(set, 2, &image, &err)); /* the file's fourth */
    assert_memory_equal(image.pixels, "gh", 2);
    eg_image_clear(&image);
}

static void test_channels(void **state)
{
    fixture *f = *state;
    eg_data_set spec = spec_of(f);
    eg_image image = {0};
    eg_error err = {0};
    put_set(f);
    const eg_dataset *set = open_set(f, &spec, NULL, 0, 3);
    assert_true(eg_dataset_image(set, 1, &image, &err));
    assert_int_equal(image.width, 2);
    assert_int_equal(image.height, 1);
    assert_memory_equal(image.pixels, "cccddd", 6);
    eg_image_clear(&image);
    PUT(f->images, "\0\0\x08\x04\0\0\0\x01\0\0\0\x01\0\0\0\x02\0\0\0\x03\xff\0\0\x0a\x14\x1e");
    PUT(f->labels, "\0\0\x08\x01\0\0\0\x01\x03");
    set = open_set(f, &spec, NULL, 0, 3);
    assert_true(eg_dataset_image(set, 0, &image, &err));
    assert_memory_equal(image.pixels, "\xff\0\0\x0a\x14\x1e", 6);
    eg_image_clear(&image);
    set = open_set(f, &spec, NULL, 0, 1);
    assert_true(eg_dataset_image(set, 0, &image, &err));
    assert_memory_equal(image.pixels, "\x4c\x12", 2); /* 0.299 * 255; 0.299 * 10 + 0.587 * 20 + 0.114 * 30 */
    eg_image_clear(&image);
}

static void refused(fixture *f, eg_code code, const char *file, const char *text)
{
    eg_data_set spec = spec_of(f);
    eg_arena arena = {0};
    eg_error err = {0};
    assert_null(eg_dataset_open(&arena, &spec, NULL, 0, 1, &err));
    assert_string_equal(err.text, text);
    assert_int_equal(err.code, code);
    assert_string_equal(err.file, file);
    eg_arena_clear(&arena);
}

static void test_damaged(void **state)
{
    fixture *f = *state;
    put_set(f);
#define IMAGES(bytes, text)                                                                                  \
    do {                                                                                                     \
        PUT(f->images, bytes);                                                                               \
        refused(f, EG_MALFORMED, f->images, text);                                                           \
    } while (0)
    IMAGES("\0\0\x08", "the file has 3 bytes, expected an idx file (MNIST's format)");
    IMAGES("\x1f\x8b\x08\0\0", "the file is packed by gzip, expected an idx file: unpack it with gunzip");
    IMAGES("\x89PNG\r\n\x1a\n",
           "the file starts with 89 50, expected an idx file (MNIST's format: 00 00 08)");
    IMAGES("\0\0\x0d\x03\0\0", "the idx file has elements of type 0x0d, expected 0x08 (bytes)");
    IMAGES("\0\0\x08\x01\0\0\0\x01x",
           "the idx file has 1 dimensions, expected 3 (count, height, width) or 4 (and channels)");
    IMAGES("\0\0\x08\x03\0\0\0\x01\0\0\0", "the idx file is truncated: it ends within its header");
    IMAGES("\0\0\x08\x03\0\0\0\x01\0\0\0\0\0\0\0\x02", "dimension 2 of the idx file is 0");
    IMAGES("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02xyz",
           "the idx file has 3 bytes of data, expected 4 as its header says");
    IMAGES("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02vwxyz",
           "the idx file has 5 bytes of data, expected 4 as its header says");
    IMAGES("\0\0\x08\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xffz",
           "the idx file has 1 bytes of data, expected 9223372036854775807 as its header says");
    IMAGES("\0\0\x08\x04\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0\x02xy",
           "the images have 2 channels, expected 1 or 3");
    IMAGES("\0\0\x08\x03\0\0\0\x02\0\0\0\x01\0\0\0\x02wxyz",
           eg_arena_printf(&f->arena, "the file has 2 images, but '%s' has 6 labels", f->labels));
    put_set(f);
    PUT(f->labels, "\0\0\x08\x03\0\0\0\x01\0\0\0\x01\0\0\0\x01x");
    refused(f, EG_MALFORMED, f->labels,
            "the idx file has 3 dimensions, expected 1 (count): are images and labels exchanged?");
    unlink(f->labels);
    refused(f, EG_SYSTEM, f->labels, "cannot open the file: No such file or directory");
}

static void test_refused(void **state)
{
    fixture *f = *state;
    put_set(f);
    eg_data_set spec = spec_of(f);
    eg_arena arena = {0};
    eg_error err = {0};
    assert_null(eg_dataset_open(&arena, &spec, (const char *const[]){"0", "7", "nine"}, 3, 1, &err));
    assert_string_equal(
        err.text,
        eg_arena_printf(&f->arena, "there is no class 'nine' in '%s', which has: 0, 7, 9", f->labels));
    assert_int_equal(err.line, 4);
    err = (eg_error){0};
    assert_null(eg_dataset_open(&arena, &spec, (const char *const[]){"0", "7"}, 2, 1, &err));
    assert_string_equal(err.text,
                        eg_arena_printf(&f->arena,
                                        "'%s' has a class '9' that is not one of the model's classes "
                                        "(0, 7): keep only those with 'classes'",
                                        f->labels));
    err = (eg_error){0};
    spec.classes = (const char *const[]){"0", "8"};
    spec.class_count = 2;
    assert_null(eg_dataset_open(&arena, &spec, NULL, 0, 1, &err));
    assert_string_equal(
        err.text, eg_arena_printf(&f->arena, "there is no class '8' in '%s', which has: 0, 7, 9", f->labels));
    assert_int_equal(err.code, EG_RECIPE);
    eg_arena_clear(&arena);
}

int main(void)
{
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_digits),  WITH_FOLDER(test_classes), WITH_FOLDER(test_channels),
        WITH_FOLDER(test_damaged), WITH_FOLDER(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
