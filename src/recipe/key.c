#include "recipe/key.h"

#include <string.h>

#include "base/str.h"

/* Which kind the section's word names: its bit, or all bits when it names none. */
unsigned eg_section_kind(const eg_section *section, const eg_doc *doc)
{
    if (!section->kind) return ~0u;
    const eg_doc *word = eg_doc_find(doc, section->kind);
    for (size_t i = 0; i < section->field_count; i++) {
        const eg_field *field = &section->fields[i];
        if (strcmp(field->key, section->kind) != 0) continue;
        const char *name = word && word->kind == EG_DOC_SCALAR ? word->text : field->standard;
        for (const eg_word *w = field->words; name && w->name; w++)
            if (strcmp(w->name, name) == 0 && w->value >= 0) return 1u << w->value;
    }
    return ~0u;
}

const eg_field *eg_section_field(const eg_section *section, unsigned kind, const char *key)
{
    for (size_t i = 0; i < section->field_count; i++) {
        const eg_field *field = &section->fields[i];
        if ((!field->only || field->only & kind) && strcmp(field->key, key) == 0) return field;
    }
    return NULL;
}

static const char *nearest_key(eg_arena *arena, const eg_section *section, unsigned kind, const char *key)
{
    const char **names = EG_NEW_ARRAY(arena, const char *, section->field_count);
    size_t count = 0;
    for (size_t i = 0; i < section->field_count; i++) {
        const eg_field *field = &section->fields[i];
        if (field->type == EG_TYPE_UNSUPPORTED || (field->only && !(field->only & kind))) continue;
        names[count++] = field->key;
    }
    return eg_nearest(key, names, count);
}

/* All dotted paths below a section. */
static void list_paths(eg_arena *arena, const eg_section *section, const char *prefix, const char **paths,
                       size_t *count, size_t limit)
{
    for (size_t i = 0; i < section->field_count && *count < limit; i++) {
        const eg_field *field = &section->fields[i];
        if (field->type == EG_TYPE_UNSUPPORTED) continue;
        const char *path = eg_arena_printf(arena, "%s%s", prefix, field->key);
        paths[(*count)++] = path;
        if (field->type == EG_TYPE_SECTION)
            list_paths(arena, field->section, eg_arena_printf(arena, "%s.", path), paths, count, limit);
    }
}

const char *eg_last_segment(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

const char *eg_schema_nearest_path(eg_arena *arena, const eg_section *root, const char *path)
{
    enum { LIMIT = 256 };
    const char *paths[LIMIT];
    size_t count = 0;
    list_paths(arena, root, "", paths, &count, LIMIT);
    const char *near = eg_nearest(path, paths, count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(eg_last_segment(paths[i]), eg_last_segment(path)) == 0) return paths[i];
    return near;
}

const char *eg_section_words(eg_arena *arena, const eg_section *section)
{
    return section->name[0] ? eg_arena_printf(arena, " in '%s'", section->name) : "";
}

/* A key without a row: said with the row that was meant, here or in another section. */
static void unknown_key(eg_schema *in, const eg_section *section, unsigned kind, const eg_doc *doc,
                        const eg_doc *key)
{
    const eg_doc *word = section->kind ? eg_doc_find(doc, section->kind) : NULL;
    const char *where = eg_section_words(in->arena, section);
    if (eg_section_field(section, ~0u, key->text) && word) {
        eg_problem_add(in->problems, "unknown_key", key->place, "'%s' has no meaning for %s '%s'", key->text,
                       section->kind, word->text);
        return;
    }
    const char *near = nearest_key(in->arena, section, kind, key->text);
    const char *path = NULL;
    if (!near) path = eg_schema_nearest_path(in->arena, in->root, key->text);
    if (path && strcmp(eg_last_segment(path), key->text) != 0) path = NULL;
    eg_problem_add(in->problems, "unknown_key", key->place, "unknown key '%s'%s%s%s%s", key->text, where,
                   near || path ? "; did you mean '" : "",
                   near   ? near
                   : path ? path
                          : "",
                   near || path ? "'?" : "");
}

void eg_section_check_keys(eg_schema *in, const eg_section *section, const eg_doc *doc)
{
    unsigned kind = eg_section_kind(section, doc);
    for (size_t i = 0; i < doc->count; i++) {
        const eg_field *field = eg_section_field(section, kind, doc->keys[i]->text);
        if (field && field->type == EG_TYPE_UNSUPPORTED)
            eg_schema_unsupported(in, doc->keys[i]->place, field->key);
        else if (!field && !section->open)
            unknown_key(in, section, kind, doc, doc->keys[i]);
    }
}
