/* safetensors headers, sound and forged, and files as the reference writes them. Cases G01 … G07, W05, W07
 * and the golden vector of the format notes. */
#include "make_model.h"

#include "base/sha256.h"
#include "format/safetensors_header.h"
#include "format/safetensors_writer.h"

/* A file of that header (its length as given) and so many bytes 0, 1, 2 … behind it. */
static eg_buf make_file(const char *header, uint64_t length, size_t data)
{
    eg_buf file = {0};
    put(&file, length, 8);
    eg_buf_puts(&file, header);
    for (size_t i = 0; i < data; i++) eg_buf_add(&file, &(char){(char)i}, 1);
    return file;
}

static void refused(const char *header, size_t data, const char *id)
{
    eg_buf file = make_file(header, strlen(header), data);
    expect_error(&file, id, EG_MALFORMED);
    eg_buf_clear(&file);
}

/* The checkpoint must be closed by the caller. */
static eg_checkpoint *accepted(const char *header, size_t data)
{
    eg_buf file = make_file(header, strlen(header), data);
    eg_checkpoint *out = open_good(&file);
    eg_buf_clear(&file);
    assert_string_equal(out->format, "safetensors");
    return out;
}

static void loads(const char *header, size_t data)
{
    eg_checkpoint_close(accepted(header, data));
}

static eg_store golden_store(void)
{
    static const float weight[] = {0, 1, 2, 3, 4, 5}, bias[] = {10, 11};
    static const int64_t weight_dims[] = {2, 3}, bias_dims[] = {2};
    eg_entry *entries = EG_NEW_ARRAY(&arena, eg_entry, 2);
    entries[0] = eg_entry_in_memory(&arena, "fc.weight", EG_F32, (eg_shape){2, weight_dims}, weight);
    entries[1] = eg_entry_in_memory(&arena, "fc.bias", EG_F32, (eg_shape){1, bias_dims}, bias);
    return (eg_store){.entries = entries, .count = 2};
}

static void g01_golden(void **state)
{
    static const float bias[] = {10, 11};
    const char *path = file_path("golden.safetensors");
    eg_store store = golden_store();
    size_t size;
    char hex[65];
    (void)state;
    write_model(path, &store, NULL);
    const char *bytes = read_back(path, &size);
    eg_sha256_hex(bytes, size, hex);
    assert_int_equal(size, 200);
    assert_int_equal((uint8_t)bytes[0], 160);
    assert_string_equal(hex, "0044a21ca63ef04bd8888534081214a051cefc5bafed98fefe88ea28e9b85e96");
    eg_checkpoint *file = open_path(path);
    expect_store(file, &store);
    expect_floats(file, "fc.bias", bias, 2);
    assert_int_equal(file->store.entries[0].storage->file_offset, 168);
    assert_int_equal(file->value_count, 1);
    assert_string_equal(file->values[0].name, "__metadata__.format");
    assert_string_equal(file->values[0].text, "pt");
    eg_checkpoint_close(file);
}

static void g01_small_files(void **state)
{
    (void)state;
    eg_checkpoint *file = accepted("{}", 0);
    assert_int_equal(file->store.count, 0);
    eg_checkpoint_close(file);
    file = accepted("{\"s\":{\"dtype\":\"I16\",\"shape\":[],\"data_offsets\":[0,2]}}", 2);
    expect_floats(file, "s", (const float[]){256}, 1);
    eg_checkpoint_close(file);
    loads("{\"e\":{\"dtype\":\"F32\",\"shape\":[2,0],\"data_offsets\":[0,0]}}   ", 0);
    loads("{\"e\":{\"dtype\":\"F32\",\"shape\":[0,9223372036854775807],\"data_offsets\":[0,0]}}", 0);
    loads("{ \"a\" : { \"shape\" : [ 1 ] , \"data_offsets\" : [ 0 , 1 ] , \"dtype\" : \"U8\" } }\n\t\r ", 1);
    loads("{\"__metadata__\":null,\"__metadata\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[0,1]}}",
          1);
    file = accepted(" {}", 0);
    assert_int_equal(file->warning_count, 1);
    eg_checkpoint_close(file);
    file = accepted(
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":[1,-2.5e3,{\"y\":null}]}}", 1);
    assert_int_equal(file->warning_count, 1);
    eg_checkpoint_close(file);
}

