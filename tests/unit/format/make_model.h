/* State dicts in memory, files of them in a folder of their own, and what is read back. For the tests of the
 * formats that hold named tensors alone. */
#ifndef ENGRAFT_TEST_MAKE_MODEL_H
#define ENGRAFT_TEST_MAKE_MODEL_H

#include "make_torch.h"

#include <sys/stat.h>

static eg_arena arena;   /* of the running test */
static const char *home; /* its folder, made on first use */

static inline const char *file_path(const char *name)
{
    if (!home) {
        const char *folder = getenv("TMPDIR");
        char *made = eg_arena_printf(&arena, "%s/engraft-model-XXXXXX", folder ? folder : "/tmp");
        assert_non_null(mkdtemp(made));
        home = made;
    }
    return eg_arena_printf(&arena, "%s/%s", home, name);
}

static inline int teardown(void **state)
{
    const char *const *names;
    size_t count;
    (void)state;
    if (home && eg_folder_list(&arena, home, &names, &count, NULL)) {
        for (size_t i = 0; i < count; i++) unlink(file_path(names[i]));
        rmdir(home);
    }
    home = NULL;
    eg_arena_clear(&arena);
    return 0;
}

static inline const char *read_back(const char *path, size_t *size)
{
    eg_error err = {0};
    char *bytes = eg_file_read(&arena, path, 1 << 26, size, &err);
    if (!bytes) fail_msg("%s", err.text);
    return bytes;
}

static inline void write_model(const char *path, const eg_store *store, const eg_checkpoint_extra *extra)
{
    eg_error err = {0};
    if (!eg_checkpoint_write(path, store, extra, &err)) fail_msg("%s %s", err.id, err.text);
}

static inline eg_checkpoint *open_path(const char *path)
{
    eg_error err = {0};
    eg_checkpoint *file = eg_checkpoint_open(path, NULL, &err);
    if (!file) fail_msg("%s: %s", err.id, err.text);
    return file;
}

static inline void expect_path_error(const char *path, const char *id)
{
    eg_error err = {0};
    eg_checkpoint *file = eg_checkpoint_open(path, NULL, &err);
    if (file) fail_msg("opened, expected %s", id);
    if (strcmp(err.id, id) != 0) fail_msg("expected %s, got %s: %s", id, err.id, err.text);
    assert_int_equal(err.code, EG_MALFORMED);
    assert_true(err.file[0]);
}

/* The tensor of that name has the same type, shape and bits. */
static inline void expect_entry(const eg_checkpoint *file, const eg_entry *a)
{
    const eg_entry *b = eg_store_find(&file->store, a->name);
    eg_error err = {0};
    uint64_t numel = 0;
    if (!b) fail_msg("no tensor '%s'", a->name);
    assert_int_equal(a->dtype, b->dtype);
    assert_true(eg_shape_equal(a->shape, b->shape));
    assert_true(eg_shape_numel(a->shape, &numel));
    size_t n = numel * eg_dtype_size(a->dtype);
    uint8_t *x = calloc(2, n + 1), *y = x + n + 1;
    assert_true(eg_entry_read(a, x, &err));
    assert_true(eg_entry_read(b, y, &err));
    if (memcmp(x, y, n) != 0) fail_msg("'%s' has other bits", a->name);
    free(x);
}

static inline void expect_store(const eg_checkpoint *file, const eg_store *store)
{
    assert_int_equal(file->store.count, store->count);
    for (size_t i = 0; i < store->count; i++) expect_entry(file, &store->entries[i]);
}

/* Every type up to a last one, ranks 0 to 4, a size of zero, a transposed view, a tie. */
static inline eg_store many_types(eg_dtype last)
{
    static uint8_t bytes[16 * 24];
    static const int64_t dims[] = {2, 3, 1, 4}, none[] = {2, 0}, turned[] = {3, 2}, strides[] = {1, 3};
    eg_entry *entries = EG_NEW_ARRAY(&arena, eg_entry, EG_DTYPE_COUNT + 3);
    size_t count = 0;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 37 + 11);
    for (eg_dtype d = 0; d <= last; d++)
        entries[count++] = eg_entry_in_memory(&arena, eg_dtype_name(d), d, (eg_shape){d % 5, dims}, bytes);
    entries[count++] = eg_entry_in_memory(&arena, "none", EG_F32, (eg_shape){2, none}, bytes);
    entries[count] = eg_entry_in_memory(&arena, "turned", EG_F32, (eg_shape){2, turned}, bytes);
    entries[count++].strides = strides;
    entries[count] = entries[0];
    entries[count++].name = "tied";
    return (eg_store){.entries = entries, .count = count};
}

#endif
