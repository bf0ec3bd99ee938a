/* The recipe's rules and further ones, tried on the source: what a proposal is worth is what the plan would
 * find if its lines were pasted. */
#ifndef ENGRAFT_PLAN_TRIAL_H
#define ENGRAFT_PLAN_TRIAL_H

#include "plan/draft.h"

typedef struct eg_trial {
    eg_draft *draft;
    const eg_keymap *map; /* names and shapes after all rules */
    size_t met;           /* wanted target tensors that find a source tensor of their shape */
    size_t strangers;     /* names that are no target's */
    size_t errors;        /* of the rules themselves */
} eg_trial;

/* lines: items of transfer.mapping, each line ended or the last, to come after the recipe's own; "": none.
 * False when they are no mapping or a pattern hits its limit. The draft's arena owns the result. */
bool eg_trial_run(eg_draft *d, const char *lines, eg_trial *out);
/* True when the parameter is to be loaded: neither skipped nor a counter. */
bool eg_trial_wants(const eg_draft *d, int64_t param);
/* The target that item i's name says, -1: none, or the item is gone. */
int64_t eg_trial_target(const eg_trial *trial, size_t i);
/* True when item i has the shape of that target. */
bool eg_trial_fits(const eg_trial *trial, size_t i, int64_t target);

/* Lines for transfer.mapping, and the cause that they mend. */
typedef struct eg_remedy {
    const char *lines; /* NULL: none */
    const char *cause; /* one clause */
} eg_remedy;

typedef struct eg_remedies {
    eg_remedy items[64];
    size_t count;
} eg_remedies;

/* Adds one; what has no room is left out. */
void eg_remedy_add(eg_remedies *list, const char *lines, const char *cause);

#endif
