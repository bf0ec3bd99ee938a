#include "format/yaml.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <yaml.h>

#include "base/file.h"
#include "base/map.h"
#include "base/str.h"

enum {
    MAX_DEPTH = 64,
    MAX_EXPANDED = 100000, /* nodes that aliases may add */
    MAX_FILE = 1 << 24,
};

/* A node with the size of its expanded tree. */
typedef struct built {
    const eg_doc *doc; /* NULL: an anchor whose node is still being read */
    size_t nodes;
    int height;
} built;

typedef struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    eg_arena *arena;
    const char *name;
    const char *text;
    eg_map *anchor_index; /* name -> position in anchors */
    built *anchors;
    size_t anchor_count, anchor_capacity;
    size_t expanded;
    eg_error *err;
} reader;

typedef struct doc_list {
    const eg_doc **items;
    size_t count, capacity;
} doc_list;

/* Room for one more item in an array of the arena. */
static void *grow(eg_arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) return items;
    *capacity = *capacity ? *capacity * 2 : 8;
    void *larger = eg_arena_array(arena, *capacity, size);
    if (count) memcpy(larger, items, count * size);
    return larger;
}

static void push(eg_arena *arena, doc_list *list, const eg_doc *doc)
{
    list->items = grow(arena, list->items, list->count, &list->capacity, sizeof(const eg_doc *));
    list->items[list->count++] = doc;
}

