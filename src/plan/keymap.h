/* The mapping rules applied to the source's names, top to bottom; each rule sees what the one before it left.
 */
#ifndef ENGRAFT_PLAN_KEYMAP_H
#define ENGRAFT_PLAN_KEYMAP_H

#include "engraft/plan.h"

typedef struct eg_keymap {
    const char **names;    /* per source tensor: its name now; NULL: dropped */
    int32_t *first, *last; /* per source tensor: the first and last rule that changed it, -1: none */
    size_t count;
    eg_plan_rule *rules;
    size_t rule_count;
} eg_keymap;

/* Rules without effect, partial prefixes and malformed results become problems. False and err only when a
 * pattern hits its limit. The arena owns the result; source names are borrowed. */
bool eg_keymap_build(eg_keymap *map, eg_arena *arena, const eg_transfer_section *transfer,
                     const eg_store *source, eg_problems *problems, eg_error *err);
/* "rule 3 (drop: 'x')". */
const char *eg_keymap_rule_text(eg_arena *arena, const eg_keymap *map, int32_t rule);

#endif
