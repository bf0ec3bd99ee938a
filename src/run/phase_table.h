/* The phases of a training as a table for people. */
#ifndef ENGRAFT_RUN_PHASE_TABLE_H
#define ENGRAFT_RUN_PHASE_TABLE_H

#include "run/table.h"
#include "train/cost.h"

/* One row a phase after a row of headings, in the arena; *count of them. */
const eg_row *eg_phase_table(eg_arena *arena, const eg_phases *phases, const eg_phase_cost *costs,
                             size_t *count);
/* On standard output, with a heading. */
void eg_phase_table_print(const eg_recipe *recipe, const eg_phases *phases, const eg_phase_cost *costs);
/* Why the features of what gives the same in every epoch are not kept in this phase; NULL: they are. */
const char *eg_phase_features_reason(const eg_recipe *recipe, const eg_phase_cost *cost);

#endif
