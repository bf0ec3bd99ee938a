#include "format/csv.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/map.h"
#include "base/str.h"

enum { LARGEST = 1 << 30 };

/* A growing list in the arena. */
typedef struct list {
    const char **cells;
    unsigned *lines;
    size_t count, capacity;
} list;

typedef struct parser {
    eg_arena *arena;
    const char *at;
    unsigned line;
    eg_buf cell;
    list cells; /* lines: of each cell */
    const char *path;
    eg_error *err;
} parser;

static bool fail(const parser *p, unsigned line, const char *what)
{
    const eg_place place = {p->path, line, line > 0};
    return eg_fail_at(p->err, EG_MALFORMED, place, "%s", what);
}

static void add_cell(parser *p, unsigned line)
{
    list *l = &p->cells;
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? 2 * l->capacity : 256;
        const char **cells = EG_NEW_ARRAY(p->arena, const char *, capacity);
        unsigned *lines = EG_NEW_ARRAY(p->arena, unsigned, capacity);
        if (l->count) memcpy(cells, l->cells, l->count * sizeof *cells);
        if (l->count) memcpy(lines, l->lines, l->count * sizeof *lines);
        *l = (list){cells, lines, l->count, capacity};
    }
    l->lines[l->count] = line;
    l->cells[l->count++] = eg_arena_substring(p->arena, p->cell.length ? p->cell.data : "", p->cell.length);
}

static bool ends_cell(char c)
{
    return c == ',' || c == '\n' || c == '\r' || c == '\0';
}

/* From behind the opening quote to behind the closing one. */
static bool read_quoted(parser *p)
{
    unsigned begin = p->line;
    while (*p->at) {
        if (*p->at == '"' && *++p->at != '"') {
            if (ends_cell(*p->at)) return true;
            return fail(p, p->line, "there is text behind a closing quote; expected a comma or a new line");
        }
        p->line += *p->at == '\n';
        eg_buf_add(&p->cell, p->at++, 1);
    }
    return fail(p, begin, "a quote is opened here and never closed");
}

/* One line of cells, and its end; *width of them. */
static bool read_row(parser *p, size_t *width)
{
    unsigned line = p->line;
    for (*width = 1;; ++*width, p->at++) {
        p->cell.length = 0;
        if (*p->at == '"') {
            p->at++;
            if (!read_quoted(p)) return false;
        } else {
            size_t length = strcspn(p->at, ",\r\n");
            eg_buf_add(&p->cell, p->at, length);
            p->at += length;
        }
        add_cell(p, line);
        if (*p->at != ',') break;
    }
    if (*p->at == '\r') p->at++;
    if (*p->at == '\n') p->at++;
    p->line++;
    return true;
}

static bool read_header(parser *p, eg_csv *csv)
{
    eg_map *seen = eg_map_new(p->arena);
    if (!*p->at) return fail(p, 1, "the table is empty; expected a line of column names");
    if (!read_row(p, &csv->column_count)) return false;
    csv->columns = p->cells.cells;
    for (size_t i = 0; i < csv->column_count; i++)
        if (!eg_map_add(seen, csv->columns[i], (int64_t)i))
            return fail(p, 1, "two columns have the same name");
    p->cells = (list){0};
    return true;
}

static bool read_rows(parser *p, eg_csv *csv)
{
    while (*p->at) {
        unsigned line = p->line;
        size_t width, skip = strspn(p->at, "\r\n");
        for (size_t i = 0; i < skip; i++) p->line += p->at[i] == '\n';
        p->at += skip;
        if (skip) continue;
        if (!read_row(p, &width)) return false;
        if (width != csv->column_count)
            return fail(p, line,
                        eg_arena_printf(p->arena,
                                        "this row has %zu cells, and the first line names %zu "
                                        "columns",
                                        width, csv->column_count));
        csv->row_count++;
    }
    unsigned *lines = EG_NEW_ARRAY(p->arena, unsigned, csv->row_count);
    assert(p->cells.lines || !csv->row_count);
    for (size_t i = 0; i < csv->row_count; i++) lines[i] = p->cells.lines[i * csv->column_count];
    csv->lines = lines;
    csv->cells = p->cells.cells;
    return true;
}

bool eg_csv_read(eg_csv *csv, eg_arena *arena, const char *path, eg_error *err)
{
    static const char mark[] = "\xEF\xBB\xBF";
    size_t length;
    char *text = eg_file_read(arena, path, LARGEST, &length, err);
    *csv = (eg_csv){0};
    if (!text) return false;
    parser p = {.arena = arena, .at = text, .line = 1, .path = path, .err = err};
    if (strlen(text) != length) return fail(&p, 0, "there is a zero byte in this file; expected text");
    if (eg_starts_with(text, mark)) p.at += strlen(mark);
    bool ok = read_header(&p, csv) && read_rows(&p, csv);
    eg_buf_clear(&p.cell);
    return ok;
}

int64_t eg_csv_column(const eg_csv *csv, const char *name)
{
    for (size_t i = 0; i < csv->column_count; i++)
        if (strcmp(csv->columns[i], name) == 0) return (int64_t)i;
    return -1;
}
