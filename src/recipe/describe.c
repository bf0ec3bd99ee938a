#include "recipe/describe.h"

#include <string.h>

#include "recipe/form.h"
#include "recipe/json_type.h"
#include "recipe/sections.h"

/* A number, or a text that a YAML parser leaves one: 1_000, .5, 1e-4, ${name}. */
static eg_json *number_json(const eg_field *field)
{
    eg_json *number = eg_json_typed(field->type == EG_TYPE_INT ? "integer" : "number");
    if (field->low != field->high && field->type != EG_TYPE_INTS) {
        eg_json_real(number, "minimum", field->low);
        if (field->high < 1e15) eg_json_real(number, "maximum", field->high);
    }
    return eg_json_any_of((eg_json *[]){number, eg_json_matching("^[-+]?[0-9._]+([eE][-+]?[0-9]+)?$|\\$\\{")},
                          2);
}

static eg_json *word_json(const eg_field *field)
{
    eg_json *json = eg_json_object(), *words = eg_json_array();
    for (const eg_word *w = field->words; w->name; w++)
        if (w->value != EG_WORD_UNSUPPORTED) eg_json_string(words, NULL, w->name);
    eg_json_add(json, "enum", words);
    return eg_json_any_of((eg_json *[]){json, eg_json_matching("\\$\\{")}, 2);
}

static eg_json *pair_json(void)
{
    eg_json *json = eg_json_list_of(eg_json_typed("number string"));
    eg_json_int(json, "minItems", 2);
    eg_json_int(json, "maxItems", 2);
    return json;
}

static eg_json *value_json(const eg_section *section, const eg_field *field)
{
    switch (field->type) {
    case EG_TYPE_INT:
    case EG_TYPE_NUMBER: return number_json(field);
    case EG_TYPE_BOOL: return eg_json_typed("boolean string");
    case EG_TYPE_STRING: return eg_json_typed("string number boolean");
    case EG_TYPE_PATH: return eg_json_typed("string");
    case EG_TYPE_WORD: return word_json(field);
    case EG_TYPE_STRINGS:
        return eg_json_any_of((eg_json *[]){eg_json_list_of(eg_json_typed("string number boolean")),
                                            eg_json_matching("\\$\\{")},
                              2);
    case EG_TYPE_INTS:
        return eg_json_any_of((eg_json *[]){eg_json_list_of(number_json(field)), eg_json_matching("\\$\\{")},
                              2);
    case EG_TYPE_PAIR: return pair_json();
    case EG_TYPE_PATTERN: return eg_form_pattern();
    case EG_TYPE_PATTERNS: return eg_form_patterns();
    case EG_TYPE_SECTION: return eg_section_json(field->section, false);
    case EG_TYPE_OTHER: return eg_form_json(section, field);
    case EG_TYPE_UNSUPPORTED: break;
    }
    return eg_json_object();
}

/* A key may also be empty, which means its default, or hold a variable. */
static eg_json *field_json(const eg_section *section, const eg_field *field)
{
    eg_json *json = eg_json_any_of(
        (eg_json *[]){value_json(section, field), eg_json_typed("null"), eg_json_matching("\\$\\{")}, 3);
    eg_json_string(json, "description", field->doc);
    return json;
}

/* A row of the same key that stands before it, for another kind. */
static bool is_repeated(const eg_section *section, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (strcmp(section->fields[i].key, section->fields[at].key) == 0) return true;
    return false;
}

static eg_json *mapping_json(const eg_section *section)
{
    eg_json *json = eg_json_typed("object"), *rows = eg_json_object(), *signs = eg_json_object();
    for (size_t i = 0; i < section->field_count; i++) {
        const eg_field *field = &section->fields[i];
        if (field->type != EG_TYPE_UNSUPPORTED && !is_repeated(section, i))
            eg_json_add(rows, field->key, field_json(section, field));
    }
    eg_json_add(signs, "^[+-]", eg_json_object()); /* +key and -key, below `extends` */
    eg_json_add(json, "properties", rows);
    eg_json_add(json, "patternProperties", signs);
    eg_json_bool(json, "additionalProperties", section->open);
    return json;
}

static eg_json *required_keys(const eg_section *section)
{
    eg_json *keys = eg_json_array();
    for (size_t i = 0; i < section->field_count; i++)
        if (section->fields[i].required && !section->fields[i].only)
            eg_json_string(keys, NULL, section->fields[i].key);
    return keys;
}

/* What `extends` brings along need not stand in the file itself: then nothing is required of it. */
static void require_or_extend(eg_json *json, const eg_section *section)
{
    eg_json *own = eg_json_object(), *extending = eg_json_object(), *extends = eg_json_array();
    eg_json_string(extends, NULL, "extends");
    eg_json_add(own, "required", required_keys(section));
    eg_json_add(extending, "required", extends);
    eg_json *choices = eg_json_array();
    eg_json_add(choices, NULL, own);
    eg_json_add(choices, NULL, extending);
    eg_json_add(json, "anyOf", choices);
}

eg_json *eg_section_json(const eg_section *section, bool complete)
{
    eg_json *json = mapping_json(section);
    if (complete) eg_json_add(json, "required", required_keys(section));
    if (!section->bare) return json;
    return eg_json_any_of((eg_json *[]){json, eg_json_typed("string number boolean")}, 2);
}

eg_json *eg_recipe_json_schema(void)
{
    eg_json *json = mapping_json(&eg_recipe_schema);
    require_or_extend(json, &eg_recipe_schema);
    eg_json_string(json, "$schema", "http://json-schema.org/draft-07/schema#");
    eg_json_string(json, "title", "engraft recipe");
    eg_json_add(json, "definitions", eg_form_definitions());
    return json;
}
