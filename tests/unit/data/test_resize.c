/* Resizing equals Pillow's to the bit, for every filter, up and down, one and three channels:
 * tests/data/resize.txt (written by tests/oracle/resize.py) against the same pixels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/sha256.h"
#include "data/resize.h"

static uint8_t *pixels(size_t n)
{
    uint8_t *out = malloc(n);
    uint32_t state = 12345;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        out[i] = state >> 28 == 15 ? 255 : state >> 28 == 0 ? 0 : (uint8_t)(state >> 24);
    }
    return out;
}

static eg_interpolation filter(const char *name)
{
    return strcmp(name, "nearest") == 0    ? EG_NEAREST
           : strcmp(name, "bilinear") == 0 ? EG_BILINEAR
                                           : EG_BICUBIC;
}

static void check_line(const char *line)
{
    int channels, width, height, new_width, new_height;
    char name[16], expected[80], hex[65];
    assert_int_equal(sscanf(line, "%d %d %d %15s %d %d %79s", &channels, &width, &height, name, &new_width,
                            &new_height, expected),
                     7);
    size_t size = (size_t)new_width * (size_t)new_height * (size_t)channels;
    uint8_t *in = pixels((size_t)width * (size_t)height * (size_t)channels), *out = malloc(size);
    eg_raster raster = {in, (size_t)width * (size_t)channels, width, height, channels};
    eg_resize(&raster, new_width, new_height, filter(name), NULL, out);
    eg_sha256_hex(out, size, hex);
    if (strcmp(hex, expected) != 0) fail_msg("not Pillow's: %s", line);
    free(in);
    free(out);
}

static void check_all(void)
{
    const char *root = getenv("ENGRAFT_TEST_ROOT");
    eg_arena arena = {0};
    eg_error err = {0};
    char *text = eg_file_read(&arena, eg_path_join(&arena, root ? root : ".", "tests/data/resize.txt"),
                              1 << 24, NULL, &err);
    assert_non_null(text);
    int lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) check_line(line);
    assert_true(lines > 100);
    eg_arena_clear(&arena);
}

static void test_pillow(void **state)
{
    (void)state;
    check_all();
}

/* The same without any vector instructions beyond the compiler's own. */
static void test_portable(void **state)
{
    (void)state;
    setenv("ENGRAFT_CPU", "c", 1);
    check_all();
    unsetenv("ENGRAFT_CPU");
}

/* A rectangle of a larger image is resized as a copy of it would be. */
static void test_rectangle(void **state)
{
    (void)state;
    enum { W = 40, H = 30, X = 7, Y = 5, CW = 21, CH = 19, NW = 11, NH = 25 };
    uint8_t *in = pixels((size_t)W * H * 3), copy[CW * CH * 3], a[NW * NH * 3], b[NW * NH * 3];
    for (size_t y = 0; y < CH; y++) memcpy(copy + y * CW * 3, in + ((y + Y) * W + X) * 3, (size_t)CW * 3);
    for (int how = 0; how < EG_INTERPOLATION_COUNT; how++) {
        eg_raster part = {in + ((size_t)Y * W + X) * 3, (size_t)W * 3, CW, CH, 3};
        eg_raster whole = {copy, (size_t)CW * 3, CW, CH, 3};
        eg_resize(&part, NW, NH, (eg_interpolation)how, NULL, a);
        eg_resize(&whole, NW, NH, (eg_interpolation)how, NULL, b);
        assert_memory_equal(a, b, sizeof a);
    }
    free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_pillow), cmocka_unit_test(test_portable),
                                       cmocka_unit_test(test_rectangle)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
