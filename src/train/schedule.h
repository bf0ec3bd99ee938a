/* Learning rates over a training.
 *
 * Epochs count from 0; t = epoch + step / steps_per_epoch is the time before a step, W the warm-up's length
 * in epochs (a fraction is allowed), E all epochs. As in a PyTorch script that calls scheduler.step() once an
 * epoch, the rate is constant within an epoch; the warm-up alone moves with every step.
 *
 *   warm-up   t < W: the rate below times start + (1 - start) * t / W            (LinearLR stepped every
 * batch) constant  lr step      lr * gamma ^ (epoch / step_size), or ^ (milestones <= epoch): epochs of the
 * whole training, the warm-up included                                                         (StepLR,
 * MultiStepLR) cosine    min + (lr - min) * (1 + cos(pi * (max(epoch, W) - W) / (E - W))) / 2
 * (CosineAnnealingLR with T_max E - W after the warm-up) */
#ifndef ENGRAFT_TRAIN_SCHEDULE_H
#define ENGRAFT_TRAIN_SCHEDULE_H

#include "engraft/recipe.h"

/* The rate of one step for a group whose own rate is `lr`. part = step / steps_per_epoch, in [0, 1). */
double eg_schedule_lr(const eg_scheduler_section *scheduler, double lr, int64_t epochs, int64_t epoch,
                      double part);

#endif
