/* A recipe's transfer section, learned from how the tensors of one file make those of another. */
#ifndef ENGRAFT_PLAN_LEARN_H
#define ENGRAFT_PLAN_LEARN_H

#include "engraft/plan.h"
#include "plan/pairing.h"

typedef struct eg_learned {
    const char *mapping; /* items of transfer.mapping, each line indented by four; "": none */
    size_t rules;
    const char *skip;         /* flow list of patterns, or NULL */
    const char *init;         /* items of init, indented by two; "": none */
    const char *const *fresh; /* target names that no source explains */
    size_t fresh_count;
    const char *const *dropped; /* source names that explain nothing */
    size_t dropped_count;
} eg_learned;

/* The targets are the tensors of `net`; pairing->to may lack some of them, and have others. plain: every
 * rename by itself. init is filled for a net that does not say how its layers start. */
bool eg_learn(eg_learned *out, eg_arena *arena, const eg_pairing *pairing, const eg_net *net, bool plain,
              eg_error *err);

#endif
