/* Files: whole reads, mappings, sorted folders; and outputs (base/output.h). */
#ifndef ENGRAFT_BASE_FILE_H
#define ENGRAFT_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/output.h"
#include "engraft/arena.h"
#include "engraft/error.h"

/* A read-only private mapping of a regular file. */
typedef struct eg_mapping {
    const uint8_t *bytes; /* not NULL, even when the file is empty */
    uint64_t size;
    int fd;
} eg_mapping;

bool eg_mapping_open(eg_mapping *mapping, const char *path, eg_error *err);
/* The same for a file of that plain name in a folder, which may not be a link to somewhere else. */
bool eg_mapping_open_in(eg_mapping *mapping, const char *folder, const char *name, eg_error *err);
void eg_mapping_close(eg_mapping *mapping);

/* A whole text file of at most limit bytes, terminated, in the arena. *length may be NULL. */
char *eg_file_read(eg_arena *arena, const char *path, uint64_t limit, size_t *length, eg_error *err);

/* Exactly size bytes of an open file; the caller knows its name. Threads may read one file at once. */
bool eg_read_at(int fd, uint64_t offset, void *out, size_t size, eg_error *err);

/* The folder part of a path ("." when there is none), and the part after the last slash; in the arena. */
const char *eg_path_folder(eg_arena *arena, const char *path);
const char *eg_path_name(const char *path);
/* folder/path, or path itself when it is absolute or folder is ".". */
const char *eg_path_join(eg_arena *arena, const char *folder, const char *path);
bool eg_path_exists(const char *path);
bool eg_path_is_folder(const char *path);
/* Makes a folder and its parents. */
bool eg_folder_make(const char *path, eg_error *err);
/* The names in a folder, without "." and "..", sorted by byte; in the arena. */
bool eg_folder_list(eg_arena *arena, const char *path, const char *const **names, size_t *count,
                    eg_error *err);

#endif
