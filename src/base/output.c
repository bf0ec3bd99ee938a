#include "base/output.h"

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

enum { BUFFER_SIZE = 1 << 16 };

static bool system_failed(eg_error *err, const char *path, const char *what)
{
    int code = errno;
    eg_fail(err, EG_SYSTEM, "cannot %s: %s", what, strerror(code));
    return eg_error_in(err, path);
}

/* ---- the open ones ---- */

static eg_output *open_outputs; /* so that an early end of the process can remove them */

static void remove_open_outputs(void)
{
    for (eg_output *output = open_outputs; output; output = output->next)
        if (output->temporary) unlink(output->temporary);
}

static void remember(eg_output *output)
{
    static bool registered;
    if (!registered) {
        registered = true;
        atexit(remove_open_outputs);
        eg_memory_on_exit(remove_open_outputs);
    }
    output->next = open_outputs;
    open_outputs = output;
}

static void release(eg_output *output)
{
    for (eg_output **link = &open_outputs; *link; link = &(*link)->next) {
        if (*link != output) continue;
        *link = output->next;
        break;
    }
    if (output->fd >= 0) close(output->fd);
    free(output->path);
    free(output->temporary);
    free(output->buffer);
    free(output);
}

static char *copy_text(const char *a, const char *b)
{
    char *text = eg_malloc(strlen(a) + strlen(b) + 1);
    strcpy(text, a);
    return strcat(text, b);
}

/* By this name linkat finds a file that has none. */
static void name_descriptor(int fd, char name[32])
{
    snprintf(name, 32, "/proc/self/fd/%d", fd);
}

/* A file without a name, which ends with the process. -1 where the file system has none, or where /proc is
 * missing, through which it would get its name. */
static int open_unnamed(const char *path)
{
    eg_arena arena = {0};
    char self[32];
    int fd = open(eg_path_folder(&arena, path), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    eg_arena_clear(&arena);
    name_descriptor(fd, self);
    if (fd < 0 || access(self, F_OK) == 0) return fd;
    close(fd);
    return -1;
}

static int open_named(char *temporary)
{
    int fd = mkostemp(temporary, O_CLOEXEC);
    mode_t mask = umask(0);
    umask(mask);
    if (fd >= 0) fchmod(fd, 0666 & ~mask);
    return fd;
}

eg_output *eg_output_open(const char *path, eg_error *err)
{
    eg_output *output = eg_malloc(sizeof *output);
    *output = (eg_output){.path = copy_text(path, ""), .fd = open_unnamed(path)};
    output->buffer = eg_malloc(BUFFER_SIZE);
    if (output->fd < 0) {
        output->temporary = copy_text(path, ".XXXXXX");
        output->fd = open_named(output->temporary);
    }
    if (output->fd < 0) {
        system_failed(err, path, "create the file");
        release(output);
        return NULL;
    }
    remember(output);
    return output;
}

/* ---- writing ---- */

bool eg_output_write_at(eg_output *output, uint64_t at, const void *bytes, size_t size, eg_error *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(output->fd, (const uint8_t *)bytes + done, size - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return system_failed(err, output->path, "write the file");
        done += (size_t)n;
    }
    return true;
}

static bool flush(eg_output *output, eg_error *err)
{
    size_t size = output->buffered;
    output->buffered = 0;
    return eg_output_write_at(output, output->size - size, output->buffer, size, err);
}

bool eg_output_write(eg_output *output, const void *bytes, size_t size, eg_error *err)
{
    if (size > BUFFER_SIZE - output->buffered && !flush(output, err)) return false;
    output->size += size;
    if (size >= BUFFER_SIZE) return eg_output_write_at(output, output->size - size, bytes, size, err);
    if (size) memcpy(output->buffer + output->buffered, bytes, size);
    output->buffered += size;
    return true;
}

bool eg_output_skip(eg_output *output, uint64_t size, eg_error *err)
{
    if (!flush(output, err)) return false;
    output->size += size;
    return true;
}

bool eg_output_allocate(eg_output *output, eg_error *err)
{
    if (output->size == 0 || fallocate(output->fd, 0, 0, (off_t)output->size) == 0) return true;
    if (errno != ENOSPC && errno != EDQUOT && errno != EFBIG) return true;
    int code = errno;
    eg_fail(err, EG_SYSTEM, "cannot write the file: %s (%llu bytes are needed)", strerror(code),
            (unsigned long long)output->size);
    return eg_error_in(err, output->path);
}

void eg_output_start(eg_output *output)
{
    sync_file_range(output->fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* a hint: fsync says what went wrong */
}

/* ---- the end ---- */

static void sync_folder(const char *path)
{
    eg_arena arena = {0};
    int fd = open(eg_path_folder(&arena, path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd); /* some file systems cannot; the file itself is safe already */
        close(fd);
    }
    eg_arena_clear(&arena);
}

bool eg_output_text(eg_output *output, eg_arena *arena, const char **text, eg_error *err)
{
    char *bytes = eg_arena_alloc(arena, output->size + 1);
    *text = bytes;
    return flush(output, err) &&
           (eg_read_at(output->fd, 0, bytes, output->size, err) || eg_error_in(err, output->path));
}

/* Under the first free name beside its place: PATH.000000, PATH.000001, ... Only a kill between this and the
 * rename leaves one behind. */
static bool give_name(eg_output *output)
{
    enum { MOST = 1000000 };
    char self[32];
    size_t size = strlen(output->path) + 8;
    char *name = eg_malloc(size);
    name_descriptor(output->fd, self);
    for (int i = 0; i < MOST; i++) {
        snprintf(name, size, "%s.%06d", output->path, i);
        if (linkat(AT_FDCWD, self, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0) {
            output->temporary = name;
            return true;
        }
        if (errno != EEXIST) break;
    }
    free(name);
    return false;
}

static bool put_in_place(eg_output *output, eg_error *err)
{
    bool ok = (output->temporary || give_name(output)) && rename(output->temporary, output->path) == 0;
    return ok || system_failed(err, output->path, "put the file in place");
}

bool eg_output_commit(eg_output *output, eg_error *err)
{
    bool ok = flush(output, err);
    if (ok && fsync(output->fd) != 0) ok = system_failed(err, output->path, "write the file to disk");
    if (!ok || !put_in_place(output, err)) {
        eg_output_abandon(output);
        return false;
    }
    sync_folder(output->path);
    release(output);
    return true;
}

void eg_output_abandon(eg_output *output)
{
    if (!output) return;
    if (output->temporary) unlink(output->temporary);
    release(output);
}

bool eg_file_write(const char *path, const char *text, size_t length, eg_error *err)
{
    eg_output *output = eg_output_open(path, err);
    if (!output) return false;
    if (eg_output_write(output, text, length, err)) return eg_output_commit(output, err);
    eg_output_abandon(output);
    return false;
}
