/* Checkpoints in several files: what an index may name, what its shards must hold, and large ones that open
 * at once. Section 1.7 of the format notes. */
#include "make_model.h"

#include <time.h>

#define INDEX "model.safetensors.index.json"

static void write_text(const char *name, const char *text)
{
    assert_true(eg_file_write(file_path(name), text, strlen(text), NULL));
}

/* A safetensors file of one-byte tensors with these names. */
static void write_shard(const char *file, const char *const *names, size_t count)
{
    static const int64_t dims[] = {1};
    eg_entry entries[4];
    for (size_t i = 0; i < count; i++)
        entries[i] = eg_entry_in_memory(&arena, names[i], EG_U8, (eg_shape){1, dims}, &"\1\2\3\4"[i]);
    write_model(file_path(file), &(eg_store){.entries = entries, .count = count}, NULL);
}

static void write_two_shards(void)
{
    write_shard("s1.safetensors", (const char *[]){"a", "b"}, 2);
    write_shard("s2.safetensors", (const char *[]){"c"}, 1);
}

static void refused(const char *map, const char *id)
{
    write_text(INDEX, eg_arena_printf(&arena, "{\"metadata\":{},\"weight_map\":%s}", map));
    expect_path_error(file_path(INDEX), id);
}

static void loads_in_the_order_of_the_index(void **state)
{
    (void)state;
    write_two_shards();
    write_text(INDEX, " {\"metadata\": {\"total_size\": 3}, \"weight_map\": {\"c\": \"s2.safetensors\", "
                      "\"b\": \"s1.safetensors\", \"a\": \"s1.safetensors\"}}\n");
    eg_checkpoint *file = open_path(file_path(INDEX));
    assert_string_equal(file->format, "safetensors-sharded");
    assert_int_equal(file->store.count, 3);
    assert_string_equal(file->store.entries[0].name, "c");
    assert_string_equal(file->store.entries[2].name, "a");
    expect_floats(file, "b", (const float[]){2}, 1);
    assert_int_equal(file->warning_count, 0);
    eg_checkpoint_close(file);
}

static void wrong_total_is_a_warning(void **state)
{
    (void)state;
    write_two_shards();
    write_text(INDEX, "{\"metadata\":{\"total_size\":4.0},\"weight_map\":{\"a\":\"s1.safetensors\","
                      "\"b\":\"s1.safetensors\",\"c\":\"s2.safetensors\"}}");
    eg_checkpoint *file = open_path(file_path(INDEX));
    assert_int_equal(file->warning_count, 1);
    assert_non_null(strstr(file->warnings[0], "4"));
    eg_checkpoint_close(file);
}

static void names_of_shards(void **state)
{
    static const char *const names[] = {
        "../s1.safetensors", "/etc/passwd", ".hidden", "", "sub/s1", "a b", "..", "s\\\\1", "c:x", "é"};
    (void)state;
    write_two_shards();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        refused(eg_arena_printf(&arena, "{\"a\":\"%s\"}", names[i]), "STF-008");
}

static void maps_that_are_none(void **state)
{
    static const char *const maps[] = {"null", "[]", "{\"a\":1}", "{\"a\":\"x\",\"a\":\"x\"}", "{", "{}}"};
    (void)state;
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) refused(maps[i], "STF-010");
    write_text(INDEX, "{\"architectures\": [\"Bert\"]}");
    expect_path_error(file_path(INDEX), "STF-010");
    assert_true(eg_file_write(file_path(INDEX), "{\"weight_map\":{}}\0{", 19, NULL));
    expect_path_error(file_path(INDEX), "STF-010");
}

