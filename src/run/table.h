/* Numbers and aligned columns for people. */
#ifndef ENGRAFT_RUN_TABLE_H
#define ENGRAFT_RUN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engraft/arena.h"

enum { EG_TABLE_COLUMNS = 9 };

typedef struct eg_row {
    const char *cells[EG_TABLE_COLUMNS]; /* NULL: the row ends */
} eg_row;

/* Writes the rows to standard output. Cells are padded to their column; those of `right` stand at its right
 * edge. */
void eg_table_print(const eg_row *rows, size_t count, const bool *right);
/* 1234567 as "1,234,567", in the arena. */
const char *eg_count_text(eg_arena *arena, uint64_t n);
/* 1234567 as "1.2 MB", in the arena. */
const char *eg_size_text(eg_arena *arena, uint64_t bytes);

#endif
