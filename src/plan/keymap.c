#include "plan/keymap.h"

#include <stdarg.h>
#include <string.h>

#include "base/str.h"
#include "plan/diagnose.h"
#include "plan/keyrule.h"
#include "plan/mosaic.h"

typedef eg_keyrule worker;

const char *eg_keymap_rule_text(eg_arena *arena, const eg_keymap *map, int32_t rule)
{
    return eg_arena_printf(arena, "rule %d (%s)", rule + 1, map->rules[rule].rule->text);
}

static bool is_well_formed(const char *name)
{
    size_t length = strlen(name);
    return length && name[0] != '.' && name[length - 1] != '.' && !strstr(name, "..");
}

/* ---- items ---- */

static void *grown(eg_arena *arena, const void *old, size_t count, size_t capacity, size_t size)
{
    void *items = eg_arena_array(arena, capacity, size);
    if (count) memcpy(items, old, count * size);
    return items;
}

static size_t add_item(eg_arena *arena, eg_keymap *map, const char *name, const eg_mosaic *value)
{
    if (map->count == map->capacity) {
        size_t n = map->count, room = map->capacity = n ? 2 * n : 64;
        map->names = grown(arena, map->names, n, room, sizeof *map->names);
        map->origins = grown(arena, map->origins, n, room, sizeof *map->origins);
        map->values = grown(arena, map->values, n, room, sizeof *map->values);
        map->first = grown(arena, map->first, n, room, sizeof *map->first);
        map->last = grown(arena, map->last, n, room, sizeof *map->last);
        map->tie = grown(arena, map->tie, n, room, sizeof *map->tie);
        map->merged = grown(arena, map->merged, n, room, sizeof *map->merged);
    }
    map->names[map->count] = map->origins[map->count] = name;
    map->values[map->count] = value;
    map->first[map->count] = map->last[map->count] = -1;
    map->tie[map->count] = -1;
    return map->count++;
}

static void note(worker *w, int64_t from, int64_t to, const char *before, const char *after, eg_shape shape)
{
    eg_keymap *map = w->map;
    if (map->event_count == map->event_capacity) {
        map->event_capacity = map->event_capacity ? 2 * map->event_capacity : 64;
        map->events =
            grown(w->arena, map->events, map->event_count, map->event_capacity, sizeof *map->events);
    }
    map->events[map->event_count++] = (eg_key_event){w->number, from, to, before, after, shape};
}

static void touch(worker *w, size_t i)
{
    if (w->map->first[i] < 0) w->map->first[i] = w->number;
    w->map->last[i] = w->number;
}

/* A name that was malformed before the rule is not the rule's fault. */
static bool spoils(worker *w, const char *before, const char *name)
{
    if (is_well_formed(name) || !is_well_formed(before)) return false;
    if (!w->spoiled)
        eg_problem_add(w->problems, "bad_name", w->rule->place,
                       "rule %d (%s) turns '%s' into '%s', which is no name", w->number + 1, w->rule->text,
                       before, name);
    w->spoiled = true;
    return true;
}

void eg_keyrule_rename(worker *w, size_t i, const char *name)
{
    eg_keymap *map = w->map;
    if (name && strcmp(name, map->names[i]) == 0) return;
    map->rules[w->number].changed++;
    if (name && spoils(w, map->names[i], name)) return;
    note(w, (int64_t)i, name ? (int64_t)i : -1, map->names[i], name, map->values[i]->shape);
    map->names[i] = name;
    touch(w, i);
}

void eg_keyrule_reshape(worker *w, size_t i, const eg_mosaic *value)
{
    eg_keymap *map = w->map;
    map->rules[w->number].changed++;
    map->values[i] = value;
    note(w, (int64_t)i, (int64_t)i, map->names[i], map->names[i], value->shape);
    touch(w, i);
}

