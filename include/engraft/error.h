/* Errors: one object, last parameter, written once by the lowest layer that knows what happened. */
#ifndef ENGRAFT_ERROR_H
#define ENGRAFT_ERROR_H

#include <stdbool.h>
#include <stdint.h>

/* What went wrong. The values are the command line's exit codes. */
typedef enum eg_code {
    EG_OK = 0,
    EG_USAGE = 1,     /* the command line is wrong */
    EG_MALFORMED = 2, /* a file is damaged, or of a kind that is not supported */
    EG_UNSAFE = 3,    /* a file holds something that a Python loader could execute */
    EG_RECIPE = 4,    /* a recipe or an architecture is wrong */
    EG_REFUSED = 5,   /* the plan does not account for every tensor */
    EG_MISMATCH = 6,  /* a verification found other bits */
    EG_SYSTEM = 7,    /* input/output, memory, threads */
    EG_DIVERGED = 8,  /* training produced NaN or infinity */
} eg_code;

/* A position in a text file; line and column count from 1, 0 means unknown. */
typedef struct eg_place {
    const char *file;
    uint32_t line;
    uint32_t column;
} eg_place;

typedef struct eg_error {
    eg_code code;
    char id[12];     /* stable identifier such as "PKL-003", or "" */
    char file[1024]; /* the file it is about, or "" */
    uint32_t line;   /* 0: unknown */
    uint32_t column; /* 0: unknown */
    char text[2048]; /* one sentence, no final newline */
} eg_error;

/* Fills *err (which may be NULL) and returns false, so that a function can `return eg_fail(...)`. An error
 * that is already set is kept: the first one is the cause. */
bool eg_fail(eg_error *err, eg_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same with a stable identifier (checkpoint errors). */
bool eg_fail_id(eg_error *err, eg_code code, const char *id, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same with a place in a text file. */
bool eg_fail_at(eg_error *err, eg_code code, eg_place place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Adds what a border knows: the file, unless a lower layer has named one. Returns false. */
bool eg_error_in(eg_error *err, const char *file);
/* Writes "file:line:column: ID: text" (the parts that are known) into out, always terminated. */
void eg_error_format(const eg_error *err, char *out, uint64_t size);

#endif
