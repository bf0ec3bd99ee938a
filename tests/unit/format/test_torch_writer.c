/* What torch.save would have written, to the byte. Cases W01, W02, W04, W05 and the golden vectors of the
 * format notes. */
#include "make_torch.h"

#include <locale.h>

#include "base/pool.h"
#include "base/sha256.h"
#include "format/torch_writer.h"
#include "format/zip_directory.h"

static eg_arena arena;

static int teardown(void **state)
{
    (void)state;
    eg_arena_clear(&arena);
    return 0;
}

static const eg_module_version versions[] = {{"", 1}, {"fc", 1}};
static const eg_checkpoint_extra golden_extra = {.versions = versions, .version_count = 2};

static eg_store golden_store(void)
{
    static const float weight[] = {0, 1, 2, 3, 4, 5}, bias[] = {10, 11};
    static const int64_t weight_dims[] = {2, 3}, bias_dims[] = {2};
    eg_entry *entries = EG_NEW_ARRAY(&arena, eg_entry, 2);
    entries[0] = eg_entry_in_memory(&arena, "fc.weight", EG_F32, (eg_shape){2, weight_dims}, weight);
    entries[1] = eg_entry_in_memory(&arena, "fc.bias", EG_F32, (eg_shape){1, bias_dims}, bias);
    return (eg_store){.entries = entries, .count = 2};
}

static const char *output_path(const char *extension)
{
    const char *folder = getenv("TMPDIR");
    return eg_arena_printf(&arena, "%s/engraft-writer-%d.%s", folder ? folder : "/tmp", (int)getpid(),
                           extension);
}

/* Reads a file and removes it. */
static const char *take_file(const char *path, size_t *size)
{
    eg_error err = {0};
    char *bytes = eg_file_read(&arena, path, 1 << 26, size, &err);
    if (!bytes) fail_msg("%s", err.text);
    unlink(path);
    return bytes;
}

static const char *write_store(const eg_store *store, const eg_checkpoint_extra *extra, size_t *size)
{
    const char *path = output_path("pth");
    eg_error err = {0};
    if (!eg_checkpoint_write(path, store, extra, &err)) fail_msg("%s %s", err.id, err.text);
    return take_file(path, size);
}

static void golden_pickle(void **state)
{
    size_t length = 0;
    char hex[65];
    eg_store store = golden_store();
    (void)state;
    const char *pickle = eg_torch_pickle_text(&arena, &store, &golden_extra, &length, NULL);
    eg_sha256_hex(pickle, length, hex);
    assert_int_equal(length, 314);
    assert_string_equal(hex, "53b604889c0a261673b5bc5e8c5a466e6474099c07e47b70d6d5e8a1478a3806");
}

static void w01_golden_file(void **state)
{
    static const char zeros[] = "0000000000000000000000000000000000000000";
    eg_store store = golden_store();
    eg_error err = {0};
    char hex[65];
    size_t size;
    (void)state;
    const char *path = output_path("pth");
    eg_output *output = eg_output_open(path, &err);
    assert_true(eg_torch_zip_write_to(output, &store, &golden_extra, zeros, &err));
    assert_true(eg_output_commit(output, &err));
    const char *bytes = take_file(path, &size);
    eg_sha256_hex(bytes, size, hex);
    assert_int_equal(size, 1957);
    assert_string_equal(hex, "591a7a58acbad6a3383416426d16ef1098e79862c2dc0e6e1ccaf7fda4aa5aa0");
}

/* The same bytes whatever the clock, the zone, the locale's name and the file's name. */
static void w01_bytes_depend_on_content_alone(void **state)
{
    eg_store store = golden_store();
    size_t a_size, b_size;
    (void)state;
    const char *a = write_store(&store, &golden_extra, &a_size);
    setenv("TZ", "Asia/Tokyo", 1);
    setenv("LC_ALL", "de_DE.UTF-8", 1);
    eg_error err = {0};
    const char *path = output_path("other.pt");
    assert_true(eg_checkpoint_write(path, &store, &golden_extra, &err));
    const char *b = take_file(path, &b_size);
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size);
}

/* Names of every length around the paddings: each record's data starts at a multiple of 64. */
typedef struct job {
    const eg_store *store;
    const char *paths[8];
    bool ok[8];
} job;

static void write_one(void *context, int64_t task, int worker)
{
    job *j = context;
    eg_error err = {0};
    (void)worker;
    j->ok[task] = eg_checkpoint_write(j->paths[task], j->store, &golden_extra, &err);
}

/* Eight writers on 1, 2 and 8 threads, from another folder, under a locale that groups and points numbers
 * otherwise. */
