#include "recipe/form.h"

#include <string.h>

#include "recipe/describe.h"
#include "recipe/json_type.h"
#include "recipe/transform.h"
#include "recipe/verb.h"

static eg_json *pattern_definition(void)
{
    eg_json *tagged = eg_json_typed("object"), *rows = eg_json_object();
    eg_json_add(rows, "glob", eg_json_typed("string"));
    eg_json_add(rows, "exact", eg_json_typed("string"));
    eg_json_add(tagged, "properties", rows);
    eg_json_bool(tagged, "additionalProperties", false);
    return eg_json_any_of((eg_json *[]){eg_json_typed("string"), tagged}, 2);
}

eg_json *eg_form_pattern(void)
{
    return eg_json_reference("pattern");
}

/* A list of patterns, one pattern, or {match: pattern}. */
eg_json *eg_form_patterns(void)
{
    eg_json *match = eg_json_typed("object"), *rows = eg_json_object();
    eg_json_add(rows, "match", eg_form_pattern());
    eg_json_add(match, "properties", rows);
    eg_json_bool(match, "additionalProperties", false);
    eg_json *item = eg_json_any_of((eg_json *[]){eg_form_pattern(), match}, 2);
    return eg_json_any_of((eg_json *[]){eg_form_pattern(), eg_json_list_of(item)}, 2);
}

static eg_json *text(void)
{
    return eg_json_typed("string number boolean");
}

/* One, or a list of them. */
static eg_json *one_or_more(eg_json *(*item)(void))
{
    return eg_json_any_of((eg_json *[]){item(), eg_json_list_of(item())}, 2);
}

static eg_json *texts(void)
{
    return one_or_more(text);
}

static eg_json *numbers(void)
{
    return one_or_more(text); /* 1_000 is a text to YAML */
}

static eg_json *anything(void)
{
    return eg_json_object();
}

static eg_json *version(void)
{
    eg_json *json = eg_json_object(), *words = eg_json_array();
    eg_json_int(words, NULL, 1);
    eg_json_string(words, NULL, "1");
    eg_json_add(json, "enum", words);
    return json;
}

static eg_json *hexadecimal(void)
{
    return eg_json_matching("^[0-9a-fA-F]{64}$");
}

static eg_json *flag(void)
{
    return eg_json_typed("boolean string");
}

static eg_json *mapping_of_texts(void)
{
    eg_json *json = eg_json_typed("object");
    eg_json_add(json, "additionalProperties", texts());
    return eg_json_any_of((eg_json *[]){json, eg_json_matching("^by_name$")}, 2);
}

static eg_json *op(void)
{
    eg_json *json = eg_json_typed("object"), *rows = eg_json_object();
    for (eg_reshape_kind kind = 0; kind < EG_RESHAPE_COUNT; kind++)
        eg_json_add(rows, eg_reshape_name(kind), numbers());
    eg_json_add(json, "properties", rows);
    eg_json_bool(json, "additionalProperties", false);
    eg_json_int(json, "minProperties", 1);
    eg_json_int(json, "maxProperties", 1);
    return json;
}

static eg_json *ops(void)
{
    return one_or_more(op);
}

/* ---- transfer.mapping ---- */

static eg_json *prefixes(eg_verb verb)
{
    bool strip = verb == EG_VERB_STRIP_PREFIX;
    eg_json *own = strip ? eg_json_object_of((const char *[]){"prefix", "optional", "any"},
                                             (eg_json *[]){texts(), flag(), flag()}, 3, 1)
                         : eg_json_object_of((const char *[]){"prefix", "optional"},
                                             (eg_json *[]){texts(), flag()}, 2, 1);
    return eg_json_any_of((eg_json *[]){texts(), own}, 2);
}

static eg_json *pair(eg_verb verb)
{
    const char *const *keys = verb == EG_VERB_RENAME ? (const char *const[]){"match", "to", "optional"}
                                                     : (const char *const[]){"pattern", "with", "optional"};
    return eg_json_object_of(keys, (eg_json *[]){eg_form_pattern(), text(), flag()}, 3, 2);
}

static eg_json *verb_json(eg_verb verb)
{
    if (eg_verb_section(verb)) return eg_section_json(eg_verb_section(verb), true);
    if (verb == EG_VERB_STRIP_PREFIX || verb == EG_VERB_ADD_PREFIX) return prefixes(verb);
    if (verb == EG_VERB_DROP || verb == EG_VERB_SELECT) return eg_form_patterns();
    return eg_json_any_of((eg_json *[]){pair(verb), eg_json_list_of(pair(verb))}, 2);
}

