#include "recipe/complete.h"

#include <string.h>

#include "recipe/field_value.h"
#include "recipe/key.h"

static const eg_doc *completed_value(eg_arena *arena, const eg_field *field, const eg_doc *value)
{
    bool absent = eg_doc_is_null(value);
    if (field->type == EG_TYPE_SECTION) {
        if (absent && field->optional) return NULL;
        const eg_doc *full = eg_schema_complete(arena, field->section, absent ? NULL : value);
        return full->count || !absent ? full : NULL;
    }
    if (!absent) return value;
    if (!field->standard || field->type == EG_TYPE_UNSUPPORTED || strcmp(field->standard, ".nan") == 0)
        return NULL;
    const eg_doc *standard = eg_value_standard(arena, field);
    return eg_value_is_shown(field, standard) ? standard : NULL;
}

const eg_doc *eg_schema_complete(eg_arena *arena, const eg_section *section, const eg_doc *doc)
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
        const eg_doc *value = completed_value(arena, field, eg_doc_find(doc, field->key));
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
