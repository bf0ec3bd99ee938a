#include "train/feature_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"

static const char magic[16] = {'e', 'n', 'g', 'r', 'a', 'f', 't', ' ',
                               'f', 'e', 'a', 't', 'u', 'r', 'e', 's'};
static const char extension[] = ".features";

enum { VERSION = 1, PAGE = 4096, KEY = 64 };

/* Of a folder's files together. */
static const uint64_t folder_limit = 16ULL << 30;

typedef struct header {
    char magic[16];
    uint64_t version, rows, width;
    char key[KEY];
    uint64_t head;
} header;

typedef enum row_state { ROW_EMPTY, ROW_UNCHECKED, ROW_GOOD } row_state;

struct eg_feature_store {
    eg_arena arena;
    int64_t rows, width, filled;
    uint8_t *state; /* a row_state a row */
    float *memory;  /* NULL: in the file */
    size_t memory_size;
    const char *folder, *path; /* NULL: in memory */
    char key[KEY + 1];
    uint64_t *sums; /* as in the file */
    int fd;
    bool found;
};

/* Four independent chains of multiply and rotate, so that it runs at memory speed; it finds damage, not
 * malice. */
static uint64_t checksum(const void *bytes, size_t size)
{
    static const uint64_t odd = 0x9e3779b97f4a7c15ULL;
    uint64_t sum[4] = {1, 2, 3, 4}, word[4];
    for (size_t at = 0; at < size; at += sizeof word) {
        size_t part = size - at < sizeof word ? size - at : sizeof word;
        memset(word, 0, sizeof word);
        memcpy(word, (const uint8_t *)bytes + at, part);
        for (int i = 0; i < 4; i++) {
            sum[i] = (sum[i] ^ word[i]) * odd;
            sum[i] = sum[i] << 29 | sum[i] >> 35;
        }
    }
    uint64_t all = size;
    for (int i = 0; i < 4; i++) all = (all ^ sum[i]) * odd ^ sum[i] >> 31;
    return all;
}

static size_t row_bytes(const eg_feature_store *store)
{
    return (size_t)store->width * sizeof(float);
}

/* Where the rows begin. */
static uint64_t data_offset(const eg_feature_store *store)
{
    uint64_t end = sizeof(header) + (uint64_t)store->rows * sizeof(uint64_t);
    return (end + PAGE - 1) / PAGE * PAGE;
}

static uint64_t file_size(const eg_feature_store *store)
{
    return data_offset(store) + (uint64_t)store->rows * row_bytes(store);
}

static bool read_at(int fd, void *out, size_t size, uint64_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(fd, (uint8_t *)out + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        done += (size_t)got;
    }
    return true;
}

static bool write_at(int fd, const void *in, size_t size, uint64_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t put = pwrite(fd, (const uint8_t *)in + done, size - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        done += (size_t)put;
    }
    return true;
}

static bool failed(const eg_feature_store *store, const char *what, eg_error *err)
{
    eg_fail(err, EG_SYSTEM, "cannot %s: %s", what, strerror(errno));
    return eg_error_in(err, store->folder);
}

static header make_header(const eg_feature_store *store)
{
    header h = {.version = VERSION, .rows = (uint64_t)store->rows, .width = (uint64_t)store->width};
    memcpy(h.magic, magic, sizeof magic);
    memcpy(h.key, store->key, KEY);
    h.head = checksum(&h, offsetof(header, head));
    return h;
}

/* ---- opening ---- */

static eg_feature_store *new_store(int64_t rows, int64_t width)
{
    eg_arena arena = {0};
    eg_feature_store *store = EG_NEW(&arena, eg_feature_store);
    *store = (eg_feature_store){.arena = arena, .rows = rows, .width = width, .fd = -1};
    store->state = EG_NEW_ARRAY(&store->arena, uint8_t, (size_t)rows);
    return store;
}

eg_feature_store *eg_feature_store_memory(int64_t rows, int64_t width, eg_error *err)
{
    eg_feature_store *store = new_store(rows, width);
    store->memory_size = eg_size_product((size_t)rows, row_bytes(store));
    store->memory = eg_block_new(store->memory_size, "the features; train.cache: disk needs less", err);
    if (store->memory) return store;
    eg_feature_store_close(store);
    return NULL;
}

