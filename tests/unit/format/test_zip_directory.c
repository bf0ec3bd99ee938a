/* Archives that two readers could understand differently are refused. Cases F01 to F07 and A06 of the format
 * notes. */
#include "make_torch.h"

#include "format/zip_directory.h"

static eg_error err;

static bool opens(const eg_buf *bytes)
{
    eg_arena arena = {0};
    eg_zip zip;
    err = (eg_error){0};
    bool ok = eg_zip_open(&zip, &arena, (const uint8_t *)bytes->data, bytes->length, &err);
    eg_arena_clear(&arena);
    return ok;
}

static void refused(eg_buf *bytes, const char *id)
{
    if (opens(bytes)) fail_msg("opened, expected %s", id);
    if (strcmp(err.id, id) != 0) fail_msg("expected %s, got %s: %s", id, err.id, err.text);
    assert_int_equal(err.code, EG_MALFORMED);
    eg_buf_clear(bytes);
}

static void refused_record(record r, const char *id)
{
    eg_buf zip = {0};
    put_zip(&zip, &r, 1);
    refused(&zip, id);
}

static const record two[] = {{.name = "a/x", .bytes = "xxxx", .size = 4},
                             {.name = "a/y", .bytes = "yyyy", .size = 4}};

static void put_u32(eg_buf *zip, size_t at, uint32_t value)
{
    for (int i = 0; i < 4; i++) zip->data[at + (size_t)i] = (char)(value >> 8 * i);
}

static void stored_and_deflated_records_read(void **state)
{
    const record records[] = {{.name = "a/", .bytes = "", .size = 0},
                              {.name = "a/x", .bytes = "hello hello hello", .size = 17, .deflate = true},
                              {.name = "a/e", .bytes = "", .size = 0, .deflate = true},
                              {.name = "a/y", .bytes = "plain", .size = 5}};
    eg_arena arena = {0};
    eg_buf bytes = {0};
    eg_zip zip;
    (void)state;
    err = (eg_error){0};
    put_zip(&bytes, records, 4);
    assert_true(eg_zip_open(&zip, &arena, (const uint8_t *)bytes.data, bytes.length, &err));
    assert_int_equal(zip.count, 3); /* the folder is left out */
    assert_memory_equal(eg_zip_read(&zip, &arena, eg_zip_find(&zip, "a/x"), 100, true, &err),
                        "hello hello hello", 17);
    assert_memory_equal(eg_zip_read(&zip, &arena, eg_zip_find(&zip, "a/y"), 100, true, &err), "plain", 5);
    assert_non_null(eg_zip_read(&zip, &arena, eg_zip_find(&zip, "a/e"), 100, true, &err));
    assert_null(eg_zip_find(&zip, "a/"));
    assert_null(eg_zip_find(&zip, "x"));
    eg_arena_clear(&arena);
    eg_buf_clear(&bytes);
}

static void f01_overlap(void **state)
{
    eg_buf zip = {0};
    packed_record at[2];
    (void)state;
    put_zip_record(&zip, &two[0], &at[0]);
    at[0].stored += 10; /* reaches into the next one */
    put_zip_record(&zip, &two[1], &at[1]);
    size_t offset = zip.length;
    record longer = two[0];
    longer.size += 10;
    put_zip_central(&zip, &longer, &at[0]);
    put_zip_central(&zip, &two[1], &at[1]);
    put_zip_end(&zip, 2, offset);
    refused(&zip, "ZIP-006");
}

static void f02_duplicate(void **state)
{
    eg_buf zip = {0};
    const record same[] = {two[0], two[0]};
    (void)state;
    put_zip(&zip, same, 2);
    refused(&zip, "ZIP-005");
}

static void f03_local_name(void **state)
{
    (void)state;
    refused_record((record){.name = "a/data.pkl", .local_name = "a/datap.kl", .bytes = "x", .size = 1},
                   "ZIP-007");
    refused_record((record){.name = "a/data.pkl", .local_name = "a/data.pk", .bytes = "x", .size = 1},
                   "ZIP-007");
}

static void f04_flags_and_methods(void **state)
{
    (void)state;
    refused_record((record){.name = "a/x", .bytes = "x", .size = 1, .flags = 0x1}, "ZIP-008");
    refused_record((record){.name = "a/x", .bytes = "x", .size = 1, .flags = 0x20}, "ZIP-008");
    refused_record((record){.name = "a/x", .bytes = "x", .size = 1, .flags = 0x40}, "ZIP-008");
    refused_record((record){.name = "a/x", .bytes = "x", .size = 1, .flags = 0x2000}, "ZIP-008");
    refused_record((record){.name = "a/x", .bytes = "x", .size = 1, .method = 12}, "ZIP-009");
    refused_record((record){.name = "a/x", .bytes = "x", .size = 1, .size_change = 1}, "ZIP-012");
}

static void f05_names(void **state)
{
    static const char *const bad[] = {"../x", "/x",   "a\\b", "a/../b",     "a/./b", "a//b",
                                      "c:x",  "a/..", ".",    "a/\xff\xfe", ""};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused_record((record){.name = bad[i], .bytes = "x", .size = 1}, "ZIP-004");
    eg_buf zip = {0};
    put_zip(&zip, two, 1);
    for (size_t i = 0; i + 3 <= zip.length; i++)
        if (memcmp(zip.data + i, "a/x", 3) == 0) zip.data[i + 1] = '\0';
    refused(&zip, "ZIP-004");
}

