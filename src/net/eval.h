/* Evaluating expressions of the architecture language. Python's meaning of numbers: int and float are told
 * apart, `/` gives a float, `//` and `%` round down, round() goes to the even neighbour, comparisons chain
 * and are exact. There are no loops and no side effects; every step counts down one budget, so that
 * evaluation always ends. */
#ifndef ENGRAFT_NET_EVAL_H
#define ENGRAFT_NET_EVAL_H

#include "engraft/problem.h"
#include "net/datum.h"
#include "net/expr.h"

/* Names in force, the newest first; outer scopes are seen through. */
typedef struct eg_binding {
    const char *name;
    eg_datum datum;
    struct eg_binding *next;
} eg_binding;

typedef struct eg_scope {
    const struct eg_scope *outer;
    eg_binding *first;
} eg_scope;

eg_scope *eg_scope_new(eg_arena *arena, const eg_scope *outer);
/* Adds a name, or gives it another meaning, in this scope. */
void eg_scope_set(eg_scope *scope, eg_arena *arena, const char *name, eg_datum datum);
/* The innermost meaning, or NULL. */
const eg_datum *eg_scope_find(const eg_scope *scope, const char *name);

/* An argument of a call. */
typedef struct eg_actual {
    const char *name; /* NULL: by position */
    const eg_expr *expr;
    eg_datum datum;
} eg_actual;

/* A subscript: an index, or start:stop:step of which each may be none. */
typedef struct eg_subscript {
    bool slice;
    const eg_expr *expr;
    eg_datum start; /* or the index */
    eg_datum stop, step;
} eg_subscript;

typedef struct eg_eval eg_eval;

/* What those who know modules and values add to the language; any may be NULL. They record a problem and
 * return false when they cannot. */
typedef struct eg_eval_hooks {
    bool (*call)(eg_eval *eval, const eg_expr *at, const eg_datum *callee, const eg_actual *actuals,
                 size_t count, eg_datum *out);
    bool (*attribute)(eg_eval *eval, const eg_expr *at, const eg_datum *of,
                      eg_datum *out); /* at->text names it */
    bool (*index)(eg_eval *eval, const eg_expr *at, const eg_datum *of, const eg_subscript *subscripts,
                  size_t count, eg_datum *out);
    bool (*operate)(eg_eval *eval, const eg_expr *at, eg_operator op, const eg_datum *a, const eg_datum *b,
                    eg_datum *out);
} eg_eval_hooks;

struct eg_eval {
    eg_arena *arena;
    eg_problems *problems;
    const eg_eval_hooks *hooks; /* may be NULL */
    void *context;              /* of the hooks */
    const char *path;           /* of the module that is being made or run, for messages; "": none */
    int64_t steps;              /* left */
    int depth;                  /* of nested evaluations */
};

#define EG_EVAL_STEPS 1000000
#define EG_EVAL_DEPTH 600

/* Records "path: message" at the expression's place. Returns false. */
bool eg_eval_fail(eg_eval *eval, const eg_expr *at, const char *code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Takes steps from the budget; false (and a problem) when it is used up. */
bool eg_eval_spend(eg_eval *eval, const eg_expr *at, int64_t steps);
/* The value of an expression; false when it has none: a problem says why. */
bool eg_eval_run(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_datum *out);
/* Gives each name its share of a datum: the datum itself to a single name, else the elements of a list of
 * that length. */
bool eg_eval_unpack(eg_eval *eval, const eg_expr *at, const eg_names *names, const eg_datum *datum,
                    eg_scope *scope);
/* Python's rules for one subscript of something with `size` elements: *start, *step >= 1 and *count. An index
 * has count 1. False and a problem when an index is outside or a step is below 1. */
bool eg_eval_subscript(eg_eval *eval, const eg_subscript *subscript, int64_t size, int64_t *start,
                       int64_t *step, int64_t *count);
/* " (did you mean 'x'?)" or "", in the arena, from the names in the scope, operators and helpers. */
const char *eg_eval_nearest(eg_eval *eval, const eg_scope *scope, const char *name);

#endif
