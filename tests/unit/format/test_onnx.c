/* ONNX models built here, sound and forged: case X05 of the format notes. */
#include "make_torch.h"

#include <sys/stat.h>

#include "format/onnx.h"

enum {
    FLOAT = 1,
    UINT8 = 2,
    INT8 = 3,
    INT64 = 7,
    STRING = 8,
    BOOL = 9,
    HALF = 10,
    DOUBLE = 11,
    UINT64 = 13,
    C64 = 14
};
enum {
    DIMS = 1,
    TYPE = 2,
    SEGMENT = 3,
    FLOATS = 4,
    INT32S = 5,
    INT64S = 7,
    NAME = 8,
    RAW = 9,
    DOUBLES = 10,
    UINT64S = 11,
    EXTERNAL = 13,
    LOCATION = 14
};

static void put_varint(eg_buf *m, uint64_t value)
{
    for (; value >= 128; value >>= 7) put(m, value | 128, 1);
    put(m, value, 1);
}

static void put_int_field(eg_buf *m, uint32_t field, uint64_t value)
{
    put_varint(m, field << 3);
    put_varint(m, value);
}

static void put_bytes_field(eg_buf *m, uint32_t field, const void *bytes, size_t size)
{
    put_varint(m, field << 3 | 2);
    put_varint(m, size);
    eg_buf_add(m, bytes, size);
}

static void put_text_field(eg_buf *m, uint32_t field, const char *text)
{
    put_bytes_field(m, field, text, strlen(text));
}

/* Adds a message as a field and clears it. */
static void put_message(eg_buf *m, uint32_t field, eg_buf *message)
{
    put_bytes_field(m, field, message->data, message->length);
    eg_buf_clear(message);
}

/* The start of a TensorProto of two dimensions; a size of -1 is left out. */
static eg_buf tensor(const char *name, uint64_t type, int64_t rows, int64_t columns)
{
    eg_buf t = {0};
    if (rows != -1) put_int_field(&t, DIMS, (uint64_t)rows);
    if (columns != -1) put_int_field(&t, DIMS, (uint64_t)columns);
    put_int_field(&t, TYPE, type);
    put_text_field(&t, NAME, name);
    return t;
}

/* A model around a graph, both cleared with it. */
static eg_buf model(eg_buf *graph)
{
    eg_buf m = {0};
    put_int_field(&m, 1, 8);
    put_text_field(&m, 2, "test");
    put_message(&m, 7, graph);
    return m;
}

/* A model with one initialiser. */
static eg_buf model_of(eg_buf *t)
{
    eg_buf graph = {0};
    put_text_field(&graph, 2, "net");
    put_message(&graph, 5, t);
    return model(&graph);
}

static void expect_gone(eg_buf m, const char *id)
{
    expect_error(&m, id, EG_MALFORMED);
    eg_buf_clear(&m);
}

static void put_one_initializer(eg_buf *graph, eg_buf t)
{
    put_message(graph, 5, &t);
}

