/* Keras weights in HDF5, from a small file of h5py's: values, groups, and what is left of it when it is cut.
 */
#include "make_model.h"

#include "format/hdf5.h"

static eg_buf small_file(void)
{
    eg_buf bytes = {0};
    size_t size;
    const char *root = getenv("ENGRAFT_TEST_ROOT");
    const char *text = read_back(
        eg_arena_printf(&arena, "%s/tests/data/checkpoints/small.weights.h5", root ? root : "."), &size);
    eg_buf_add(&bytes, text, size);
    return bytes;
}

static void needs_hdf5(void)
{
    if (!eg_hdf5_is_built()) skip();
}

static void values_come_as_they_are_stored(void **state)
{
    float kernel[12], dense[40];
    (void)state;
    needs_hdf5();
    eg_buf bytes = small_file();
    for (int i = 0; i < 40; i++) dense[i] = (float)i;
    memcpy(kernel, dense, sizeof kernel);
    eg_checkpoint *file = open_good(&bytes);
    assert_string_equal(file->format, "hdf5");
    assert_int_equal(file->store.count, 3);
    assert_string_equal(file->store.entries[0].name, "layers/conv2d/vars/0");
    assert_int_equal(file->store.entries[0].shape.rank, 4);
    assert_int_equal(file->store.entries[1].dtype, EG_F16);
    expect_floats(file, "layers/conv2d/vars/0", kernel, 12);
    expect_floats(file, "layers/conv2d/vars/1", dense, 3);
    expect_floats(file, "layers/dense/vars/0", dense, 40);
    assert_int_equal(file->value_count, 2);
    assert_string_equal(file->values[1].name, "optimizer/vars/0");
    eg_checkpoint_close(file);
    eg_buf_clear(&bytes);
}

static void groups_are_state_dicts(void **state)
{
    eg_error err;
    (void)state;
    needs_hdf5();
    eg_buf bytes = small_file();
    eg_checkpoint *file = open_with(&bytes, &(eg_checkpoint_options){.state_dict = "layers/dense"}, &err);
    assert_non_null(file);
    assert_int_equal(file->store.count, 1);
    assert_string_equal(file->store.entries[0].name, "vars/0");
    eg_checkpoint_close(file);
    file = open_with(&bytes, &(eg_checkpoint_options){.state_dict = "."}, &err);
    assert_non_null(file);
    assert_int_equal(file->store.count, 4);
    eg_checkpoint_close(file);
    assert_null(open_with(&bytes, &(eg_checkpoint_options){.state_dict = "layer"}, &err));
    assert_string_equal(err.id, "SEL-003");
    assert_int_equal(err.code, EG_RECIPE);
    eg_buf_clear(&bytes);
}

/* Cut anywhere, and with a byte turned anywhere: read or refused in a sentence, never a crash. */
static void damage_is_told(void **state)
{
    uint8_t out[4096];
    (void)state;
    needs_hdf5();
    eg_buf bytes = small_file();
    for (size_t at = 1; at < bytes.length; at += 61) {
        eg_error err;
        eg_buf damaged = {0};
        eg_buf_add(&damaged, bytes.data, at % 2 ? at : bytes.length);
        damaged.data[at - 1] ^= (char)0xff;
        eg_checkpoint *file = open_with(&damaged, NULL, &err);
        for (size_t i = 0; file && i < file->store.count; i++) {
            const eg_entry *entry = &file->store.entries[i];
            if (entry->storage->size <= sizeof out) eg_entry_read(entry, out, NULL);
        }
        if (!file && (err.code != EG_MALFORMED || !err.id[0]))
            fail_msg("at %zu: %s %s", at, err.id, err.text);
        eg_checkpoint_close(file);
        eg_buf_clear(&damaged);
    }
    eg_buf_clear(&bytes);
}

/* A .keras archive is a zip of the same. */
static void archives(void **state)
{
    (void)state;
    needs_hdf5();
    eg_buf bytes = small_file();
    for (int deflated = 0; deflated < 2; deflated++) {
        eg_buf zip = {0};
        const record records[] = {
            {.name = "metadata.json", .bytes = "{}", .size = 2},
            {.name = "model.weights.h5", .bytes = bytes.data, .size = bytes.length, .deflate = deflated}};
        put_zip(&zip, records, 2);
        eg_checkpoint *file = open_good(&zip);
        assert_string_equal(file->format, "keras");
        expect_floats(file, "layers/conv2d/vars/1", (const float[]){0, 1, 2}, 3);
        assert_int_equal(file->store.entries[0].storage->fd >= 0, !deflated);
        eg_checkpoint_close(file);
        eg_buf_clear(&zip);
    }
    eg_buf_clear(&bytes);
}

static void a_build_without_hdf5_names_the_package(void **state)
{
    eg_error err;
    (void)state;
    if (eg_hdf5_is_built()) skip();
    eg_buf bytes = small_file();
    assert_null(open_with(&bytes, NULL, &err));
    assert_string_equal(err.id, "FMT-005");
    assert_non_null(strstr(err.text, "libhdf5-dev"));
    eg_buf_clear(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(values_come_as_they_are_stored, teardown),
        cmocka_unit_test_teardown(groups_are_state_dicts, teardown),
        cmocka_unit_test_teardown(damage_is_told, teardown),
        cmocka_unit_test_teardown(archives, teardown),
        cmocka_unit_test_teardown(a_build_without_hdf5_names_the_package, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
