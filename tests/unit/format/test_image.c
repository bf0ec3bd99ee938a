/* Decoding equals Pillow's to the bit: every PNG and JPEG kind of tests/data/images (written, with the
 * digests, by tests/oracle/images.py), and the shared real images. What Pillow refuses is refused, in one
 * sentence. */
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
#include "format/image.h"

static const char *root(void)
{
    const char *path = getenv("ENGRAFT_TEST_ROOT");
    return path ? path : ".";
}

static const char *data_path(eg_arena *arena, const char *name)
{
    return eg_arena_printf(arena, "%s/tests/data/images/%s", root(), name);
}

static void digest_file(const char *path, int channels, int *width, int *height, char hex[65])
{
    eg_image image = {0};
    eg_error err = {0};
    if (!eg_image_read(&image, path, channels, &err)) {
        char text[3200];
        eg_error_format(&err, text, sizeof text);
        fail_msg("%s", text);
    }
    *width = image.width;
    *height = image.height;
    assert_int_equal(image.channels, channels);
    eg_sha256_hex(image.pixels, (size_t)image.width * (size_t)image.height * (size_t)channels, hex);
    eg_image_clear(&image);
}

/* One line "name width height rgb gray" of a digest list; "0 0 - -" says that Pillow refuses the file. */
static void check_line(eg_arena *arena, const char *folder, const char *line)
{
    char name[256], rgb[80], gray[80], hex[65];
    int width, height, w, h;
    assert_int_equal(sscanf(line, "%255s %d %d %79s %79s", name, &width, &height, rgb, gray), 5);
    const char *path = eg_path_join(arena, folder, name);
    if (width == 0) {
        eg_image image = {0};
        eg_error err = {0};
        if (eg_image_read(&image, path, 3, &err)) fail_msg("%s: Pillow refuses it", name);
        assert_int_equal(err.code, EG_MALFORMED);
        assert_string_equal(err.file, path);
        assert_null(image.pixels);
        return;
    }
    digest_file(path, 3, &w, &h, hex);
    if (w != width || h != height || strcmp(hex, rgb) != 0) fail_msg("%s: RGB is not Pillow's", name);
    digest_file(path, 1, &w, &h, hex);
    if (w != width || h != height || strcmp(hex, gray) != 0) fail_msg("%s: L is not Pillow's", name);
}

static void check_folder(eg_arena *arena, const char *folder, int count, const char *expected)
{
    const char *const *names;
    size_t name_count;
    eg_error err = {0};
    eg_buf all = {0};
    char hex[65];
    int images = 0, w, h;
    assert_true(eg_folder_list(arena, folder, &names, &name_count, &err));
    for (size_t i = 0; i < name_count; i++) {
        if (!eg_image_is_named(names[i])) continue;
        digest_file(eg_path_join(arena, folder, names[i]), 3, &w, &h, hex);
        eg_buf_puts(&all, hex);
        images++;
    }
    assert_int_equal(images, count);
    eg_sha256_hex(all.data, all.length, hex);
    if (strcmp(hex, expected) != 0) fail_msg("%s: not Pillow's pixels", folder);
    eg_buf_clear(&all);
}

static void test_own_images(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_error err = {0};
    char *text = eg_file_read(&arena, data_path(&arena, "digests.txt"), 1 << 20, NULL, &err);
    assert_non_null(text);
    int lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++)
        check_line(&arena, data_path(&arena, ""), line);
    assert_true(lines > 40);
    eg_arena_clear(&arena);
}

static void test_shared_images(void **state)
{
    (void)state;
    const char *shared = getenv("ENGRAFT_SHARED");
    eg_arena arena = {0};
    eg_error err = {0};
    const char *folder = eg_path_join(&arena, shared ? shared : ".", "images");
    if (!shared || !eg_path_is_folder(folder)) {
        print_message("skipped: ENGRAFT_SHARED holds no images\n");
        eg_arena_clear(&arena);
        skip();
    }
    char *text = eg_file_read(&arena, data_path(&arena, "shared.txt"), 1 << 20, NULL, &err);
    assert_non_null(text);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char name[256], hex[80];
        int count;
        if (eg_starts_with(line, "tricky/")) {
            check_line(&arena, folder, line);
        } else {
            assert_int_equal(sscanf(line, "%255s %d %79s", name, &count, hex), 3);
            check_folder(&arena, eg_path_join(&arena, folder, name), count, hex);
        }
    }
    eg_arena_clear(&arena);
}

