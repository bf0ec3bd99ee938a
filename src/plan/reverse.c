#include "plan/reverse.h"

#include <inttypes.h>
#include <string.h>

#include "base/map.h"
#include "plan/diagnose.h"
#include "plan/draft.h"
#include "plan/keymap.h"
#include "plan/lesson.h"
#include "plan/sieve.h"
#include "plan/undo.h"

/* One rule between the names before and after it. */
typedef struct way_back {
    eg_arena *arena;
    const eg_keymap *before, *after;
    const eg_rule *rule;
    int32_t number;
    eg_lesson lesson; /* now: after the rule; want: before it */
    eg_inverse *out;
} way_back;

static const char *live(const eg_keymap *map, size_t i)
{
    return i < map->count ? map->names[i] : NULL;
}

static void refuse(way_back *w, const char *why)
{
    w->out->why = why;
    eg_buf_clear(&w->lesson.lines);
}

/* Items that the rule made, or made others of, are in records; all others are names. */
static void add_names(way_back *w)
{
    for (size_t i = 0; i < w->before->count; i++)
        if (live(w->before, i) && live(w->after, i))
            eg_lesson_add(&w->lesson, live(w->after, i), live(w->before, i));
}

/* ---- names ---- */

static void invert_strip(way_back *w)
{
    const char *prefix = NULL;
    size_t with = 0, count = 0;
    for (size_t i = 0; i < w->before->count; i++) {
        const char *from = live(w->before, i), *to = live(w->after, i);
        if (!from || !to) continue;
        size_t cut = strlen(from) - strlen(to);
        const char *one = eg_arena_substring(w->arena, from, cut);
        if (cut && prefix && strcmp(prefix, one) != 0) {
            refuse(w, eg_arena_printf(w->arena, "it took '%s' from some names and '%s' from others", prefix,
                                      one));
            return;
        }
        if (cut) prefix = one;
        with += cut > 0;
        count++;
    }
    if (with < count)
        refuse(w, eg_arena_printf(w->arena, "it took '%s' from %zu of %zu names", prefix, with, count));
    else
        eg_lesson_rule(&w->lesson, "- add_prefix: %s", eg_quoted(w->arena, prefix));
}

static void invert_prefix(way_back *w)
{
    const char *prefix = w->rule->prefixes[0];
    for (size_t i = 0; i < w->before->count; i++)
        if (live(w->before, i) && eg_starts_with(live(w->before, i), prefix)) {
            refuse(w, eg_arena_printf(w->arena, "'%s' had the prefix before, and would lose it twice",
                                      live(w->before, i)));
            return;
        }
    eg_lesson_rule(&w->lesson, "- strip_prefix: %s", eg_quoted(w->arena, prefix));
}

static void invert_names(way_back *w)
{
    eg_map *seen = eg_map_new(w->arena);
    add_names(w);
    for (size_t i = 0; i < w->lesson.count; i++)
        if (!eg_map_add(seen, w->lesson.now[i], 0)) {
            refuse(w, eg_arena_printf(w->arena, "two names become '%s'", w->lesson.now[i]));
            return;
        }
    eg_learn_shifts(&w->lesson);
    eg_learn_renames(&w->lesson, false);
}

static void invert_filter(way_back *w)
{
    const char **names = EG_NEW_ARRAY(w->arena, const char *, w->before->count);
    size_t count = 0;
    for (size_t i = 0; i < w->before->count; i++)
        if (live(w->before, i) && !live(w->after, i)) names[count++] = live(w->before, i);
    refuse(w, eg_arena_printf(w->arena, "%zu tensor%s gone: %s", count, count == 1 ? " is" : "s are",
                              eg_name_list(w->arena, names, count)));
}

/* ---- several and one ---- */

/* What the events of the rule put together: per item of one side, those of the other, in order. */
typedef struct bundle {
    size_t one;
    size_t *many;
    size_t count;
} bundle;

static size_t find_bundles(way_back *w, bool joins, bundle **out)
{
    const eg_keymap *map = w->after;
    bundle *list = EG_NEW_ARRAY(w->arena, bundle, map->event_count);
    size_t count = 0;
    for (size_t e = 0; e < map->event_count; e++) {
        const eg_key_event *event = &map->events[e];
        if (event->rule != w->number || event->to < 0 || event->from == event->to) continue;
        size_t one = (size_t)(joins ? event->to : event->from),
               many = (size_t)(joins ? event->from : event->to);
        size_t b = 0;
        while (b < count && list[b].one != one) b++;
        if (b == count)
            list[count++] = (bundle){.one = one, .many = EG_NEW_ARRAY(w->arena, size_t, map->count)};
        list[b].many[list[b].count++] = many;
    }
    *out = list;
    return count;
}