static void x05_raw_and_typed_data(void **state)
{
    static const float floats[] = {0, 1, 2, 3, 4, 5};
    eg_buf graph = {0}, t, packed = {0};
    (void)state;
    t = tensor("raw", FLOAT, 2, 3);
    put_bytes_field(&t, RAW, floats, sizeof floats);
    put_one_initializer(&graph, t);
    t = tensor("packed", FLOAT, 3, 2);
    put_bytes_field(&t, FLOATS, floats, 8); /* in two chunks */
    put_bytes_field(&t, FLOATS, floats + 2, 16);
    put_one_initializer(&graph, t);
    t = tensor("loose", FLOAT, 2, -1);
    for (int i = 0; i < 2; i++) {
        put_varint(&t, FLOATS << 3 | 5);
        eg_buf_add(&t, &floats[4 + i], 4);
    }
    put_one_initializer(&graph, t);
    t = tensor("half", HALF, 2, -1);
    put_varint(&packed, 0x3E00);
    put_varint(&packed, 0xC000);
    put_message(&t, INT32S, &packed);
    put_one_initializer(&graph, t);
    t = tensor("byte", INT8, 3, -1);
    put_varint(&packed, 5);
    put_varint(&packed, UINT64_MAX);
    put_varint(&packed, (uint64_t)-128);
    put_message(&t, INT32S, &packed);
    put_one_initializer(&graph, t);
    t = tensor("bool", BOOL, 2, -1);
    put_int_field(&t, INT32S, 1);
    put_int_field(&t, INT32S, 0);
    put_one_initializer(&graph, t);
    t = tensor("long", INT64, -1, -1);
    put_int_field(&t, INT64S, (uint64_t)-7);
    put_one_initializer(&graph, t);
    t = tensor("double", DOUBLE, 1, -1);
    put_bytes_field(&t, DOUBLES, &(double){2.5}, 8);
    put_one_initializer(&graph, t);
    t = tensor("unsigned", UINT64, 1, -1);
    put_int_field(&t, UINT64S, 1ull << 40);
    put_one_initializer(&graph, t);
    t = tensor("complex", C64, 1, -1);
    put_bytes_field(&t, FLOATS, (float[]){1, -2}, 8);
    put_one_initializer(&graph, t);
    put_one_initializer(&graph, tensor("none", FLOAT, 0, 3));
    eg_buf m = model(&graph);
    eg_checkpoint *file = open_good(&m);
    assert_string_equal(file->format, "onnx");
    assert_int_equal(file->store.count, 11);
    assert_int_equal(file->store.entries[0].shape.dims[1], 3);
    expect_floats(file, "raw", floats, 6);
    expect_floats(file, "packed", floats, 6);
    expect_floats(file, "loose", floats + 4, 2);
    expect_floats(file, "half", (const float[]){1.5f, -2}, 2);
    expect_floats(file, "byte", (const float[]){5, -1, -128}, 3);
    expect_floats(file, "bool", (const float[]){1, 0}, 2);
    expect_floats(file, "long", (const float[]){-7}, 1);
    expect_floats(file, "double", (const float[]){2.5}, 1);
    expect_floats(file, "unsigned", (const float[]){1099511627776.0f}, 1);
    expect_floats(file, "none", NULL, 0);
    float pair[2];
    assert_true(eg_entry_read(eg_store_find(&file->store, "complex"), pair, NULL));
    assert_true(pair[0] == 1 && pair[1] == -2);
    assert_int_equal(file->value_count, 2);
    assert_string_equal(file->values[1].text, "test");
    eg_checkpoint_close(file);
    eg_buf_clear(&m);
}

static void wrong_amounts_of_data(void **state)
{
    static const float floats[] = {0, 1, 2, 3, 4, 5, 6};
    (void)state;
    for (size_t n = 0; n <= 7; n++) {
        if (n == 6) continue;
        eg_buf raw = tensor("w", FLOAT, 2, 3), packed = tensor("w", FLOAT, 2, 3);
        put_bytes_field(&raw, RAW, floats, n * 4);
        put_bytes_field(&packed, FLOATS, floats, n * 4);
        expect_gone(model_of(&raw), "ONX-003");
        expect_gone(model_of(&packed), "ONX-003");
    }
    eg_buf t = tensor("w", FLOAT, 2, 3); /* not whole numbers */
    put_bytes_field(&t, FLOATS, floats, 23);
    expect_gone(model_of(&t), "ONX-003");
    t = tensor("w", FLOAT, 2, 3);
    put_bytes_field(&t, INT32S, floats, 6); /* the field of another type */
    expect_gone(model_of(&t), "ONX-003");
    t = tensor("w", FLOAT, 2, 3);
    put_bytes_field(&t, RAW, floats, 24);
    put_bytes_field(&t, FLOATS, floats, 24);
    expect_gone(model_of(&t), "ONX-003");
}

