/* What a phase costs, before any of it runs. */
#ifndef ENGRAFT_TRAIN_COST_H
#define ENGRAFT_TRAIN_COST_H

#include "net/exec.h"
#include "train/phase.h"

typedef struct eg_phase_cost {
    int64_t batch;
    /* bytes; while the phase runs */
    size_t parameters;
    size_t activations;       /* with their gradients and scratch, as the planner laid them out */
    size_t gradients;         /* of parameters; twice with `accumulate` */
    size_t optimizer;         /* of all that trained until then */
    size_t copies;            /* the best weights, and their average */
    double forward, backward; /* operations of one sample */
    const char *stop;         /* module of the lowest node with a backward pass */
} eg_phase_cost;

size_t eg_phase_cost_bytes(const eg_phase_cost *cost);
/* Whole copies of the weights that a training holds beside them: the best of each kind that is written
 * (0: one), and the average. */
size_t eg_training_copies(const eg_train_section *section, size_t kinds);
/* One a phase, in the arena. copies: see above. The scratch part depends on the threads. */
const eg_phase_cost *eg_phases_cost(eg_arena *arena, const eg_net *net, const eg_train_section *section,
                                    const eg_phases *phases, size_t copies, eg_pool *pool, eg_error *err);

#endif
