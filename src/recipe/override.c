#include "recipe/override.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* One override while it walks down. */
typedef struct setter {
    eg_schema *in;
    const char *path;
    const eg_doc *value;
    eg_place place; /* of new nodes, and of problems */
} setter;

/* A copy of the tree whose nodes all stand at one place: a file of one's own would not show where. */
static const eg_doc *moved(eg_arena *arena, const eg_doc *doc, eg_place place)
{
    eg_doc *copy = EG_NEW(arena, eg_doc);
    *copy = *doc;
    copy->place = place;
    if (doc->kind == EG_DOC_SCALAR) return copy;
    copy->items = EG_NEW_ARRAY(arena, const eg_doc *, doc->count);
    for (size_t i = 0; i < doc->count; i++) copy->items[i] = moved(arena, doc->items[i], place);
    if (doc->kind == EG_DOC_LIST) return copy;
    copy->keys = EG_NEW_ARRAY(arena, const eg_doc *, doc->count);
    for (size_t i = 0; i < doc->count; i++) copy->keys[i] = moved(arena, doc->keys[i], place);
    return copy;
}

static const eg_doc *unknown_path(const setter *s)
{
    eg_schema *in = s->in;
    const char *near = eg_schema_nearest_path(in->arena, in->root, s->path);
    eg_problem_add(in->problems, "unknown_path", s->place, "'%s' is no path in a recipe%s%s%s", s->path,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return NULL;
}

/* The map with a key's value replaced or added. */
static const eg_doc *with_entry(const setter *s, const eg_doc *map, const char *key, const eg_doc *value)
{
    eg_arena *arena = s->in->arena;
    eg_doc *copy = EG_NEW(arena, eg_doc), *name = EG_NEW(arena, eg_doc);
    *copy = *map;
    copy->keys = EG_NEW_ARRAY(arena, const eg_doc *, map->count + 1);
    copy->items = EG_NEW_ARRAY(arena, const eg_doc *, map->count + 1);
    size_t at = 0;
    for (size_t i = 0; i < map->count; i++) {
        copy->keys[i] = map->keys[i];
        copy->items[i] = map->items[i];
        at += at == i && strcmp(map->keys[i]->text, key) != 0;
    }
    *name = (eg_doc){.place = s->place, .text = key, .plain = true};
    copy->keys[at] = name;
    copy->items[at] = value;
    copy->count += at == map->count;
    return copy;
}

static const eg_doc *set_at(const setter *s, const eg_section *section, const eg_doc *doc, const char *rest);

static const eg_doc *set_item(const setter *s, const eg_doc *list, const char *segment, const char *rest)
{
    char *end;
    unsigned long at = strtoul(segment, &end, 10);
    if (!isdigit((unsigned char)segment[0]) || *end || at >= list->count) {
        eg_problem_add(s->in->problems, "unknown_path", s->place,
                       "'%s': '%s' is no item of a list of %zu (counted from 0)", s->path, segment,
                       list->count);
        return NULL;
    }
    const eg_doc *item = set_at(s, NULL, list->items[at], rest);
    if (!item) return NULL;
    eg_doc *copy = EG_NEW(s->in->arena, eg_doc);
    *copy = *list;
    copy->items = eg_arena_copy(s->in->arena, list->items, list->count * sizeof(const eg_doc *));
    copy->items[at] = item;
    return copy;
}

/* The value's new tree; section is NULL below keys that are not sections of rows. */
static const eg_doc *set_at(const setter *s, const eg_section *section, const eg_doc *doc, const char *rest)
{
    eg_arena *arena = s->in->arena;
    if (!rest) return s->value;
    eg_doc *empty = EG_NEW(arena, eg_doc);
    *empty = (eg_doc){.kind = EG_DOC_MAP, .place = s->place, .text = ""};
    doc = eg_doc_is_null(doc) ? empty : section ? eg_schema_expand(arena, section, doc) : doc;
    const char *dot = strchr(rest, '.');
    const char *segment = dot ? eg_arena_substring(arena, rest, (size_t)(dot - rest)) : rest;
    const char *next = dot ? dot + 1 : NULL;
    if (!segment[0]) return unknown_path(s);
    if (!section && doc->kind == EG_DOC_LIST) return set_item(s, doc, segment, next);
    if (doc->kind != EG_DOC_MAP) return unknown_path(s);
    const eg_field *field = NULL;
    for (size_t i = 0; section && i < section->field_count; i++)
        if (strcmp(section->fields[i].key, segment) == 0) field = &section->fields[i];
    if (section && !field && !section->open) return unknown_path(s);
    bool inner = !field || field->type == EG_TYPE_SECTION || field->type >= EG_TYPE_STRINGS;
    if (next && !inner) return unknown_path(s);
    const eg_section *below = field && field->type == EG_TYPE_SECTION ? field->section : NULL;
    const eg_doc *value = set_at(s, below, eg_doc_find(doc, segment), next);
    return value ? with_entry(s, doc, segment, value) : NULL;
}

const eg_doc *eg_override_set(eg_schema *in, const eg_doc *root, const char *path, const eg_doc *value)
{
    const setter s = {in, path, value, value->place};
    const eg_doc *changed = set_at(&s, in->root, root, path);
    return changed ? changed : root;
}

const eg_doc *eg_override_apply(eg_schema *in, const eg_doc *root, const char *text)
{
    eg_error err = {0};
    eg_place place = {eg_arena_printf(in->arena, "--set %s", text), 0, 0};
    const char *equals = strchr(text, '=');
    if (!equals || equals == text) {
        eg_problem_add(in->problems, "bad_override", place, "expected 'path=value', found '%s'", text);
        return root;
    }
    const char *path = eg_arena_substring(in->arena, text, (size_t)(equals - text));
    if (strlen(path) > 1000) {
        eg_problem_add(in->problems, "bad_override", place, "the path is longer than 1000 characters");
        return root;
    }
    const eg_doc *value = eg_doc_parse(in->arena, place.file, equals + 1, strlen(equals + 1), &err);
    if (!value) {
        eg_schema_problem(in, "bad_override", place, &err);
        return root;
    }
    return eg_override_set(in, root, path, moved(in->arena, value, place));
}