static const char **names_of(way_back *w, const eg_keymap *map, const size_t *items, size_t count)
{
    const char **names = EG_NEW_ARRAY(w->arena, const char *, count);
    for (size_t i = 0; i < count; i++) names[i] = live(map, items[i]);
    return names;
}

/* A dim as it counts in a tensor of that rank. */
static int64_t settled(int64_t dim, uint32_t rank)
{
    return dim < 0 ? dim + rank : dim;
}

static const char *split_detail(way_back *w, const bundle *b, bool stack)
{
    uint32_t rank = w->after->values[b->one]->shape.rank;
    int64_t dim = settled(w->rule->dim, rank);
    eg_buf sizes = {0};
    for (size_t i = 0; i < b->count; i++)
        eg_buf_printf(&sizes, "%s%" PRId64, i ? ", " : "",
                      stack ? 1 : w->before->values[b->many[i]]->shape.dims[dim]);
    return eg_arena_printf(w->arena, "dim: %" PRId64 ", sizes: [%s]", dim, eg_buf_take(&sizes, w->arena));
}

/* Parts come out of the whole again; those of a stack lose the dim that it has added. */
static void invert_join(way_back *w)
{
    bool stack = w->rule->verb == EG_VERB_STACK;
    bundle *list;
    size_t count = find_bundles(w, true, &list), parts = 0;
    eg_record *records = EG_NEW_ARRAY(w->arena, eg_record, count);
    const char **yes = EG_NEW_ARRAY(w->arena, const char *, w->before->count),
               **no = EG_NEW_ARRAY(w->arena, const char *, w->before->count);
    size_t others = 0, patterns;
    add_names(w);
    for (size_t i = 0; i < w->lesson.count; i++) no[others++] = w->lesson.now[i];
    for (size_t i = 0; i < count; i++) {
        const bundle *b = &list[i];
        records[i] = (eg_record){.ins = names_of(w, w->after, &b->one, 1),
                                 .in_count = 1,
                                 .outs = names_of(w, w->before, b->many, b->count),
                                 .out_count = b->count,
                                 .verb = "split",
                                 .detail = split_detail(w, b, stack)};
        for (size_t k = 0; k < b->count; k++) yes[parts++] = records[i].outs[k];
    }
    eg_learn_records(&w->lesson, records, count);
    if (!stack || !count) return;
    int64_t dim = settled(w->rule->dim, w->after->values[list[0].one]->shape.rank);
    const char *const *match = eg_learn_patterns(w->arena, yes, parts, no, others, &patterns);
    for (size_t i = 0; i < patterns; i++)
        eg_lesson_rule(&w->lesson, "- transform: {match: %s, ops: [{squeeze: %" PRId64 "}]}",
                       eg_quoted(w->arena, match[i]), dim);
}

static void invert_split(way_back *w)
{
    bundle *list;
    size_t count = find_bundles(w, false, &list);
    eg_record *records = EG_NEW_ARRAY(w->arena, eg_record, count);
    add_names(w);
    for (size_t i = 0; i < count; i++) {
        const bundle *b = &list[i];
        int64_t dim = settled(w->rule->dim, w->before->values[b->one]->shape.rank);
        records[i] = (eg_record){.ins = names_of(w, w->after, b->many, b->count),
                                 .in_count = b->count,
                                 .outs = names_of(w, w->before, &b->one, 1),
                                 .out_count = 1,
                                 .verb = "concat",
                                 .detail = eg_arena_printf(w->arena, "dim: %" PRId64, dim)};
    }
    eg_learn_records(&w->lesson, records, count);
}

