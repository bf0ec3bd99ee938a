#include "recipe/mapping.h"

#include <string.h>

#include "base/str.h"
#include "recipe/dialect.h"
#include "recipe/pattern.h"
#include "recipe/verb.h"

static void read_strip_prefix(eg_schema *in, const eg_doc *doc, eg_rule *rule);
static void read_add_prefix(eg_schema *in, const eg_doc *doc, eg_rule *rule);
static void read_rename(eg_schema *in, const eg_doc *doc, eg_rule *rule);
static void read_replace(eg_schema *in, const eg_doc *doc, eg_rule *rule);
static void read_patterns(eg_schema *in, const eg_doc *doc, eg_rule *rule);
static void read_rows(eg_schema *in, const eg_doc *doc, eg_rule *rule);

static const struct {
    const char *name;
    void (*read)(eg_schema *in, const eg_doc *doc, eg_rule *rule);
} verbs[EG_VERB_COUNT] = {
    [EG_VERB_STRIP_PREFIX] = {"strip_prefix", read_strip_prefix},
    [EG_VERB_ADD_PREFIX] = {"add_prefix", read_add_prefix},
    [EG_VERB_RENAME] = {"rename", read_rename},
    [EG_VERB_REPLACE] = {"replace", read_replace},
    [EG_VERB_DROP] = {"drop", read_patterns},
    [EG_VERB_SELECT] = {"select", read_patterns},
    [EG_VERB_CONCAT] = {"concat", read_rows},
    [EG_VERB_STACK] = {"stack", read_rows},
    [EG_VERB_SPLIT] = {"split", read_rows},
    [EG_VERB_TRANSFORM] = {"transform", read_rows},
    [EG_VERB_COPY] = {"copy", read_rows},
    [EG_VERB_SHIFT] = {"shift", read_rows},
};

const char *eg_verb_name(eg_verb verb)
{
    return verbs[verb].name;
}

/* A flag beside the verb or inside its mapping. */
static void read_flag(eg_schema *in, const eg_doc *doc, const char *key, bool *out)
{
    const eg_doc *value = eg_doc_find(doc, key);
    if (!eg_doc_is_null(value) && !eg_scalar_bool(value, out))
        eg_schema_expected(in, value, key, "true or false");
}

