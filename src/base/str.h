/* Texts: a growing buffer, and comparing names. */
#ifndef ENGRAFT_BASE_STR_H
#define ENGRAFT_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engraft/arena.h"

/* A growing byte buffer; always terminated by a zero that does not count. A zeroed struct is empty. */
typedef struct eg_buf {
    char *data; /* NULL while empty */
    size_t length, capacity;
} eg_buf;

void eg_buf_add(eg_buf *buf, const void *bytes, size_t length);
void eg_buf_puts(eg_buf *buf, const char *text);
void eg_buf_printf(eg_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void eg_buf_clear(eg_buf *buf); /* frees */
/* Moves the text into the arena and clears the buffer. Never NULL. */
char *eg_buf_take(eg_buf *buf, eg_arena *arena);

bool eg_starts_with(const char *text, const char *prefix);
bool eg_ends_with(const char *text, const char *suffix);
/* The candidate that a person most likely meant (Damerau-Levenshtein distance at most a third of its length),
 * or NULL. */
const char *eg_nearest(const char *name, const char *const *candidates, size_t count);
/* The shortest decimal text that reads back to the same double; in the arena. */
const char *eg_real_text(eg_arena *arena, double value);
/* Escapes control characters and invalid UTF-8 as \xNN, for messages; in the arena. */
const char *eg_printable(eg_arena *arena, const char *text, size_t length);
/* True for well-formed UTF-8 without surrogates. */
bool eg_is_utf8(const char *text, size_t length);
/* Comparison for sorting names: runs of digits by value ("layer9" before "layer10"), else by byte. */
int eg_natural_compare(const char *a, const char *b);

#endif