/* ---- damaged files, made from good ones ---- */
typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes;

static bytes load(eg_arena *arena, const char *name)
{
    bytes b;
    eg_error err = {0};
    b.data = (uint8_t *)eg_file_read(arena, data_path(arena, name), 1 << 20, &b.size, &err);
    assert_non_null(b.data);
    return b;
}

/* Exactly-sized copies, so that the sanitizer sees any read beyond. */
static bool decode(const uint8_t *data, size_t size, eg_image *image, eg_error *err)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (size) memcpy(copy, data, size);
    *err = (eg_error){0};
    bool ok = eg_image_decode(image, copy, size, 3, err);
    free(copy);
    return ok;
}

static void expect_refused(const uint8_t *data, size_t size, const char *text)
{
    eg_image image = {0};
    eg_error err;
    assert_false(decode(data, size, &image, &err));
    assert_int_equal(err.code, EG_MALFORMED);
    assert_null(image.pixels);
    if (!strstr(err.text, text)) fail_msg("'%s' does not say '%s'", err.text, text);
}

static void expect_same(bytes whole, const uint8_t *data, size_t size)
{
    eg_image a = {0}, b = {0};
    eg_error err;
    assert_true(decode(whole.data, whole.size, &a, &err));
    if (!decode(data, size, &b, &err)) fail_msg("%zu bytes: %s", size, err.text);
    assert_int_equal(a.width, b.width);
    assert_int_equal(a.height, b.height);
    assert_memory_equal(a.pixels, b.pixels, (size_t)a.width * (size_t)a.height * 3);
    eg_image_clear(&a);
    eg_image_clear(&b);
}

static size_t find(bytes b, const char *what, size_t length)
{
    for (size_t at = 0; at + length <= b.size; at++)
        if (memcmp(b.data + at, what, length) == 0) return at;
    fail_msg("no %s", what);
    return 0;
}

static void test_other_files(void **state)
{
    (void)state;
    expect_refused((const uint8_t *)"", 0, "the file is empty, expected a JPEG or PNG image");
    expect_refused((const uint8_t *)"GIF89a.......", 13, "this is a GIF file whatever its name says");
    expect_refused((const uint8_t *)"RIFF....WEBP", 12, "this is a WebP or other RIFF file");
    expect_refused((const uint8_t *)"BM......", 8, "this is a BMP file");
    expect_refused((const uint8_t *)"II*\0....", 8, "this is a TIFF file");
    expect_refused((const uint8_t *)"<html>", 6, "this is a HTML or XML file");
    expect_refused((const uint8_t *)"ant", 3, "this is not an image that can be read, expected JPEG or PNG");
}

static void test_damaged_jpeg(void **state)
{
    (void)state;
    eg_arena arena = {0};
    bytes b = load(&arena, "420.jpg"), p = load(&arena, "420-progressive.jpg");
    expect_refused(b.data, 3, "the JPEG file is truncated: it ends within its header");
    expect_refused(b.data, 200, "the JPEG file is truncated: it ends within its header");
    expect_refused(b.data, b.size - b.size / 4, "the JPEG file is truncated: it ends before line");
    expect_refused(p.data, p.size - 2, "the JPEG file is truncated: it ends before line 1 of 29");
    expect_refused(b.data, b.size - 2,
                   "the JPEG file is truncated: it ends before line"); /* so does Pillow */
    size_t frame = find(b, "\xff\xc0", 2);
    b.data[frame + 4] = 12;
    expect_refused(b.data, b.size, "the JPEG data is damaged: Unsupported JPEG data precision 12");
    b.data[frame + 4] = 8;
    memset(b.data + frame + 5, 0xff, 4);
    expect_refused(b.data, b.size, "Maximum supported image dimension is 65500 pixels");
    expect_refused((const uint8_t *)"\xff\xd8\xff\xd9", 4, "it ends within its header");
    eg_arena_clear(&arena);
}