/* An item has one verb, and flags beside it. */
static eg_json *mapping_definition(void)
{
    eg_json *choices[EG_VERB_COUNT + 1];
    for (eg_verb verb = 0; verb < EG_VERB_COUNT; verb++) {
        const char *const keys[] = {eg_verb_name(verb), "optional", "any"};
        eg_json *values[] = {verb_json(verb), flag(), verb == EG_VERB_STRIP_PREFIX ? flag() : NULL};
        choices[verb] = eg_json_object_of(keys, values, values[2] ? 3 : 2, 1);
    }
    choices[EG_VERB_COUNT] = eg_json_object_of((const char *[]){"use", "optional"},
                                               (eg_json *[]){eg_json_matching("@[0-9]+$"), flag()}, 2, 1);
    return eg_json_any_of(choices, EG_VERB_COUNT + 1);
}

static eg_json *mapping_item(void)
{
    return eg_json_reference("rule");
}

static eg_json *mapping_list(void)
{
    return one_or_more(mapping_item);
}

/* ---- preprocess and augment ---- */

/* `resize`, or {resize: 256}. */
static eg_json *step(eg_transform_kind kind)
{
    bool random;
    const char *name = eg_transform_name(kind);
    eg_json *bare = eg_json_matching("");
    eg_json_string(bare, "const", name);
    eg_json *value = eg_json_any_of(
        (eg_json *[]){eg_section_json(eg_step_section(kind, &random), true), eg_json_typed("null array")}, 2);
    return eg_json_any_of((eg_json *[]){bare, eg_json_object_of(&name, &value, 1, 1)}, 2);
}

static eg_json *steps(bool random)
{
    eg_json *choices[EG_TRANSFORM_COUNT];
    size_t count = 0;
    for (eg_transform_kind kind = 0; kind < EG_TRANSFORM_COUNT; kind++) {
        bool is_random;
        eg_step_section(kind, &is_random);
        if (is_random == random) choices[count++] = step(kind);
    }
    return eg_json_any_of(choices, count);
}

static eg_json *step_definition(void)
{
    return steps(false);
}

static eg_json *random_step_definition(void)
{
    return steps(true);
}

static eg_json *random_step(void)
{
    return eg_json_reference("random_step");
}

static eg_json *augment(void)
{
    return one_or_more(random_step);
}

static eg_json *preprocess(void)
{
    return eg_json_any_of((eg_json *[]){eg_section_json(eg_preprocess_section(), true),
                                        eg_json_matching("^inherit$"),
                                        eg_json_list_of(eg_json_reference("step"))},
                          3);
}

static eg_json *size_rules(void)
{
    const char *const keys[] = {"match", "policy"};
    eg_json *rule = eg_json_object_of(keys, (eg_json *[]){eg_form_pattern(), eg_json_typed("string")}, 2, 2);
    return eg_json_any_of((eg_json *[]){eg_json_typed("string"), eg_json_list_of(rule)}, 2);
}

/* The form of every row of EG_TYPE_OTHER, by its key; a section's name tells apart what is called alike. */
static const struct {
    const char *section, *key; /* section NULL: any */
    eg_json *(*make)(void);
} forms[] = {
    {"", "recipe", version},
    {"", "vars", anything},
    {"", "extends", texts},
    {"source", "sha256", hexadecimal},
    {"source", "state_dict", text},
    {"source", "preprocess", preprocess},
    {"data", "preprocess", preprocess},
    {"data", "augment", augment},
    {"transfer", "mapping", mapping_list},
    {"transfer", "size_mismatch", size_rules},
    {"transfer.head", "classes", mapping_of_texts},
    {NULL, "arch", text},
    {NULL, "classes", texts},
    {NULL, "to", texts},
    {NULL, "group", text},
    {NULL, "index", text},
    {NULL, "tie", flag},
    {NULL, "ops", ops},
    {NULL, "sizes", numbers},
    {NULL, "size", numbers},
    {NULL, "resize", numbers},
    {NULL, "mean", numbers},
    {NULL, "std", numbers},
    {NULL, "range", numbers},
    {NULL, "mode", text},
};

eg_json *eg_form_json(const eg_section *section, const eg_field *field)
{
    if (field->section)
        return eg_json_any_of((eg_json *[]){eg_section_json(field->section, true),
                                            eg_json_list_of(eg_section_json(field->section, true))},
                              2);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(forms[i].key, field->key) == 0 &&
            (!forms[i].section || strcmp(forms[i].section, section->name) == 0))
            return forms[i].make();
    return eg_json_object();
}

eg_json *eg_form_definitions(void)
{
    eg_json *json = eg_json_object();
    eg_json_add(json, "pattern", pattern_definition());
    eg_json_add(json, "rule", mapping_definition());
    eg_json_add(json, "step", step_definition());
    eg_json_add(json, "random_step", random_step_definition());
    return json;
}
