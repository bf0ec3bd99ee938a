/* The functions that every expression may use: range len min max ceil round int divisible. */
#ifndef ENGRAFT_NET_HELPER_H
#define ENGRAFT_NET_HELPER_H

#include "net/eval.h"

typedef struct eg_helper eg_helper;

/* Borrowed, or NULL. */
const eg_helper *eg_helper_find(const char *name);
const char *eg_helper_name(const eg_helper *helper);
/* The name at a position, or NULL behind the last. */
const char *eg_helper_at(size_t at);
/* "divisible(v, d)", with [] around what may be left out; in the arena. */
const char *eg_helper_signature(eg_arena *arena, const eg_helper *helper);
bool eg_helper_call(eg_eval *eval, const eg_expr *at, const eg_helper *helper, const eg_actual *actuals,
                    size_t count, eg_datum *out);

#endif