static void tensors_where_the_index_says(void **state)
{
    (void)state;
    write_two_shards();
    refused("{\"a\":\"s2.safetensors\",\"c\":\"s2.safetensors\"}", "STF-009");
    refused("{\"d\":\"s2.safetensors\",\"c\":\"s2.safetensors\"}", "STF-009");
    refused("{\"a\":\"s1.safetensors\",\"c\":\"s2.safetensors\"}", "STF-011"); /* b is mapped to no file */
    write_shard("s3.safetensors", (const char *[]){"c", "a"}, 2);
    refused("{\"a\":\"s1.safetensors\",\"b\":\"s1.safetensors\",\"c\":\"s3.safetensors\"}", "STF-011");
    refused("{\"c\":\"s3.safetensors\",\"a\":\"s1.safetensors\",\"b\":\"s1.safetensors\"}", "STF-011");
    write_text(INDEX, "{\"weight_map\":{\"a\":\"s1.safetensors\",\"c\":\"s2.safetensors\"}}");
    eg_checkpoint *file =
        eg_checkpoint_open(file_path(INDEX), &(eg_checkpoint_options){.inspect = true}, NULL);
    assert_non_null(file);
    assert_int_equal(file->store.count, 2);
    assert_int_equal(file->warning_count, 1);
    eg_checkpoint_close(file);
}

static void files_that_shards_may_not_be(void **state)
{
    eg_error err = {0};
    (void)state;
    write_two_shards();
    write_text(INDEX, "{\"weight_map\":{\"a\":\"s9.safetensors\"}}");
    assert_null(eg_checkpoint_open(file_path(INDEX), NULL, &err));
    assert_int_equal(err.code, EG_SYSTEM);
    assert_non_null(strstr(err.file, "s9.safetensors"));
    assert_int_equal(symlink("s2.safetensors", file_path("link.safetensors")), 0);
    refused("{\"c\":\"link.safetensors\"}", "");
    assert_int_equal(mkfifo(file_path("pipe"), 0600), 0);
    write_text(INDEX, "{\"weight_map\":{\"a\":\"pipe\"}}");
    assert_null(eg_checkpoint_open(file_path(INDEX), NULL, NULL));
    write_text("other.json", "{\"weight_map\":{\"c\":\"s2.safetensors\"}}");
    refused("{\"c\":\"other.json\"}", "STF-010");
    refused("{\"c\":\"" INDEX "\"}", "STF-010");
    write_text("s2.safetensors", "\2\0\0\0\0\0\0");
    refused("{\"c\":\"s2.safetensors\"}", "STF-001");
}

/* pytorch_model.bin.index.json: the same over files of torch.save. */
static void torch_shards(void **state)
{
    eg_store store = many_types(EG_BOOL);
    const eg_module_version version = {"bn", 2};
    const eg_checkpoint_extra extra = {.versions = &version, .version_count = 1};
    eg_buf index = {0};
    (void)state;
    for (int s = 0; s < 2; s++) {
        const eg_store part = {.entries = store.entries + s * 5, .count = s ? store.count - 5 : 5};
        const char *name = eg_arena_printf(&arena, "pytorch_model-%d.bin", s);
        write_model(file_path(name), &part, &extra);
        for (size_t i = 0; i < part.count; i++)
            eg_buf_printf(&index, "%c\"%s\":\"%s\"", index.length ? ',' : '{', part.entries[i].name, name);
    }
    write_text("pytorch_model.bin.index.json",
               eg_arena_printf(&arena, "{\"weight_map\":%s}}", eg_buf_take(&index, &arena)));
    eg_checkpoint *file = open_path(file_path("pytorch_model.bin.index.json"));
    assert_string_equal(file->format, "torch-zip-sharded");
    expect_store(file, &store);
    assert_int_equal(file->version_count, 2);
    eg_checkpoint_close(file);
}

