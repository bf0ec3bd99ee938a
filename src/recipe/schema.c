#include "recipe/schema.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "recipe/field_value.h"
#include "recipe/key.h"

static const char *describe(eg_arena *arena, const eg_doc *doc)
{
    if (eg_doc_is_null(doc)) return "nothing";
    if (doc->kind == EG_DOC_MAP) return "a mapping";
    if (doc->kind == EG_DOC_LIST) return "a list";
    return eg_arena_printf(arena, "'%.80s'", doc->text);
}

void eg_schema_expected(eg_schema *in, const eg_doc *doc, const char *key, const char *expected)
{
    eg_problem_add(in->problems, "wrong_type", doc->place, "'%s' expects %s, found %s", key, expected,
                   describe(in->arena, doc));
}

void eg_schema_unsupported(eg_schema *in, eg_place place, const char *key)
{
    eg_problem_add(in->problems, "unsupported", place, "'%s' is not supported by this version", key);
}

void eg_schema_problem(eg_schema *in, const char *code, eg_place place, const eg_error *err)
{
    eg_problem_add(in->problems, code, place, "%s", err->text);
}

const char *eg_schema_text(eg_schema *in, const eg_doc *doc, const char *key)
{
    if (doc->kind != EG_DOC_SCALAR || eg_doc_is_null(doc)) {
        eg_schema_expected(in, doc, key, "a text");
        return NULL;
    }
    return doc->text;
}

size_t eg_schema_items(const eg_doc *const *doc, const eg_doc *const **items)
{
    bool list = (*doc)->kind == EG_DOC_LIST;
    *items = list ? (*doc)->items : doc;
    return eg_doc_is_null(*doc) ? 0 : list ? (*doc)->count : 1;
}

static void read_standard(eg_schema *in, const eg_field *field, void *base)
{
    eg_field unchecked = *field;
    unchecked.low = unchecked.high = 0;
    if (field->type == EG_TYPE_SECTION) {
        eg_schema_read(in, field->section, NULL, (char *)base + field->offset);
    } else if (field->standard && strcmp(field->standard, ".nan") == 0) {
        const double not_given = NAN;
        memcpy((char *)base + field->offset, &not_given, sizeof not_given);
    } else if (field->standard) {
        eg_value_read(in, &unchecked, eg_value_standard(in->arena, field), base);
    }
}

static void read_fields(eg_schema *in, const eg_section *section, const eg_doc *doc, eg_place place,
                        void *out)
{
    unsigned kind = eg_section_kind(section, doc);
    for (size_t i = 0; i < section->field_count; i++) {
        const eg_field *field = &section->fields[i];
        if (field->only && !(field->only & kind)) continue;
        const eg_doc *value = doc ? eg_doc_find(doc, field->key) : NULL;
        if (field->type == EG_TYPE_UNSUPPORTED) continue;
        if (field->type != EG_TYPE_SECTION || eg_doc_is_null(value)) read_standard(in, field, out);
        if (value && !eg_doc_is_null(value))
            eg_value_read(in, field, value, out);
        else if (field->required && doc)
            eg_problem_add(in->problems, "missing_key", value ? value->place : place, "'%s' is missing%s: %s",
                           field->key, eg_section_words(in->arena, section), field->doc);
    }
}

void eg_schema_read(eg_schema *in, const eg_section *section, const eg_doc *doc, void *out)
{
    if (eg_doc_is_null(doc)) doc = NULL;
    doc = doc ? eg_schema_expand(in->arena, section, doc) : NULL;
    if (doc && doc->kind != EG_DOC_MAP) {
        eg_schema_expected(in, doc, section->name[0] ? eg_last_segment(section->name) : "recipe",
                           "a mapping");
        doc = NULL;
    }
    if (doc) eg_section_check_keys(in, section, doc);
    read_fields(in, section, doc, doc ? doc->place : (eg_place){0}, out);
    if (doc && section->given != EG_NOWHERE) *(bool *)((char *)out + section->given) = true;
    if (doc && section->place != EG_NOWHERE)
        memcpy((char *)out + section->place, &doc->place, sizeof doc->place);
    if (section->check) section->check(in, doc, out);
}

const eg_doc *eg_schema_wrap(eg_arena *arena, const char *key, const eg_doc *value)
{
    eg_doc *name = EG_NEW(arena, eg_doc), *map = EG_NEW(arena, eg_doc);
    const eg_doc *key_doc = name;
    *name = (eg_doc){.place = value->place, .text = key, .plain = true};
    *map = (eg_doc){.kind = EG_DOC_MAP, .place = value->place, .text = "", .count = 1};
    map->keys = eg_arena_copy(arena, &key_doc, sizeof(const eg_doc *));
    map->items = eg_arena_copy(arena, &value, sizeof(const eg_doc *));
    return map;
}

const eg_doc *eg_schema_expand(eg_arena *arena, const eg_section *section, const eg_doc *doc)
{
    if (!section->bare || doc->kind == EG_DOC_MAP || eg_doc_is_null(doc)) return doc;
    return eg_schema_wrap(arena, section->bare, doc);
}
