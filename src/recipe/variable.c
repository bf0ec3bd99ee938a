#include "recipe/variable.h"

#include <string.h>

#include "base/str.h"

typedef struct scope {
    eg_schema *in;
    const char **names;
    const eg_doc **values;
    size_t count;
} scope;

static const eg_doc *find_value(const scope *s, const eg_doc *use, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->names[i], name) == 0) return s->values[i];
    const char *near = eg_nearest(name, s->names, s->count);
    eg_problem_add(s->in->problems, "unknown_variable", use->place,
                   "there is no variable '%s' in 'vars'%s%s%s", name, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
    return NULL;
}

/* The length of "${name}" at text, 0 when there is none. */
static size_t reference(const char *text)
{
    const char *end = text[0] == '$' && text[1] == '{' ? strchr(text, '}') : NULL;
    return end ? (size_t)(end - text) + 1 : 0;
}

static const eg_doc *placed(eg_arena *arena, const eg_doc *value, const eg_doc *use)
{
    eg_doc *copy = EG_NEW(arena, eg_doc);
    *copy = *value;
    copy->place = use->place;
    return copy;
}

static const eg_doc *fill_text(const scope *s, const eg_doc *doc)
{
    eg_arena *arena = s->in->arena;
    eg_buf out = {0};
    bool changed = false;
    eg_buf_puts(&out, "");
    for (const char *at = doc->text; *at;) {
        size_t length = reference(at);
        if (!length) {
            eg_buf_add(&out, at++, 1);
            continue;
        }
        const char *name = eg_arena_substring(arena, at + 2, length - 3);
        const eg_doc *value = find_value(s, doc, name);
        bool whole = at == doc->text && !at[length];
        at += length;
        changed = true;
        if (value && whole) {
            eg_buf_clear(&out);
            return placed(arena, value, doc);
        }
        if (value && value->kind != EG_DOC_SCALAR)
            eg_problem_add(s->in->problems, "wrong_type", doc->place,
                           "variable '%s' is a list or a mapping, and cannot stand inside a text", name);
        else if (value)
            eg_buf_puts(&out, value->text);
    }
    const char *text = eg_buf_take(&out, arena);
    if (!changed) return doc;
    eg_doc *copy = EG_NEW(arena, eg_doc);
    *copy = *doc;
    copy->text = text;
    return copy;
}

/* Depth is bounded by the parser's. */
static const eg_doc *fill(const scope *s, const eg_doc *doc)
{
    if (doc->kind == EG_DOC_SCALAR) return strstr(doc->text, "${") ? fill_text(s, doc) : doc;
    const eg_doc **items = EG_NEW_ARRAY(s->in->arena, const eg_doc *, doc->count);
    bool changed = false;
    for (size_t i = 0; i < doc->count; i++) {
        items[i] = fill(s, doc->items[i]);
        changed |= items[i] != doc->items[i];
    }
    if (!changed) return doc;
    eg_doc *copy = EG_NEW(s->in->arena, eg_doc);
    *copy = *doc;
    copy->items = items;
    return copy;
}

static void define(scope *s, const eg_doc *vars)
{
    size_t room = vars && vars->kind == EG_DOC_MAP ? vars->count : 0;
    s->names = EG_NEW_ARRAY(s->in->arena, const char *, room);
    s->values = EG_NEW_ARRAY(s->in->arena, const eg_doc *, room);
    if (vars && !eg_doc_is_null(vars) && vars->kind != EG_DOC_MAP)
        eg_schema_expected(s->in, vars, "vars", "a mapping such as {num_classes: 2}");
    for (size_t i = 0; i < room; i++) {
        s->names[i] = vars->keys[i]->text;
        s->values[i] = fill(s, vars->items[i]);
        s->count = i + 1;
    }
}

static const eg_doc *without_vars(eg_arena *arena, const eg_doc *map)
{
    eg_doc *copy = EG_NEW(arena, eg_doc);
    *copy = *map;
    copy->keys = EG_NEW_ARRAY(arena, const eg_doc *, map->count);
    copy->items = EG_NEW_ARRAY(arena, const eg_doc *, map->count);
    copy->count = 0;
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->keys[i]->text, "vars") == 0) continue;
        copy->keys[copy->count] = map->keys[i];
        copy->items[copy->count++] = map->items[i];
    }
    return copy;
}

const eg_doc *eg_variables_apply(eg_schema *in, const eg_doc *doc)
{
    scope s = {.in = in};
    if (doc->kind != EG_DOC_MAP) return doc;
    const eg_doc *vars = eg_doc_find(doc, "vars");
    define(&s, vars);
    return fill(&s, vars ? without_vars(in->arena, doc) : doc);
}
