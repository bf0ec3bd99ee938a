/* Two lists of tensors whose names share nothing, and whose shapes come in the same order. */
#ifndef ENGRAFT_PLAN_SEQUENCE_H
#define ENGRAFT_PLAN_SEQUENCE_H

#include "plan/trial.h"

/* The renaming that the longest common sequence of shapes says, where it covers most of what has no source.
 * Shapes and order alone can be wrong: the proposal says that it rests on them. */
void eg_sequence_propose(const eg_trial *now, eg_remedies *out);

#endif