/* A length whose bytes look like a zlib stream or a pickle. */
static void g01_lengths_that_look_like_others(void **state)
{
    static const uint64_t lengths[] = {0x2078, 0x9C78, 0x2E93, 0x8002, 0x0280};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        char *header = eg_arena_alloc(&arena, lengths[i] + 1);
        memset(header, ' ', lengths[i]);
        memcpy(header, "{}", 2);
        loads(header, 0);
    }
}

static void g01_real_files(void **state)
{
    static const struct {
        const char *file, *name, *sha;
    } tensors[] = {
        {"mel_filters", "mel_80", "85818f156f7e189453901a515e4726d270d307f976e161cf9403e8caab405498"},
        {"voices", "tokens", "abf4bc0e006b01a58fe4cf77162c25389053647496a2260f1ced96fb2892ec32"},
        {"voices", "mask", "47a9aebcf87ed2fe185fc6e5841cc76bb27b627d815b5a43573c6dd8ac2e5312"},
    };
    const char *shared = getenv("ENGRAFT_SHARED");
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const char *path =
            eg_arena_printf(&arena, "%s/checkpoints/%s.safetensors", shared ? shared : ".", tensors[i].file);
        if (!eg_path_exists(path)) skip();
        eg_checkpoint *file = open_path(path);
        const eg_entry *entry = eg_store_find(&file->store, tensors[i].name);
        char hex[65];
        assert_non_null(entry);
        uint8_t *bytes = eg_arena_alloc(&arena, entry->storage->size);
        assert_true(eg_entry_read(entry, bytes, NULL));
        eg_sha256_hex(bytes, entry->storage->size, hex);
        assert_string_equal(hex, tensors[i].sha);
        eg_checkpoint_close(file);
    }
}

static void g03_length(void **state)
{
    static const uint64_t lengths[] = {UINT64_MAX, 100000001, 3, 0};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        eg_buf file = make_file("{}", lengths[i], 0);
        expect_error(&file, "STF-001", EG_MALFORMED);
        eg_buf_clear(&file);
    }
    const char *path = file_path("short.safetensors");
    for (size_t n = 0; n < 8; n++) {
        assert_true(eg_file_write(path, "\2\0\0\0\0\0\0", n, NULL));
        expect_path_error(path, "STF-001");
    }
    eg_buf empty = make_file("{}", 0, 0);
    expect_error(&empty, "STF-002", EG_MALFORMED);
    eg_buf_clear(&empty);
}

#define U8(name, begin, end)                                                                                 \
    "\"" name "\":{\"dtype\":\"U8\",\"shape\":[" #end "],\"data_offsets\":[" #begin "," #end "]}"