static void w01_threads_folder_and_locale(void **state)
{
    static const int threads[] = {1, 2, 8};
    eg_store store = golden_store();
    job j = {.store = &store};
    char here[4096];
    size_t size, other;
    (void)state;
    const char *golden = write_store(&store, &golden_extra, &size);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir("/"), 0);
    if (!setlocale(LC_ALL, "de_DE.UTF-8")) setlocale(LC_ALL, "C.UTF-8");
    for (int i = 0; i < 8; i++) j.paths[i] = output_path(eg_arena_printf(&arena, "%d.pth", i));
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        eg_pool *pool = eg_pool_new(threads[t], NULL);
        eg_pool_run(pool, 8, write_one, &j);
        eg_pool_free(pool);
        for (int i = 0; i < 8; i++) {
            assert_true(j.ok[i]);
            const char *bytes = take_file(j.paths[i], &other);
            assert_int_equal(size, other);
            assert_memory_equal(bytes, golden, size);
        }
    }
    setlocale(LC_ALL, "C");
    assert_int_equal(chdir(here), 0);
}

static void w02_alignment(void **state)
{
    (void)state;
    for (int n = 1; n <= 66; n++) {
        float *values = EG_NEW_ARRAY(&arena, float, (size_t)n);
        int64_t dims[] = {n};
        char card[160];
        memset(card, 'x', sizeof card);
        card[n] = '\0';
        eg_entry entries[3];
        for (int i = 0; i < 3; i++)
            entries[i] = eg_entry_in_memory(&arena, eg_arena_printf(&arena, "%*d", n, i), EG_F32,
                                            eg_shape_copy(&arena, dims, 1), values);
        size_t size;
        eg_zip zip;
        eg_error err = {0};
        const char *bytes = write_store(&(eg_store){.entries = entries, .count = 3},
                                        &(eg_checkpoint_extra){.card = card}, &size);
        assert_true(eg_zip_open(&zip, &arena, (const uint8_t *)bytes, size, &err));
        assert_int_equal(zip.count, 4 + 3 + 1 + 2);
        assert_string_equal(zip.entries[7].name, "archive/.data/engraft.json");
        assert_string_equal(zip.entries[8].name, "archive/version");
        for (size_t i = 0; i < zip.count; i++) {
            assert_int_equal(zip.entries[i].data % 64, 0);
            assert_true(eg_zip_verify(&zip, &zip.entries[i], &err));
        }
    }
}

/* Opens what was written and compares names, shapes and values. */
static eg_checkpoint *reopen(const eg_store *store, const eg_checkpoint_extra *extra)
{
    size_t size;
    eg_buf bytes = {0};
    const char *written = write_store(store, extra, &size);
    eg_buf_add(&bytes, written, size);
    eg_checkpoint *file = open_good(&bytes);
    eg_buf_clear(&bytes);
    assert_int_equal(file->store.count, store->count);
    for (size_t i = 0; i < store->count; i++) {
        const eg_entry *a = &store->entries[i], *b = &file->store.entries[i];
        eg_error err = {0};
        uint64_t numel = 0;
        assert_string_equal(a->name, b->name);
        assert_int_equal(a->dtype, b->dtype);
        assert_true(eg_shape_equal(a->shape, b->shape));
        assert_true(eg_shape_numel(a->shape, &numel));
        size_t n = numel * eg_dtype_size(a->dtype);
        uint8_t *x = calloc(2, n + 1), *y = x + n + 1;
        assert_true(eg_entry_read(a, x, &err));
        assert_true(eg_entry_read(b, y, &err));
        assert_memory_equal(x, y, n);
        free(x);
    }
    return file;
}

