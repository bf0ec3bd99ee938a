/* numpy's arrays, alone and in archives. Case X01. */
#include "make_model.h"

#include "format/zip_directory.h"

/* A .npy file of that version whose header's length is a multiple of 64 at least as long as `longest`. */
static eg_buf make_npy(int version, const char *dict, size_t longest, const void *bytes, size_t size)
{
    eg_buf file = {0}, text = {0};
    unsigned width = version == 1 ? 2 : 4;
    eg_buf_puts(&text, dict);
    while (text.length + 1 < longest || (8 + width + text.length + 1) % 64) eg_buf_puts(&text, " ");
    eg_buf_puts(&text, "\n");
    eg_buf_puts(&file, "\x93NUMPY");
    put(&file, (uint64_t)version, 2);
    put(&file, text.length, width);
    eg_buf_add(&file, text.data, text.length);
    if (size) eg_buf_add(&file, bytes, size);
    eg_buf_clear(&text);
    return file;
}

static eg_checkpoint *accepted(int version, const char *dict, const void *bytes, size_t size)
{
    eg_buf file = make_npy(version, dict, 0, bytes, size);
    eg_checkpoint *out = open_good(&file);
    eg_buf_clear(&file);
    assert_string_equal(out->format, "npy");
    return out;
}

static void holds(int version, const char *dict, const void *bytes, size_t size, const float *values,
                  size_t count)
{
    eg_checkpoint *file = accepted(version, dict, bytes, size);
    expect_floats(file, "arr_0", values, count);
    eg_checkpoint_close(file);
}

static void refused(const char *dict, const void *bytes, size_t size, const char *id)
{
    eg_buf file = make_npy(1, dict, 0, bytes, size);
    expect_error(&file, id, EG_MALFORMED);
    eg_buf_clear(&file);
}

#define DICT(descr, fortran, shape) "{'descr': " descr ", 'fortran_order': " fortran ", 'shape': " shape ", }"

static void x01_versions_and_orders(void **state)
{
    static const float rows[] = {0, 1, 2, 3, 4, 5}, columns[] = {0, 2, 4, 1, 3, 5};
    (void)state;
    for (int version = 1; version <= 3; version++) {
        holds(version, DICT("'<f4'", "False", "(2, 3)"), rows, 24, rows, 6);
        holds(version, DICT("'<f4'", "True", "(2, 3)"), rows, 24, columns, 6);
    }
    holds(1, DICT("\"<f4\"", "False", "(6L,)"), rows, 24, rows, 6);
    holds(1, "{\"shape\":(3,2,),\"fortran_order\":False,\"descr\":\"<f4\"}", rows, 24, rows, 6);
    holds(1, DICT("'<f4'", "True", "()"), rows + 1, 4, rows + 1, 1);
    eg_checkpoint_close(accepted(1, DICT("'<f4'", "True", "(0, 3)"), NULL, 0));
}