#define WITH(name, members) "{\"" name "\":{" members "}}"
#define TENSOR(type, shape, offsets)                                                                         \
    WITH("x", "\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":" offsets)

static void g04_duplicates(void **state)
{
    (void)state;
    refused("{" U8("a", 0, 1) "," U8("a", 0, 1) "}", 1, "STF-003");
    refused("{" U8("a", 0, 1) "," U8("\\u0061", 0, 1) "}", 1, "STF-003");
    refused(WITH("x", "\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]"), 1,
            "STF-003");
    refused(WITH("x", "\"dtype\":\"U8\",\"\\u0064type\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]"), 1,
            "STF-003");
    refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "STF-003");
    refused("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "STF-003");
    refused(WITH("x", "\"y\":1,\"y\":2,\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]"), 1, "STF-003");
    refused(WITH("x", "\"y\":{\"z\":1,\"z\":2},\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]"), 1,
            "STF-003");
}

static void g05_cover(void **state)
{
    (void)state;
    loads("{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[3,5]}," U8("a", 0, 3) "}", 5);
    refused("{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[4,5]}," U8("a", 0, 3) "}", 5,
            "STF-005");
    refused("{\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[2,5]}," U8("a", 0, 3) "}", 5,
            "STF-005");
    refused(TENSOR("U8", "[1]", "[1,2]"), 2, "STF-005");
    refused(TENSOR("U8", "[1]", "[2,1]"), 2, "STF-005");
    refused(TENSOR("U8", "[0]", "[1,0]"), 0, "STF-005");
    refused("{" U8("a", 0, 4) "}", 2, "STF-005");
    refused("{" U8("a", 0, 4) "}", 38, "STF-007");
    refused("{}", 1, "STF-007");
    refused(TENSOR("F32", "[2,3]", "[0,20]"), 20, "STF-006");
    refused(TENSOR("F32", "[]", "[0,0]"), 0, "STF-006");
}

static void g06_numbers(void **state)
{
    static const char *const malformed[] = {
        "1e3",   "1.0", "-1",  "01",   "+1", "0x1", "18446744073709551616",
        "\"1\"", "",    "1 1", "null", "00", "１"};
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
        refused(eg_arena_printf(&arena, TENSOR("U8", "[%s]", "[0,1]"), malformed[i][0] ? malformed[i] : ","),
                1, "STF-002");
        refused(eg_arena_printf(&arena, TENSOR("U8", "[1]", "[0,%s]"), malformed[i]), 1, "STF-002");
    }
    refused(TENSOR("U8", "[18446744073709551614]", "[0,18446744073709551614]"), 1, "TEN-004");
    refused(TENSOR("U8", "[9223372036854775807,3]", "[0,1]"), 1, "TEN-004");
    refused(TENSOR("F64", "[9223372036854775807,2]", "[0,1]"), 1, "TEN-004");
    refused(TENSOR("U8", "[9223372036854775807,3,0]", "[0,0]"), 0, "TEN-004");
    refused(TENSOR("U8", "[1]", "[0,18446744073709551614]"), 1, "STF-006");
    refused(TENSOR("U8", "[1]", "[0,1,2]"), 1, "STF-002");
    refused(TENSOR("U8", "[1]", "[0]"), 1, "STF-002");
}

static void g07_types(void **state)
{
    (void)state;
    refused(TENSOR("F33", "[1]", "[0,4]"), 4, "STF-004");
    refused(TENSOR("f32", "[1]", "[0,4]"), 4, "STF-004");
    refused(TENSOR("C128", "[1]", "[0,16]"), 16, "STF-004");
    refused(TENSOR("QI8", "[1]", "[0,1]"), 1, "STF-004");
    refused(TENSOR("F4", "[3]", "[0,2]"), 2, "STF-006");
    refused(TENSOR("F4", "[4]", "[0,2]"), 2, "TEN-009");
    refused("{\"__metadata__\":{\"step\":1}}", 0, "STF-002");
    refused("{\"__metadata__\":[]}", 0, "STF-002");
    refused("{\"a\":null}", 0, "STF-002");
    refused("{\"a\":{}}", 0, "STF-002");
    refused(WITH("a", "\"dtype\":\"U8\",\"shape\":[1]"), 1, "STF-002");
}

static void g07_texts(void **state)
{
    static const char *const bad[] = {
        "\\ud800", "\\udc00\\ud800", "\\ud800x", "\\ud800\\u0041",   "\\u00g0", "\\u12",  "\\x41",
        "\xff",    "\xed\xa0\x80",   "\xc0\x80", "\xf4\x90\x80\x80", "a\nb",    "\\u0000"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        refused(eg_arena_printf(&arena, "{\"__metadata__\":{\"k\":\"%s\"}}", bad[i]), 0, "STF-002");
        refused(eg_arena_printf(&arena, "{\"%s\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                                bad[i]),
                1, "STF-002");
    }
    eg_checkpoint *file = accepted("{" U8("\\u00e9\\ud83d\\ude00\\/\\n\xc3\xa9", 0, 1) "}", 1);
    assert_string_equal(file->store.entries[0].name, "\xc3\xa9\xf0\x9f\x98\x80/\n\xc3\xa9");
    eg_checkpoint_close(file);
}

static void g07_depth_and_ends(void **state)
{
    static const char *const broken[] = {"{\"a\"",
                                         "{\"a\":",
                                         "{",
                                         "{,}",
                                         "{}{}",
                                         "{} x",
                                         "{\"a\":{}",
                                         "{\"a",
                                         "{a:1}",
                                         "{\"\\\"",
                                         "{\"x\":{\"y\":tru}}",
                                         "{\"x\":{\"y\":1.}}"};
    char deep[2100];
    (void)state;
    int n = snprintf(deep, sizeof deep, "{\"x\":{\"y\":");
    memset(deep + n, '[', 1000);
    memset(deep + n + 1000, ']', 1000);
    strcpy(deep + n + 2000, "}}");
    refused(deep, 0, "STF-002");
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) refused(broken[i], 0, "STF-002");
}