void eg_keyrule_make(worker *w, const char *name, const eg_mosaic *value, const size_t *parts, size_t count)
{
    eg_keymap *map = w->map;
    const char *before = map->names[parts[0]] ? map->names[parts[0]] : map->origins[parts[0]];
    map->rules[w->number].changed++;
    if (spoils(w, before, name)) return;
    size_t made = add_item(w->arena, map, name, value);
    touch(w, made);
    for (size_t p = 0; p < count; p++) {
        const char *part = map->names[parts[p]];
        for (size_t e = map->event_count; !part && e-- > 0;)
            if (map->events[e].from == (int64_t)parts[p]) part = map->events[e].before;
        note(w, (int64_t)parts[p], (int64_t)made, part, name, value->shape);
        map->names[parts[p]] = NULL;
        map->merged[parts[p]] = true;
        touch(w, parts[p]);
    }
}

void eg_keyrule_problem(worker *w, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = eg_arena_vprintf(w->arena, format, args);
    va_end(args);
    eg_problem_add(w->problems, code, w->rule->place, "rule %d (%s): %s", w->number + 1, w->rule->text, text);
}

const char *eg_keyrule_expand(worker *w, const eg_pattern *pattern, const char *to, const char *name)
{
    eg_buf out = {0};
    const char *gap = w->gap_told ? NULL : eg_template_gap(w->arena, pattern->regex, to);
    if (gap)
        eg_problem_warn(w->problems, "empty_group", pattern->place,
                        "group '%s' of '%s' takes no part in '%s': it becomes an empty text in '%s'", gap,
                        pattern->text, name, to);
    w->gap_told |= gap != NULL;
    eg_buf_puts(&out, "");
    eg_template_expand(pattern->regex, to, &out);
    return eg_buf_take(&out, w->arena);
}

/* ---- unused rules ---- */

/* A source tensor whose own name the pattern or prefix fits: then an earlier rule has taken it. */
static const char *shadowed_by(worker *w, eg_matcher *matcher, const char *prefix)
{
    for (size_t i = 0; i < w->map->count; i++) {
        const char *name = w->map->origins[i];
        int32_t first = w->map->first[i];
        if (first < 0 || first >= w->number) continue;
        if (prefix ? !eg_starts_with(name, prefix) : eg_matcher_test(matcher, name, NULL) != EG_MATCH)
            continue;
        return eg_arena_printf(w->arena, "; '%s' fits, but %s came first", name,
                               eg_keymap_rule_text(w->arena, w->map, first));
    }
    return "";
}

void eg_keyrule_unused(worker *w, eg_place place, const char *what, eg_matcher *matcher, const char *prefix)
{
    if (w->rule->optional || w->transfer->unused_rule == EG_POLICY_IGNORE) return;
    const char *shadow = shadowed_by(w, matcher, prefix);
    const char *near = shadow[0] ? NULL : eg_near_name(w->arena, what, w->map->names, w->map->count);
    eg_problem_add(w->problems, shadow[0] ? "shadowed_rule" : "unused_rule", place,
                   "rule %d: %s '%s' matches no name at this point%s%s%s%s", w->number + 1,
                   eg_verb_name(w->rule->verb), what, shadow, near ? "; the nearest is '" : "",
                   near ? near : "", near ? "'" : "");
    eg_problem_suggest(w->problems, "mend or remove the rule, or add 'optional: true' to it");
}

/* For a rule whose patterns match, yet leave every name as it was. */
static void report_idle(worker *w)
{
    if (w->rule->optional || w->transfer->unused_rule == EG_POLICY_IGNORE) return;
    eg_problem_add(w->problems, "unused_rule", w->rule->place, "rule %d (%s) changes no name", w->number + 1,
                   w->rule->text);
    eg_problem_suggest(w->problems, "remove the rule, or add 'optional: true' to it");
}

/* ---- verbs ---- */

/* Strips the prefixes over and over; counts for each how often it was there. */
static const char *stripped(const eg_rule *rule, const char *name, size_t *hits)
{
    for (size_t p = 0; p < rule->prefix_count;) {
        if (eg_starts_with(name, rule->prefixes[p])) {
            name += strlen(rule->prefixes[p]);
            hits[p]++;
            p = 0;
        } else {
            p++;
        }
    }
    return name;
}

static void report_partial(worker *w, size_t with, size_t live, const char *example)
{
    eg_problem_add(w->problems, "partial_prefix", w->rule->place,
                   "rule %d (%s): %zu of %zu names have the prefix, %zu have not (the first: '%s')",
                   w->number + 1, w->rule->text, with, live, live - with, example);
    eg_problem_suggest(w->problems, "- %s\n  any: true", w->rule->text);
}

