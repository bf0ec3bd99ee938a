/* The phases of a training: what trains in each, with which rates, and what stays as it is. */
#ifndef ENGRAFT_TRAIN_PHASE_H
#define ENGRAFT_TRAIN_PHASE_H

#include "train/group.h"

typedef struct eg_phase {
    const char *name;
    int64_t epochs;
    const eg_scheduler_section *scheduler; /* over the phase's epochs */
    const bool *trainable;                 /* per parameter; buffers false */
    const bool *frozen;                    /* per parameter: it has the same bits after the phase */
    const eg_bn_mode *batch_norm;          /* per node */
    const eg_groups *groups;
    size_t tensors, frozen_tensors; /* parameters that train, and that do not; no buffers */
    size_t first_time;              /* of `tensors`: those that train for the first time */
    uint64_t elements;              /* of `tensors` */
} eg_phase;

typedef struct eg_phases {
    const eg_phase *items;
    size_t count;
    int64_t epochs; /* of all */
} eg_phases;

/* What the phases are made of. */
typedef struct eg_phase_options {
    const eg_net *net;
    const eg_train_section *section;
    const eg_group_rule *rules; /* param_groups; none where the section has groups */
    size_t rule_count;
    const bool *frozen;           /* per parameter: by `freeze`, in all phases */
    const eg_bn_mode *batch_norm; /* per node: what `freeze` says */
} eg_phase_options;

/* A section without phases is one phase named "train". In a phase a BatchNorm keeps its stored statistics
 * where all its affine parameters are frozen (without any: where its running_mean's group is), or where the
 * phase says eval. Problems: see division.h; errors: see group.h. NULL when there are any. The arena owns the
 * result. */
const eg_phases *eg_phases_build(eg_arena *arena, const eg_phase_options *options, eg_problems *problems,
                                 eg_error *err);

#endif