/* The file when it is whole and of this key; its time says that it is in use. */
static bool open_found(eg_feature_store *store)
{
    header expected = make_header(store), h;
    struct stat st;
    int fd = open(store->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    bool ok = fstat(fd, &st) == 0 && (uint64_t)st.st_size == file_size(store) &&
              read_at(fd, &h, sizeof h, 0) && memcmp(&h, &expected, sizeof h) == 0 &&
              read_at(fd, store->sums, (size_t)store->rows * sizeof(uint64_t), sizeof h);
    if (!ok) {
        close(fd);
        return false;
    }
    memset(store->state, ROW_UNCHECKED, (size_t)store->rows);
    utimensat(AT_FDCWD, store->path, NULL, 0);
    store->fd = fd;
    store->filled = store->rows;
    return true;
}

/* Removes the oldest files until `more` bytes fit below the limit. A file that another run reads stays there
 * for it. */
static void make_room(const eg_feature_store *store, uint64_t more)
{
    const char *const *names;
    size_t count = 0;
    eg_arena arena = {0};
    if (!eg_folder_list(&arena, store->folder, &names, &count, NULL)) count = 0;
    for (;;) {
        uint64_t sum = more;
        const char *oldest = NULL;
        struct timespec time = {0};
        for (size_t i = 0; i < count; i++) {
            struct stat st;
            const char *path = eg_path_join(&arena, store->folder, names[i]);
            if (!eg_ends_with(path, extension) || stat(path, &st) != 0) continue;
            sum += (uint64_t)st.st_size;
            bool older = st.st_mtim.tv_sec < time.tv_sec ||
                         (st.st_mtim.tv_sec == time.tv_sec && st.st_mtim.tv_nsec < time.tv_nsec);
            if (!oldest || older) oldest = path, time = st.st_mtim;
        }
        if (sum <= folder_limit || !oldest || unlink(oldest) != 0) break;
    }
    eg_arena_clear(&arena);
}

static bool open_new(eg_feature_store *store, eg_error *err)
{
    make_room(store, file_size(store));
    store->fd = open(store->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
    if (store->fd < 0) return failed(store, "make a file without a name", err);
    int code = posix_fallocate(store->fd, 0, (off_t)file_size(store));
    errno = code;
    return code == 0 || failed(store, "reserve room for the features", err);
}

eg_feature_store *eg_feature_store_open(const char *folder, const char *key, int64_t rows, int64_t width,
                                        eg_error *err)
{
    eg_feature_store *store = new_store(rows, width);
    store->folder = eg_arena_string(&store->arena, folder);
    store->path = eg_arena_printf(&store->arena, "%s/%s%s", folder, key, extension);
    snprintf(store->key, sizeof store->key, "%s", key);
    store->sums = EG_NEW_ARRAY(&store->arena, uint64_t, (size_t)rows);
    store->found = open_found(store);
    if (store->found || (eg_folder_make(folder, err) && open_new(store, err))) return store;
    eg_feature_store_close(store);
    return NULL;
}

void eg_feature_store_close(eg_feature_store *store)
{
    if (!store) return;
    if (store->fd >= 0) close(store->fd);
    eg_block_free(store->memory, store->memory_size);
    eg_arena arena = store->arena; /* it holds the store itself */
    eg_arena_clear(&arena);
}

bool eg_feature_store_found(const eg_feature_store *store)
{
    return store->found;
}

/* ---- rows ---- */

bool eg_feature_store_has(const eg_feature_store *store, int64_t row)
{
    return store->state[row] != ROW_EMPTY;
}

bool eg_feature_store_read(eg_feature_store *store, int64_t row, float *out)
{
    size_t bytes = row_bytes(store);
    if (store->memory) {
        memcpy(out, store->memory + row * store->width, bytes);
        return true;
    }
    if (!read_at(store->fd, out, bytes, data_offset(store) + (uint64_t)row * bytes)) return false;
    if (store->state[row] == ROW_GOOD) return true;
    if (checksum(out, bytes) != store->sums[row]) return false;
    store->state[row] = ROW_GOOD;
    return true;
}

/* Gives the file its name: a second one first, since a link replaces nothing and a rename does. */
static bool commit(eg_feature_store *store, eg_error *err)
{
    header h = make_header(store);
    char from[64];
    if (!write_at(store->fd, &h, sizeof h, 0) ||
        !write_at(store->fd, store->sums, (size_t)store->rows * sizeof(uint64_t), sizeof h) ||
        fsync(store->fd) != 0)
        return failed(store, "write the features", err);
    snprintf(from, sizeof from, "/proc/self/fd/%d", store->fd);
    const char *beside = eg_arena_printf(&store->arena, "%s.%ld", store->path, (long)getpid());
    if (linkat(AT_FDCWD, from, AT_FDCWD, beside, AT_SYMLINK_FOLLOW) != 0 ||
        rename(beside, store->path) != 0) {
        failed(store, "name the file of features", err);
        unlink(beside);
        return false;
    }
    return true;
}

bool eg_feature_store_write(eg_feature_store *store, int64_t row, const float *in, eg_error *err)
{
    size_t bytes = row_bytes(store);
    if (store->memory) {
        memcpy(store->memory + row * store->width, in, bytes);
    } else {
        if (!write_at(store->fd, in, bytes, data_offset(store) + (uint64_t)row * bytes))
            return failed(store, "write the features", err);
        store->sums[row] = checksum(in, bytes);
    }
    store->state[row] = ROW_UNCHECKED;
    return ++store->filled < store->rows || store->memory || commit(store, err);
}

bool eg_feature_store_reset(eg_feature_store *store, eg_error *err)
{
    memset(store->state, ROW_EMPTY, (size_t)store->rows);
    store->filled = 0;
    store->found = false;
    if (store->memory) return true;
    close(store->fd);
    unlink(store->path);
    return open_new(store, err);
}

const char *eg_feature_folder(eg_arena *arena)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/') return eg_arena_printf(arena, "%s/engraft/features", cache);
    return home && home[0] == '/' ? eg_arena_printf(arena, "%s/.cache/engraft/features", home) : NULL;
}