/* A megabyte of zeros says that it is ten bytes; and one that says it is far more than deflate can make. */
static void f06_bomb(void **state)
{
    enum { SIZE = 1 << 20 };
    void *zeros = calloc(1, SIZE);
    record r = {
        .name = "a/x", .bytes = zeros, .size = SIZE, .deflate = true, .size_change = (uint32_t)(10 - SIZE)};
    eg_arena arena = {0};
    eg_buf bytes = {0};
    eg_zip zip;
    (void)state;
    err = (eg_error){0};
    put_zip(&bytes, &r, 1);
    assert_true(eg_zip_open(&zip, &arena, (const uint8_t *)bytes.data, bytes.length, &err));
    assert_null(eg_zip_read(&zip, &arena, &zip.entries[0], 1 << 20, true, &err));
    assert_string_equal(err.id, "ZIP-010");
    err = (eg_error){0};
    assert_null(eg_zip_read(&zip, &arena, &zip.entries[0], 9, true, &err));
    assert_string_equal(err.id, "ZIP-010");
    eg_arena_clear(&arena);
    eg_buf_clear(&bytes);
    r.size_change = 1u << 30;
    refused_record(r, "ZIP-010");
    free(zeros);
}

static void f07_end_records(void **state)
{
    eg_buf zip = {0};
    (void)state;
    OP(&zip, "PK\3\4 and nothing else that a zip has");
    refused(&zip, "ZIP-001");
    put_zip(&zip, two, 2);
    put(&zip, 0, 1); /* the comment does not end with the file */
    refused(&zip, "ZIP-001");
    put_zip(&zip, two, 2);
    zip.data[zip.length - 22 + 10] = 1; /* count of all disks: 1 of 2 */
    refused(&zip, "ZIP-002");
    put_zip(&zip, two, 2);
    zip.data[zip.length - 22 + 8] = zip.data[zip.length - 22 + 10] = 1;
    refused(&zip, "ZIP-002");
    put_zip(&zip, two, 2);
    zip.data[zip.length - 22 + 4] = 1; /* second disk */
    refused(&zip, "ZIP-002");
    put_zip(&zip, two, 2);
    put_u32(&zip, zip.length - 22 + 16, 0xFFFFFFF0); /* directory beyond the end */
    refused(&zip, "ZIP-002");
    put_zip(&zip, two, 2);
    size_t end = zip.length - 22; /* an end record inside the comment of another */
    eg_buf copy = {0};
    eg_buf_add(&copy, zip.data + end, 22);
    zip.data[zip.length - 2] = 22;
    eg_buf_add(&zip, copy.data, copy.length);
    eg_buf_clear(&copy);
    refused(&zip, "ZIP-002");
}

/* The 64-bit end records must say the same as the 32-bit one. */
static void f07_zip64_disagreement(void **state)
{
    (void)state;
    for (int forged = 0; forged < 2; forged++) {
        eg_buf zip = {0};
        packed_record at;
        put_zip_record(&zip, &two[0], &at);
        size_t offset = zip.length;
        put_zip_central(&zip, &two[0], &at);
        size_t size = zip.length - offset, wide = zip.length;
        put(&zip, 0x06064b50, 4);
        put(&zip, 44, 8);
        put(&zip, 0x002D001E, 4);
        put(&zip, 0, 8);
        put(&zip, forged ? 2 : 1, 8);
        put(&zip, forged ? 2 : 1, 8);
        put(&zip, size, 8);
        put(&zip, offset, 8);
        put(&zip, 0x07064b50, 4);
        put(&zip, 0, 4);
        put(&zip, wide, 8);
        put(&zip, 1, 4);
        put(&zip, 0x06054b50, 4);
        put(&zip, 0, 4);
        put(&zip, 1, 2);
        put(&zip, 1, 2);
        put(&zip, size, 4);
        put(&zip, offset, 4);
        put(&zip, 0, 2);
        if (forged) {
            refused(&zip, "ZIP-002");
        } else {
            assert_true(opens(&zip));
            eg_buf_clear(&zip);
        }
    }
}

static void f07_every_truncation(void **state)
{
    eg_buf zip = {0};
    (void)state;
    put_zip(&zip, two, 2);
    for (size_t n = 0; n < zip.length; n++) {
        eg_buf cut = {0};
        eg_buf_add(&cut, zip.data, n);
        assert_false(opens(&cut));
        eg_buf_clear(&cut);
    }
    eg_buf_clear(&zip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stored_and_deflated_records_read),
        cmocka_unit_test(f01_overlap),
        cmocka_unit_test(f02_duplicate),
        cmocka_unit_test(f03_local_name),
        cmocka_unit_test(f04_flags_and_methods),
        cmocka_unit_test(f05_names),
        cmocka_unit_test(f06_bomb),
        cmocka_unit_test(f07_end_records),
        cmocka_unit_test(f07_zip64_disagreement),
        cmocka_unit_test(f07_every_truncation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
