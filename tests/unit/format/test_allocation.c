/* Memory that runs out: each allocation in turn of reading and writing fails, alone or with all that follow.
 * The process ends with the exit code of the system's errors and a line, never by a signal; a file that
 * stands at the output's place stays as it was or is replaced by the whole new one, and no temporary file is
 * left.
 *
 * Linked so that the library's own calls of malloc, realloc, calloc and mmap come here. */
#include "make_torch.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- what fails ---- */

static long countdown = -1; /* allocations until the first failure; negative: none fails */
static bool persistent;     /* all after it fail, too */

static bool fails(void)
{
    if (countdown < 0) return false;
    if (countdown > 0) {
        countdown--;
        return false;
    }
    if (!persistent) countdown = -1;
    return true;
}

/* The linker's names for the functions and for their stand-ins. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__real_mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return fails() ? MAP_FAILED : __real_mmap(at, size, protection, flags, fd, offset);
}

void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    return fails() ? MAP_FAILED : __real_mmap64(at, size, protection, flags, fd, offset);
}

/* ---- one attempt ---- */

/* Reads every tensor of a file, and writes it where `out` is given. */
typedef struct job {
    const char *in, *out;
    const char *format; /* of out, where its name does not tell */
} job;

static bool do_job(const job *j, eg_error *err)
{
    static uint8_t bytes[1 << 16];
    eg_checkpoint *file = eg_checkpoint_open(j->in, NULL, err);
    bool ok = file != NULL;
    for (size_t i = 0; ok && !j->out && i < file->store.count; i++) {
        const eg_entry *entry = &file->store.entries[i];
        uint64_t numel = 0;
        eg_shape_numel(entry->shape, &numel);
        if (numel <= sizeof bytes / 16) ok = eg_entry_read(entry, bytes, err);
    }
    if (ok && j->out) {
        const eg_checkpoint_extra extra = {
            .versions = file->versions, .version_count = file->version_count, .format = j->format};
        ok = eg_checkpoint_write(j->out, &file->store, &extra, err);
    }
    eg_checkpoint_close(file);
    return ok;
}

/* In a process of its own; standard error goes to a file. Returns the exit code, or 128 and the signal. */
static int attempt(const job *j, long first, bool all, const char *log)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        eg_error err = {0};
        if (!freopen(log, "w", stderr) || setvbuf(stderr, NULL, _IONBF, 0) != 0) _exit(99);
        countdown = first;
        persistent = all;
        bool ok = do_job(j, &err);
        countdown = -1;
        if (!ok) fprintf(stderr, "engraft: %s\n", err.text);
        _exit(ok ? 0 : (int)err.code);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static eg_buf contents(const char *path)
{
    eg_arena arena = {0};
    eg_buf out = {0};
    size_t length;
    const char *text = eg_file_read(&arena, path, 1 << 20, &length, NULL);
    if (text) eg_buf_add(&out, text, length);
    eg_arena_clear(&arena);
    return out;
}

static bool same(const eg_buf *a, const eg_buf *b)
{
    return a->length == b->length && (!a->length || memcmp(a->data, b->data, a->length) == 0);
}

/* The folder of the output, whose files are counted. */
static size_t files_in(const char *folder)
{
    eg_arena arena = {0};
    const char *const *names;
    size_t count = 0;
    assert_true(eg_folder_list(&arena, folder, &names, &count, NULL));
    eg_arena_clear(&arena);
    return count;
}

/* ---- every allocation in turn ---- */

static const char old_text[] = "what was there";

static void put_old(const char *path)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(old_text, f);
    fclose(f);
}

static void expect_line(const char *log, int code, long first)
{
    eg_buf told = contents(log);
    size_t lines = 0;
    for (size_t i = 0; i < told.length; i++) lines += told.data[i] == '\n';
    if (code && lines != 1) fail_msg("allocation %ld: exit %d with %zu lines", first, code, lines);
    eg_buf_clear(&told);
}

/* Under the sanitizer each object of an arena is an allocation, and a process is dear: a sample. */
static long next(long first)
{
#if defined(__SANITIZE_ADDRESS__)
    return first + 1 + first / 2;
#else
    return first + 1;
#endif
}

static void fail_each(const job *j, const char *folder, const char *log, bool all)
{
    eg_buf whole = {0}, before = {0};
    eg_buf_puts(&before, old_text);
    if (j->out) {
        assert_int_equal(attempt(j, -1, false, log), 0);
        whole = contents(j->out);
    }
    bool failed = true;
    for (long first = 0; failed; first = next(first)) {
        assert_true(first < 1000 * 1000);
        if (j->out) put_old(j->out);
        int code = attempt(j, first, all, log);
        if (code != 0 && code != EG_SYSTEM) fail_msg("%s: allocation %ld: exit %d", j->in, first, code);
        expect_line(log, code, first);
        failed = code != 0;
        if (!j->out) continue;
        eg_buf now = contents(j->out);
        if (!same(&now, code ? &before : &whole) && !same(&now, &whole))
            fail_msg("%s: allocation %ld left half a file", j->out, first);
        assert_int_equal(files_in(folder), 1);
        eg_buf_clear(&now);
    }
    eg_buf_clear(&whole), eg_buf_clear(&before);
}

static void fail_all(const char *const *files, size_t count, const char *const *outputs, size_t output_count)
{
    eg_arena arena = {0};
    const char *root = getenv("ENGRAFT_TEST_ROOT"), *place = getenv("TMPDIR");
    char folder[512];
    snprintf(folder, sizeof folder, "%s/engraft-allocation-XXXXXX", place ? place : "/tmp");
    assert_non_null(mkdtemp(folder));
    const char *inner = eg_arena_printf(&arena, "%s/out", folder),
               *log = eg_arena_printf(&arena, "%s/log", folder);
    assert_int_equal(mkdir(inner, 0700), 0);
    for (size_t i = 0; i < count; i++)
        for (size_t o = 0; o < output_count; o++)
            for (int all = 0; all < 2; all++) {
                const char *name = outputs[o];
                job j = {.in = eg_arena_printf(&arena, "%s/tests/%s", root ? root : ".", files[i])};
                if (name) j.out = eg_arena_printf(&arena, "%s/%s", inner, name);
                if (name && strstr(name, "legacy")) j.format = "pth-legacy";
                fail_each(&j, inner, log, all);
                if (j.out) unlink(j.out);
            }
    unlink(log);
    rmdir(inner);
    rmdir(folder);
    eg_arena_clear(&arena);
}

static void while_reading(void **state)
{
    static const char *const files[] = {
        "fuzz/corpus/archive/kinds",      "fuzz/corpus/archive/deflated", "fuzz/corpus/archive/script",
        "fuzz/corpus/archive/pt2",        "fuzz/corpus/legacy/two",       "fuzz/corpus/tar/module",
        "fuzz/corpus/archive/arrays.npz", "fuzz/corpus/npy/rows.npy",     "fuzz/corpus/gguf/plain",
        "fuzz/corpus/safetensors/two",    "fuzz/corpus/onnx/typed",
    };
    static const char *const nothing[] = {NULL};
    (void)state;
    fail_all(files, sizeof files / sizeof *files, nothing, 1);
}

static void while_writing(void **state)
{
    static const char *const files[] = {"fuzz/corpus/archive/training"};
    static const char *const outputs[] = {"a.pth", "a.safetensors", "a.npz", "legacy.pth"};
    (void)state;
    fail_all(files, 1, outputs, sizeof outputs / sizeof *outputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(while_reading),
        cmocka_unit_test(while_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
