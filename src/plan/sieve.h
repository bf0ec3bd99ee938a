/* Patterns that tell some names from others. */
#ifndef ENGRAFT_PLAN_SIEVE_H
#define ENGRAFT_PLAN_SIEVE_H

#include <stddef.h>

#include "engraft/arena.h"

/* Patterns that match all of `yes` and none of `no`. */
const char *const *eg_learn_patterns(eg_arena *arena, const char *const *yes, size_t yes_count,
                                     const char *const *no, size_t no_count, size_t *count);
/* "['a\..*', 'b']". */
const char *eg_pattern_items(eg_arena *arena, const char *const *patterns, size_t count);

#endif
