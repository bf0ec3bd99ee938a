#include "plan/propose.h"

#include <string.h>

#include "plan/layout.h"
#include "plan/modules.h"
#include "plan/prefixes.h"
#include "plan/sequence.h"
#include "recipe/snippet.h"

enum { ROUNDS = 5 };

static void propose_dialects(const eg_trial *now, eg_remedies *out)
{
    eg_arena *arena = now->draft->arena;
    const char *const *names;
    size_t count = eg_snippet_dialects(arena, &names);
    for (size_t i = 0; i < count; i++)
        eg_remedy_add(out, eg_arena_printf(arena, "- use: %s", names[i]),
                      eg_arena_printf(arena, "the source's names are those of the dialect '%s'", names[i]));
}

/* From what is surest to what is a guess; a later tier is asked when the ones before it find nothing. */
static void (*const finders[][5])(const eg_trial *now, eg_remedies *out) = {
    {eg_prefixes_propose, eg_modules_propose, eg_leaves_propose, eg_layout_propose, propose_dialects},
    {eg_sequence_propose},
};

enum { TIERS = sizeof finders / sizeof *finders };

/* More targets with a source; then fewer names that are nobody's. */
static bool is_better(const eg_trial *a, const eg_trial *b)
{
    if (a->errors > b->errors || a->met < b->met) return false;
    return a->met > b->met || a->strangers < b->strangers;
}

static const char *joined(eg_arena *arena, const char *a, const char *between, const char *b)
{
    return a && a[0] ? eg_arena_printf(arena, "%s%s%s", a, between, b) : b;
}

/* Takes up the best remedy of the tier; false: none makes more targets meet. */
static bool improve(eg_draft *d, size_t tier, eg_proposal *proposal)
{
    eg_remedies *list = EG_NEW(d->arena, eg_remedies);
    eg_trial best = proposal->after, trial;
    const eg_remedy *chosen = NULL;
    for (size_t f = 0; f < 5 && finders[tier][f]; f++) finders[tier][f](&proposal->after, list);
    for (size_t i = 0; i < list->count; i++) {
        const char *lines = joined(d->arena, proposal->lines, "\n", list->items[i].lines);
        if (!eg_trial_run(d, lines, &trial) || trial.met <= proposal->after.met || !is_better(&trial, &best))
            continue;
        best = trial;
        chosen = &list->items[i];
    }
    if (!chosen) return false;
    proposal->lines = joined(d->arena, proposal->lines, "\n", chosen->lines);
    proposal->cause = joined(d->arena, proposal->cause, "; ", chosen->cause);
    proposal->after = best;
    return true;
}

eg_proposal eg_propose(eg_draft *d)
{
    eg_proposal proposal = {0};
    if (!eg_trial_run(d, "", &proposal.before)) return proposal;
    proposal.after = proposal.before;
    for (int round = 0; round < ROUNDS && proposal.after.met < d->wanted; round++) {
        size_t tier = 0;
        while (tier < TIERS && !improve(d, tier, &proposal)) tier++;
        if (tier == TIERS) break;
    }
    return proposal;
}