static eg_place place_of(const reader *r, yaml_mark_t mark)
{
    return (eg_place){r->name, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

/* The place of a byte in the text: the scanner gives an offset alone for characters that it cannot read. */
static eg_place place_of_byte(const reader *r, size_t offset)
{
    eg_place place = {r->name, 1, 1};
    for (size_t i = 0; i < offset; i++) {
        unsigned char c = (unsigned char)r->text[i];
        if (c == '\n') {
            place.line++;
            place.column = 1;
        } else if ((c & 0xC0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

/* What libyaml says, and what a person should do about it. */
static const struct {
    const char *problem, *advice;
} advices[] = {
    {"unknown escape character",
     "a regular expression in double quotes loses its backslashes: use single quotes"},
    {"that cannot start any token", "put the text in single quotes; indent with spaces, not tabs"},
    {"mapping values are not allowed", "a text that holds ': ' needs single quotes"},
    {"alphabetic or numeric character", "a text that starts with '*' or '&' needs single quotes"},
    {"did not find expected key",
     "check the indentation; a text that starts with '[', '{' or a quote needs single "
     "quotes around the whole of it"},
    {"did not find expected <document start>", "a text that starts with '[', '{' or '%' needs single quotes"},
    {"did not find expected '-' indicator", "check the indentation"},
    {"could not find expected ':'", "every line of a mapping is 'key: value'; check the indentation"},
    {"did not find expected ',' or", "a text that holds brackets or commas needs single quotes"},
    {"while parsing a tag", "a text that starts with '!' needs single quotes"},
};

static const char *advise(const char *problem, const char *context)
{
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
        if (strstr(problem, advices[i].problem) || (context && strstr(context, advices[i].problem)))
            return advices[i].advice;
    return NULL;
}

static bool parser_failed(reader *r)
{
    const yaml_parser_t *parser = &r->parser;
    const char *problem = parser->problem ? parser->problem : "unreadable text";
    if (parser->error == YAML_MEMORY_ERROR)
        return eg_fail(r->err, EG_SYSTEM, "no memory for a YAML document");
    if (parser->error == YAML_READER_ERROR)
        return eg_fail_at(r->err, EG_RECIPE, place_of_byte(r, parser->problem_offset),
                          "not YAML: %s (value 0x%02x)", problem, (unsigned)parser->problem_value);
    const char *advice = advise(problem, parser->context);
    return eg_fail_at(r->err, EG_RECIPE, place_of(r, parser->problem_mark), "not YAML: %s%s%s%s%s",
                      parser->context ? parser->context : "", parser->context ? ", " : "", problem,
                      advice ? "; " : "", advice ? advice : "");
}

static bool next(reader *r)
{
    yaml_event_delete(&r->event);
    return yaml_parser_parse(&r->parser, &r->event) ? true : parser_failed(r);
}

__attribute__((format(printf, 2, 3))) static bool fail_here(reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = eg_arena_vprintf(r->arena, format, args);
    va_end(args);
    return eg_fail_at(r->err, EG_RECIPE, place_of(r, r->event.start_mark), "%s", text);
}

/* Remembers an anchor before its node is read, so that an alias inside its own node is told from an unknown
 * one. */
static size_t open_anchor(reader *r, const yaml_char_t *name)
{
    if (!name) return SIZE_MAX;
    r->anchors = grow(r->arena, r->anchors, r->anchor_count, &r->anchor_capacity, sizeof *r->anchors);
    r->anchors[r->anchor_count] = (built){0};
    eg_map_set(r->anchor_index, eg_arena_string(r->arena, (const char *)name), (int64_t)r->anchor_count);
    return r->anchor_count++;
}

static void close_anchor(reader *r, size_t anchor, const built *node)
{
    if (anchor != SIZE_MAX) r->anchors[anchor] = *node;
}

static bool read_alias(reader *r, int depth, built *out)
{
    const char *name = (const char *)r->event.data.alias.anchor;
    int64_t at = eg_map_find(r->anchor_index, name);
    if (at < 0)
        return fail_here(
            r, "'*%s' names no anchor before it; a text that starts with '*' needs single quotes", name);
    *out = r->anchors[at];
    if (!out->doc) return fail_here(r, "alias '*%s' stands inside its own anchor", name);
    r->expanded += out->nodes;
    if (r->expanded > MAX_EXPANDED)
        return fail_here(r, "aliases expand to more than 100000 nodes at '*%s'", name);
    if (depth + out->height - 1 > MAX_DEPTH)
        return fail_here(r, "alias '*%s' nests deeper than 64 levels", name);
    return true;
}

static bool read_scalar(reader *r, built *out)
{
    const char *text = (const char *)r->event.data.scalar.value;
    size_t length = r->event.data.scalar.length;
    if (r->event.data.scalar.tag)
        return fail_here(r,
                         "tags are not supported, found '%s'; a text that starts with "
                         "'!' needs single quotes",
                         (const char *)r->event.data.scalar.tag);
    if (strlen(text) != length) return fail_here(r, "a text may not hold a zero character");
    eg_doc *doc = EG_NEW(r->arena, eg_doc);
    doc->place = place_of(r, r->event.start_mark);
    doc->text = eg_arena_substring(r->arena, text, length);
    doc->plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    size_t anchor = open_anchor(r, r->event.data.scalar.anchor);
    *out = (built){doc, 1, 1};
    close_anchor(r, anchor, out);
    return true;
}

static bool read_node(reader *r, int depth, built *out);

static void add_child(built *parent, const built *child)
{
    parent->nodes += child->nodes;
    if (child->height >= parent->height) parent->height = child->height + 1;
}

static bool read_list(reader *r, int depth, built *out)
{
    doc_list items = {0};
    if (r->event.data.sequence_start.tag)
        return fail_here(r, "tags are not supported, found '%s'",
                         (const char *)r->event.data.sequence_start.tag);
    eg_doc *doc = EG_NEW(r->arena, eg_doc);
    *doc = (eg_doc){.kind = EG_DOC_LIST, .place = place_of(r, r->event.start_mark), .text = ""};
    size_t anchor = open_anchor(r, r->event.data.sequence_start.anchor);
    *out = (built){doc, 1, 1};
    for (;;) {
        built item;
        if (!next(r)) return false;
        if (r->event.type == YAML_SEQUENCE_END_EVENT) break;
        if (!read_node(r, depth + 1, &item)) return false;
        push(r->arena, &items, item.doc);
        add_child(out, &item);
    }
    doc->items = items.items;
    doc->count = items.count;
    close_anchor(r, anchor, out);
    return true;
}

/* A map while it is read: its own entries, and the maps that `<<` names. */
typedef struct map_parts {
    doc_list keys, values, merged;
    const eg_doc *merge_key;
    eg_map *seen;
} map_parts;

static bool add_merge(reader *r, map_parts *parts, const eg_doc *key, const eg_doc *value)
{
    if (parts->merge_key)
        return eg_fail_at(r->err, EG_RECIPE, key->place,
                          "key '<<' stands twice in one mapping; write '<<: [*a, *b]'");
    parts->merge_key = key;
    bool one = value->kind == EG_DOC_MAP;
    size_t count = one ? 1 : value->kind == EG_DOC_LIST ? value->count : 0;
    for (size_t i = 0; i < count; i++) {
        const eg_doc *map = one ? value : value->items[i];
        if (map->kind != EG_DOC_MAP) count = 0;
        push(r->arena, &parts->merged, map);
    }
    if (count == 0 && !(value->kind == EG_DOC_LIST && value->count == 0))
        return eg_fail_at(r->err, EG_RECIPE, value->place, "'<<' expects a mapping or a list of mappings");
    return true;
}

static bool add_entry(reader *r, map_parts *parts, const eg_doc *key, const eg_doc *value)
{
    if (key->plain && strcmp(key->text, "<<") == 0) return add_merge(r, parts, key, value);
    if (!eg_map_add(parts->seen, key->text, (int64_t)parts->keys.count)) {
        const eg_doc *first = parts->keys.items[eg_map_find(parts->seen, key->text)];
        return eg_fail_at(r->err, EG_RECIPE, key->place,
                          "key '%s' stands twice in one mapping (first on line %u)", key->text,
                          first->place.line);
    }
    push(r->arena, &parts->keys, key);
    push(r->arena, &parts->values, value);
    return true;
}

/* Merged entries first, as PyYAML orders them; a map's own keys win, then earlier maps of the merge list. */
static void finish_map(reader *r, eg_doc *doc, map_parts *parts)
{
    doc_list keys = {0}, values = {0};
    for (size_t m = 0; m < parts->merged.count; m++) {
        const eg_doc *map = parts->merged.items[m];
        for (size_t i = 0; i < map->count; i++) {
            if (!eg_map_add(parts->seen, map->keys[i]->text, 0)) continue;
            push(r->arena, &keys, map->keys[i]);
            push(r->arena, &values, map->items[i]);
        }
    }
    for (size_t i = 0; i < parts->keys.count; i++) {
        push(r->arena, &keys, parts->keys.items[i]);
        push(r->arena, &values, parts->values.items[i]);
    }
    doc->keys = keys.items;
    doc->items = values.items;
    doc->count = keys.count;
}

static bool read_key(reader *r, int depth, built *out)
{
    yaml_mark_t mark = r->event.start_mark;
    if (!read_node(r, depth, out)) return false;
    if (out->doc->kind != EG_DOC_SCALAR || (out->doc->plain && !out->doc->text[0]))
        return eg_fail_at(r->err, EG_RECIPE, place_of(r, mark), "a key must be a text");
    return true;
}

static bool read_map(reader *r, int depth, built *out)
{
    map_parts parts = {.seen = eg_map_new(r->arena)};
    if (r->event.data.mapping_start.tag)
        return fail_here(r, "tags are not supported, found '%s'",
                         (const char *)r->event.data.mapping_start.tag);
    eg_doc *doc = EG_NEW(r->arena, eg_doc);
    *doc = (eg_doc){.kind = EG_DOC_MAP, .place = place_of(r, r->event.start_mark), .text = ""};
    size_t anchor = open_anchor(r, r->event.data.mapping_start.anchor);
    *out = (built){doc, 1, 1};
    for (;;) {
        built key, value;
        if (!next(r)) return false;
        if (r->event.type == YAML_MAPPING_END_EVENT) break;
        if (!read_key(r, depth + 1, &key) || !next(r) || !read_node(r, depth + 1, &value)) return false;
        if (!add_entry(r, &parts, key.doc, value.doc)) return false;
        add_child(out, &value);
    }
    finish_map(r, doc, &parts);
    close_anchor(r, anchor, out);
    return true;
}

/* Reads the node that the current event starts; the current event is then its last one. */
static bool read_node(reader *r, int depth, built *out)
{
    if (depth > MAX_DEPTH) return fail_here(r, "the document nests deeper than 64 levels");
    switch (r->event.type) {
    case YAML_ALIAS_EVENT: return read_alias(r, depth, out);
    case YAML_SCALAR_EVENT: return read_scalar(r, out);
    case YAML_SEQUENCE_START_EVENT: return read_list(r, depth, out);
    case YAML_MAPPING_START_EVENT: return read_map(r, depth, out);
    default: return fail_here(r, "not YAML: a value is missing");
    }
}

/* An empty text is an empty scalar. */
static const eg_doc *read_stream(reader *r)
{
    built root = {0};
    if (!next(r)) return NULL; /* stream start */
    if (!next(r)) return NULL; /* document start */
    if (r->event.type == YAML_STREAM_END_EVENT) {
        eg_doc *doc = EG_NEW(r->arena, eg_doc);
        *doc = (eg_doc){.place = {r->name, 1, 1}, .text = "", .plain = true};
        return doc;
    }
    if (!next(r) || !read_node(r, 1, &root)) return NULL;
    if (!next(r)) return NULL; /* document end */
    if (!next(r)) return NULL; /* stream end */
    if (r->event.type != YAML_STREAM_END_EVENT) {
        fail_here(r, "a second document starts here, expected one");
        return NULL;
    }
    return root.doc;
}

const eg_doc *eg_doc_parse(eg_arena *arena, const char *name, const char *text, size_t length, eg_error *err)
{
    eg_error ignored = {0};
    reader r = {.arena = arena, .name = eg_arena_string(arena, name), .err = err ? err : &ignored};
    if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        length -= 3;
    }
    if (!yaml_parser_initialize(&r.parser)) {
        eg_fail(err, EG_SYSTEM, "no memory for a YAML document");
        return NULL;
    }
    r.text = text;
    r.anchor_index = eg_map_new(arena);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, length);
    const eg_doc *doc = read_stream(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return doc;
}

const eg_doc *eg_doc_read(eg_arena *arena, const char *path, eg_error *err)
{
    size_t length = 0;
    const char *text = eg_file_read(arena, path, MAX_FILE, &length, err);
    return text ? eg_doc_parse(arena, path, text, length, err) : NULL;
}

const eg_doc *eg_doc_find(const eg_doc *map, const char *key)
{
    if (!map || map->kind != EG_DOC_MAP) return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i]->text, key) == 0) return map->items[i];
    return NULL;
}

bool eg_doc_is_null(const eg_doc *doc)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    if (!doc) return true;
    if (doc->kind != EG_DOC_SCALAR || !doc->plain) return false;
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        if (strcmp(doc->text, nulls[i]) == 0) return true;
    return false;
}

/* ---- writing ---- */

static uint32_t next_code_point(const unsigned char **at)
{
    const unsigned char *c = *at;
    int more = c[0] >= 0xF0 ? 3 : c[0] >= 0xE0 ? 2 : c[0] >= 0xC0 ? 1 : 0;
    uint32_t point = more ? c[0] & (0x3Fu >> more) : c[0];
    for (int i = 1; i <= more && c[i]; i++) point = point << 6 | (c[i] & 0x3Fu);
    *at = c + 1;
    for (int i = 0; i < more && **at; i++) (*at)++;
    return point;
}

/* Characters that YAML takes verbatim on one line of a quoted scalar. */
static bool is_printable(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        uint32_t p = next_code_point(&at);
        if (p < 0x20 || (p >= 0x7F && p < 0xA0) || p == 0x2028 || p == 0x2029 || p == 0xFEFF || p == 0xFFFE ||
            p == 0xFFFF)
            return false;
    }
    return true;
}