/* The first copy goes back; the others are as good. */
static void invert_copy(way_back *w)
{
    bundle *list;
    size_t count = find_bundles(w, false, &list), drops = 0, kept = 0, patterns;
    const char **drop = EG_NEW_ARRAY(w->arena, const char *, w->after->count);
    const char **keep = EG_NEW_ARRAY(w->arena, const char *, w->after->count);
    add_names(w);
    for (size_t i = 0; i < count; i++) {
        eg_lesson_add(&w->lesson, live(w->after, list[i].many[0]), live(w->before, list[i].one));
        for (size_t k = 1; k < list[i].count; k++) drop[drops++] = live(w->after, list[i].many[k]);
    }
    for (size_t i = 0; i < w->lesson.count; i++) keep[kept++] = w->lesson.now[i];
    const char *const *list_of = eg_learn_patterns(w->arena, drop, drops, keep, kept, &patterns);
    if (patterns) eg_lesson_rule(&w->lesson, "- drop: %s", eg_pattern_items(w->arena, list_of, patterns));
    eg_learn_renames(&w->lesson, false);
}

/* ---- transform ---- */

static void invert_transform(way_back *w)
{
    size_t count = w->before->count;
    const char **ops = EG_NEW_ARRAY(w->arena, const char *, count);
    eg_map *told = eg_map_new(w->arena);
    for (size_t i = 0; i < count; i++) {
        if (!live(w->before, i) || w->before->values[i] == w->after->values[i]) continue;
        const eg_shape a = w->before->values[i]->shape, b = w->after->values[i]->shape;
        if (eg_shape_equal(a, b) && w->after->last[i] != w->number) continue;
        ops[i] = w->after->last[i] == w->number ? eg_undo(w->arena, w->rule, a) : NULL;
        if (w->after->last[i] == w->number && !ops[i]) {
            refuse(w, "no operation joins dims that others stand behind");
            return;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!ops[i] || !eg_map_add(told, ops[i], 0)) continue;
        const char **yes = EG_NEW_ARRAY(w->arena, const char *, count),
                   **no = EG_NEW_ARRAY(w->arena, const char *, count);
        size_t yes_count = 0, no_count = 0, patterns;
        for (size_t k = 0; k < count; k++) {
            if (!live(w->after, k)) continue;
            if (ops[k] && strcmp(ops[k], ops[i]) == 0)
                yes[yes_count++] = live(w->after, k);
            else
                no[no_count++] = live(w->after, k);
        }
        const char *const *match = eg_learn_patterns(w->arena, yes, yes_count, no, no_count, &patterns);
        for (size_t p = 0; p < patterns; p++)
            eg_lesson_rule(&w->lesson, "- transform: {match: %s, ops: [%s]}", eg_quoted(w->arena, match[p]),
                           ops[i]);
    }
}

/* ---- all rules ---- */

static void (*const inverters[EG_VERB_COUNT])(way_back *w) = {
    [EG_VERB_STRIP_PREFIX] = invert_strip, [EG_VERB_ADD_PREFIX] = invert_prefix,
    [EG_VERB_RENAME] = invert_names,       [EG_VERB_REPLACE] = invert_names,
    [EG_VERB_DROP] = invert_filter,        [EG_VERB_SELECT] = invert_filter,
    [EG_VERB_CONCAT] = invert_join,        [EG_VERB_STACK] = invert_join,
    [EG_VERB_SPLIT] = invert_split,        [EG_VERB_TRANSFORM] = invert_transform,
    [EG_VERB_COPY] = invert_copy,          [EG_VERB_SHIFT] = invert_names,
};

/* The names after the first `count` rules. */
static bool names_after(eg_keymap *map, eg_arena *arena, const eg_recipe *recipe, size_t count,
                        const eg_store *source, eg_error *err)
{
    eg_problems problems = {.arena = arena};
    eg_transfer_section transfer = recipe->transfer;
    transfer.rule_count = count;
    return eg_keymap_build(map, arena, &transfer, source, &problems, err);
}

static bool invert_rules(eg_reversal *out, eg_arena *arena, const eg_recipe *recipe, const eg_plan *plan,
                         const eg_store *source, eg_error *err)
{
    size_t count = plan->rule_count;
    eg_inverse *list = EG_NEW_ARRAY(arena, eg_inverse, count);
    eg_keymap before, after;
    out->rules = list;
    out->rule_count = count;
    if (!names_after(&after, arena, recipe, 0, source, err)) return false;
    for (size_t r = 0; r < count; r++) {
        before = after;
        if (!names_after(&after, arena, recipe, r + 1, source, err)) return false;
        way_back w = {arena, &before, &after, plan->rules[r].rule, (int32_t)r, {.arena = arena}, &list[r]};
        list[r] = (eg_inverse){.rule = plan->rules[r].rule, .idle = plan->rules[r].changed == 0};
        if (list[r].idle) continue;
        inverters[w.rule->verb](&w);
        if (!list[r].why) list[r].lines = eg_buf_take(&w.lesson.lines, arena);
    }
    return true;
}

