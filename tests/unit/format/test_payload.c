/* What a copy promises: the same bytes on any number of threads, from wherever the tensors come; every
 * element is seen once; the source's digest; nothing put in place that was refused. */
#include "make_torch.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/sha256.h"
#include "tensor/elements.h"

enum { COUNT = 1500001 }; /* several pieces, the last one short */

static char folder[] = "/tmp/engraft-payload-XXXXXX";
static eg_arena arena;
static float *values;

static int begin(void **state)
{
    (void)state;
    values = malloc(COUNT * sizeof *values);
    for (size_t i = 0; i < COUNT; i++) values[i] = (float)(i * 2654435761u % 1000003) / 7;
    return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    free(values);
    eg_arena_clear(&arena);
    return system(command);
}

static const char *in_folder(const char *name)
{
    return eg_path_join(&arena, folder, name);
}

static const char *digest(const char *path, char hex[65])
{
    eg_mapping file = {0};
    eg_error err = {0};
    assert_true(eg_mapping_open(&file, path, &err));
    eg_sha256_hex(file.bytes, file.size, hex);
    eg_mapping_close(&file);
    return hex;
}

/* Loaded on demand: the same numbers, times -1. */
static bool make(eg_storage *storage, eg_error *err)
{
    float *block = eg_block_new(COUNT * sizeof *block, "made", err);
    for (size_t i = 0; i < COUNT; i++) block[i] = -values[i];
    storage->bytes = (const uint8_t *)block;
    storage->load = NULL;
    ++*(int *)storage->context;
    return true;
}

static void unmake(eg_storage *storage)
{
    eg_block_free((void *)storage->bytes, COUNT * sizeof(float));
    storage->bytes = NULL;
    storage->load = make;
    *(int *)storage->context += 100;
}

/* A large tensor as it is, transposed, big-endian, as BOOL, and made on demand; an empty one. */
static eg_store awkward_store(int *made)
{
    static const int64_t flat[] = {COUNT}, half[] = {1000, 1500}, turned[] = {1, 1000}, none[] = {0};
    eg_entry *e = EG_NEW_ARRAY(&arena, eg_entry, 6);
    e[0] = eg_entry_in_memory(&arena, "plain", EG_F32, (eg_shape){1, flat}, values);
    e[1] = eg_entry_in_memory(&arena, "turned", EG_F32, (eg_shape){2, half}, values);
    e[1].strides = turned;
    e[2] = eg_entry_in_memory(&arena, "swapped", EG_F32, (eg_shape){1, flat}, values);
    e[2].storage->big_endian = true;
    e[3] = eg_entry_in_memory(&arena, "truth", EG_BOOL, (eg_shape){1, flat}, values);
    e[4] = e[0];
    e[4].name = "made";
    e[4].storage = EG_NEW(&arena, eg_storage);
    *e[4].storage = (eg_storage){.key = "made", .size = COUNT * sizeof(float), .fd = -1};
    e[4].storage->load = make;
    e[4].storage->unload = unmake;
    e[4].storage->context = made;
    e[5] = eg_entry_in_memory(&arena, "none", EG_F32, (eg_shape){1, none}, values);
    return (eg_store){.entries = e, .count = 6};
}

static void compare(const eg_store *expected, const char *path)
{
    eg_error err = {0};
    eg_checkpoint *file = eg_checkpoint_open(path, NULL, &err);
    if (!file) fail_msg("%s: %s", path, err.text);
    assert_int_equal(file->store.count, expected->count);
    float *x = malloc(COUNT * sizeof *x), *y = malloc(COUNT * sizeof *y);
    for (size_t i = 0; i < expected->count; i++) {
        const eg_entry *a = &expected->entries[i], *b = eg_store_find(&file->store, a->name);
        uint64_t numel = 0;
        assert_true(b && eg_shape_equal(a->shape, b->shape) && eg_shape_numel(a->shape, &numel));
        assert_true(eg_entry_read(a, x, &err) && eg_entry_read(b, y, &err));
        assert_memory_equal(x, y, numel * eg_dtype_size(a->dtype));
        eg_storage_unload(a->storage);
    }
    free(x);
    free(y);
    eg_checkpoint_close(file);
}

static void bytes_are_the_same_on_any_number_of_threads(void **state)
{
    static const char *const names[] = {"a.pth", "a.safetensors", "a.npz"};
    (void)state;
    for (size_t f = 0; f < sizeof names / sizeof *names; f++) {
        char first[65], hex[65];
        const char *path = in_folder(names[f]);
        for (int threads = 1; threads <= 4; threads++) {
            int made = 0;
            eg_store store = awkward_store(&made);
            eg_error err = {0};
            const eg_checkpoint_extra extra = {.threads = threads};
            assert_true(eg_checkpoint_write(path, &store, &extra, &err));
            assert_int_equal(made, 101); /* once made, once given back */
            assert_string_equal(digest(path, threads == 1 ? first : hex), first);
            if (threads == 1) compare(&store, path);
        }
    }
}

typedef struct watcher {
    const eg_store *store;
    atomic_uchar *seen[6];
    bool refuses;
    atomic_int finished;
} watcher;

static void see(void *context, const eg_entry *entry, uint64_t first, const void *elements, uint64_t count)
{
    watcher *w = context;
    size_t at = (size_t)(entry - w->store->entries);
    uint8_t *expected = malloc(count * eg_dtype_size(entry->dtype));
    eg_error err = {0};
    const void *part = eg_entry_part(entry, first, count, expected, &err);
    assert_non_null(part);
    assert_memory_equal(part, elements, count * eg_dtype_size(entry->dtype));
    for (uint64_t i = 0; i < count; i++) atomic_fetch_add(&w->seen[at][first + i], 1);
    free(expected);
}

