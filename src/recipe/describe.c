#include "recipe/describe.h"

#include <string.h>

#include "recipe/sections.h"
#include "recipe/verb.h"

static eg_json *section_json(const eg_section *section, bool root);

/* {"type": …}; several are separated by spaces. */
static eg_json *typed(const char *types)
{
    eg_json *json = eg_json_object(), *list = eg_json_array();
    while (*types) {
        char word[16] = "";
        size_t length = strcspn(types, " ");
        memcpy(word, types, length);
        eg_json_string(list, NULL, word);
        types += length + (types[length] == ' ');
    }
    eg_json_add(json, "type", list);
    return json;
}

static eg_json *any_of(eg_json *const *list, size_t count)
{
    eg_json *json = eg_json_object(), *choices = eg_json_array();
    for (size_t i = 0; i < count; i++) eg_json_add(choices, NULL, list[i]);
    eg_json_add(json, "anyOf", choices);
    return json;
}

static eg_json *list_of(eg_json *item)
{
    eg_json *json = typed("array");
    eg_json_add(json, "items", item);
    return json;
}

static eg_json *matching(const char *pattern)
{
    eg_json *json = typed("string");
    eg_json_string(json, "pattern", pattern);
    return json;
}

/* A number, or a text that a YAML parser leaves one: 1_000, .5, 1e-4, ${name}. */
static eg_json *number_json(const eg_field *field)
{
    eg_json *number = typed(field->type == EG_TYPE_INT ? "integer" : "number");
    if (field->low != field->high && field->type != EG_TYPE_INTS) {
        eg_json_real(number, "minimum", field->low);
        if (field->high < 1e15) eg_json_real(number, "maximum", field->high);
    }
    return any_of((eg_json *[]){number, matching("^[-+]?[0-9._]+([eE][-+]?[0-9]+)?$|\\$\\{")}, 2);
}

static eg_json *word_json(const eg_field *field)
{
    eg_json *json = eg_json_object(), *words = eg_json_array();
    for (const eg_word *w = field->words; w->name; w++)
        if (w->value != EG_WORD_UNSUPPORTED) eg_json_string(words, NULL, w->name);
    eg_json_add(json, "enum", words);
    return any_of((eg_json *[]){json, matching("\\$\\{")}, 2);
}

static eg_json *pattern_json(void)
{
    eg_json *tagged = typed("object"), *rows = eg_json_object();
    eg_json_add(rows, "glob", typed("string"));
    eg_json_add(rows, "exact", typed("string"));
    eg_json_add(tagged, "properties", rows);
    eg_json_bool(tagged, "additionalProperties", false);
    return any_of((eg_json *[]){typed("string"), tagged}, 2);
}

/* A list of patterns, one pattern, or {match: pattern}. */
static eg_json *patterns_json(void)
{
    eg_json *match = typed("object"), *rows = eg_json_object();
    eg_json_add(rows, "match", pattern_json());
    eg_json_add(match, "properties", rows);
    eg_json_bool(match, "additionalProperties", false);
    eg_json *item = any_of((eg_json *[]){pattern_json(), match}, 2);
    return any_of((eg_json *[]){pattern_json(), list_of(item)}, 2);
}

static eg_json *pair_json(void)
{
    eg_json *json = list_of(typed("number string"));
    eg_json_int(json, "minItems", 2);
    eg_json_int(json, "maxItems", 2);
    return json;
}

/* Rows that read themselves: with a section they are a list of its items, or one of them. */
static eg_json *other_json(const eg_field *field)
{
    if (!field->section) return eg_json_object();
    return any_of(
        (eg_json *[]){section_json(field->section, false), list_of(section_json(field->section, false))}, 2);
}

static eg_json *value_json(const eg_field *field)
{
    switch (field->type) {
    case EG_TYPE_INT:
    case EG_TYPE_NUMBER: return number_json(field);
    case EG_TYPE_BOOL: return typed("boolean string");
    case EG_TYPE_STRING: return typed("string number boolean");
    case EG_TYPE_PATH: return typed("string");
    case EG_TYPE_WORD: return word_json(field);
    case EG_TYPE_STRINGS:
        return any_of((eg_json *[]){list_of(typed("string number boolean")), matching("\\$\\{")}, 2);
    case EG_TYPE_INTS: return any_of((eg_json *[]){list_of(number_json(field)), matching("\\$\\{")}, 2);
    case EG_TYPE_PAIR: return pair_json();
    case EG_TYPE_PATTERN: return pattern_json();
    case EG_TYPE_PATTERNS: return patterns_json();
    case EG_TYPE_SECTION: return section_json(field->section, false);
    case EG_TYPE_OTHER: return other_json(field);
    case EG_TYPE_UNSUPPORTED: break;
    }
    return eg_json_object();
}

/* A key may also be empty, which means its default. */
static eg_json *field_json(const eg_field *field)
{
    eg_json *json = any_of((eg_json *[]){value_json(field), typed("null")}, 2);
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
    eg_json *json = typed("object"), *rows = eg_json_object(), *signs = eg_json_object();
    for (size_t i = 0; i < section->field_count; i++) {
        const eg_field *field = &section->fields[i];
        if (field->type != EG_TYPE_UNSUPPORTED && !is_repeated(section, i))
            eg_json_add(rows, field->key, field_json(field));
    }
    eg_json_add(signs, "^[+-]", eg_json_object()); /* +key and -key, below `extends` */
    eg_json_add(json, "properties", rows);
    eg_json_add(json, "patternProperties", signs);
    eg_json_bool(json, "additionalProperties", section->open);
    return json;
}

/* What `extends` brings along need not stand in the file itself, so that only the root says what is required.
 */
static void require(eg_json *json, const eg_section *section)
{
    eg_json *own = eg_json_object(), *extending = eg_json_object();
    eg_json *keys = eg_json_array(), *extends = eg_json_array();
    for (size_t i = 0; i < section->field_count; i++)
        if (section->fields[i].required) eg_json_string(keys, NULL, section->fields[i].key);
    eg_json_string(extends, NULL, "extends");
    eg_json_add(own, "required", keys);
    eg_json_add(extending, "required", extends);
    eg_json *choices = eg_json_array();
    eg_json_add(choices, NULL, own);
    eg_json_add(choices, NULL, extending);
    eg_json_add(json, "anyOf", choices);
}

static eg_json *section_json(const eg_section *section, bool root)
{
    eg_json *json = mapping_json(section);
    if (root) require(json, section);
    if (!section->bare) return json;
    return any_of((eg_json *[]){json, typed("string number boolean")}, 2);
}

eg_json *eg_recipe_json_schema(void)
{
    eg_json *json = section_json(&eg_recipe_schema, true);
    eg_json_string(json, "$schema", "http://json-schema.org/draft-07/schema#");
    eg_json_string(json, "title", "engraft recipe");
    return json;
}
