/* Sound files of every format, cut after every byte and with every byte changed: each is read or refused with
 * a code and a sentence, within 64 MiB of memory and a second. The files are the fuzz targets' corpora. */
#include "make_torch.h"

#include <sys/resource.h>
#include <time.h>

#include "format/checkpoint_file.h"

enum { MIB = 1 << 20, LARGEST_FILE = 4096, LARGEST_TENSOR = 1 << 16 };

typedef struct census {
    size_t read, refused;
} census;

/* Memory beyond what the process has now, where address space means something: not under the sanitizers. */
static bool limit_memory(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return false;
#else
    const char *preloaded = getenv("LD_PRELOAD");
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (preloaded && strstr(preloaded, "/valgrind/")) return false;
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu", &pages), 1);
    fclose(f);
    const struct rlimit space = {pages * (rlim_t)sysconf(_SC_PAGESIZE) + 64 * MIB, RLIM_INFINITY};
    assert_int_equal(setrlimit(RLIMIT_AS, &space), 0);
    return true;
#endif
}

static void read_tensors(const eg_checkpoint *checkpoint)
{
    static uint8_t out[LARGEST_TENSOR];
    static float numbers[LARGEST_TENSOR / 4];
    for (size_t i = 0; i < checkpoint->store.count; i++) {
        const eg_entry *entry = &checkpoint->store.entries[i];
        uint64_t numel = 0;
        eg_error err = {0};
        assert_true(eg_shape_numel(entry->shape, &numel));
        if (numel > LARGEST_TENSOR / 8) continue;
        if (!eg_entry_read(entry, out, &err)) assert_true(err.text[0]);
        err = (eg_error){0};
        if (!eg_entry_read_f32(entry, numbers, &err)) assert_true(err.text[0]);
    }
}

static void expect_told(const char *name, const char *what, size_t at, const uint8_t *bytes, size_t size,
                        census *seen)
{
    for (int inspect = 0; inspect < 2; inspect++) {
        eg_error err = {0};
        eg_checkpoint_file file = {.mapping = {.bytes = bytes, .size = size, .fd = -1},
                                   .options = {.no_verify = true, .inspect = inspect},
                                   .checkpoint = {.path = name, .state_dict = ""}};
        clock_t start = clock();
        bool ok = eg_checkpoint_file_read(&file, &err);
        if (ok) read_tensors(&file.checkpoint);
        eg_arena_clear(&file.arena);
        *(ok ? &seen->read : &seen->refused) += 1;
        if (clock() - start > CLOCKS_PER_SEC)
            fail_msg("%s %s at %zu took more than a second", name, what, at);
        bool absent = err.code == EG_SYSTEM && err.file[0]; /* a file beside it, whose name was changed */
        bool told =
            ok || absent ||
            (err.text[0] && (err.code == EG_MALFORMED || err.code == EG_UNSAFE || err.code == EG_RECIPE));
        if (!told) fail_msg("%s %s at %zu: code %d, %s %s", name, what, at, err.code, err.id, err.text);
    }
}

static void damage(const char *name, const eg_mapping *good, census *seen)
{
    uint8_t *bytes = malloc(good->size + 1);
    assert_non_null(bytes);
    for (size_t at = 0; at < good->size; at++) {
        uint8_t *cut = malloc(at + 1); /* its own block, so that a read beyond the end is seen */
        memcpy(cut, good->bytes, at);
        expect_told(name, "cut", at, cut, at, seen);
        free(cut);
        static const uint8_t changes[] = {0xFF, 0x01, 0x80};
        for (size_t i = 0; i < sizeof changes; i++) {
            memcpy(bytes, good->bytes, good->size);
            bytes[at] ^= changes[i];
            expect_told(name, "changed", at, bytes, good->size, seen);
        }
    }
    free(bytes);
}

static void damage_folder(const char *folder)
{
    eg_arena arena = {0};
    eg_error err = {0};
    census seen = {0};
    const char *const *names;
    size_t count;
    const char *root = getenv("ENGRAFT_TEST_ROOT");
    const char *path = eg_arena_printf(&arena, "%s/tests/fuzz/corpus/%s", root ? root : ".", folder);
    assert_true(eg_folder_list(&arena, path, &names, &count, &err));
    for (size_t i = 0; i < count; i++) {
        eg_mapping good;
        const char *file = eg_path_join(&arena, path, names[i]);
        assert_true(eg_mapping_open(&good, file, &err));
        if (good.size <= LARGEST_FILE) damage(file, &good, &seen);
        eg_mapping_close(&good);
    }
    assert_true(seen.refused > 0 && count > 0);
    eg_arena_clear(&arena);
}

#define FOLDERS(each)                                                                                        \
    each(archive) each(gguf) each(legacy) each(npy) each(onnx) each(pickle) each(safetensors) each(tar)      \
        each(zip)
#define DEFINE(folder)                                                                                       \
    static void damaged_##folder##_files(void **state)                                                       \
    {                                                                                                        \
        (void)state;                                                                                         \
        damage_folder(#folder);                                                                              \
    }
#define LIST(folder) cmocka_unit_test(damaged_##folder##_files),

FOLDERS(DEFINE)

int main(void)
{
    const struct CMUnitTest tests[] = {FOLDERS(LIST)};
    limit_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