static void g07_too_many(void **state)
{
    eg_buf shape = {0};
    (void)state;
    eg_buf_puts(&shape, "[1");
    for (int i = 0; i < 64; i++) eg_buf_puts(&shape, ",1");
    eg_buf_puts(&shape, "]");
    refused(eg_arena_printf(&arena, TENSOR("U8", "%s", "[0,1]"), shape.data), 1, "TEN-009");
    eg_buf_clear(&shape);
    char *name = eg_arena_alloc(&arena, 4098);
    memset(name, 'n', 4097);
    refused(eg_arena_printf(&arena, "{\"%s\":{}}", name), 0, "STF-002");
}

/* Every proper beginning of a sound file is refused, and no byte behind it is looked at. */
static void every_truncation(void **state)
{
    const char *path = file_path("golden.safetensors");
    eg_store store = golden_store();
    size_t size;
    (void)state;
    write_model(path, &store, NULL);
    const char *bytes = read_back(path, &size);
    for (size_t n = 0; n < size; n++) {
        eg_safetensors_header header;
        eg_arena scratch = {0};
        uint8_t *cut = malloc(n ? n : 1); /* no byte more: a sanitizer sees any access */
        memcpy(cut, bytes, n);
        assert_false(eg_safetensors_header_parse(&header, &scratch, cut, n, NULL));
        eg_arena_clear(&scratch);
        free(cut);
    }
}

static void w05_every_type_comes_back(void **state)
{
    const char *path = file_path("types.safetensors");
    const eg_checkpoint_extra extra = {.card = "{\"made\": \"by hand\",\n \"\\u\": \"\xc3\xa9\"}"};
    eg_store store = many_types(EG_C64);
    (void)state;
    write_model(path, &store, &extra);
    eg_checkpoint *file = open_path(path);
    expect_store(file, &store);
    assert_string_equal(file->card, extra.card);
    eg_checkpoint_close(file);
}

/* Through every format that holds all of them, and back: the same bits. */
static void w05_round_trip_across_formats(void **state)
{
    static const char *const names[] = {"a.safetensors", "b.pth",        "c.npz", "d.safetensors.index.json",
                                        "e.pt",          "f.safetensors"};
    eg_store store = many_types(EG_BOOL);
    eg_checkpoint *last = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        write_model(file_path(names[i]), last ? &last->store : &store, NULL);
        eg_checkpoint_close(last);
        last = open_path(file_path(names[i]));
        expect_store(last, &store);
    }
    eg_checkpoint_close(last);
}

/* The first name of a tie is kept, the others are in the metadata, and reading ties them again. */
static void w05_ties(void **state)
{
    static const float values[] = {1, 2};
    static const int64_t dims[] = {2}, one[] = {1};
    const char *path = file_path("ties.safetensors");
    eg_entry entries[4];
    size_t size;
    (void)state;
    entries[0] = eg_entry_in_memory(&arena, "z", EG_F32, (eg_shape){1, dims}, values);
    entries[1] = entries[2] = entries[3] = entries[0];
    entries[1].name = "b";
    entries[2].name = "y";
    entries[3].name = "slice";
    entries[3].shape.dims = one;
    const eg_store store = {.entries = entries, .count = 4};
    write_model(path, &store, NULL);
    const char *bytes = read_back(path, &size);
    static const char expected[] = "{\"__metadata__\":{\"format\":\"pt\",\"y\":\"b\",\"z\":\"b\"},\"b\":{";
    assert_memory_equal(bytes + 8, expected, sizeof expected - 1);
    eg_checkpoint *file = open_path(path);
    expect_store(file, &store);
    const eg_entry *b = eg_store_find(&file->store, "b"), *z = eg_store_find(&file->store, "z");
    assert_ptr_equal(b->storage, z->storage);
    eg_checkpoint_close(file);
}

