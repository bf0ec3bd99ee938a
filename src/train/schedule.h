/* Learning rates over a phase.
 *
 * Epochs count from 0; t = epoch + step / steps is the time before a step, W the warm-up's length in epochs
 * (a fraction is allowed; warmup_steps / steps), E all epochs. As in a PyTorch script that calls
 * scheduler.step() once an epoch, the rate is constant within an epoch; the warm-up and one_cycle alone move
 * with every step.
 *
 *   warm-up          t < W: the rate below times start + (1 - start) * t / W (LinearLR stepped every batch)
 *   constant         lr
 *   step, multistep  lr * gamma ^ (epoch / step_size), or ^ (milestones <= epoch): epochs of the whole phase,
 *                    the warm-up included (StepLR, MultiStepLR)
 *   exponential      lr * gamma ^ epoch (ExponentialLR)
 * With s = max(epoch, W) - W and L = E - W:
 *   cosine           min + (lr - min) * (1 + cos(pi * s / L)) / 2 (CosineAnnealingLR with T_max L)
 *   cosine_restarts  the same in cycles of T_0, T_0 T_mult, T_0 T_mult^2 … epochs
 *                    (CosineAnnealingWarmRestarts)
 *   one_cycle        OneCycleLR with max_lr lr over the steps after the warm-up
 *   polynomial       lr * (1 - min(s, N) / N) ^ power, N total_iters or L (PolynomialLR)
 *   linear           lr * (start + (end - start) * min(s, N) / N) (LinearLR)
 *   plateau          lr, reduced as often as eg_plateau says (ReduceLROnPlateau) */
#ifndef ENGRAFT_TRAIN_SCHEDULE_H
#define ENGRAFT_TRAIN_SCHEDULE_H

#include "engraft/recipe.h"

/* Where a training is: 0 <= epoch < epochs, 0 <= step < steps. */
typedef struct eg_moment {
    int64_t epoch, epochs;
    int64_t step, steps; /* of an epoch */
    int64_t reductions;  /* plateau: so far */
} eg_moment;

/* The rate of one step for a group whose own rate is `lr`. */
double eg_schedule_lr(const eg_scheduler_section *scheduler, double lr, const eg_moment *at);
/* The optimizer's momentum (first beta) at that step; NaN: as the recipe says. */
double eg_schedule_momentum(const eg_scheduler_section *scheduler, const eg_moment *at);

/* What a plateau schedule has seen. A zeroed one has seen nothing. */
typedef struct eg_plateau {
    bool begun;
    double best;
    int64_t bad, cooldown, reductions;
} eg_plateau;

/* Takes in the monitored value of an epoch; smaller: which values are better. */
void eg_plateau_step(eg_plateau *plateau, const eg_scheduler_section *scheduler, bool smaller, double value);

#endif
