/* Archives of more than 4 GiB, without writing as much: the room that is left for a large record is a hole in
 * the file, which reads as zeros. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/crc32.h"
#include "base/file.h"
#include "format/zip_directory.h"
#include "format/zip_writer.h"

static char path[] = "/tmp/engraft-zip-XXXXXX";
static eg_arena arena;

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    eg_arena_clear(&arena);
    return unlink(path);
}

/* Of `size` zeros, by doubling. */
static uint32_t zeros_crc(uint64_t size)
{
    static const uint8_t zero[1];
    uint32_t crc = 0, power = eg_crc32(0, zero, 1);
    for (uint64_t step = 1, left = size; left; step *= 2, left /= 2) {
        if (left & 1) crc = eg_crc32_join(crc, power, step);
        power = eg_crc32_join(power, power, step);
    }
    return crc;
}

static void add_hole(eg_zip_writer *zip, const char *name, int64_t size)
{
    eg_error err = {0};
    eg_payload payload;
    eg_storage storage = {.key = name, .fd = -1};
    const eg_entry entry = {name, EG_U8, {1, &size}, NULL, &storage, 0, NULL};
    assert_true(eg_zip_writer_begin(zip, name, (uint64_t)size, &err));
    assert_true(eg_zip_writer_place(zip, &entry, &payload, &err));
    assert_int_equal(payload.at % 64, 0);
    payload.crc = zeros_crc((uint64_t)size);
    assert_true(eg_zip_writer_fill(zip, zip->count - 1, &payload, &err));
}

/* Records of the sizes, then "tail"; the file is left in `path`. */
static void write_archive(const int64_t *sizes, size_t count)
{
    eg_error err = {0};
    eg_zip_writer zip = {.output = eg_output_open(path, &err), .arena = &arena};
    assert_non_null(zip.output);
    assert_true(eg_zip_writer_record(&zip, "archive/first", "1", 1, &err));
    for (size_t i = 0; i < count; i++)
        add_hole(&zip, eg_arena_printf(&arena, "archive/data/%zu", i), sizes[i]);
    assert_true(eg_zip_writer_record(&zip, "archive/tail", "tail", 4, &err));
    assert_true(eg_zip_writer_finish(&zip, &err));
    assert_true(eg_output_commit(zip.output, &err));
}

static const uint8_t *read_bytes(const eg_mapping *file, uint64_t at, uint64_t size)
{
    assert_true(at <= file->size && size <= file->size - at);
    return file->bytes + at;
}

static uint64_t number(const uint8_t *bytes, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = size; i-- > 0;) value = value << 8 | bytes[i];
    return value;
}

/* ---- the recipe, written down a second time: what stands where in a file of two 4 GiB entries ---- */

typedef struct field {
    uint64_t value;
    unsigned size;
} field;

static void expect(const eg_mapping *file, uint64_t *at, const field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t *bytes = read_bytes(file, *at, fields[i].size);
        if (number(bytes, fields[i].size) != fields[i].value)
            fail_msg("at %llu: %llx, expected %llx", (unsigned long long)*at,
                     (unsigned long long)number(bytes, fields[i].size), (unsigned long long)fields[i].value);
        *at += fields[i].size;
    }
}

#define EXPECT(file, at, ...)                                                                                \
    expect(file, at, (const field[]){__VA_ARGS__}, sizeof(const field[]){__VA_ARGS__} / sizeof(field))

static void expect_text(const eg_mapping *file, uint64_t *at, const char *text)
{
    assert_memory_equal(read_bytes(file, *at, strlen(text)), text, strlen(text));
    *at += strlen(text);
}

/* The local header and descriptor of a record of zeros; wide: its zip64 field. */
static void expect_record(const eg_mapping *file, uint64_t *at, const char *name, uint64_t size)
{
    uint64_t header = *at, big = size >= 0xFFFFFFFF, far = header >= 0xFFFFFFFF;
    uint64_t extra = big || far ? 4 + 16 * big + 8 * far : 0;
    uint64_t pad = -(header + 30 + strlen(name) + 4 + extra) % 64;
    unsigned width = extra ? 8 : 4;
    EXPECT(file, at, {0x04034b50, 4}, {0, 2}, {0x0808, 2}, {0, 2}, {0, 2}, {0, 2}, {0, 4}, {0, 4}, {0, 4},
           {strlen(name), 2}, {extra + 4 + pad, 2});
    expect_text(file, at, name);
    if (extra) EXPECT(file, at, {1, 2}, {extra - 4, 2});
    if (big) EXPECT(file, at, {size, 8}, {0, 8});
    if (far) EXPECT(file, at, {header, 8});
    expect_text(file, at, "FB");
    EXPECT(file, at, {pad, 2});
    for (uint64_t i = 0; i < pad; i++) expect_text(file, at, "Z");
    *at += size;
    EXPECT(file, at, {0x08074b50, 4}, {zeros_crc(size), 4}, {size, width}, {size, width});
}

