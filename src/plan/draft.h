/* A plan while it is made: what the steps of planning share. */
#ifndef ENGRAFT_PLAN_DRAFT_H
#define ENGRAFT_PLAN_DRAFT_H

#include "base/map.h"
#include "engraft/plan.h"
#include "plan/head.h"
#include "plan/keymap.h"
#include "plan/match.h"

/* Names that one problem speaks of. */
typedef struct eg_names {
    const char **items;
    size_t count;
} eg_names;

typedef struct eg_draft {
    eg_arena *arena;
    const eg_recipe *recipe;
    const eg_transfer_section *transfer;
    const eg_net *net;
    const eg_store *source;
    eg_problems *problems;
    eg_error *err;
    eg_plan *plan;
    eg_keymap *keymap;
    eg_plan_source *items; /* per item of the keymap: what became of it */
    const eg_head *head;   /* NULL: none */
    eg_matcher *sizes;     /* size_mismatch */
    int64_t *size;         /* per parameter: the size_mismatch item that fits, -1: none */
    eg_map *targets;       /* name -> parameter */
    int64_t *claim;        /* per parameter: the item that maps to it, -1: none */
    int64_t *skip;         /* per parameter: the skip pattern that fits, -1: none */
    eg_matcher *skips;
    eg_names missing, unexpected, misfits;
    size_t wanted,
        found;      /* target tensors that are not skipped, and those of them that some source maps to */
    bool uncovered; /* refused for missing or misfitting tensors */
    eg_place place; /* of problems that speak of the whole transfer */
} eg_draft;

/* The targets by name, and the skip and size_mismatch items that fit them. False and err when a pattern hits
 * its limit. */
bool eg_draft_index(eg_draft *d);
/* "rule 3 (drop: 'x')" of the last rule that changed item i, or "no rule". */
const char *eg_draft_rule(eg_draft *d, size_t i);
eg_shape eg_draft_shape(eg_draft *d, size_t i);
/* "skip: 'fc\..*'". */
const char *eg_draft_quoted(eg_draft *d, const char *what, const char *text);
void eg_names_add(eg_names *list, const char *name);
/* num_batches_tracked, which old files lack. */
bool eg_is_counter(const eg_param *param);

#endif
