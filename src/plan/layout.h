/* Tensors of the right name whose values stand in another layout. */
#ifndef ENGRAFT_PLAN_LAYOUT_H
#define ENGRAFT_PLAN_LAYOUT_H

#include "plan/trial.h"

/* A `transform` for each way in which shapes differ without a value being lost:
 *
 *   | source            | target            | ops                                     |
 *   |-------------------|-------------------|-----------------------------------------|
 *   | [o, i]            | [o, i, 1, 1]      | unsqueeze (a linear layer as 1x1)       |
 *   | [o, i, h, w]      | [o, i*h*w]        | flatten                                 |
 *   | [o, i*h*w]        | [o, i, h, w]      | unflatten                               |
 *   | [i, o]            | [o, i]            | transpose                               |
 *   | [h, w, i, o]      | [o, i, h, w]      | permute (TensorFlow's convolutions)     |
 *   | [h, w, o, m]      | [o*m, 1, h, w]    | permute, m = 1 (its depthwise ones)     |
 *   | [1], []           | [], [1]           | squeeze, unsqueeze                      |
 */
void eg_layout_propose(const eg_trial *now, eg_remedies *out);

#endif
