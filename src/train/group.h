/* Parameter groups: which learning rate and weight decay each trainable parameter has. */
#ifndef ENGRAFT_TRAIN_GROUP_H
#define ENGRAFT_TRAIN_GROUP_H

#include "engraft/net.h"
#include "engraft/recipe.h"

typedef struct eg_groups {
    size_t count;         /* groups with at least one parameter */
    const char **names;   /* the rule's pattern; "default" for what no rule names */
    double *lr;           /* before the schedule */
    size_t *members;      /* parameters in each */
    int32_t *of;          /* per parameter of the net: its group, -1 when it does not train */
    double *weight_decay; /* per parameter */
} eg_groups;

/* The first rule whose pattern matches a trainable parameter's name takes it; the rest trains as the section
 * says. lr is the rule's, or the section's times lr_mult; parameters in the optimizer's `exclude` have no
 * decay. A rule that takes no parameter is an error, unless it stands last and earlier rules took all that it
 * matches; so is having nothing to train, or a group without a learning rate. The arena owns the result. */
const eg_groups *eg_groups_build(eg_arena *arena, const eg_net *net, const bool *trainable,
                                 const eg_group_rule *rules, size_t rule_count,
                                 const eg_train_section *section, eg_error *err);

/* No groups yet, with room for so many; every parameter is in none. */
eg_groups *eg_groups_new(eg_arena *arena, size_t groups, size_t params);
/* Fills weight_decay of all members from the optimizer's own and its `exclude`. False and err when a pattern
 * hits its limit. */
bool eg_groups_decay(eg_groups *groups, const eg_net *net, const eg_optimizer_section *optimizer,
                     eg_error *err);

#endif
