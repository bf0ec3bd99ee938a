/* Names that differ in their numbers alone, as one line: `stage1.[1-5].{0,3}.weight`. */
#ifndef ENGRAFT_PLAN_FOLD_H
#define ENGRAFT_PLAN_FOLD_H

#include <stddef.h>

#include "engraft/arena.h"

typedef struct eg_fold {
    const char *text;
    size_t count; /* names that it stands for */
} eg_fold;

/* The names with their numbers taken out ("stage#.#.weight"): names of one shape can be folded together. */
const char *eg_fold_shape(eg_arena *arena, const char *name);
/* Folds names of one shape (each different); every line stands for exactly the names that it says. */
size_t eg_fold_names(eg_arena *arena, const char *const *names, size_t count, const eg_fold **folds);

#endif