static void expect_central(const eg_mapping *file, uint64_t *at, const char *name, uint64_t size,
                           uint64_t header)
{
    uint64_t big = size >= 0xFFFFFFFF, far = header >= 0xFFFFFFFF, most = 0xFFFFFFFF;
    uint64_t extra = big || far ? 4 + 16 * big + 8 * far : 0;
    EXPECT(file, at, {0x02014b50, 4}, {0, 4}, {0x0808, 2}, {0, 2}, {0, 4}, {zeros_crc(size), 4},
           {big ? most : size, 4}, {big ? most : size, 4}, {strlen(name), 2}, {extra, 2}, {0, 6}, {0, 4},
           {far ? most : header, 4});
    expect_text(file, at, name);
    if (extra) EXPECT(file, at, {1, 2}, {extra - 4, 2});
    if (big) EXPECT(file, at, {size, 8}, {size, 8});
    if (far) EXPECT(file, at, {header, 8});
}

static void expect_end(const eg_mapping *file, uint64_t at, uint64_t directory, uint64_t count)
{
    uint64_t end = at;
    EXPECT(file, &at, {0x06064b50, 4}, {44, 8}, {0x031E, 2}, {0x2D, 2}, {0, 4}, {0, 4}, {count, 8},
           {count, 8}, {end - directory, 8}, {directory, 8});
    EXPECT(file, &at, {0x07064b50, 4}, {0, 4}, {end, 8}, {1, 4});
    EXPECT(file, &at, {0x06054b50, 4}, {0, 4}, {count, 2}, {count, 2}, {end - directory, 4}, {0xFFFFFFFF, 4},
           {0, 2});
    assert_int_equal(at, file->size);
}

static void large_records_and_far_ones_are_written_by_the_recipe(void **state)
{
    static const int64_t sizes[] = {0xFFFFFFFF, 100, 0x100000001};
    static const char *const names[] = {"archive/data/0", "archive/data/1", "archive/data/2"};
    uint64_t headers[3], at = 0, first;
    eg_mapping file = {0};
    eg_error err = {0};
    (void)state;
    write_archive(sizes, 3);
    assert_true(eg_mapping_open(&file, path, &err));
    at = 64 + 1 + 16; /* the first record's byte stands at 64 */
    for (int i = 0; i < 3; i++) {
        headers[i] = at;
        expect_record(&file, &at, names[i], (uint64_t)sizes[i]);
    }
    const uint8_t *tail = read_bytes(&file, at, 30);
    uint64_t data = at + 30 + number(tail + 26, 2) + number(tail + 28, 2), directory = data + 4 + 24;
    assert_memory_equal(read_bytes(&file, data, 4), "tail", 4);
    first = directory + 46 + strlen("archive/first");
    for (int i = 0; i < 3; i++) expect_central(&file, &first, names[i], (uint64_t)sizes[i], headers[i]);
    expect_end(&file, first + 46 + strlen("archive/tail") + 12, directory, 5);
    eg_mapping_close(&file);
}

static void they_are_read_again(void **state)
{
    static const int64_t sizes[] = {0x100000010, 3};
    eg_mapping file = {0};
    eg_error err = {0};
    eg_zip zip;
    (void)state;
    write_archive(sizes, 2);
    assert_true(eg_mapping_open(&file, path, &err));
    assert_true(eg_zip_open(&zip, &arena, file.bytes, file.size, &err));
    const eg_zip_entry *large = eg_zip_find(&zip, "archive/data/0"),
                       *tail = eg_zip_find(&zip, "archive/tail");
    assert_int_equal(large->full, sizes[0]);
    assert_true(tail->header > 0xFFFFFFFF);
    assert_memory_equal(file.bytes + tail->data, "tail", 4);
    for (size_t i = 1; i < zip.count; i++)
        if (&zip.entries[i] != large) assert_true(eg_zip_verify(&zip, &zip.entries[i], &err));
    eg_mapping_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_records_and_far_ones_are_written_by_the_recipe),
        cmocka_unit_test(they_are_read_again),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
