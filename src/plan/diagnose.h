/* Names as messages and proposals say them. */
#ifndef ENGRAFT_PLAN_DIAGNOSE_H
#define ENGRAFT_PLAN_DIAGNOSE_H

#include <stddef.h>

#include "engraft/arena.h"

/* A name or module path like what a pattern seems to say ("classifer\..*" -> "classifier"), or NULL. NULL
 * names are passed over. */
const char *eg_near_name(eg_arena *arena, const char *pattern, const char *const *names, size_t count);
/* "a, b, c and 4 more". */
const char *eg_name_list(eg_arena *arena, const char *const *names, size_t count);
/* The patterns of the modules that the names belong to, as a flow list: "['fc\..*', 'aux\..*']"; NULL: more
 * than four. */
const char *eg_module_patterns(eg_arena *arena, const char *const *names, size_t count);

#endif
