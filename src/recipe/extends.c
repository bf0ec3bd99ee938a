#include "recipe/extends.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { DEPTH = 32 };

/* The files being read, innermost first. */
typedef struct chain {
    const char *path; /* as written, from the recipe on */
    const char *real; /* without symbolic links, so that a cycle is seen */
    size_t depth;
    const struct chain *outer;
} chain;

static const char *real_path(eg_arena *arena, const char *path)
{
    char *real = realpath(path, NULL);
    const char *copy = eg_arena_string(arena, real ? real : path);
    free(real);
    return copy;
}

/* ---- merging ---- */

static const eg_doc *merge(eg_schema *in, const eg_doc *below, const eg_doc *above);

/* '+' or '-' of a key that edits what is below; 0 for a plain key. */
static char sign_of(const eg_doc *key)
{
    bool edits = key->plain && (key->text[0] == '+' || key->text[0] == '-') && key->text[1];
    return edits ? key->text[0] : '\0';
}

static size_t find_key(const eg_doc *map, const char *key)
{
    size_t i = 0;
    while (i < map->count && strcmp(map->keys[i]->text, key) != 0) i++;
    return i;
}

static void set_key(eg_arena *arena, eg_doc *map, const eg_doc *key, const char *name, const eg_doc *value)
{
    size_t at = find_key(map, name);
    eg_doc *plain = EG_NEW(arena, eg_doc);
    *plain = *key;
    plain->text = name;
    map->keys[at] = plain;
    map->items[at] = value;
    map->count += at == map->count;
}

static void remove_key(eg_schema *in, eg_doc *map, const eg_doc *key)
{
    size_t at = find_key(map, key->text + 1);
    if (at == map->count) {
        eg_problem_add(in->problems, "unknown_key", key->place,
                       "'%s' has nothing to remove: there is no '%s'", key->text, key->text + 1);
        return;
    }
    map->count--;
    memmove(&map->keys[at], &map->keys[at + 1], (map->count - at) * sizeof(const eg_doc *));
    memmove(&map->items[at], &map->items[at + 1], (map->count - at) * sizeof(const eg_doc *));
}

/* The items of both, as one list. */
static const eg_doc *appended(eg_schema *in, const eg_doc *below, const eg_doc *above)
{
    const eg_doc *const *first, *const *second;
    size_t a = below ? eg_schema_items(&below, &first) : 0, b = eg_schema_items(&above, &second);
    eg_doc *list = EG_NEW(in->arena, eg_doc);
    *list = (eg_doc){.kind = EG_DOC_LIST, .place = above->place, .text = "", .count = a + b};
    list->items = EG_NEW_ARRAY(in->arena, const eg_doc *, a + b);
    for (size_t i = 0; i < a; i++) list->items[i] = first[i];
    for (size_t i = 0; i < b; i++) list->items[a + i] = second[i];
    return list;
}

static void merge_key(eg_schema *in, eg_doc *map, const eg_doc *key, const eg_doc *value)
{
    char sign = sign_of(key);
    const char *name = key->text + (sign != '\0');
    size_t at = find_key(map, name);
    const eg_doc *below = at < map->count ? map->items[at] : NULL;
    if (sign == '-')
        remove_key(in, map, key);
    else if (sign == '+')
        set_key(in->arena, map, key, name, appended(in, below, value));
    else
        set_key(in->arena, map, key, name, merge(in, below, value));
}

/* Depth is bounded by the parser's. */
static const eg_doc *merge(eg_schema *in, const eg_doc *below, const eg_doc *above)
{
    if (above->kind != EG_DOC_MAP) return above;
    bool both = below && below->kind == EG_DOC_MAP;
    size_t room = above->count + (both ? below->count : 0);
    eg_doc *map = EG_NEW(in->arena, eg_doc);
    *map = *above;
    map->count = 0;
    map->keys = EG_NEW_ARRAY(in->arena, const eg_doc *, room);
    map->items = EG_NEW_ARRAY(in->arena, const eg_doc *, room);
    for (size_t i = 0; both && i < below->count; i++) {
        map->keys[map->count] = below->keys[i];
        map->items[map->count++] = below->items[i];
    }
    for (size_t i = 0; i < above->count; i++) merge_key(in, map, above->keys[i], above->items[i]);
    return map;
}

/* ---- files ---- */

static const eg_doc *flatten(eg_schema *in, const char *path, const eg_doc *doc, const chain *outer);

static bool in_cycle(eg_schema *in, const eg_doc *item, const chain *files, const char *path)
{
    for (const chain *c = files; c; c = c->outer) {
        if (strcmp(c->real, path) != 0) continue;
        eg_problem_add(in->problems, "cycle", item->place, "'%s' extends itself in the end", item->text);
        return true;
    }
    if (files->depth < DEPTH) return false;
    eg_problem_add(in->problems, "cycle", item->place, "recipes extend each other more than %d deep", DEPTH);
    return true;
}

static const eg_doc *read_base(eg_schema *in, const eg_doc *item, const chain *files)
{
    eg_error err = {0};
    const char *text = eg_schema_text(in, item, "extends");
    if (!text) return NULL;
    const char *path = eg_path_join(in->arena, eg_path_folder(in->arena, files->path), text);
    if (in_cycle(in, item, files, real_path(in->arena, path))) return NULL;
    const eg_doc *doc = eg_doc_read(in->arena, path, &err);
    if (!doc && err.code == EG_RECIPE)
        eg_problem_add(in->problems, "yaml",
                       (eg_place){eg_arena_string(in->arena, err.file), err.line, err.column}, "%s",
                       err.text);
    else if (!doc)
        eg_problem_add(in->problems, "no_file", item->place, "cannot read '%s': %s", path, err.text);
    return doc ? flatten(in, path, doc, files) : NULL;
}

static const eg_doc *without_extends(eg_arena *arena, const eg_doc *map)
{
    size_t at = find_key(map, "extends"), kept = 0;
    eg_doc *copy = EG_NEW(arena, eg_doc);
    if (at == map->count) return map;
    *copy = *map;
    copy->keys = EG_NEW_ARRAY(arena, const eg_doc *, map->count);
    copy->items = EG_NEW_ARRAY(arena, const eg_doc *, map->count);
    for (size_t i = 0; i < map->count; i++) {
        if (i == at) continue;
        copy->keys[kept] = map->keys[i];
        copy->items[kept++] = map->items[i];
    }
    copy->count = kept;
    return copy;
}

static const eg_doc *flatten(eg_schema *in, const char *path, const eg_doc *doc, const chain *outer)
{
    const eg_doc *bases = doc->kind == EG_DOC_MAP ? eg_doc_find(doc, "extends") : NULL, *below = NULL;
    const chain files = {path, real_path(in->arena, path), outer ? outer->depth + 1 : 0, outer};
    const eg_doc *const *items;
    size_t count = bases ? eg_schema_items(&bases, &items) : 0;
    if (doc->kind != EG_DOC_MAP) return doc;
    for (size_t i = 0; i < count; i++) {
        const eg_doc *base = read_base(in, items[i], &files);
        if (base) below = merge(in, below, base);
    }
    return merge(in, below, without_extends(in->arena, doc));
}

const eg_doc *eg_extends_apply(eg_schema *in, const char *path, const eg_doc *doc)
{
    return flatten(in, path, doc, NULL);
}
