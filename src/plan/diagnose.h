/* Why a plan is refused, and what line would mend it. */
#ifndef ENGRAFT_PLAN_DIAGNOSE_H
#define ENGRAFT_PLAN_DIAGNOSE_H

#include "engraft/plan.h"
#include "plan/keymap.h"

/* A name or module path like what a pattern seems to say ("classifer\..*" -> "classifier"), or NULL. NULL
 * names are passed over. */
const char *eg_near_name(eg_arena *arena, const char *pattern, const char *const *names, size_t count);
/* "a, b, c and 4 more". */
const char *eg_name_list(eg_arena *arena, const char *const *names, size_t count);
/* The patterns of the modules that the names belong to, as a flow list: "['fc\..*', 'aux\..*']"; NULL: more
 * than four. */
const char *eg_module_patterns(eg_arena *arena, const char *const *names, size_t count);

/* The best rule for names that do not meet: what it would be, and how many target tensors would then find a
 * source of their shape. */
typedef struct eg_proposal {
    const char *lines; /* to paste under transfer.mapping; NULL: none */
    const char *cause; /* one clause */
    size_t score;      /* target tensors that meet then */
} eg_proposal;

/* names: the sources' names after the rules (NULL: dropped). */
eg_proposal eg_propose(eg_arena *arena, const eg_net *net, const eg_store *source, const char *const *names);

#endif
