/* The way back: which mapping rules can be inverted on the source's names, by what, and why not. */
#ifndef ENGRAFT_PLAN_REVERSE_H
#define ENGRAFT_PLAN_REVERSE_H

#include "engraft/plan.h"

typedef struct eg_inverse {
    const eg_rule *rule;
    bool idle; /* it changes nothing here: there is nothing to invert */
    const char
        *lines;      /* items of transfer.mapping, each line indented by four; NULL: it cannot be inverted */
    const char *why; /* what it loses; NULL: nothing */
} eg_inverse;

typedef struct eg_reversal {
    const eg_inverse *rules; /* in the recipe's order */
    size_t rule_count;
    const char *mapping; /* all the way back */
    eg_store written;    /* what the recipe writes: names, dtypes and shapes */
    /* by eg_reverse_prove: */
    size_t restored; /* source tensors that come back, in name, shape and dtype */
    const char *const *lost;
    size_t lost_count;
    const char *skip; /* flow list of patterns for them, or NULL */
    size_t strangers; /* names at the end of the way back that the source does not have */
} eg_reversal;

/* prefix: what the written names begin with (output.add_prefix). Names and shapes alone decide. False and err
 * when a pattern hits its limit. The arena owns the result. */
bool eg_reverse(eg_reversal *out, eg_arena *arena, const eg_recipe *recipe, const eg_plan *plan,
                const eg_store *source, const char *prefix, eg_error *err);

/* Sends the written names back through the rules of `back`, which is what `mapping` says, and counts. */
bool eg_reverse_prove(eg_reversal *out, eg_arena *arena, const eg_transfer_section *back,
                      const eg_store *source, eg_error *err);

#endif