static bool finish(void *context, eg_error *err)
{
    watcher *w = context;
    atomic_fetch_add(&w->finished, 1);
    return !w->refuses || eg_fail(err, EG_MALFORMED, "refused");
}

static void every_element_is_seen_once_and_a_refusal_keeps_the_old_file(void **state)
{
    int made = 0;
    eg_store store = awkward_store(&made);
    const char *path = in_folder("watched.pth");
    (void)state;
    for (int refuses = 0; refuses < 2; refuses++) {
        eg_error err = {0};
        watcher w = {.store = &store, .refuses = refuses};
        eg_write_watch watch = {.context = &w, .see = see, .finish = finish};
        const eg_checkpoint_extra extra = {.watch = &watch};
        for (size_t i = 0; i < store.count; i++) w.seen[i] = calloc(COUNT, 1);
        if (refuses) assert_true(eg_file_write(path, "old", 3, &err));
        assert_int_equal(eg_checkpoint_write(path, &store, &extra, &err), !refuses);
        assert_int_equal(w.finished, 1);
        for (size_t i = 0; i < store.count; i++) {
            uint64_t numel = 0;
            assert_true(eg_shape_numel(store.entries[i].shape, &numel));
            uint64_t wrong = 0;
            for (uint64_t k = 0; k < COUNT; k++) wrong += w.seen[i][k] != (k < numel);
            assert_int_equal(wrong, 0);
            free(w.seen[i]);
        }
    }
    eg_error err = {0};
    assert_string_equal(eg_file_read(&arena, path, 10, NULL, &err), "old");
}

static void be_killed(void *context, const eg_entry *entry, uint64_t first, const void *elements,
                      uint64_t count)
{
    (void)context, (void)entry, (void)elements, (void)count;
    if (first) raise(SIGKILL);
}

static void a_kill_in_the_middle_leaves_the_old_file_alone(void **state)
{
    int made = 0, status = 0;
    eg_store store = awkward_store(&made);
    const char *path = in_folder("killed.pth");
    const char *const *before, *const *after;
    size_t files, now;
    eg_error err = {0};
    (void)state;
    assert_true(eg_file_write(path, "old", 3, &err));
    assert_true(eg_folder_list(&arena, folder, &before, &files, &err));
    pid_t child = fork();
    if (child == 0) {
        eg_write_watch watch = {.see = be_killed};
        const eg_checkpoint_extra extra = {.watch = &watch};
        _exit(eg_checkpoint_write(path, &store, &extra, &err));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_string_equal(eg_file_read(&arena, path, 10, NULL, &err), "old");
    eg_output *output = eg_output_open(path, &err);
    bool unnamed = output && !output->temporary;
    eg_output_abandon(output);
    if (!unnamed) skip(); /* the file system has no files without names */
    assert_true(eg_folder_list(&arena, folder, &after, &now, &err));
    assert_int_equal(now, files);
}

/* Some tensors of a file, in another order and one twice: the digest is still that of the whole file. */
static void the_digest_is_that_of_the_source_file(void **state)
{
    static const char *const sources[] = {"s.pth", "s.safetensors"};
    (void)state;
    for (size_t f = 0; f < 2; f++) {
        int made = 0;
        char hex[65];
        eg_store whole = awkward_store(&made);
        eg_error err = {0};
        const char *path = in_folder(sources[f]);
        assert_true(eg_checkpoint_write(path, &whole, NULL, &err));
        eg_checkpoint *source = eg_checkpoint_open(path, NULL, &err);
        eg_entry entries[3] = {*eg_store_find(&source->store, "made"),
                               *eg_store_find(&source->store, "turned"),
                               *eg_store_find(&source->store, "made")};
        entries[2].name = "again";
        entries[2].storage = EG_NEW(&arena, eg_storage);
        *entries[2].storage = *entries[0].storage;
        for (size_t count = 0; count <= 3; count++) {
            const eg_store some = {.entries = entries, .count = count};
            eg_write_watch watch = {.source = source};
            const eg_checkpoint_extra extra = {.watch = &watch, .threads = 2};
            assert_true(eg_checkpoint_write(in_folder("some.safetensors"), &some, &extra, &err));
            assert_string_equal(watch.sha256, digest(path, hex));
        }
        eg_checkpoint_close(source);
    }
}

/* A byte of the source changes: its archive's CRC tells, and the old file stays. */
static void a_damaged_record_is_found_on_the_way(void **state)
{
    int made = 0;
    eg_store store = awkward_store(&made);
    eg_error err = {0};
    const char *path = in_folder("damaged.pth"), *out = in_folder("out.safetensors");
    (void)state;
    assert_true(eg_checkpoint_write(path, &store, NULL, &err));
    FILE *file = fopen(path, "r+b");
    assert_int_equal(fseek(file, 5000000, SEEK_SET), 0);
    assert_int_equal(fputc(0x55, file), 0x55);
    assert_int_equal(fclose(file), 0);
    assert_true(eg_file_write(out, "old", 3, &err));
    eg_checkpoint *source = eg_checkpoint_open(path, NULL, &err);
    assert_false(eg_checkpoint_write(out, &source->store, NULL, &err));
    assert_string_equal(err.id, "ZIP-011");
    assert_string_equal(err.file, path);
    assert_string_equal(eg_file_read(&arena, out, 10, NULL, &err), "old");
    eg_checkpoint_close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_the_same_on_any_number_of_threads),
        cmocka_unit_test(every_element_is_seen_once_and_a_refusal_keeps_the_old_file),
        cmocka_unit_test(a_kill_in_the_middle_leaves_the_old_file_alone),
        cmocka_unit_test(the_digest_is_that_of_the_source_file),
        cmocka_unit_test(a_damaged_record_is_found_on_the_way),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