static void written_shards_come_back(void **state)
{
    static const uint8_t bytes[40];
    static const int64_t dims[] = {10}, big[] = {40};
    static const char *const names[] = {"e", "d", "c", "b", "a"};
    eg_entry entries[6];
    size_t size;
    (void)state;
    for (int i = 0; i < 5; i++)
        entries[i] = eg_entry_in_memory(&arena, names[i], EG_U8, (eg_shape){1, i == 3 ? big : dims}, bytes);
    entries[5] = entries[4];
    entries[5].name = "tied";
    const eg_store store = {.entries = entries, .count = 6};
    const eg_checkpoint_extra extra = {.card = "{}", .max_shard_size = 20};
    write_model(file_path("m.safetensors"), &store, &extra);
    assert_false(eg_path_exists(file_path("m.safetensors"))); /* e d | c | b | a */
    assert_true(eg_path_exists(file_path("m-00004-of-00004.safetensors")));
    assert_false(eg_path_exists(file_path("m-00005-of-00005.safetensors")));
    const char *index = read_back(file_path("m.safetensors.index.json"), &size);
    assert_string_equal(index, "{\n  \"metadata\": {\n    \"total_size\": 80\n  },\n  \"weight_map\": {\n"
                               "    \"a\": \"m-00004-of-00004.safetensors\",\n"
                               "    \"b\": \"m-00003-of-00004.safetensors\",\n"
                               "    \"c\": \"m-00002-of-00004.safetensors\",\n"
                               "    \"d\": \"m-00001-of-00004.safetensors\",\n"
                               "    \"e\": \"m-00001-of-00004.safetensors\"\n  }\n}\n");
    eg_checkpoint *file = open_path(file_path("m.safetensors.index.json"));
    expect_store(file, &store);
    assert_string_equal(file->card, "{}");
    assert_int_equal(file->warning_count, 0);
    eg_checkpoint_close(file);
}

static void an_index_of_one_file(void **state)
{
    eg_store store = many_types(EG_C64);
    eg_error err = {0};
    (void)state;
    write_model(file_path("n.safetensors.index.json"), &store, NULL);
    assert_true(eg_path_exists(file_path("n-00001-of-00001.safetensors")));
    eg_checkpoint *file = open_path(file_path("n.safetensors.index.json"));
    expect_store(file, &store);
    eg_checkpoint_close(file);
    assert_false(eg_checkpoint_write(file_path("a b.safetensors.index.json"), &store, NULL, &err));
    assert_string_equal(err.id, "WR-001");
}

/* Sixteen gigabytes in eight files of one hole each: opening reads their headers alone. */
static void large_shards_open_at_once(void **state)
{
    enum { SHARDS = 8 };
    const uint64_t bytes = (uint64_t)2 << 30;
    eg_buf index = {0};
    struct timespec before, after;
    (void)state;
    for (int s = 0; s < SHARDS; s++) {
        char header[200];
        int n = snprintf(header, sizeof header,
                         "{\"w%d\":{\"dtype\":\"F32\",\"shape\":[%llu],\"data_offsets\":[0,%llu]}}", s,
                         (unsigned long long)bytes / 4, (unsigned long long)bytes);
        const char *name = eg_arena_printf(&arena, "big-%d.safetensors", s), *path = file_path(name);
        eg_buf text = {0};
        put(&text, (uint64_t)n, 8);
        eg_buf_puts(&text, header);
        assert_true(eg_file_write(path, text.data, text.length, NULL));
        if (truncate(path, (off_t)(bytes + text.length)) != 0) skip(); /* no room for files of this size */
        eg_buf_clear(&text);
        eg_buf_printf(&index, "%c\"w%d\":\"%s\"", s ? ',' : '{', s, name);
    }
    write_text(INDEX, eg_arena_printf(&arena, "{\"weight_map\":%s}}", eg_buf_take(&index, &arena)));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    eg_checkpoint *file = open_path(file_path(INDEX));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    double seconds = (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    assert_true(seconds < 0.1);
    assert_int_equal(file->store.count, SHARDS);
    assert_int_equal(file->store.entries[7].storage->size, bytes);
    eg_checkpoint_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(loads_in_the_order_of_the_index, teardown),
        cmocka_unit_test_teardown(wrong_total_is_a_warning, teardown),
        cmocka_unit_test_teardown(names_of_shards, teardown),
        cmocka_unit_test_teardown(maps_that_are_none, teardown),
        cmocka_unit_test_teardown(tensors_where_the_index_says, teardown),
        cmocka_unit_test_teardown(files_that_shards_may_not_be, teardown),
        cmocka_unit_test_teardown(torch_shards, teardown),
        cmocka_unit_test_teardown(written_shards_come_back, teardown),
        cmocka_unit_test_teardown(an_index_of_one_file, teardown),
        cmocka_unit_test_teardown(large_shards_open_at_once, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