static void write_quoted(eg_buf *out, const char *text)
{
    bool single = is_printable(text);
    eg_buf_puts(out, single ? "'" : "\"");
    if (single) {
        for (; *text; text++) eg_buf_add(out, *text == '\'' ? "''" : text, *text == '\'' ? 2 : 1);
    } else {
        const unsigned char *at = (const unsigned char *)text;
        while (*at) {
            uint32_t p = next_code_point(&at);
            if (p >= 0x20 && p < 0x7F && p != '"' && p != '\\')
                eg_buf_printf(out, "%c", (char)p);
            else
                eg_buf_printf(out, "\\U%08X", (unsigned)p);
        }
    }
    eg_buf_puts(out, single ? "'" : "\"");
}

static void write_scalar(eg_buf *out, const eg_doc *doc)
{
    if (doc->plain && is_printable(doc->text))
        eg_buf_puts(out, doc->text);
    else
        write_quoted(out, doc->text);
}

/* A list goes on one line when its items are short scalars that mean the same inside brackets. */
static bool fits_one_line(const eg_doc *list)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/+-";
    size_t width = 0;
    for (size_t i = 0; i < list->count; i++) {
        const eg_doc *item = list->items[i];
        if (item->kind != EG_DOC_SCALAR) return false;
        if (item->plain && (!item->text[0] || item->text[strspn(item->text, safe)])) return false;
        if (item->plain && strcmp(item->text, "-") == 0) return false;
        width += strlen(item->text) + 2;
    }
    return width < 80;
}

