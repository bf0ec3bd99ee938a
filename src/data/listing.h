/* Data sets that are tables: csv, and JSON with an object a line. */
#ifndef ENGRAFT_DATA_LISTING_H
#define ENGRAFT_DATA_LISTING_H

#include "engraft/arena.h"
#include "engraft/recipe.h"

typedef struct eg_listing_row {
    const char *path; /* from the table's folder on */
    const char *label;
    const char *group; /* NULL: no such column is asked for */
} eg_listing_row;

typedef struct eg_listing {
    eg_listing_row *rows; /* of the split, in file order */
    size_t count;
} eg_listing;

/* In the arena. Errors: a column that is not there (with the nearest name), an empty path or label, a file
 * that does not exist: each with the table's line. */
bool eg_listing_read(eg_listing *listing, eg_arena *arena, const eg_data_set *spec, eg_error *err);
/* Whether the table has that column (of jsonl: its first object). */
bool eg_listing_has(eg_arena *arena, const eg_data_set *spec, const char *column);

#endif