static void descriptions_that_are_refused(void **state)
{
    (void)state;
    eg_buf t = tensor("w", STRING, 1, -1);
    expect_gone(model_of(&t), "TEN-009");
    t = tensor("w", 22, 1, -1); /* int4 */
    expect_gone(model_of(&t), "TEN-009");
    t = tensor("w", 1ull << 40, 1, -1);
    expect_gone(model_of(&t), "TEN-009");
    t = tensor("w", FLOAT, -2, 1);
    expect_gone(model_of(&t), "TEN-002");
    t = tensor("w", FLOAT, INT64_MAX, 3);
    expect_gone(model_of(&t), "TEN-004");
    t = tensor("w", FLOAT, INT64_MAX, 1);
    expect_gone(model_of(&t), "TEN-004");
    t = tensor("w", C64, INT64_MAX / 2, 1);
    expect_gone(model_of(&t), "TEN-004");
    t = tensor("", FLOAT, 0, 1);
    expect_gone(model_of(&t), "ONX-002");
    t = tensor("\xc3", FLOAT, 0, 1);
    expect_gone(model_of(&t), "ONX-002");
    t = tensor("w", FLOAT, 0, 1);
    put_text_field(&t, SEGMENT, "");
    expect_gone(model_of(&t), "TEN-009");
    t = tensor("w", FLOAT, 0, 1);
    for (int i = 0; i < 65; i++) put_int_field(&t, DIMS, 1);
    expect_gone(model_of(&t), "ONX-002");
    eg_buf graph = {0};
    for (int i = 0; i < 2; i++) put_one_initializer(&graph, tensor("w", FLOAT, 0, 1));
    expect_gone(model(&graph), "ONX-002");
    put_text_field(&graph, 15, "");
    expect_gone(model(&graph), "TEN-009"); /* sparse */
    put_text_field(&graph, 2, "empty");
    expect_gone(model(&graph), "SEL-002");
}

/* Bytes after the model's first field and a graph's start. */
static void damaged_messages(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } graphs[] = {
        {"\x2a\x7f", 2},                                      /* an initialiser of 127 bytes */
        {"\x2b\x2c", 2},                                      /* a group */
        {"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11}, /* a varint of more than 64 bits */
        {"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11}, /* a length of 2^64 - 1 */
        {"\x02\x00", 2},                                      /* field 0 */
        {"\x2a\x03\x08\xff\xff", 5},                          /* a cut size */
        {"\x2a\x04\x0a\x02\xff\xff", 6},                      /* a cut packed size */
        {"\x2a\x04\x6a\x02\x0a\x05", 6},                      /* a cut pair of the external data */
    };
    (void)state;
    for (size_t i = 0; i < sizeof graphs / sizeof *graphs; i++) {
        eg_buf graph = {0};
        eg_buf_add(&graph, graphs[i].bytes, graphs[i].size);
        expect_gone(model(&graph), "ONX-001");
    }
    eg_buf graph = {0}, second = {0}, m;
    put_one_initializer(&graph, tensor("w", FLOAT, 0, 1));
    m = model(&graph);
    put_message(&m, 7, &second);
    expect_gone(m, "ONX-001");
}

static void every_truncation_is_refused(void **state)
{
    eg_buf t = tensor("w", FLOAT, 2, -1);
    (void)state;
    put_bytes_field(&t, RAW, (float[]){1, 2}, 8);
    eg_buf m = model_of(&t);
    for (size_t n = 0; n < m.length; n++) {
        eg_buf cut = {0};
        eg_error err;
        eg_buf_add(&cut, m.data, n);
        assert_null(open_with(&cut, NULL, &err));
        assert_int_equal(err.code, EG_MALFORMED);
        eg_buf_clear(&cut);
    }
    eg_buf_clear(&m);
}

static void put_pair(eg_buf *t, const char *key, const char *value)
{
    eg_buf pair = {0};
    put_text_field(&pair, 1, key);
    put_text_field(&pair, 2, value);
    put_message(t, EXTERNAL, &pair);
}

/* Opens, in a folder with w.bin (the floats 0 to 5) and link.bin (a link to it), a model whose (2) floats are
 * external. NULL: the pair is left out. */
static eg_checkpoint *open_external(const char *location, const char *offset, const char *length,
                                    eg_error *err)
{
    static const char *const names[] = {"model.onnx", "w.bin", "link.bin"};
    char folder[256], path[300];
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/engraft-onnx-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(folder));
    eg_buf t = tensor("w", FLOAT, 2, -1);
    if (location) put_pair(&t, "location", location);
    if (offset) put_pair(&t, "offset", offset);
    if (length) put_pair(&t, "length", length);
    put_int_field(&t, LOCATION, 1);
    eg_buf m = model_of(&t);
    eg_error why = {0};
    snprintf(path, sizeof path, "%s/w.bin", folder);
    assert_true(eg_file_write(path, (const char *)(const float[]){0, 1, 2, 3, 4, 5}, 24, &why));
    snprintf(path, sizeof path, "%s/link.bin", folder);
    assert_int_equal(symlink("w.bin", path), 0);
    snprintf(path, sizeof path, "%s/model.onnx", folder);
    assert_true(eg_file_write(path, m.data, m.length, &why));
    eg_buf_clear(&m);
    *err = (eg_error){0};
    eg_checkpoint *file = eg_checkpoint_open(path, NULL, err);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
    return file;
}

