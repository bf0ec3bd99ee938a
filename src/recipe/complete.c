#include "recipe/complete.h"

#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "recipe/field_value.h"
#include "recipe/key.h"

/* A row whose text may be a path: one of a file's own, not a word or a name. */
static bool is_path(const eg_field *field, const eg_doc *value)
{
    double number;
    if (value->kind != EG_DOC_SCALAR || strstr(value->text, "://")) return false;
    if (field->type == EG_TYPE_PATH) return true;
    if (field->type != EG_TYPE_OTHER) return false;
    bool file =
        strchr(value->text, '/') || eg_ends_with(value->text, ".yaml") || eg_ends_with(value->text, ".yml");
    if (strcmp(field->key, "arch") == 0) return file;
    return strcmp(field->key, "classes") == 0 && strcmp(value->text, "by_name") != 0 &&
           strcmp(value->text, "imagenet1k") != 0 && !eg_scalar_number(value, &number);
}

/* The path from `folder` on, for a text that stands in a file of another. */
static const eg_doc *moved(eg_arena *arena, const eg_doc *value, const char *folder)
{
    if (!value->place.file || !value->place.line || value->text[0] == '/') return value;
    const char *own = eg_path_folder(arena, value->place.file);
    size_t length = strlen(folder);
    if (strcmp(own, folder) == 0) return value;
    const char *path = eg_path_join(arena, own, value->text);
    if (strncmp(path, folder, length) == 0 && path[length] == '/') path += length + 1;
    eg_doc *copy = EG_NEW(arena, eg_doc);
    *copy = *value;
    copy->text = path;
    return copy;
}

static const eg_doc *completed_value(eg_arena *arena, const eg_field *field, const eg_doc *value,
                                     const char *folder)
{
    bool absent = eg_doc_is_null(value);
    if (field->type == EG_TYPE_SECTION) {
        if (absent && field->optional) return NULL;
        const eg_doc *full = eg_schema_complete(arena, field->section, absent ? NULL : value, folder);
        return full->count || !absent ? full : NULL;
    }
    if (!absent) return is_path(field, value) ? moved(arena, value, folder) : value;
    if (!field->standard || field->type == EG_TYPE_UNSUPPORTED || strcmp(field->standard, ".nan") == 0)
        return NULL;
    const eg_doc *standard = eg_value_standard(arena, field);
    return eg_value_is_shown(field, standard) ? standard : NULL;
}

const eg_doc *eg_schema_complete(eg_arena *arena, const eg_section *section, const eg_doc *doc,
                                 const char *folder)
{
    size_t room = section->field_count + (doc ? doc->count + 1 : 0);
    eg_doc *full = EG_NEW(arena, eg_doc);
    *full = (eg_doc){.kind = EG_DOC_MAP, .text = ""};
    full->keys = EG_NEW_ARRAY(arena, const eg_doc *, room);
    full->items = EG_NEW_ARRAY(arena, const eg_doc *, room);
    if (doc) doc = eg_schema_expand(arena, section, doc);
    unsigned kind = eg_section_kind(section, doc);
    for (size_t i = 0; i < section->field_count; i++) {
        const eg_field *field = &section->fields[i];
        if (field->only && !(field->only & kind)) continue;
        const eg_doc *value = completed_value(arena, field, eg_doc_find(doc, field->key), folder);
        if (!value) continue;
        eg_doc *key = EG_NEW(arena, eg_doc);
        *key = (eg_doc){.text = field->key, .plain = true};
        full->keys[full->count] = key;
        full->items[full->count++] = value;
    }
    for (size_t i = 0; doc && i < doc->count; i++) {
        if (eg_section_field(section, kind, doc->keys[i]->text)) continue;
        full->keys[full->count] = doc->keys[i];
        full->items[full->count++] = doc->items[i];
    }
    return full;
}
