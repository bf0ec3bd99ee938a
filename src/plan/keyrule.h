/* One mapping rule at work on the items of a keymap: what the verbs share. */
#ifndef ENGRAFT_PLAN_KEYRULE_H
#define ENGRAFT_PLAN_KEYRULE_H

#include "plan/keymap.h"
#include "plan/match.h"

typedef struct eg_keyrule {
    eg_keymap *map;
    eg_arena *arena;
    const eg_transfer_section *transfer;
    eg_problems *problems;
    eg_error *err;
    const eg_rule *rule;
    int32_t number;
    bool spoiled;  /* a malformed name has been reported */
    bool gap_told; /* a group without text has been reported */
} eg_keyrule;

/* Gives item i another name, or drops it (NULL). */
void eg_keyrule_rename(eg_keyrule *w, size_t i, const char *name);
/* Gives item i another value; its name stays. */
void eg_keyrule_reshape(eg_keyrule *w, size_t i, const eg_mosaic *value);
/* A new item made of `parts`, which are merged into it. */
void eg_keyrule_make(eg_keyrule *w, const char *name, const eg_mosaic *value, const size_t *parts,
                     size_t count);
/* The template with the last match's groups; a warning when one that it refers to took no part in it. */
const char *eg_keyrule_expand(eg_keyrule *w, const eg_pattern *pattern, const char *to, const char *name);
/* A problem when the rule's pattern matched nothing. */
void eg_keyrule_unused(eg_keyrule *w, eg_place place, const char *what, eg_matcher *matcher,
                       const char *prefix);
/* "rule 2 (concat: …): …" as a problem at the rule. */
void eg_keyrule_problem(eg_keyrule *w, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The verbs that look at more than names. False and err when a pattern hits its limit. */
bool eg_keyrule_concat(eg_keyrule *w);
bool eg_keyrule_stack(eg_keyrule *w);
bool eg_keyrule_split(eg_keyrule *w);
bool eg_keyrule_transform(eg_keyrule *w);
bool eg_keyrule_copy(eg_keyrule *w);
bool eg_keyrule_shift(eg_keyrule *w);

#endif
