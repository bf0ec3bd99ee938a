#include "data/listing.h"

#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "format/csv.h"
#include "format/json.h"

enum { LARGEST = 1 << 30 };

/* What a row must say. */
typedef enum role { PATH, LABEL, SPLIT, GROUP, ROLES } role;

typedef struct reader {
    eg_arena *arena;
    const eg_data_set *spec;
    const char *columns[ROLES]; /* NULL: not asked for */
    eg_listing *listing;
    eg_error *err;
} reader;

/* One row: its cells by role. */
static bool add_row(reader *r, const char *const cells[ROLES], unsigned line)
{
    const eg_place place = {r->spec->table, line, 1};
    if (r->columns[SPLIT] && strcmp(cells[SPLIT], r->spec->split_value) != 0) return true;
    for (int i = PATH; i <= LABEL; i++)
        if (!cells[i][0])
            return eg_fail_at(r->err, EG_RECIPE, place, "'%s' is empty in this row", r->columns[i]);
    const char *path = eg_path_join(r->arena, eg_path_folder(r->arena, r->spec->table), cells[PATH]);
    if (!eg_path_exists(path))
        return eg_fail_at(r->err, EG_RECIPE, place,
                          "there is no file '%s' (paths start at the table's folder)", path);
    r->listing->rows[r->listing->count++] = (eg_listing_row){path, cells[LABEL], cells[GROUP]};
    return true;
}

/* ---- csv ---- */

static bool find_columns(reader *r, const eg_csv *csv, int64_t at[ROLES])
{
    const eg_place place = {r->spec->table, 1, 1};
    for (int i = 0; i < ROLES; i++) {
        at[i] = r->columns[i] ? eg_csv_column(csv, r->columns[i]) : -1;
        if (!r->columns[i] || at[i] >= 0) continue;
        const char *near = eg_nearest(r->columns[i], csv->columns, csv->column_count);
        return eg_fail_at(r->err, EG_RECIPE, place, "the table has no column '%s'%s%s%s", r->columns[i],
                          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return true;
}

static bool read_csv(reader *r)
{
    eg_csv csv;
    int64_t at[ROLES] = {0};
    if (!eg_csv_read(&csv, r->arena, r->spec->table, r->err) || !find_columns(r, &csv, at)) return false;
    r->listing->rows = EG_NEW_ARRAY(r->arena, eg_listing_row, csv.row_count);
    for (size_t row = 0; row < csv.row_count; row++) {
        const char *cells[ROLES] = {NULL};
        for (int i = 0; i < ROLES; i++)
            if (at[i] >= 0) cells[i] = csv.cells[row * csv.column_count + (size_t)at[i]];
        if (!add_row(r, cells, csv.lines[row])) return false;
    }
    return true;
}

/* ---- jsonl ---- */

/* Texts as they are, whole numbers in digits; NULL for anything else. */
static const char *cell_of(eg_arena *arena, const eg_json *json, const char *key)
{
    const char *text = eg_json_get_string(json, key);
    int64_t number;
    if (text) return eg_arena_string(arena, text);
    return eg_json_get_int(json, key, &number) ? eg_arena_printf(arena, "%" PRId64, number) : NULL;
}

static bool read_object(reader *r, const eg_json *json, unsigned line)
{
    const eg_place place = {r->spec->table, line, 1};
    const char *cells[ROLES] = {NULL};
    for (int i = 0; i < ROLES; i++) {
        if (!r->columns[i]) continue;
        cells[i] = cell_of(r->arena, json, r->columns[i]);
        if (!cells[i])
            return eg_fail_at(r->err, EG_RECIPE, place,
                              "this object has no '%s' that is a text or a whole number", r->columns[i]);
    }
    return add_row(r, cells, line);
}

static bool read_line(reader *r, const char *text, unsigned line)
{
    const eg_place place = {r->spec->table, line, 1};
    eg_error why = {0};
    if (!text[strspn(text, " \t\r")]) return true;
    eg_json *json = eg_json_parse(text, &why);
    if (!json) return eg_fail_at(r->err, EG_MALFORMED, place, "this line is no JSON: %s", why.text);
    bool ok = read_object(r, json, line);
    eg_json_free(json);
    return ok;
}

static bool read_jsonl(reader *r)
{
    char *text = eg_file_read(r->arena, r->spec->table, LARGEST, NULL, r->err);
    size_t lines = 1;
    if (!text) return false;
    for (const char *at = text; *at; at++) lines += *at == '\n';
    r->listing->rows = EG_NEW_ARRAY(r->arena, eg_listing_row, lines);
    for (unsigned line = 1; *text; line++) {
        size_t length = strcspn(text, "\n");
        bool more = text[length] == '\n';
        text[length] = '\0';
        if (!read_line(r, text, line)) return false;
        text += length + more;
    }
    return true;
}

bool eg_listing_read(eg_listing *listing, eg_arena *arena, const eg_data_set *spec, eg_error *err)
{
    reader r = {.arena = arena, .spec = spec, .listing = listing, .err = err};
    const char *const columns[ROLES] = {[PATH] = spec->path_column,
                                        [LABEL] = spec->label_column,
                                        [SPLIT] = spec->split_column,
                                        [GROUP] = spec->group_column};
    memcpy(r.columns, columns, sizeof columns);
    *listing = (eg_listing){0};
    if (!(spec->kind == EG_DATA_CSV ? read_csv(&r) : read_jsonl(&r))) return false;
    if (listing->count || !spec->split_column) return true;
    const eg_place place = {spec->table, 0, 0};
    return eg_fail_at(err, EG_RECIPE, place, "no row has '%s' in column '%s'", spec->split_value,
                      spec->split_column);
}

bool eg_listing_has(eg_arena *arena, const eg_data_set *spec, const char *column)
{
    eg_csv csv;
    if (spec->kind == EG_DATA_CSV)
        return eg_csv_read(&csv, arena, spec->table, NULL) && eg_csv_column(&csv, column) >= 0;
    char *text = spec->kind == EG_DATA_JSONL ? eg_file_read(arena, spec->table, LARGEST, NULL, NULL) : NULL;
    if (!text) return false;
    text[strcspn(text, "\n")] = '\0';
    eg_json *json = eg_json_parse(text, NULL);
    bool has = json && eg_json_get(json, column);
    eg_json_free(json);
    return has;
}