static void write_line(eg_buf *out, int indent)
{
    eg_buf_printf(out, "\n%*s", indent, "");
}

static void write_node(eg_buf *out, const eg_doc *doc, int indent);

static void write_flow(eg_buf *out, const eg_doc *list)
{
    eg_buf_puts(out, "[");
    for (size_t i = 0; i < list->count; i++) {
        if (i) eg_buf_puts(out, ", ");
        write_scalar(out, list->items[i]);
    }
    eg_buf_puts(out, "]");
}

static bool is_block(const eg_doc *doc)
{
    return doc->kind != EG_DOC_SCALAR && doc->count > 0 && !(doc->kind == EG_DOC_LIST && fits_one_line(doc));
}

/* The key and its value; a long key needs the '?' form. */
static void write_entry(eg_buf *out, const eg_doc *key, const eg_doc *value, int indent)
{
    enum { SIMPLE_KEY = 100 }; /* libyaml allows 1024 characters, escapes take up to ten each */
    bool complex = strlen(key->text) > SIMPLE_KEY;
    eg_buf_puts(out, complex ? "? " : "");
    write_scalar(out, key);
    if (complex) write_line(out, indent);
    eg_buf_puts(out, ":");
    if (is_block(value)) {
        write_line(out, indent + 2);
        write_node(out, value, indent + 2);
    } else if (value->kind != EG_DOC_SCALAR || !value->plain || value->text[0]) {
        eg_buf_puts(out, " ");
        write_node(out, value, indent + 2);
    }
}

/* Writes from the cursor, which stands at column `indent` when the node is a block. */
static void write_node(eg_buf *out, const eg_doc *doc, int indent)
{
    if (doc->kind == EG_DOC_SCALAR) {
        write_scalar(out, doc);
    } else if (doc->count == 0) {
        eg_buf_puts(out, doc->kind == EG_DOC_MAP ? "{}" : "[]");
    } else if (!is_block(doc)) {
        write_flow(out, doc);
    } else {
        for (size_t i = 0; i < doc->count; i++) {
            if (i) write_line(out, indent);
            if (doc->kind == EG_DOC_MAP) {
                write_entry(out, doc->keys[i], doc->items[i], indent);
            } else {
                eg_buf_puts(out, eg_doc_is_null(doc->items[i]) && !doc->items[i]->text[0] ? "-" : "- ");
                write_node(out, doc->items[i], indent + 2);
            }
        }
    }
}

const char *eg_doc_text(eg_arena *arena, const eg_doc *doc)
{
    eg_buf out = {0};
    write_node(&out, doc, 0);
    eg_buf_puts(&out, "\n");
    return eg_buf_take(&out, arena);
}