/* Targets that no source made, which the way back has no use for. */
static void drop_fresh(eg_buf *lines, eg_arena *arena, const eg_plan *plan)
{
    const char **fresh = EG_NEW_ARRAY(arena, const char *, plan->step_count);
    const char **made = EG_NEW_ARRAY(arena, const char *, plan->step_count);
    size_t fresh_count = 0, made_count = 0, patterns;
    for (size_t i = 0; i < plan->step_count; i++) {
        const char *name = plan->net->params[plan->steps[i].param].name;
        if (plan->steps[i].value)
            made[made_count++] = name;
        else
            fresh[fresh_count++] = name;
    }
    const char *const *list = eg_learn_patterns(arena, fresh, fresh_count, made, made_count, &patterns);
    if (fresh_count) eg_buf_printf(lines, "    - drop: %s\n", eg_pattern_items(arena, list, patterns));
}

/* ---- the proof ---- */

/* What the recipe writes, as far as a plan can tell. */
static eg_store written_store(eg_arena *arena, const eg_plan *plan, const char *prefix)
{
    eg_entry *entries = EG_NEW_ARRAY(arena, eg_entry, plan->step_count);
    for (size_t i = 0; i < plan->step_count; i++) {
        const eg_param *param = &plan->net->params[plan->steps[i].param];
        entries[i] = (eg_entry){.name = eg_arena_printf(arena, "%s%s", prefix, param->name),
                                .dtype = param->dtype,
                                .shape = param->shape};
    }
    return (eg_store){.entries = entries, .count = plan->step_count};
}

bool eg_reverse(eg_reversal *out, eg_arena *arena, const eg_recipe *recipe, const eg_plan *plan,
                const eg_store *source, const char *prefix, eg_error *err)
{
    eg_buf lines = {0};
    *out = (eg_reversal){0};
    if (!invert_rules(out, arena, recipe, plan, source, err)) return false;
    eg_buf_puts(&lines, "");
    if (prefix[0]) eg_buf_printf(&lines, "    - strip_prefix: %s\n", eg_quoted(arena, prefix));
    drop_fresh(&lines, arena, plan);
    for (size_t r = out->rule_count; r-- > 0;)
        if (out->rules[r].lines) eg_buf_puts(&lines, out->rules[r].lines);
    out->mapping = eg_buf_take(&lines, arena);
    out->written = written_store(arena, plan, prefix);
    return true;
}

bool eg_reverse_prove(eg_reversal *out, eg_arena *arena, const eg_transfer_section *back,
                      const eg_store *source, eg_error *err)
{
    eg_keymap map;
    eg_problems problems = {.arena = arena};
    const char **lost = EG_NEW_ARRAY(arena, const char *, source->count);
    const char **kept = EG_NEW_ARRAY(arena, const char *, source->count);
    eg_map *names = eg_map_new(arena);
    size_t patterns;
    if (!eg_keymap_build(&map, arena, back, &out->written, &problems, err)) return false;
    for (size_t i = 0; i < map.count; i++) {
        if (!map.names[i]) continue;
        eg_map_set(names, map.names[i], (int64_t)i);
        out->strangers += !eg_store_find(source, map.names[i]);
    }
    for (size_t i = 0; i < source->count; i++) {
        const eg_entry *entry = &source->entries[i];
        int64_t at = eg_map_find(names, entry->name);
        bool back_again = at >= 0 && eg_shape_equal(map.values[at]->shape, entry->shape) &&
                          (map.values[at]->dtype == entry->dtype || entry->dtype == EG_F32);
        if (back_again)
            kept[out->restored++] = entry->name;
        else
            lost[out->lost_count++] = entry->name;
    }
    out->lost = lost;
    const char *const *list = eg_learn_patterns(arena, lost, out->lost_count, kept, out->restored, &patterns);
    if (out->lost_count) out->skip = eg_pattern_items(arena, list, patterns);
    return true;
}
