#include "plan/tie.h"

#include <stdlib.h>

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

/* A step whose source can be tied, for sorting. */
typedef struct taker {
    const eg_entry *entry;
    size_t step;
} taker;

static int by_place(const void *a, const void *b)
{
    const taker *x = a, *y = b;
    uintptr_t p = (uintptr_t)x->entry->storage, q = (uintptr_t)y->entry->storage;
    if (p != q) return p < q ? -1 : 1;
    if (x->entry->offset != y->entry->offset) return x->entry->offset < y->entry->offset ? -1 : 1;
    return x->step < y->step ? -1 : x->step > y->step;
}

static bool same_place(const taker *a, const taker *b)
{
    return a->entry->storage == b->entry->storage && a->entry->offset == b->entry->offset;
}

static bool can_be_tied(const eg_step *step, const eg_store *source)
{
    const eg_entry *entry = step->source;
    uint64_t numel = 0;
    return entry && step->value && eg_mosaic_is_plain(step->value) && eg_shape_numel(entry->shape, &numel) &&
           numel && entry >= source->entries && entry < source->entries + source->count && entry->storage &&
           entry->storage->size;
}

/* The same bytes under two names in the source. Sorted, because a large plan has ten thousand names and
 * hardly a tie. */
static void tell_source_ties(tier *t, const eg_store *source)
{
    taker *list = EG_NEW_ARRAY(t->arena, taker, t->plan->step_count);
    size_t count = 0;
    for (size_t s = 0; s < t->plan->step_count; s++)
        if (can_be_tied(&t->plan->steps[s], source)) list[count++] = (taker){t->plan->steps[s].source, s};
    if (count) qsort(list, count, sizeof *list, by_place);
    for (size_t i = 0, first = 0; i < count; i++) {
        if (!same_place(&list[i], &list[first])) first = i;
        size_t other = first;
        while (!eg_shape_equal(list[other].entry->shape, list[i].entry->shape)) other++;
        eg_step *step = &t->plan->steps[list[i].step];
        if (other < i && step->tied < 0 && list[other].entry != list[i].entry)
            step->reason = eg_arena_printf(t->arena, "%s; tied to '%s' in the source, separate here",
                                           step->reason, list[other].entry->name);
    }
}

void eg_ties_settle(eg_plan *plan, eg_arena *arena, const int64_t *claim, const eg_store *source,
                    eg_problems *problems)
{
    tier t = {plan, arena, claim, problems};
    tie_copies(&t);
    tell_source_ties(&t, source);
}
