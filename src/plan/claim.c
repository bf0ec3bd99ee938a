#include "plan/claim.h"

#include <string.h>

#include "base/map.h"
#include "plan/diagnose.h"
#include "plan/mosaic.h"

/* A source's name, or those that a rule has put together. */
static const char *item_name(eg_planner *d, size_t i)
{
    size_t count;
    if (i < d->source->count) return d->source->entries[i].name;
    const char *const *names = eg_mosaic_sources(d->arena, d->keymap->values[i], &count);
    return eg_name_list(d->arena, names, count);
}

/* Where nothing depends on it, large tensors are not read to be compared. */
static bool is_small(const eg_mosaic *value)
{
    uint64_t numel = 0;
    return eg_shape_numel(value->shape, &numel) && numel <= UINT64_C(1) << 22;
}

/* "; their bytes are equal"; NULL and err when they decide and cannot be read. */
static const char *byte_words(eg_planner *d, size_t x, size_t y)
{
    const eg_mosaic *a = d->keymap->values[x], *b = d->keymap->values[y];
    bool equal = false, decides = d->transfer->on_conflict == EG_CONFLICT_EQUAL;
    bool wanted = decides || (d->transfer->on_conflict == EG_CONFLICT_ERROR && is_small(a) && is_small(b));
    eg_error unread = {0};
    if (!wanted) return "";
    if (!eg_mosaic_compare(a, b, &equal, decides ? d->err : &unread)) return decides ? NULL : "";
    return equal ? "; their bytes are equal" : "; their bytes differ";
}

static void report_collision(eg_planner *d, size_t x, size_t y, const char *target, const char *bytes)
{
    int32_t rule = d->keymap->last[y] >= 0 ? d->keymap->last[y] : d->keymap->last[x];
    eg_problem_add(d->problems, "collision", rule >= 0 ? d->keymap->rules[rule].rule->place : d->place,
                   "two source tensors become '%s': '%s' %s by %s, and '%s' %s by %s%s", target,
                   item_name(d, x), eg_shape_text(d->arena, eg_planner_shape(d, x)), eg_planner_rule(d, x),
                   item_name(d, y), eg_shape_text(d->arena, eg_planner_shape(d, y)), eg_planner_rule(d, y),
                   bytes);
    eg_problem_suggest(
        d->problems,
        "drop one of them before, or rename it elsewhere; 'on_conflict: equal' takes either, where "
        "their bytes are equal");
}

void eg_claim_settle(eg_plan_source *out, eg_fate fate, const char *reason)
{
    out->fate = fate;
    out->reason = reason;
}

/* An item whose name is no target's: skipped when a skip pattern speaks of it, otherwise unexpected. */
static bool settle_stranger(eg_planner *d, eg_plan_source *out)
{
    int64_t skip = eg_matcher_first(d->skips, d->transfer->skip.count, out->mapped, d->err);
    if (skip == -2) return false;
    if (skip >= 0)
        eg_claim_settle(out, EG_FATE_SKIPPED,
                        eg_planner_quoted(d, "skip", d->transfer->skip.items[skip].text));
    else
        eg_claim_settle(out, EG_FATE_UNEXPECTED, "the target has no such tensor");
    if (skip < 0) eg_names_add(&d->unexpected, out->mapped);
    return true;
}

/* Item i wants a target that another has. */
static bool settle_conflict(eg_planner *d, size_t i, int64_t target)
{
    static const char *const words[] = {
        [EG_CONFLICT_FIRST] = "on_conflict: first",
        [EG_CONFLICT_LAST] = "on_conflict: last",
        [EG_CONFLICT_EQUAL] = "on_conflict: equal",
    };
    size_t other = (size_t)d->claim[target];
    const char *bytes = byte_words(d, other, i);
    eg_conflict policy = d->transfer->on_conflict;
    if (!bytes) return false;
    if (policy == EG_CONFLICT_ERROR || (policy == EG_CONFLICT_EQUAL && !strstr(bytes, "equal"))) {
        report_collision(d, other, i, d->items[i].mapped, bytes);
        eg_claim_settle(&d->items[i], EG_FATE_UNEXPECTED,
                        eg_arena_printf(d->arena, "'%s' maps to the same name", item_name(d, other)));
        return true;
    }
    size_t loser = policy == EG_CONFLICT_LAST ? other : i, winner = policy == EG_CONFLICT_LAST ? i : other;
    d->claim[target] = (int64_t)winner;
    eg_claim_settle(&d->items[winner], EG_FATE_USED, eg_planner_rule(d, winner));
    eg_claim_settle(&d->items[loser], EG_FATE_DROPPED, words[policy]);
    return true;
}

static bool settle_item(eg_planner *d, size_t i)
{
    eg_plan_source *out = &d->items[i];
    out->mapped = d->keymap->names[i];
    if (!out->mapped) {
        eg_claim_settle(out, EG_FATE_DROPPED, eg_planner_rule(d, i));
        return true;
    }
    int64_t target = eg_map_find(d->targets, out->mapped);
    if (target < 0) return settle_stranger(d, out);
    if (d->skip[target] >= 0) {
        eg_claim_settle(out, EG_FATE_SKIPPED,
                        eg_planner_quoted(d, "skip", d->transfer->skip.items[d->skip[target]].text));
    } else if (d->claim[target] >= 0) {
        return settle_conflict(d, i, target);
    } else {
        d->claim[target] = (int64_t)i;
        eg_claim_settle(out, EG_FATE_USED, eg_planner_rule(d, i));
    }
    return true;
}

bool eg_claims_settle(eg_planner *d)
{
    size_t count = d->keymap->count;
    d->items = EG_NEW_ARRAY(d->arena, eg_plan_source, count);
    d->unexpected.items = EG_NEW_ARRAY(d->arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        if (!d->keymap->merged[i] && !settle_item(d, i)) return false;
    return true;
}

/* A source is what the best of the items is that it is part of. */
void eg_claims_trace(eg_planner *d)
{
    static const int rank[EG_FATE_COUNT] = {
        [EG_FATE_USED] = 3, [EG_FATE_SKIPPED] = 2, [EG_FATE_UNEXPECTED] = 1, [EG_FATE_DROPPED] = 0};
    size_t count = d->source->count;
    eg_plan_source *sources = EG_NEW_ARRAY(d->arena, eg_plan_source, count);
    for (size_t i = 0; i < count; i++)
        sources[i] = (eg_plan_source){&d->source->entries[i], NULL, EG_FATE_DROPPED, NULL};
    for (size_t i = 0; i < d->keymap->count; i++) {
        const eg_mosaic *value = d->keymap->values[i];
        for (size_t p = 0; !d->keymap->merged[i] && p < value->count; p++) {
            eg_plan_source *out = &sources[value->pieces[p].source - d->source->entries];
            if (out->reason && rank[d->items[i].fate] <= rank[out->fate]) continue;
            out->mapped = d->items[i].mapped;
            eg_claim_settle(out, d->items[i].fate, d->items[i].reason);
        }
    }
    for (size_t i = 0; i < count; i++)
        if (!sources[i].reason) sources[i].reason = eg_planner_rule(d, i);
    d->plan->sources = sources;
    d->plan->source_count = count;
}
