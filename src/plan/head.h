/* `head`: which rows of the source's classifier make which rows of the target's. */
#ifndef ENGRAFT_PLAN_HEAD_H
#define ENGRAFT_PLAN_HEAD_H

#include "plan/adapt.h"

typedef struct eg_head {
    const eg_row *rows; /* one a class of the target */
    size_t count, kept; /* of them those that come from the source */
    size_t source_classes;
} eg_head;

/* Settles the classes by their names. NULL when the recipe has no head, or when something is wrong, which
 * becomes a problem. */
const eg_head *eg_head_build(eg_arena *arena, const eg_recipe *recipe, eg_problems *problems);

#endif