/* PyTorch's module versions come back from the metadata; nothing is written where all are 1, which is what
 * PyTorch takes for granted, and what is no table of versions stays a text. */
static void w05_module_versions(void **state)
{
    static const int64_t dims[] = {1};
    static const float value[] = {1};
    static const eg_module_version versions[] = {{"", 1}, {"b\"n", 2}}, plain[] = {{"", 1}, {"fc", 1}};
    const eg_checkpoint_extra extra = {.versions = versions, .version_count = 2},
                              usual = {.versions = plain, .version_count = 2};
    const char *path = file_path("versions.safetensors");
    eg_entry entry = eg_entry_in_memory(&arena, "w", EG_F32, (eg_shape){1, dims}, value);
    const eg_store store = {.entries = &entry, .count = 1};
    size_t size, bare;
    (void)state;
    write_model(path, &store, &extra);
    eg_checkpoint *file = open_path(path);
    assert_int_equal(file->version_count, 2);
    assert_string_equal(file->versions[1].path, "b\"n");
    assert_int_equal(file->versions[0].version, 1);
    assert_int_equal(file->versions[1].version, 2);
    assert_int_equal(file->value_count, 1); /* "format" */
    eg_checkpoint_close(file);
    write_model(path, &store, &usual);
    read_back(path, &size);
    write_model(path, &store, NULL);
    read_back(path, &bare);
    assert_int_equal(size, bare);
    static const char *const texts[] = {"{\\\"a\\\":\\\"b\\\"}", "[]", "{", "7"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        eg_buf made = {0};
        const char *header =
            eg_arena_printf(&arena, "{\"__metadata__\":{\"engraft.versions\":\"%s\"}}", texts[i]);
        put(&made, strlen(header), 8);
        eg_buf_puts(&made, header);
        file = open_good(&made);
        assert_int_equal(file->version_count, 0);
        assert_int_equal(file->value_count, 1);
        eg_checkpoint_close(file);
        eg_buf_clear(&made);
    }
}

/* Types widest first, then names by byte; escapes as serde_json writes them; padding to 8; the same bytes
 * twice. */
static void w07_order_and_escapes(void **state)
{
    static const int64_t dims[] = {1};
    static const char *const names[] = {"b", "a\"\\/\b\f\n\r\t\x01\x7f", "\xc3\xa9", "B"};
    static const eg_dtype dtypes[] = {EG_BOOL, EG_U8, EG_U8, EG_F64};
    const char *path = file_path("a.safetensors"), *again = file_path("b.safetensors");
    eg_entry entries[4];
    size_t size, second;
    (void)state;
    for (int i = 0; i < 4; i++)
        entries[i] =
            eg_entry_in_memory(&arena, names[i], dtypes[i], (eg_shape){1, dims}, "\1\2\3\4\5\6\7\10");
    const eg_store store = {.entries = entries, .count = 4};
    write_model(path, &store, NULL);
    const char *bytes = read_back(path, &size);
    static const char expected[] =
        "{\"__metadata__\":{\"format\":\"pt\"},\"B\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}"
        ","
        "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\x7f\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[8,9]},"
        "\"\xc3\xa9\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[9,10]},"
        "\"b\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[10,11]}}";
    assert_memory_equal(bytes + 8, expected, sizeof expected - 1);
    for (size_t i = 8 + sizeof expected - 1; i < size - 11; i++) assert_int_equal(bytes[i], ' ');
    assert_int_equal((size - 11) % 8, 0);
    setenv("LC_ALL", "de_DE.UTF-8", 1);
    eg_entry turned[] = {entries[3], entries[2], entries[1], entries[0]};
    write_model(again, &(eg_store){.entries = turned, .count = 4}, NULL);
    const char *other = read_back(again, &second);
    assert_int_equal(size, second);
    assert_memory_equal(bytes, other, size);
    eg_checkpoint *file = open_path(path);
    expect_store(file, &store);
    eg_checkpoint_close(file);
}

