#include "plan/tie.h"

#include <stdlib.h>

#include "base/map.h"
#include "plan/keymap.h"
#include "plan/mosaic.h"

typedef struct tier {
    eg_plan *plan;
    eg_arena *arena;
    const int64_t *claim;
    eg_problems *problems;
} tier;

static const char *name_of(const tier *t, size_t step)
{
    return t->plan->net->params[t->plan->steps[step].param].name;
}

static const eg_rule *rule_of(const tier *t, int64_t item)
{
    int32_t first = t->plan->keymap->first[item];
    return t->plan->rules[first].rule;
}

/* The step at `other` has taken an earlier copy. */
static void tie(tier *t, size_t other, size_t which)
{
    eg_step *a = &t->plan->steps[other], *b = &t->plan->steps[which];
    const eg_rule *rule = rule_of(t, t->claim[b->param]);
    if (!a->value || a->value != b->value) {
        eg_problem_add(
            t->problems, "tie", rule->place,
            "%s: '%s' and '%s' cannot share their storage: a later rule or policy has changed one of "
            "them",
            rule->text, name_of(t, other), name_of(t, which));
    } else if (a->frozen != b->frozen) {
        eg_problem_add(t->problems, "tied_freeze", rule->place,
                       "%s: '%s' is frozen, and '%s', which shares its storage, is not", rule->text,
                       name_of(t, a->frozen ? other : which), name_of(t, a->frozen ? which : other));
        eg_problem_suggest(t->problems, "freeze: [{exact: '%s'}, {exact: '%s'}]", name_of(t, other),
                           name_of(t, which));
    } else {
        b->tied = a->param;
        b->reason =
            eg_arena_printf(t->arena, "%s; shares its storage with '%s'", b->reason, name_of(t, other));
    }
}

/* A copy that goes nowhere, or is skipped, leaves nothing to share. */
static void check_takers(tier *t, const bool *taken)
{
    const eg_keymap *map = t->plan->keymap;
    for (size_t i = 0; i < map->count; i++)
        if (map->tie[i] >= 0 && !taken[i] && !map->merged[i])
            eg_problem_add(t->problems, "tie", rule_of(t, (int64_t)i)->place,
                           "%s: no target tensor takes the copy '%s'", rule_of(t, (int64_t)i)->text,
                           map->names[i] ? map->names[i] : map->origins[i]);
}

static void tie_copies(tier *t)
{
    const eg_keymap *map = t->plan->keymap;
    int64_t *first = EG_NEW_ARRAY(t->arena, int64_t, map->count);
    bool *taken = EG_NEW_ARRAY(t->arena, bool, map->count);
    for (size_t i = 0; i < map->count; i++) first[i] = -1;
    for (size_t s = 0; s < t->plan->step_count; s++) {
        int64_t item = t->claim[t->plan->steps[s].param];
        if (item < 0) continue;
        taken[item] = true;
        int64_t group = map->tie[item];
        if (group < 0) continue;
        if (first[group] >= 0) tie(t, (size_t)first[group], s);
        if (first[group] < 0) first[group] = (int64_t)s;
    }
    check_takers(t, taken);
}

/* The same bytes under two names in the source. */
static void tell_source_ties(tier *t, const eg_store *source)
{
    eg_map *seen = eg_map_new(t->arena);
    for (size_t s = 0; s < t->plan->step_count; s++) {
        eg_step *step = &t->plan->steps[s];
        const eg_entry *entry = step->source;
        uint64_t numel = 0;
        if (!entry || !step->value || !eg_mosaic_is_plain(step->value) ||
            !eg_shape_numel(entry->shape, &numel) || !numel || entry < source->entries ||
            entry >= source->entries + source->count || !entry->storage || !entry->storage->size)
            continue;
        const char *key =
            eg_arena_printf(t->arena, "%p %llu %s", (void *)entry->storage, (unsigned long long)entry->offset,
                            eg_shape_text(t->arena, entry->shape));
        int64_t other = eg_map_find(seen, key);
        if (other < 0) eg_map_add(seen, key, (int64_t)s);
        if (other >= 0 && step->tied < 0 && t->plan->steps[other].source != entry)
            step->reason = eg_arena_printf(t->arena, "%s; tied to '%s' in the source, separate here",
                                           step->reason, t->plan->steps[other].source->name);
    }
}

void eg_ties_settle(eg_plan *plan, eg_arena *arena, const int64_t *claim, const eg_store *source,
                    eg_problems *problems)
{
    tier t = {plan, arena, claim, problems};
    tie_copies(&t);
    tell_source_ties(&t, source);
}
