/* Source names that a person takes for each other, or cannot read. */
#ifndef ENGRAFT_PLAN_TWINS_H
#define ENGRAFT_PLAN_TWINS_H

#include "engraft/problem.h"
#include "engraft/tensor.h"

/* Warnings of names that differ only in the case of letters, or in how an accent is written (NFC and NFD),
 * and of names with invisible or control characters or bytes that are no UTF-8 (no pattern matches those).
 * Names are compared by their bytes everywhere; this only says so. */
void eg_twins_warn(eg_arena *arena, const eg_store *source, eg_place place, eg_problems *problems);

#endif