static void w07_types_in_order(void **state)
{
    (void)state;
    for (int i = 1; i < EG_SAFETENSORS_TYPE_COUNT; i++) /* BOOL is last by rank, not by width */
        if (strcmp(eg_safetensors_types[i].name, "BOOL") != 0)
            assert_true(eg_safetensors_types[i].bits <= eg_safetensors_types[i - 1].bits);
    for (eg_dtype d = 0; d <= EG_C64; d++) {
        int known = 0;
        for (int i = 0; i < EG_SAFETENSORS_TYPE_COUNT; i++) known += eg_safetensors_types[i].dtype == d;
        assert_int_equal(known, 1);
    }
}

static void what_cannot_be_written_is_refused(void **state)
{
    static const int64_t dims[] = {1};
    eg_entry bad[6];
    const char *path = file_path("bad.safetensors");
    (void)state;
    bad[0] = eg_entry_in_memory(&arena, "q", EG_QI8, (eg_shape){1, dims}, "x");
    bad[1] = eg_entry_in_memory(&arena, "c", EG_C128, (eg_shape){1, dims}, "xxxxxxxxxxxxxxxx");
    bad[2] = eg_entry_in_memory(&arena, "\xff", EG_I8, (eg_shape){1, dims}, "x");
    bad[3] = eg_entry_in_memory(&arena, "__metadata__", EG_I8, (eg_shape){1, dims}, "x");
    bad[4] = bad[5] = eg_entry_in_memory(&arena, "twice", EG_I8, (eg_shape){1, dims}, "x");
    for (int i = 0; i < 5; i++) {
        eg_error err = {0};
        const eg_store store = {.entries = &bad[i], .count = i < 4 ? 1 : 2};
        assert_false(eg_checkpoint_write(path, &store, NULL, &err));
        assert_string_equal(err.id, "WR-001");
        assert_string_equal(err.file, path);
        assert_false(eg_path_exists(path));
    }
    bad[4].name = "a";
    bad[5].name = "format"; /* tied to a, and taken */
    assert_false(eg_checkpoint_write(path, &(eg_store){.entries = &bad[4], .count = 2}, NULL, NULL));
}

static void extensions_that_are_written(void **state)
{
    static const char *const good[] = {"a.pth", "a.pt", "x/a.safetensors", "a.npz",
                                       "m.safetensors.index.json"};
    eg_error err = {0};
    (void)state;
    for (size_t i = 0; i < 5; i++) assert_true(eg_checkpoint_writable(good[i], &err));
    assert_false(eg_checkpoint_writable("a.npy", &err));
    assert_int_equal(err.code, EG_USAGE);
    assert_non_null(strstr(err.text, ".safetensors"));
    assert_non_null(strstr(err.text, ".npz"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(g01_golden, teardown),
        cmocka_unit_test_teardown(g01_small_files, teardown),
        cmocka_unit_test_teardown(g01_lengths_that_look_like_others, teardown),
        cmocka_unit_test_teardown(g01_real_files, teardown),
        cmocka_unit_test_teardown(g03_length, teardown),
        cmocka_unit_test_teardown(g04_duplicates, teardown),
        cmocka_unit_test_teardown(g05_cover, teardown),
        cmocka_unit_test_teardown(g06_numbers, teardown),
        cmocka_unit_test_teardown(g07_types, teardown),
        cmocka_unit_test_teardown(g07_texts, teardown),
        cmocka_unit_test_teardown(g07_depth_and_ends, teardown),
        cmocka_unit_test_teardown(g07_too_many, teardown),
        cmocka_unit_test_teardown(every_truncation, teardown),
        cmocka_unit_test_teardown(w05_every_type_comes_back, teardown),
        cmocka_unit_test_teardown(w05_round_trip_across_formats, teardown),
        cmocka_unit_test_teardown(w05_ties, teardown),
        cmocka_unit_test_teardown(w05_module_versions, teardown),
        cmocka_unit_test_teardown(w07_order_and_escapes, teardown),
        cmocka_unit_test_teardown(w07_types_in_order, teardown),
        cmocka_unit_test_teardown(what_cannot_be_written_is_refused, teardown),
        cmocka_unit_test_teardown(extensions_that_are_written, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