/* Refuses keys of a verb's mapping that are not among the named ones (a NULL ends the list). */
static bool check_keys(eg_schema *in, const eg_doc *map, const char *verb, const char *const *known)
{
    size_t count = 0, before = in->problems->errors;
    while (known[count]) count++;
    for (size_t i = 0; i < map->count; i++) {
        const char *key = map->keys[i]->text, *near = NULL;
        bool found = false;
        for (size_t k = 0; k < count; k++) found |= strcmp(known[k], key) == 0;
        if (found) continue;
        near = eg_nearest(key, known, count);
        eg_problem_add(in->problems, "unknown_key", map->keys[i]->place, "unknown key '%s' in '%s'%s%s%s",
                       key, verb, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return in->problems->errors == before;
}

/* Whole dotted segments, ended by a dot: "module" and "module." are the same prefix. */
static const char *read_prefix(eg_schema *in, const eg_doc *doc, const char *verb)
{
    const char *text = eg_schema_text(in, doc, verb);
    if (!text) return NULL;
    size_t length = strlen(text);
    if (length == 0 || text[0] == '.' || strstr(text, "..")) {
        eg_problem_add(in->problems, "bad_prefix", doc->place,
                       "'%s' expects a prefix of whole segments such as 'module.', found '%s'", verb, text);
        return NULL;
    }
    return text[length - 1] == '.' ? text : eg_arena_printf(in->arena, "%s.", text);
}

static void read_prefixes(eg_schema *in, const eg_doc *doc, eg_rule *rule)
{
    const eg_doc *const *items;
    size_t count = eg_schema_items(&doc, &items), kept = 0;
    const char **prefixes = EG_NEW_ARRAY(in->arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        prefixes[kept] = read_prefix(in, items[i], eg_verb_name(rule->verb));
        kept += prefixes[kept] != NULL;
    }
    if (count == 0) eg_schema_expected(in, doc, eg_verb_name(rule->verb), "a prefix such as 'module.'");
    rule->prefixes = prefixes;
    rule->prefix_count = kept;
}

static void read_strip_prefix(eg_schema *in, const eg_doc *doc, eg_rule *rule)
{
    static const char *const known[] = {"prefix", "any", "optional", NULL};
    const eg_doc *prefix = eg_doc_find(doc, "prefix");
    if (doc->kind == EG_DOC_MAP) {
        check_keys(in, doc, "strip_prefix", known);
        read_flag(in, doc, "any", &rule->any);
    }
    read_prefixes(in, prefix ? prefix : doc, rule);
}

static void read_add_prefix(eg_schema *in, const eg_doc *doc, eg_rule *rule)
{
    static const char *const known[] = {"prefix", "optional", NULL};
    const eg_doc *prefix = eg_doc_find(doc, "prefix");
    if (doc->kind == EG_DOC_MAP) check_keys(in, doc, "add_prefix", known);
    read_prefixes(in, prefix ? prefix : doc, rule);
    if (rule->prefix_count > 1) eg_schema_expected(in, doc, "add_prefix", "one prefix");
}

/* One {match, to} or {pattern, with}. */
static bool read_pair(eg_schema *in, const eg_doc *doc, eg_verb verb, eg_rename *out)
{
    static const char *const known[2][4] = {{"match", "to", "optional", NULL},
                                            {"pattern", "with", "optional", NULL}};
    const char *const *keys = known[verb == EG_VERB_REPLACE];
    const eg_doc *match = eg_doc_find(doc, keys[0]), *to = eg_doc_find(doc, keys[1]);
    if (doc->kind == EG_DOC_MAP && !check_keys(in, doc, eg_verb_name(verb), keys)) return false;
    if (!match || !to) {
        eg_schema_expected(in, doc, eg_verb_name(verb),
                           verb == EG_VERB_RENAME ? "{match: pattern, to: name}"
                                                  : "{pattern: pattern, with: text}");
        return false;
    }
    if (!eg_pattern_read(in, match, keys[0], verb == EG_VERB_RENAME, &out->pattern)) return false;
    if (verb == EG_VERB_RENAME && to->kind == EG_DOC_SCALAR && !to->text[0]) {
        eg_schema_expected(in, to, "to", "a name that is not empty");
        return false;
    }
    out->to = eg_pattern_template(in, &out->pattern, to, keys[1]);
    return out->to != NULL;
}

static void read_pairs(eg_schema *in, const eg_doc *doc, eg_rule *rule)
{
    const eg_doc *const *items;
    size_t count = eg_schema_items(&doc, &items), kept = 0;
    eg_rename *renames = EG_NEW_ARRAY(in->arena, eg_rename, count);
    for (size_t i = 0; i < count; i++) {
        kept += read_pair(in, items[i], rule->verb, &renames[kept]);
        read_flag(in, items[i], "optional", &rule->optional);
    }
    if (count == 0) eg_schema_expected(in, doc, eg_verb_name(rule->verb), "a mapping, or a list of them");
    rule->renames = renames;
    rule->rename_count = kept;
}

static void read_rename(eg_schema *in, const eg_doc *doc, eg_rule *rule)
{
    read_pairs(in, doc, rule);
}

static void read_replace(eg_schema *in, const eg_doc *doc, eg_rule *rule)
{
    read_pairs(in, doc, rule);
}

static void read_patterns(eg_schema *in, const eg_doc *doc, eg_rule *rule)
{
    eg_pattern_list_read(in, doc, eg_verb_name(rule->verb), &rule->patterns);
    if (eg_doc_is_null(doc) || (doc->kind == EG_DOC_LIST && doc->count == 0))
        eg_schema_expected(in, doc, eg_verb_name(rule->verb), "a pattern, or a list of them");
}

static void read_rows(eg_schema *in, const eg_doc *doc, eg_rule *rule)
{
    bool optional = rule->optional;
    eg_schema_read(in, eg_verb_section(rule->verb), doc, rule);
    rule->optional |= optional;
}

static void add_match(const eg_rule *rule, eg_buf *out)
{
    if (!rule->match.text) return;
    eg_buf_printf(out, "'%s'", rule->match.text);
    for (size_t i = 0; i < rule->to_count; i++) eg_buf_printf(out, "%s'%s'", i ? ", " : " -> ", rule->to[i]);
    for (size_t i = 0; i < rule->op_count; i++)
        eg_buf_printf(out, ", %s", eg_reshape_name(rule->ops[i].kind));
    if (rule->tie) eg_buf_puts(out, ", tied");
    if (rule->verb == EG_VERB_SHIFT) eg_buf_printf(out, " by %lld", (long long)rule->by);
}

/* The rule in one line, for people. */
static const char *rule_text(eg_arena *arena, const eg_rule *rule)
{
    eg_buf out = {0};
    size_t count = rule->prefix_count + rule->rename_count + rule->patterns.count;
    eg_buf_printf(&out, "%s: %s", eg_verb_name(rule->verb), count > 1 ? "[" : "");
    for (size_t i = 0; i < rule->prefix_count; i++)
        eg_buf_printf(&out, "%s%s", i ? ", " : "", rule->prefixes[i]);
    for (size_t i = 0; i < rule->rename_count; i++)
        eg_buf_printf(&out, "%s'%s' -> '%s'", i ? ", " : "", rule->renames[i].pattern.text,
                      rule->renames[i].to);
    for (size_t i = 0; i < rule->patterns.count; i++)
        eg_buf_printf(&out, "%s'%s'", i ? ", " : "", rule->patterns.items[i].text);
    if (count > 1) eg_buf_puts(&out, "]");
    add_match(rule, &out);
    return eg_buf_take(&out, arena);
}

/* The verb of that name, EG_VERB_COUNT for a flag; false and a problem for anything else. */
static bool find_verb(eg_schema *in, const eg_doc *key, eg_verb *verb)
{
    const char *names[EG_VERB_COUNT];
    for (*verb = 0; *verb < EG_VERB_COUNT; (*verb)++) {
        if (strcmp(verbs[*verb].name, key->text) == 0) return true;
        names[*verb] = verbs[*verb].name;
    }
    if (strcmp(key->text, "any") == 0 || strcmp(key->text, "optional") == 0) return true;
    const char *near = eg_nearest(key->text, names, EG_VERB_COUNT);
    eg_problem_add(in->problems, "unknown_key", key->place, "unknown verb '%s' in 'transfer.mapping'%s%s%s",
                   key->text, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return false;
}

static bool read_rule(eg_schema *in, const eg_doc *doc, eg_rule *rule)
{
    const eg_doc *value = NULL, *first = NULL;
    bool ok = true;
    *rule = (eg_rule){.place = doc->place};
    if (doc->kind != EG_DOC_MAP) {
        eg_schema_expected(in, doc, "mapping", "items such as 'strip_prefix: module.'");
        return false;
    }
    for (size_t i = 0; i < doc->count; i++) {
        eg_verb verb;
        if (!find_verb(in, doc->keys[i], &verb)) {
            ok = false;
        } else if (verb < EG_VERB_COUNT && first) {
            eg_problem_add(
                in->problems, "two_verbs", doc->keys[i]->place,
                "a mapping item has exactly one verb, found '%s' and '%s'; begin a new item with '-'",
                first->text, doc->keys[i]->text);
            ok = false;
        } else if (verb < EG_VERB_COUNT) {
            first = doc->keys[i];
            value = doc->items[i];
            rule->verb = verb;
        }
    }
    if (ok && !first)
        eg_problem_add(in->problems, "no_verb", doc->place,
                       "a mapping item has exactly one verb, found none");
    if (!ok || !first) return false;
    read_flag(in, doc, "optional", &rule->optional);
    read_flag(in, doc, "any", &rule->any);
    read_flag(in, value, "optional", &rule->optional);
    if (rule->any && rule->verb != EG_VERB_STRIP_PREFIX)
        eg_problem_add(in->problems, "unknown_key", doc->place, "'any' belongs to strip_prefix, not to %s",
                       eg_verb_name(rule->verb));
    verbs[rule->verb].read(in, value, rule);
    rule->text = rule_text(in->arena, rule);
    return true;
}

/* ---- the list ---- */

typedef struct rule_list {
    eg_rule *items;
    size_t count, capacity;
} rule_list;

static eg_rule *next_rule(eg_arena *arena, rule_list *list)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 16;
        eg_rule *items = EG_NEW_ARRAY(arena, eg_rule, list->capacity);
        if (list->count) memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
    }
    return &list->items[list->count];
}

static void read_items(eg_schema *in, const eg_doc *doc, const eg_pack *pack, rule_list *list);

/* The dialect's rules in the item's place. */
static void read_use(eg_schema *in, const eg_doc *doc, const eg_pack *outer, rule_list *list)
{
    eg_pack *pack = EG_NEW(in->arena, eg_pack);
    const eg_doc *name = eg_doc_find(doc, "use");
    *pack = (eg_pack){.name = name->text, .place = name->place};
    for (size_t i = 0; i < doc->count; i++)
        if (!strstr(" use optional ", eg_arena_printf(in->arena, " %s ", doc->keys[i]->text)))
            eg_problem_add(in->problems, "unknown_key", doc->keys[i]->place, "'%s' has no place beside 'use'",
                           doc->keys[i]->text);
    read_flag(in, doc, "optional", &pack->optional);
    if (outer) {
        eg_problem_add(in->problems, "nested_use", name->place, "a dialect cannot use another");
        return;
    }
    const eg_doc *mapping = eg_dialect_read(in, name);
    if (mapping) read_items(in, mapping, pack, list);
}

static void read_items(eg_schema *in, const eg_doc *doc, const eg_pack *pack, rule_list *list)
{
    const eg_doc *const *items;
    size_t count = eg_schema_items(&doc, &items);
    for (size_t i = 0; i < count; i++) {
        if (items[i]->kind == EG_DOC_MAP && eg_doc_find(items[i], "use")) {
            read_use(in, items[i], pack, list);
            continue;
        }
        eg_rule *rule = next_rule(in->arena, list);
        if (!read_rule(in, items[i], rule)) continue;
        rule->pack = pack;
        rule->optional |= pack != NULL; /* the pack as a whole must have an effect */
        list->count++;
    }
}

void eg_mapping_read(eg_schema *in, const eg_doc *doc, const eg_rule **rules, size_t *count)
{
    rule_list list = {0};
    read_items(in, doc, NULL, &list);
    *rules = list.items;
    *count = list.count;
}
