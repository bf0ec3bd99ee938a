/* Tables of text, as RFC 4180 has them: a line of column names, then one line a row; cells are separated by
 * commas, one that holds a comma, a quote or a line break stands in quotes, and a quote in it is doubled.
 * Lines end in LF or CRLF; a byte order mark and empty lines are passed over. */
#ifndef ENGRAFT_FORMAT_CSV_H
#define ENGRAFT_FORMAT_CSV_H

#include "engraft/arena.h"
#include "engraft/error.h"

typedef struct eg_csv {
    const char *const *columns;
    size_t column_count;
    const char *const *cells; /* (row_count, column_count) */
    const unsigned *lines;    /* where each row starts in the file, from 1 */
    size_t row_count;
} eg_csv;

/* In the arena. EG_MALFORMED, with the line, for rows of another width, an open quote, text behind a closing
 * one, a zero byte, or two columns of one name. */
bool eg_csv_read(eg_csv *csv, eg_arena *arena, const char *path, eg_error *err);
/* The column's position, or -1. */
int64_t eg_csv_column(const eg_csv *csv, const char *name);

#endif
