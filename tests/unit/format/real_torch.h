/* Real checkpoints, compared with what PyTorch reads from them (tests/data/checkpoints,
 * tests/oracle/checkpoints.py).
 */
#ifndef ENGRAFT_TEST_REAL_TORCH_H
#define ENGRAFT_TEST_REAL_TORCH_H

#include "make_torch.h"

#include "base/sha256.h"

/* ---- real files: digests that PyTorch 1.13 computed, tests/oracle/checkpoints.py ---- */

static inline const char *digest_lines(eg_arena *arena, const eg_store *store)
{
    eg_buf out = {0};
    for (size_t i = 0; i < store->count; i++) {
        const eg_entry *entry = &store->entries[i];
        eg_error err = {0};
        char hex[65];
        uint64_t numel = 0;
        assert_true(eg_shape_numel(entry->shape, &numel));
        size_t size = numel * eg_dtype_size(entry->dtype);
        void *bytes = malloc(size + 1);
        if (!eg_entry_read(entry, bytes, &err)) fail_msg("%s: %s", entry->name, err.text);
        eg_sha256_hex(bytes, size, hex);
        free(bytes);
        eg_buf_printf(&out, "%s %s [", entry->name, eg_dtype_name(entry->dtype));
        for (uint32_t d = 0; d < entry->shape.rank; d++)
            eg_buf_printf(&out, "%s%lld", d ? "," : "", (long long)entry->shape.dims[d]);
        eg_buf_printf(&out, "] %s\n", hex);
    }
    return eg_buf_take(&out, arena);
}

/* Files of ENGRAFT_SHARED/checkpoints; skips when it is absent. */
static inline void expect_real_files(const char *const *files, size_t count)
{
    eg_arena arena = {0};
    const char *shared = getenv("ENGRAFT_SHARED"), *root = getenv("ENGRAFT_TEST_ROOT");
    if (!shared || !root || !eg_path_exists(eg_arena_printf(&arena, "%s/checkpoints", shared))) {
        print_message("ENGRAFT_SHARED names no folder of real checkpoints: skipped\n");
        eg_arena_clear(&arena);
        skip();
    }
    for (size_t i = 0; i < count; i++) {
        eg_error err = {0};
        char *name = eg_arena_string(&arena, files[i]);
        for (char *c = name; *c; c++)
            if (*c == '/') *c = '-';
        const char *digests = eg_arena_printf(&arena, "%s/tests/data/checkpoints/%s.digests", root, name);
        const char *expected = eg_file_read(&arena, digests, 1 << 20, NULL, &err);
        if (!expected) fail_msg("%s: %s", err.file, err.text);
        eg_checkpoint *file =
            eg_checkpoint_open(eg_arena_printf(&arena, "%s/checkpoints/%s", shared, files[i]), NULL, &err);
        if (!file) fail_msg("%s: %s %s", files[i], err.id, err.text);
        assert_string_equal(digest_lines(&arena, &file->store), expected);
        eg_checkpoint_close(file);
    }
    eg_arena_clear(&arena);
}

#endif