static void test_damaged_png(void **state)
{
    (void)state;
    eg_arena arena = {0};
    bytes b = load(&arena, "rgb8.png"), p = load(&arena, "palette8.png");
    size_t data = find(b, "IDAT", 4), text = find(b, "tEXt", 4), end = find(b, "IEND", 4),
           head = find(b, "IHDR", 4);
    expect_refused(b.data, 20, "the PNG file is truncated: it ends within its IHDR chunk");
    expect_refused(b.data, data - 4, "the PNG file is truncated: it ends before its image data");
    expect_refused(b.data, data + 4 + (text - data) / 2,
                   "the PNG file is truncated: it ends before its last line");
    expect_refused(b.data, text + 6, "the PNG file is truncated: it ends within its tEXt chunk");
    expect_same(b, b.data, end - 4);      /* no IEND at all, as for Pillow */
    expect_same(b, b.data, text - 4 - 6); /* only the checksums behind the last line are missing */
    for (size_t i = 8; i < b.size; i++) { /* no cut reads outside, or leaks */
        eg_image image = {0};
        eg_error err;
        if (decode(b.data, i, &image, &err)) eg_image_clear(&image);
    }
    b.data[head + 5] ^= 1;
    expect_refused(b.data, b.size, "its IHDR chunk has CRC");
    b.data[head + 5] ^= 1;
    b.data[data] = '!';
    expect_refused(b.data, b.size, "the PNG file is damaged: no chunk at byte");
    memcpy(b.data + data, "IEND", 4);
    expect_refused(b.data, b.size, "the PNG file is damaged: it stops before its image data");
    memcpy(b.data + data, "IDAT", 4);
    memset(b.data + data + 4, 0, 8);
    expect_refused(b.data, b.size, "the PNG file is damaged: it stops before its last line");
    /* A second run of image data after a damaged first one: libpng announces the image twice. */
    uint8_t *twice = malloc(b.size + text - data);
    memcpy(twice, b.data, end - 4);
    memcpy(twice + end - 4, b.data + data - 4, text - data);
    memcpy(twice + end - 4 + (text - data), b.data + end - 4, b.size - (end - 4));
    expect_refused(twice, b.size + text - data,
                   "the PNG data is damaged: other chunks stand between its image data");
    free(twice);
    b = load(&arena, "rgb8-pieces.png");
    size_t after = find(b, "IDAT", 4) + 8; /* the first piece of image data is empty */
    uint8_t *split = malloc(b.size + 12);
    memcpy(split, b.data, after);
    memcpy(split + after, "\0\0\0\0abCd\x78\x06\xe9\xb3", 12);
    memcpy(split + after + 12, b.data + after, b.size - after);
    expect_refused(split, b.size + 12, "the PNG data is damaged: Not enough compressed data");
    free(split);
    size_t palette = find(p, "PLTE", 4);
    p.data[palette + 4] ^= 1;
    expect_refused(p.data, p.size, "its PLTE chunk has CRC");
    eg_arena_clear(&arena);
}

/* Sizes are judged before anything is allocated for them. */
static void test_bomb(void **state)
{
    (void)state;
    static const uint8_t png[] =
        "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x40\0\0\0\x40\0\x08\0\0\0\0\x8c\xa3\x4f\x58"
        "\0\0\0\0IDAT";
    eg_image image = {0};
    eg_error err = {0};
    expect_refused(png, sizeof png - 1,
                   "the image has 16384 x 16384 pixels, expected at most 178956970 in all");
    assert_false(eg_image_allocate(&image, 0, 3, 1, &err));
    assert_string_equal(err.text, "the image is 0 x 3 pixels, expected at least 1 x 1");
    err = (eg_error){0};
    assert_false(eg_image_allocate(&image, UINT64_MAX, 3, 1, &err));
    assert_true(eg_image_allocate(&image, 178956970, 1, 1, NULL));
    eg_image_clear(&image);
    assert_false(eg_image_allocate(&image, 178956971, 1, 1, NULL));
}

static void test_names(void **state)
{
    (void)state;
    assert_true(eg_image_is_named("a.jpg"));
    assert_true(eg_image_is_named("A.B.JPEG"));
    assert_true(eg_image_is_named("x.Png"));
    assert_false(eg_image_is_named("imageNotFound.gif"));
    assert_false(eg_image_is_named("jpg"));
    assert_false(eg_image_is_named(".png"));
    assert_false(eg_image_is_named("a.jpg.txt"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_images),  cmocka_unit_test(test_shared_images),
        cmocka_unit_test(test_other_files), cmocka_unit_test(test_damaged_jpeg),
        cmocka_unit_test(test_damaged_png), cmocka_unit_test(test_bomb),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