static void w04_batches_and_long_memos(void **state)
{
    static const size_t counts[] = {0, 1, 2, 999, 1000, 1001, 2001};
    static const float values[720] = {1, 2, 3};
    static const int64_t dims[] = {1, 2, 3, 4, 5, 6};
    (void)state;
    for (size_t c = 1; c < sizeof counts / sizeof *counts; c++) {
        eg_entry *entries = EG_NEW_ARRAY(&arena, eg_entry, counts[c]);
        for (size_t i = 0; i < counts[c]; i++)
            entries[i] = eg_entry_in_memory(&arena, eg_arena_printf(&arena, "layer%zu.weight", i), EG_F32,
                                            (eg_shape){(uint32_t)(i % 7), dims}, values);
        const eg_store store = {.entries = entries, .count = counts[c]};
        eg_checkpoint_close(reopen(&store, &golden_extra));
        size_t length;
        const char *pickle = eg_torch_pickle_text(&arena, &store, NULL, &length, NULL);
        assert_int_equal(pickle[length - 2], counts[c] % 1000 == 1 ? 's' : 'u');
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
    const eg_checkpoint_extra extra = {
        .versions = versions, .version_count = 2, .card = "{\"made\": \"by hand\"}"};
    eg_checkpoint *file = reopen(&(eg_store){.entries = entries, .count = count}, &extra);
    assert_string_equal(file->card, extra.card);
    assert_int_equal(file->version_count, 2);
    assert_string_equal(file->versions[1].path, "fc");
    eg_checkpoint_close(file);
}

/* Tied tensors and slices share one record; a transposed one gets a contiguous copy. */
static void w05_ties_stay_tied(void **state)
{
    static float values[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    static const int64_t whole[] = {3, 4}, part[] = {2}, turned[] = {4, 3}, strides[] = {1, 4};
    eg_entry entries[5];
    (void)state;
    entries[0] = eg_entry_in_memory(&arena, "slice", EG_F32, (eg_shape){1, part}, values);
    entries[1] = eg_entry_in_memory(&arena, "a", EG_F32, (eg_shape){2, whole}, values);
    entries[2] = entries[3] = entries[1];
    entries[0].storage = entries[1].storage;
    entries[0].offset = 5 * sizeof *values;
    entries[2].name = "b";
    entries[3].name = "turned";
    entries[3].shape.dims = turned;
    entries[3].strides = strides;
    entries[4] = entries[3];
    entries[4].name = "turned_again";
    eg_checkpoint *file = reopen(&(eg_store){.entries = entries, .count = 5}, NULL);
    const eg_entry *e = file->store.entries;
    assert_ptr_equal(e[1].storage, e[2].storage);
    assert_ptr_equal(e[0].storage, e[1].storage);
    assert_int_equal(e[0].offset, 20);
    assert_ptr_not_equal(e[3].storage, e[1].storage);
    assert_ptr_equal(e[3].storage, e[4].storage);
    assert_null(e[3].strides);
    eg_checkpoint_close(file);
}

/* A few elements of a large storage: the elements alone are written. */
static void a12_slice_of_a_large_storage(void **state)
{
    enum { LARGE = 1000000 };
    float *values = calloc(LARGE, sizeof *values);
    float got[5];
    eg_error err = {0};
    size_t size;
    (void)state;
    for (int i = 0; i < LARGE; i++) values[i] = (float)i;
    eg_buf p = {0}, zip = {0};
    put_one(&p, &(tensor_spec){.class = "FloatStorage",
                               .key = "0",
                               .numel = LARGE,
                               .offset = 777777,
                               .rank = 1,
                               .size = {5},
                               .stride = {1}});
    put_torch_zip(&zip, &p, values, LARGE * sizeof *values);
    eg_checkpoint *file = open_good(&zip);
    expect_floats(file, "x", values + 777777, 5);
    write_store(&file->store, NULL, &size);
    assert_true(size < 2000);
    eg_checkpoint *again = reopen(&file->store, NULL);
    assert_int_equal(again->store.entries[0].storage->size, 20);
    assert_true(eg_entry_read(&again->store.entries[0], got, &err));
    assert_memory_equal(got, values + 777777, sizeof got);
    eg_checkpoint_close(again);
    eg_checkpoint_close(file);
    eg_buf_clear(&p), eg_buf_clear(&zip);
    free(values);
}

static void what_cannot_be_written_is_refused(void **state)
{
    static const int64_t dims[] = {1};
    const eg_entry quantized = eg_entry_in_memory(&arena, "q", EG_QI8, (eg_shape){1, dims}, "x");
    const eg_entry misnamed = eg_entry_in_memory(&arena, "\xff", EG_I8, (eg_shape){1, dims}, "x");
    const eg_entry plain = eg_entry_in_memory(&arena, "x", EG_I8, (eg_shape){1, dims}, "x");
    const eg_entry twice[] = {plain, plain};
    const eg_store stores[] = {{.entries = &quantized, .count = 1},
                               {.entries = &misnamed, .count = 1},
                               {.entries = twice, .count = 2}};
    const char *path = output_path("pth");
    (void)state;
    for (int i = 0; i < 3; i++) {
        eg_error err = {0};
        assert_false(eg_checkpoint_write(path, &stores[i], NULL, &err));
        assert_string_equal(err.id, "WR-001");
        assert_false(eg_path_exists(path)); /* nothing is left behind */
    }
    eg_error err = {0};
    assert_false(eg_checkpoint_write("/tmp/model.unknown", &stores[0], NULL, &err));
    assert_int_equal(err.code, EG_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(golden_pickle, teardown),
        cmocka_unit_test_teardown(w01_golden_file, teardown),
        cmocka_unit_test_teardown(w01_bytes_depend_on_content_alone, teardown),
        cmocka_unit_test_teardown(w01_threads_folder_and_locale, teardown),
        cmocka_unit_test_teardown(a12_slice_of_a_large_storage, teardown),
        cmocka_unit_test_teardown(w02_alignment, teardown),
        cmocka_unit_test_teardown(w04_batches_and_long_memos, teardown),
        cmocka_unit_test_teardown(w05_every_dtype_comes_back, teardown),
        cmocka_unit_test_teardown(w05_ties_stay_tied, teardown),
        cmocka_unit_test_teardown(what_cannot_be_written_is_refused, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