static bool strip_prefix(worker *w)
{
    eg_keymap *map = w->map;
    size_t live = 0, with = 0, *hits = EG_NEW_ARRAY(w->arena, size_t, w->rule->prefix_count);
    const char *without = NULL;
    const char **results = EG_NEW_ARRAY(w->arena, const char *, map->count);
    for (size_t i = 0; i < map->count; i++) {
        if (!map->names[i]) continue;
        results[i] = stripped(w->rule, map->names[i], hits);
        live++;
        with += results[i] != map->names[i];
        if (!without && results[i] == map->names[i]) without = map->names[i];
    }
    if (with && with < live && !w->rule->any) report_partial(w, with, live, without);
    bool nothing = with == 0;
    for (size_t p = 0; p < w->rule->prefix_count; p++)
        if (hits[p] == 0 && (nothing || w->rule->prefix_count == 1))
            eg_keyrule_unused(w, w->rule->place, w->rule->prefixes[p], NULL, w->rule->prefixes[p]);
    for (size_t i = 0; i < map->count; i++)
        if (map->names[i]) eg_keyrule_rename(w, i, results[i]);
    return true;
}

static bool add_prefix(worker *w)
{
    for (size_t i = 0; i < w->map->count; i++)
        if (w->map->names[i])
            eg_keyrule_rename(w, i,
                              eg_arena_printf(w->arena, "%s%s", w->rule->prefixes[0], w->map->names[i]));
    return true;
}

static eg_matcher *rename_matchers(worker *w)
{
    eg_matcher *list = EG_NEW_ARRAY(w->arena, eg_matcher, w->rule->rename_count);
    for (size_t r = 0; r < w->rule->rename_count; r++)
        list[r] = eg_matcher_make(w->arena, &w->rule->renames[r].pattern);
    return list;
}

/* All pairs look at the old name, so that a swap is one rule; the first that matches gives the new one. */
static bool rename_names(worker *w)
{
    eg_keymap *map = w->map;
    eg_matcher *list = rename_matchers(w);
    for (size_t i = 0; i < map->count; i++) {
        if (!map->names[i]) continue;
        for (size_t r = 0; r < w->rule->rename_count; r++) {
            eg_matched matched = eg_matcher_test(&list[r], map->names[i], w->err);
            if (matched == EG_MATCH_FAILED) return false;
            if (matched == EG_NO_MATCH) continue;
            const eg_rename *pair = &w->rule->renames[r];
            eg_keyrule_rename(w, i, eg_keyrule_expand(w, &pair->pattern, pair->to, map->names[i]));
            break;
        }
    }
    bool matched = false;
    eg_matchers_lint(w->arena, list, w->rule->rename_count, w->problems);
    for (size_t r = 0; r < w->rule->rename_count; r++) {
        matched |= list[r].hits > 0;
        if (!list[r].hits)
            eg_keyrule_unused(w, list[r].pattern->place, list[r].pattern->text, &list[r], NULL);
    }
    if (matched && map->rules[w->number].changed == 0) report_idle(w);
    return true;
}

/* The pattern is searched for, wherever it stands; several pairs follow each other. */
static bool replace_in_names(worker *w)
{
    eg_keymap *map = w->map;
    size_t *hits = EG_NEW_ARRAY(w->arena, size_t, w->rule->rename_count);
    for (size_t i = 0; i < map->count; i++) {
        const char *name = map->names[i];
        for (size_t r = 0; name && r < w->rule->rename_count; r++) {
            eg_buf out = {0};
            bool changed;
            const eg_rename *pair = &w->rule->renames[r];
            bool ok = eg_regex_replace(pair->pattern.regex, name, pair->to, &out, &changed, w->err);
            if (ok && changed) name = eg_arena_string(w->arena, out.data);
            eg_buf_clear(&out);
            if (!ok) return false;
            hits[r] += changed;
        }
        if (name) eg_keyrule_rename(w, i, name);
    }
    for (size_t r = 0; r < w->rule->rename_count; r++) {
        eg_matcher matcher = {.pattern = &w->rule->renames[r].pattern, .literal = ""};
        if (!hits[r]) eg_keyrule_unused(w, matcher.pattern->place, matcher.pattern->text, &matcher, NULL);
    }
    return true;
}

