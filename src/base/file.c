#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/str.h"

static bool system_failed(eg_error *err, const char *path, const char *what)
{
    int code = errno;
    eg_fail(err, EG_SYSTEM, "cannot %s: %s", what, strerror(code));
    return eg_error_in(err, path);
}

/* Checks what has been opened, and closes it again when it is not a regular file. */
static bool check_regular(int fd, const char *path, uint64_t *size, eg_error *err)
{
    struct stat st;
    if (fd < 0) return system_failed(err, path, "open the file");
    if (fstat(fd, &st) != 0) {
        system_failed(err, path, "stat the file");
    } else if (!S_ISREG(st.st_mode)) {
        eg_fail(err, EG_SYSTEM, "this is a %s, expected a regular file",
                S_ISDIR(st.st_mode) ? "folder" : "device");
        eg_error_in(err, path);
    } else {
        *size = (uint64_t)st.st_size;
        return true;
    }
    close(fd);
    return false;
}

static bool open_regular(const char *path, int *fd, uint64_t *size, eg_error *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    return check_regular(*fd, path, size, err);
}

static bool map(eg_mapping *mapping, const char *path, eg_error *err)
{
    static const uint8_t nothing[1];
    mapping->bytes = nothing;
    if (mapping->size == 0) return true;
    void *bytes = mmap(NULL, mapping->size, PROT_READ, MAP_PRIVATE, mapping->fd, 0);
    if (bytes != MAP_FAILED) {
        mapping->bytes = bytes;
        return true;
    }
    system_failed(err, path, "map the file");
    close(mapping->fd);
    *mapping = (eg_mapping){0};
    return false;
}

bool eg_mapping_open(eg_mapping *mapping, const char *path, eg_error *err)
{
    return open_regular(path, &mapping->fd, &mapping->size, err) && map(mapping, path, err);
}

bool eg_mapping_open_in(eg_mapping *mapping, const char *folder, const char *name, eg_error *err)
{
    eg_arena arena = {0};
    const char *path = eg_path_join(&arena, folder, name);
    int where = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = where >= 0 || system_failed(err, folder, "open the folder");
    if (ok) {
        mapping->fd = openat(where, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
        if (mapping->fd < 0 && errno == ELOOP) {
            ok = eg_fail(err, EG_MALFORMED,
                         "this is a link, expected the file itself beside the index; copy it there");
            eg_error_in(err, path);
        } else {
            ok = check_regular(mapping->fd, path, &mapping->size, err) && map(mapping, path, err);
        }
        close(where);
    }
    eg_arena_clear(&arena);
    return ok;
}

void eg_mapping_close(eg_mapping *mapping)
{
    if (!mapping->bytes) return;
    if (mapping->size) munmap((void *)mapping->bytes, mapping->size);
    close(mapping->fd);
    *mapping = (eg_mapping){0};
}

bool eg_read_at(int fd, uint64_t offset, void *out, size_t size, eg_error *err)
{
    for (size_t done = 0; done < size;) {
        unsigned long long at = offset + done;
        ssize_t n = pread(fd, (char *)out + done, size - done, (off_t)at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return eg_fail(err, EG_SYSTEM, "cannot read the file: %s", strerror(errno));
        if (n == 0)
            return eg_fail(err, EG_SYSTEM, "the file ends at byte %llu, %zu bytes early", at, size - done);
        done += (size_t)n;
    }
    return true;
}

char *eg_file_read(eg_arena *arena, const char *path, uint64_t limit, size_t *length, eg_error *err)
{
    int fd;
    uint64_t size = 0;
    char *text = NULL;
    if (!open_regular(path, &fd, &size, err)) return NULL;
    if (size > limit) {
        eg_fail(err, EG_MALFORMED, "the file has %llu bytes, expected at most %llu", (unsigned long long)size,
                (unsigned long long)limit);
        eg_error_in(err, path);
    } else {
        text = eg_arena_alloc(arena, size + 1);
        if (!eg_read_at(fd, 0, text, size, err)) {
            eg_error_in(err, path);
            text = NULL;
        }
    }
    close(fd);
    if (text && length) *length = size;
    return text;
}

const char *eg_path_folder(eg_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return ".";
    return slash == path ? "/" : eg_arena_substring(arena, path, (size_t)(slash - path));
}

const char *eg_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *eg_path_join(eg_arena *arena, const char *folder, const char *path)
{
    if (path[0] == '/' || strcmp(folder, ".") == 0) return eg_arena_string(arena, path);
    return eg_arena_printf(arena, "%s%s%s", folder, eg_ends_with(folder, "/") ? "" : "/", path);
}

bool eg_path_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool eg_path_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool eg_folder_make(const char *path, eg_error *err)
{
    eg_buf buf = {0};
    bool ok = true;
    for (const char *at = path; ok && *at;) {
        size_t n = strcspn(at + 1, "/") + 1;
        eg_buf_add(&buf, at, n);
        at += n;
        ok = mkdir(buf.data, 0777) == 0 || errno == EEXIST || errno == EISDIR;
    }
    if (ok && !eg_path_is_folder(path)) {
        errno = ENOTDIR;
        ok = false;
    }
    if (!ok) system_failed(err, path, "make the folder");
    eg_buf_clear(&buf);
    return ok;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool eg_folder_list(eg_arena *arena, const char *path, const char *const **names, size_t *count,
                    eg_error *err)
{
    DIR *folder = opendir(path);
    if (!folder) return system_failed(err, path, "open the folder");
    const char **list = NULL;
    size_t n = 0, capacity = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (n == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            list = eg_realloc(list, eg_size_product(capacity, sizeof *list));
        }
        list[n++] = eg_arena_string(arena, entry->d_name);
    }
    closedir(folder);
    if (n) qsort(list, n, sizeof *list, compare_names);
    *names = eg_arena_copy(arena, list, eg_size_product(n, sizeof *list));
    *count = n;
    free(list);
    return true;
}