static void x01_types(void **state)
{
    static const struct {
        const char *dict, *bytes;
        size_t size;
        float value;
    } arrays[] = {
        {DICT("'<f2'", "False", "()"), "\x00\x42", 2, 3},
        {DICT("'>f2'", "False", "()"), "\x42\x00", 2, 3},
        {DICT("'>f8'", "False", "()"), "\x40\x08\0\0\0\0\0\0", 8, 3},
        {DICT("'|b1'", "False", "()"), "\2", 1, 1},
        {DICT("'|i1'", "False", "()"), "\xff", 1, -1},
        {DICT("'|u1'", "False", "()"), "\xff", 1, 255},
        {DICT("'<i2'", "False", "()"), "\xfe\xff", 2, -2},
        {DICT("'>u4'", "False", "()"), "\0\0\1\0", 4, 256},
        {DICT("'=i8'", "False", "()"), "\7\0\0\0\0\0\0\0", 8, 7},
        {DICT("'|V2'", "False", "()"), "\x40\x40", 2, 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        holds(1, arrays[i].dict, arrays[i].bytes, arrays[i].size, &arrays[i].value, 1);
    eg_checkpoint *file = accepted(1, DICT("'>c8'", "False", "()"), "\x3f\x80\0\0\x40\0\0\0", 8);
    float complex_number[2];
    assert_true(eg_entry_read(&file->store.entries[0], complex_number, NULL));
    assert_true(complex_number[0] == 1 && complex_number[1] == 2);
    eg_checkpoint_close(file);
}

static void x01_refused_types(void **state)
{
    static const char *const dicts[] = {
        DICT("'|O'", "False", "(1,)"),      DICT("'<U4'", "False", "(1,)"),
        DICT("'|S4'", "False", "(1,)"),     DICT("'<f16'", "False", "(1,)"),
        DICT("'|V4'", "False", "(1,)"),     DICT("[('a', '<f4'), ('b', '<i4', (2, 3))]", "False", "(1,)"),
        DICT("'<M8[ns]'", "False", "(1,)"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof dicts / sizeof *dicts; i++)
        refused(dicts[i], "0123456789abcdef", 16, "TEN-009");
}

static void x01_headers(void **state)
{
    static const char *const dicts[] = {
        "",
        "{}",
        "{'descr': '<f4', 'fortran_order': False}",
        DICT("'<f4'", "0", "(1,)"),
        DICT("'<f4'", "False", "(1)"),
        DICT("'<f4'", "False", "(-1,)"),
        DICT("'<f4'", "False", "(1.0,)"),
        DICT("'<f4'", "False", "(1 1)"),
        DICT("'<f4'", "False", "[1]"),
        DICT("'<f4'", "False", "(1,),"),
        DICT("'f4'", "False", "(1,)"),
        DICT("'<f4", "False", "(1,)"),
        DICT("'<\\x664'", "False", "(1,)"),
        DICT("('<f4', (2,))", "False", "(1,)"),
        DICT("[('a', '<f4')", "False", "(1,)"),
        DICT("'<f4'", "False", "(1,)") "x",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (), 'more': 1}",
        DICT("'<f4'", "__import__('os')", "()"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof dicts / sizeof *dicts; i++) refused(dicts[i], "0123", 4, "NPY-001");
    refused(DICT("'<f4'", "False", "(9223372036854775807, 3)"), "0123", 4, "TEN-004");
    refused(DICT("'<f4'", "False", "(9223372036854775807,)"), "0123", 4, "TEN-004");
    refused(DICT("'<f4'", "False", "(9223372036854775808,)"), "0123", 4, "TEN-004");
    refused(DICT("'<f4'", "False", "(2,)"), "0123", 4, "NPY-002");
    eg_checkpoint *file = accepted(1, DICT("'<f4'", "False", "(1,)"), "01234567", 8);
    assert_int_equal(file->warning_count, 1);
    eg_checkpoint_close(file);
}

static void x01_long_headers(void **state)
{
    (void)state;
    for (int version = 1; version <= 2; version++) {
        eg_buf file = make_npy(version, DICT("'|u1'", "False", "(1,)"), 9900, "x", 1);
        eg_checkpoint_close(open_good(&file));
        eg_buf_clear(&file);
        file = make_npy(version, DICT("'|u1'", "False", "(1,)"), 10001, "x", 1);
        expect_error(&file, "NPY-001", EG_MALFORMED);
        eg_buf_clear(&file);
    }
    eg_buf file = make_npy(1, DICT("'<f4'", "False", "(1,)"), 0, "0123", 4);
    for (size_t n = 6; n < file.length; n++) {
        eg_buf cut = {0};
        eg_buf_add(&cut, file.data, n);
        expect_error(&cut, n < file.length - 4 ? "NPY-001" : "NPY-002", EG_MALFORMED);
        eg_buf_clear(&cut);
    }
    file.data[6] = 4;
    expect_error(&file, "NPY-001", EG_MALFORMED);
    eg_buf_clear(&file);
}

/* Stored and deflated members, names with slashes, an array of texts beside them. */
static void archives(void **state)
{
    static const float rows[] = {0, 1, 2, 3, 4, 5}, columns[] = {0, 2, 4, 1, 3, 5};
    (void)state;
    for (int deflate = 0; deflate < 2; deflate++) {
        eg_buf a = make_npy(1, DICT("'<f4'", "False", "(2, 3)"), 0, rows, 24);
        eg_buf b = make_npy(2, DICT("'<f4'", "True", "(2, 3)"), 0, rows, 24);
        eg_buf c = make_npy(1, DICT("'<U1'", "False", "(6,)"), 0, rows, 24), zip = {0};
        const record records[] = {
            {.name = "block/kernel.npy", .bytes = a.data, .size = a.length, .deflate = deflate},
            {.name = "b.npy", .bytes = b.data, .size = b.length, .deflate = deflate},
            {.name = "words.npy", .bytes = c.data, .size = c.length, .deflate = deflate},
        };
        put_zip(&zip, records, 3);
        eg_checkpoint *file = open_good(&zip);
        assert_string_equal(file->format, "npz");
        assert_int_equal(file->store.count, 2);
        expect_floats(file, "block/kernel", rows, 6);
        expect_floats(file, "b", columns, 6);
        assert_int_equal(file->value_count, 1);
        assert_string_equal(file->values[0].type, "numpy <U1");
        assert_int_equal(file->store.entries[0].storage->fd < 0, deflate);
        eg_checkpoint_close(file);
        eg_buf_clear(&a);
        eg_buf_clear(&b);
        eg_buf_clear(&c);
        eg_buf_clear(&zip);
    }
}

static void archives_refused(void **state)
{
    static const float rows[] = {0, 1, 2, 3, 4, 5};
    eg_buf object = make_npy(1, DICT("'|O'", "False", "(1,)"), 0, "\x80\4.", 3), zip = {0};
    eg_buf longer = make_npy(1, DICT("'<f4'", "False", "(5,)"), 0, rows, 24);
    eg_buf good = make_npy(1, DICT("'<f4'", "False", "(6,)"), 0, rows, 24);
    const record records[] = {{.name = "o.npy", .bytes = object.data, .size = object.length},
                              {.name = "l.npy", .bytes = longer.data, .size = longer.length},
                              {.name = "l.npy", .bytes = longer.data, .size = 3, .deflate = true},
                              {.name = "g.npy", .bytes = good.data, .size = good.length, .crc_change = 1}};
    static const char *const ids[] = {"TEN-009", "NPY-002", "NPY-001"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        put_zip(&zip, &records[i], 1);
        expect_error(&zip, ids[i], EG_MALFORMED);
        eg_buf_clear(&zip);
    }
    put_zip(&zip, &records[3], 1); /* a wrong CRC shows when the array is read */
    eg_checkpoint *file = open_good(&zip);
    eg_error err = {0};
    float out[6];
    assert_false(eg_entry_read(&file->store.entries[0], out, &err));
    assert_string_equal(err.id, "ZIP-011");
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
    eg_buf_clear(&object);
    eg_buf_clear(&longer);
    eg_buf_clear(&good);
}

static void w05_every_type_comes_back(void **state)
{
    const char *path = file_path("a.npz"), *again = file_path("b.npz");
    eg_store store = many_types(EG_BOOL);
    size_t size, second;
    (void)state;
    write_model(path, &store, NULL);
    eg_checkpoint *file = open_path(path);
    expect_store(file, &store);
    assert_string_equal(file->store.entries[1].name, store.entries[1].name);
    for (size_t i = 0; i < file->store.count; i++)
        assert_int_equal(file->store.entries[i].storage->file_offset % 64, 0);
    write_model(again, &file->store, NULL);
    eg_checkpoint_close(file);
    const char *a = read_back(path, &size), *b = read_back(again, &second);
    assert_int_equal(size, second);
    assert_memory_equal(a, b, size);
}

static void written_headers_are_numpys(void **state)
{
    static const int64_t dims[] = {2, 3};
    static const char *const shapes[] = {"()", "(2,)", "(2, 3)"};
    const char *path = file_path("h.npz");
    (void)state;
    for (uint32_t rank = 0; rank < 3; rank++) {
        eg_entry entry =
            eg_entry_in_memory(&arena, "x", EG_F32, (eg_shape){rank, dims}, "0123456789abcdef01234567");
        write_model(path, &(eg_store){.entries = &entry, .count = 1}, NULL);
        size_t size;
        const char *bytes = read_back(path, &size);
        const char *expected =
            eg_arena_printf(&arena, "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }", shapes[rank]);
        assert_memory_equal(bytes + 64, "\x93NUMPY\1\0\x76\0", 10);
        assert_memory_equal(bytes + 74, expected, strlen(expected));
        assert_int_equal(bytes[64 + 127], '\n');
    }
}

/* numpy, too, knows an empty archive by the end record in front. */
static void an_empty_store_comes_back(void **state)
{
    const char *path = file_path("empty.npz");
    const eg_store none = {0};
    size_t size;
    (void)state;
    write_model(path, &none, NULL);
    const char *bytes = read_back(path, &size);
    assert_int_equal(size, 22);
    assert_memory_equal(bytes, "PK\5\6", 4);
    eg_checkpoint *file = open_path(path);
    assert_string_equal(file->format, "npz");
    assert_int_equal(file->store.count, 0);
    eg_checkpoint_close(file);
}

static void what_cannot_be_written_is_refused(void **state)
{
    static const int64_t dims[] = {1};
    static const char *const names[] = {"", "a:0", "../x", "/x", "a//b", "\xff"};
    const char *path = file_path("bad.npz");
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        eg_error err = {0};
        eg_entry entries[2];
        entries[0] = entries[1] = eg_entry_in_memory(&arena, i < 6 ? names[i] : "x",
                                                     i == 6 ? EG_F8_E4M3 : EG_U8, (eg_shape){1, dims}, "x");
        assert_false(
            eg_checkpoint_write(path, &(eg_store){.entries = entries, .count = i == 7 ? 2 : 1}, NULL, &err));
        assert_string_equal(err.id, "WR-001");
        assert_false(eg_path_exists(path));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(x01_versions_and_orders, teardown),
        cmocka_unit_test_teardown(x01_types, teardown),
        cmocka_unit_test_teardown(x01_refused_types, teardown),
        cmocka_unit_test_teardown(x01_headers, teardown),
        cmocka_unit_test_teardown(x01_long_headers, teardown),
        cmocka_unit_test_teardown(archives, teardown),
        cmocka_unit_test_teardown(archives_refused, teardown),
        cmocka_unit_test_teardown(w05_every_type_comes_back, teardown),
        cmocka_unit_test_teardown(written_headers_are_numpys, teardown),
        cmocka_unit_test_teardown(an_empty_store_comes_back, teardown),
        cmocka_unit_test_teardown(what_cannot_be_written_is_refused, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
