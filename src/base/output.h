/* Output files that appear complete or not at all. */
#ifndef ENGRAFT_BASE_OUTPUT_H
#define ENGRAFT_BASE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engraft/arena.h"
#include "engraft/error.h"

/* An output file: written in the folder of its place without a name (O_TMPFILE), put in place by
 * eg_output_commit alone. A process that ends before leaves no trace of it, whatever ended it. Where the file
 * system has no files without names, it has a temporary one beside its place, which a kill leaves there. */
typedef struct eg_output {
    int fd;
    char *path, *temporary; /* temporary: its name while that is not path, or NULL */
    uint64_t size;          /* bytes written or left out so far: where the next one goes */
    uint8_t *buffer;
    size_t buffered;
    struct eg_output *next; /* list of open ones */
} eg_output;

eg_output *eg_output_open(const char *path, eg_error *err);
/* At the end. */
bool eg_output_write(eg_output *output, const void *bytes, size_t size, eg_error *err);
/* Leaves out the next bytes, for eg_output_write_at to fill: they are 0 until then. */
bool eg_output_skip(eg_output *output, uint64_t size, eg_error *err);
/* Bytes that were left out; threads may fill different ones at once. */
bool eg_output_write_at(eg_output *output, uint64_t at, const void *bytes, size_t size, eg_error *err);
/* Claims the disk space for all up to the end, so that a full disk is found before anything is copied. File
 * systems that cannot say so find it later. */
bool eg_output_allocate(eg_output *output, eg_error *err);
/* Lets the system begin to write to disk what it was given, for eg_output_commit to wait less. */
void eg_output_start(eg_output *output);
/* Everything written so far, in the arena; a zero that does not count stands behind it. */
bool eg_output_text(eg_output *output, eg_arena *arena, const char **text, eg_error *err);
/* Flush, fsync, rename over the old file, fsync the folder. Frees output, whatever the result. */
bool eg_output_commit(eg_output *output, eg_error *err);
/* Removes the temporary file and frees output; NULL is fine. */
void eg_output_abandon(eg_output *output);

/* A whole text in one go. */
bool eg_file_write(const char *path, const char *text, size_t length, eg_error *err);

#endif