/* drop and select differ in which side goes. */
static bool filter(worker *w, bool drop_matching)
{
    eg_keymap *map = w->map;
    eg_pattern_list patterns = w->rule->patterns;
    eg_matcher *list = eg_matcher_list(w->arena, patterns);
    const char **kept = EG_NEW_ARRAY(w->arena, const char *, map->count);
    for (size_t i = 0; i < map->count; i++) {
        if (!map->names[i]) continue;
        int64_t first = eg_matcher_first(list, patterns.count, map->names[i], w->err);
        if (first == -2) return false;
        kept[i] = (first >= 0) != drop_matching ? map->names[i] : NULL;
    }
    bool matched = false;
    eg_matchers_lint(w->arena, list, patterns.count, w->problems);
    for (size_t p = 0; p < patterns.count; p++) {
        matched |= list[p].hits > 0;
        if (!list[p].hits)
            eg_keyrule_unused(w, patterns.items[p].place, patterns.items[p].text, &list[p], NULL);
    }
    if (!matched)
        return true; /* said already; a select that matches nothing would drop all and hide the rest */
    for (size_t i = 0; i < map->count; i++)
        if (map->names[i]) eg_keyrule_rename(w, i, kept[i]);
    if (map->rules[w->number].changed == 0) report_idle(w);
    return true;
}

static bool drop_names(worker *w)
{
    return filter(w, true);
}

static bool select_names(worker *w)
{
    return filter(w, false);
}

static bool (*const verbs[EG_VERB_COUNT])(worker *w) = {
    [EG_VERB_STRIP_PREFIX] = strip_prefix, [EG_VERB_ADD_PREFIX] = add_prefix,
    [EG_VERB_RENAME] = rename_names,       [EG_VERB_REPLACE] = replace_in_names,
    [EG_VERB_DROP] = drop_names,           [EG_VERB_SELECT] = select_names,
    [EG_VERB_CONCAT] = eg_keyrule_concat,  [EG_VERB_STACK] = eg_keyrule_stack,
    [EG_VERB_SPLIT] = eg_keyrule_split,    [EG_VERB_TRANSFORM] = eg_keyrule_transform,
    [EG_VERB_COPY] = eg_keyrule_copy,      [EG_VERB_SHIFT] = eg_keyrule_shift,
};

/* A `use` none of whose rules changes anything. */
static void check_packs(eg_keymap *map, const eg_transfer_section *transfer, eg_problems *problems)
{
    for (size_t r = 0; r < map->rule_count;) {
        const eg_pack *pack = transfer->rules[r].pack;
        size_t changed = 0;
        if (!pack) {
            r++;
            continue;
        }
        for (; r < map->rule_count && transfer->rules[r].pack == pack; r++) changed += map->rules[r].changed;
        if (changed || pack->optional || transfer->unused_rule == EG_POLICY_IGNORE) continue;
        eg_problem_add(problems, "unused_rule", pack->place, "use: %s changes no name of this source",
                       pack->name);
        eg_problem_suggest(problems, "remove the item, or add 'optional: true' to it");
    }
}

bool eg_keymap_build(eg_keymap *map, eg_arena *arena, const eg_transfer_section *transfer,
                     const eg_store *source, eg_problems *problems, eg_error *err)
{
    *map = (eg_keymap){.rule_count = transfer->rule_count};
    map->rules = EG_NEW_ARRAY(arena, eg_plan_rule, map->rule_count);
    for (size_t i = 0; i < source->count; i++)
        add_item(arena, map, source->entries[i].name, eg_mosaic_whole(arena, &source->entries[i]));
    for (size_t r = 0; r < map->rule_count; r++) {
        map->rules[r].rule = &transfer->rules[r];
        worker w = {map, arena, transfer, problems, err, &transfer->rules[r], (int32_t)r, false, false};
        if (!verbs[transfer->rules[r].verb](&w)) return false;
    }
    check_packs(map, transfer, problems);
    return true;
}