static void x05_external_data(void **state)
{
    static const struct {
        const char *location, *offset, *length,
            *id; /* id NULL: the floats are 3 and 4; "": any error without one */
    } cases[] = {
        {"w.bin", "12", "8", NULL},
        {"w.bin", "12", NULL, NULL},
        {"w.bin", "12", "12", "ONX-003"},
        {"w.bin", "20", "8", "ONX-004"},
        {"w.bin", "18446744073709551615", "8", "ONX-004"},
        {"w.bin", "18446744073709551616", "8", "ONX-004"},
        {"w.bin", "-1", "8", "ONX-004"},
        {"w.bin", "", "8", "ONX-004"},
        {"../w.bin", "12", "8", "ONX-004"},
        {"/etc/passwd", "0", "8", "ONX-004"},
        {".w.bin", "12", "8", "ONX-004"},
        {"", "12", "8", "ONX-004"},
        {NULL, "12", "8", "ONX-004"},
        {"link.bin", "12", "8", ""},
        {"absent.bin", "12", "8", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eg_error err;
        eg_checkpoint *file = open_external(cases[i].location, cases[i].offset, cases[i].length, &err);
        if (!cases[i].id) {
            if (!file) fail_msg("%s: %s", err.id, err.text);
            expect_floats(file, "w", (const float[]){3, 4}, 2);
            eg_checkpoint_close(file);
        } else if (file || strcmp(err.id, cases[i].id) != 0) {
            fail_msg("case %zu: expected '%s', got '%s': %s", i, cases[i].id, err.id, err.text);
        }
    }
}

static void what_is_no_onnx_file(void **state)
{
    (void)state;
    assert_false(eg_onnx_is((const uint8_t *)"", 0));
    assert_false(eg_onnx_is((const uint8_t *)"\x08\x07", 2));         /* no graph */
    assert_false(eg_onnx_is((const uint8_t *)"\x08\x00\x3a\x00", 4)); /* version 0 */
    assert_false(eg_onnx_is((const uint8_t *)"\x3a\x00", 2));
    assert_true(eg_onnx_is((const uint8_t *)"\x08\x07\x3a\x00", 4));
    assert_true(eg_onnx_is((const uint8_t *)"\x08\x07\x3a\x10", 4)); /* cut off */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x05_raw_and_typed_data),        cmocka_unit_test(wrong_amounts_of_data),
        cmocka_unit_test(descriptions_that_are_refused), cmocka_unit_test(damaged_messages),
        cmocka_unit_test(every_truncation_is_refused),   cmocka_unit_test(x05_external_data),
        cmocka_unit_test(what_is_no_onnx_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
