/* The mapping rules applied to the source's names, top to bottom; each rule sees what the one before it left.
 */
#ifndef ENGRAFT_PLAN_KEYMAP_H
#define ENGRAFT_PLAN_KEYMAP_H

#include "engraft/plan.h"

/* What a rule did to one item: another name, another shape, part of another item, or gone. */
typedef struct eg_key_event {
    int32_t rule;
    int64_t from, to;           /* items; to -1: dropped */
    const char *before, *after; /* names; after NULL: dropped */
    eg_shape shape;             /* afterwards */
} eg_key_event;

/* Items: first the source's tensors, in its order; then those that rules have made of others. */
typedef struct eg_keymap {
    const char **names;       /* per item: its name now; NULL: dropped, or part of others */
    const char **origins;     /* per item: the source's name, or the name it was made with */
    const eg_mosaic **values; /* per item: what it is made of */
    int32_t *first, *last;    /* per item: the first and last rule that changed it, -1: none */
    int64_t *tie; /* per item: the first of the copies that it shares its storage with, -1: none */
    bool *merged; /* per item: it became part of others */
    size_t count, capacity;
    eg_plan_rule *rules;
    size_t rule_count;
    eg_key_event *events; /* in order */
    size_t event_count, event_capacity;
} eg_keymap;

/* Rules without effect, partial prefixes, groups with gaps and malformed results become problems. False and
 * err only when a pattern hits its limit. The arena owns the result; source names are borrowed. */
bool eg_keymap_build(eg_keymap *map, eg_arena *arena, const eg_transfer_section *transfer,
                     const eg_store *source, eg_problems *problems, eg_error *err);
/* "rule 3 (drop: 'x')". */
const char *eg_keymap_rule_text(eg_arena *arena, const eg_keymap *map, int32_t rule);

#endif
