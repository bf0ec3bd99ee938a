/* The stream container, written. Cases W01, W04 and W05 of the format notes; PyTorch 1.13 read the golden
 * bytes, and writes the same but for the keys, which are addresses there. */
#include "make_torch.h"

#include "base/sha256.h"

static eg_arena arena;

static int teardown(void **state)
{
    (void)state;
    eg_arena_clear(&arena);
    return 0;
}

static const eg_module_version versions[] = {{"", 1}, {"fc", 1}};
static const eg_checkpoint_extra legacy = {.versions = versions, .version_count = 2, .format = "pth-legacy"};

static const char *write_store(const eg_store *store, const eg_checkpoint_extra *extra)
{
    const char *folder = getenv("TMPDIR");
    const char *path =
        eg_arena_printf(&arena, "%s/engraft-legacy-%d.pth", folder ? folder : "/tmp", (int)getpid());
    eg_error err = {0};
    if (!eg_checkpoint_write(path, store, extra, &err)) fail_msg("%s %s", err.id, err.text);
    return path;
}

static const char *bytes_of(const char *path, size_t *size)
{
    eg_error err = {0};
    char *bytes = eg_file_read(&arena, path, 1 << 26, size, &err);
    if (!bytes) fail_msg("%s", err.text);
    unlink(path);
    return bytes;
}

/* Every tensor of a reopened file has the type, the shape and the bits of the store's. */
static eg_checkpoint *reopen(const eg_store *store, const eg_checkpoint_extra *extra)
{
    static uint8_t a[4096], b[4096];
    eg_error err = {0};
    const char *path = write_store(store, extra);
    eg_checkpoint *file = eg_checkpoint_open(path, NULL, &err);
    unlink(path);
    if (!file) fail_msg("%s %s", err.id, err.text);
    assert_string_equal(file->format, "torch-legacy");
    assert_int_equal(file->store.count, store->count);
    assert_int_equal(file->warning_count, 0);
    for (size_t i = 0; i < store->count; i++) {
        const eg_entry *x = &store->entries[i], *y = &file->store.entries[i];
        uint64_t numel;
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->dtype, y->dtype);
        assert_true(eg_shape_equal(x->shape, y->shape) && eg_shape_numel(x->shape, &numel));
        assert_true(numel * eg_dtype_size(x->dtype) <= sizeof a);
        assert_true(eg_entry_read(x, a, &err) && eg_entry_read(y, b, &err));
        assert_memory_equal(a, b, numel * eg_dtype_size(x->dtype));
    }
    return file;
}

static void w01_golden_file(void **state)
{
    static const float weight[] = {0, 1, 2, 3, 4, 5}, bias[] = {10, 11};
    static const int64_t weight_dims[] = {2, 3}, bias_dims[] = {2};
    const eg_entry entries[] = {
        eg_entry_in_memory(&arena, "fc.weight", EG_F32, (eg_shape){2, weight_dims}, weight),
        eg_entry_in_memory(&arena, "fc.bias", EG_F32, (eg_shape){1, bias_dims}, bias)};
    char hex[65];
    size_t size;
    (void)state;
    const char *path = write_store(&(eg_store){.entries = entries, .count = 2}, &legacy);
    const char *bytes = bytes_of(path, &size);
    assert_memory_equal(bytes, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.",
                        21);
    assert_memory_equal(bytes + 134,
                        "uu.\x80\x02"
                        "ccollections",
                        17); /* the prologue is 137 bytes */
    eg_sha256_hex(bytes, size, hex);
    assert_string_equal(hex, "6ab47aa9c563cb49373b3675a2dbed9004122d35e2174e9d875a89a14b695311");
}

static void w04_batches_and_padded_keys(void **state)
{
    static const size_t counts[] = {1, 10, 11, 999, 1000, 1001, 2001};
    static const int64_t dims[] = {1};
    static uint8_t values[2001];
    (void)state;
    for (int i = 0; i < 2001; i++) values[i] = (uint8_t)(i * 7);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        eg_entry *entries = EG_NEW_ARRAY(&arena, eg_entry, counts[c]);
        for (size_t i = 0; i < counts[c]; i++)
            entries[i] = eg_entry_in_memory(&arena, eg_arena_printf(&arena, "w%zu", i), EG_U8,
                                            (eg_shape){1, dims}, values + i);
        eg_checkpoint_close(reopen(&(eg_store){.entries = entries, .count = counts[c]}, &legacy));
    }
}

static void w05_every_dtype_comes_back(void **state)
{
    uint8_t bytes[96];
    eg_entry entries[EG_DTYPE_COUNT];
    static const int64_t dims[] = {2, 3};
    size_t count = 0;
    (void)state;
    for (int i = 0; i < 96; i++) bytes[i] = (uint8_t)(i * 37 + 11);
    for (eg_dtype d = 0; d < EG_QI8; d++)
        entries[count++] = eg_entry_in_memory(&arena, eg_dtype_name(d), d, (eg_shape){2, dims}, bytes);
    eg_checkpoint *file = reopen(&(eg_store){.entries = entries, .count = count}, &legacy);
    assert_int_equal(file->version_count, 2);
    assert_string_equal(file->versions[1].path, "fc");
    eg_checkpoint_close(file);
}

static void w05_ties_stay_tied(void **state)
{
    static const float values[4] = {0, 1, 2, 3};
    static const int64_t whole[] = {4}, part[] = {2}, none[] = {0};
    eg_entry entries[4];
    (void)state;
    entries[0] = eg_entry_in_memory(&arena, "part", EG_F32, (eg_shape){1, part}, values);
    entries[1] = eg_entry_in_memory(&arena, "a", EG_F32, (eg_shape){1, whole}, values);
    entries[0].storage = entries[1].storage;
    entries[0].offset = 8;
    entries[2] = entries[1];
    entries[2].name = "b";
    entries[3] = eg_entry_in_memory(&arena, "none", EG_F32, (eg_shape){1, none}, values);
    eg_checkpoint *file = reopen(&(eg_store){.entries = entries, .count = 4}, &legacy);
    const eg_entry *e = file->store.entries;
    assert_ptr_equal(e[0].storage, e[1].storage);
    assert_ptr_equal(e[1].storage, e[2].storage);
    eg_checkpoint_close(file);
}

static void the_name_picks_the_format(void **state)
{
    static const int64_t dims[] = {1};
    const eg_entry one = eg_entry_in_memory(&arena, "x", EG_I8, (eg_shape){1, dims}, "x");
    const eg_store store = {.entries = &one, .count = 1};
    eg_error err = {0};
    size_t size;
    (void)state;
    assert_memory_equal(bytes_of(write_store(&store, &(eg_checkpoint_extra){.format = "pth"}), &size),
                        "PK\3\4", 4);
    assert_memory_equal(bytes_of(write_store(&store, NULL), &size), "PK\3\4", 4);
    assert_false(eg_checkpoint_write("/tmp/x.pth", &store, &(eg_checkpoint_extra){.format = "gzip"}, &err));
    assert_int_equal(err.code, EG_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(w01_golden_file, teardown),
        cmocka_unit_test_teardown(w04_batches_and_padded_keys, teardown),
        cmocka_unit_test_teardown(w05_every_dtype_comes_back, teardown),
        cmocka_unit_test_teardown(w05_ties_stay_tied, teardown),
        cmocka_unit_test_teardown(the_name_picks_the_format, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
