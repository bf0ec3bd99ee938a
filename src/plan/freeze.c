#include "plan/freeze.h"

#include <string.h>

#include "net/op.h"
#include "plan/diagnose.h"
#include "plan/match.h"
#include "plan/unused.h"

/* A batch normalisation's parameters, in their node's order. */
enum { BN_WEIGHT, BN_BIAS, BN_MEAN, BN_VAR, BN_COUNTER, BN_PARAMS };

typedef struct freezer {
    eg_plan *plan;
    eg_arena *arena;
    const eg_recipe *recipe;
    eg_problems *problems;
    int32_t *rule; /* per parameter: the first freeze rule that fits, -1: none */
} freezer;

static bool is_batch_norm(const eg_node *node)
{
    return strcmp(node->op->name, "batch_norm2d") == 0;
}

static int32_t param_of(const eg_node *node, int which)
{
    return which < node->param_count ? node->params[which] : -1;
}

/* The mode that the layer's rules ask for: of the first member that has a rule with one. */
static eg_bn_mode asked_mode(const freezer *f, const eg_node *node)
{
    for (int which = 0; which < BN_PARAMS; which++) {
        int32_t param = param_of(node, which);
        int32_t rule = param < 0 ? -1 : f->rule[param];
        if (rule >= 0 && f->recipe->freeze[rule].batch_norm != EG_BN_DEFAULT)
            return f->recipe->freeze[rule].batch_norm;
    }
    return EG_BN_DEFAULT;
}

static bool fits(const freezer *f, const eg_node *node, int which)
{
    int32_t param = param_of(node, which);
    return param >= 0 && f->rule[param] >= 0;
}

/* The table of freeze.h. */
static eg_bn_mode decide_mode(const freezer *f, const eg_node *node)
{
    eg_bn_mode asked = asked_mode(f, node);
    bool has_affine = param_of(node, BN_WEIGHT) >= 0 || param_of(node, BN_BIAS) >= 0;
    bool weight = param_of(node, BN_WEIGHT) < 0 || fits(f, node, BN_WEIGHT);
    bool bias = param_of(node, BN_BIAS) < 0 || fits(f, node, BN_BIAS);
    bool stats = fits(f, node, BN_MEAN) || fits(f, node, BN_VAR);
    bool affine_frozen = weight && bias && (has_affine || stats);
    switch (asked) {
    case EG_BN_TRAIN_AFFINE: return EG_BN_TRAIN_AFFINE;
    case EG_BN_EVAL: return affine_frozen ? EG_BN_EVAL : EG_BN_TRAIN_AFFINE;
    case EG_BN_TRAIN_STATS: return affine_frozen ? EG_BN_TRAIN_STATS : EG_BN_DEFAULT;
    default: return affine_frozen ? EG_BN_EVAL : stats ? EG_BN_TRAIN_AFFINE : EG_BN_DEFAULT;
    }
}

static void apply_mode(freezer *f, const eg_node *node, eg_bn_mode mode)
{
    for (int which = 0; which < BN_PARAMS; which++) {
        int32_t param = param_of(node, which);
        if (param < 0) continue;
        if (which <= BN_BIAS && mode == EG_BN_TRAIN_AFFINE && asked_mode(f, node) == EG_BN_TRAIN_AFFINE)
            f->plan->steps[param].frozen = false;
        if (which >= BN_MEAN) f->plan->steps[param].frozen = mode == EG_BN_EVAL || mode == EG_BN_TRAIN_AFFINE;
    }
}

/* Freezing noise is almost always a mistake; one problem a rule. */
static void check_fresh(freezer *f)
{
    size_t count = f->plan->step_count;
    const char **names = EG_NEW_ARRAY(f->arena, const char *, count);
    for (size_t r = 0; r < f->recipe->freeze_count && !f->recipe->transfer.allow_frozen_init; r++) {
        size_t fresh = 0;
        for (size_t i = 0; i < count; i++) {
            const eg_step *step = &f->plan->steps[i];
            const eg_param *param = &f->plan->net->params[step->param];
            bool drawn = step->action == EG_ACTION_INIT && step->frozen && !param->buffer;
            if (drawn && f->rule[step->param] == (int32_t)r) names[fresh++] = param->name;
        }
        if (!fresh) continue;
        const eg_pattern *match = &f->recipe->freeze[r].match;
        eg_problem_add(f->problems, "frozen_init", match->place,
                       "freeze '%s' freezes %zu tensor%s drawn afresh, which would never learn: %s",
                       match->text, fresh, fresh == 1 ? "" : "s", eg_name_list(f->arena, names, fresh));
        eg_problem_suggest(f->problems,
                           "narrow the pattern, or say 'allow_frozen_init: true' under transfer");
    }
}

static eg_matcher *freeze_matchers(eg_arena *arena, const eg_recipe *recipe)
{
    eg_matcher *list = EG_NEW_ARRAY(arena, eg_matcher, recipe->freeze_count);
    for (size_t r = 0; r < recipe->freeze_count; r++)
        list[r] = eg_matcher_make(arena, &recipe->freeze[r].match);
    return list;
}

bool eg_freeze_apply(eg_plan *plan, eg_arena *arena, const eg_recipe *recipe, eg_problems *problems,
                     eg_error *err)
{
    const eg_net *net = plan->net;
    freezer f = {plan, arena, recipe, problems, EG_NEW_ARRAY(arena, int32_t, (size_t)net->param_count)};
    eg_matcher *list = freeze_matchers(arena, recipe);
    for (int32_t p = 0; p < net->param_count; p++) {
        int64_t first = eg_matcher_first(list, recipe->freeze_count, net->params[p].name, err);
        if (first == -2) return false;
        f.rule[p] = (int32_t)first;
        plan->steps[p].frozen = first >= 0;
    }
    plan->batch_norm = EG_NEW_ARRAY(arena, eg_bn_mode, (size_t)net->node_count);
    for (int32_t n = 0; n < net->node_count; n++) {
        if (!is_batch_norm(&net->nodes[n])) continue;
        plan->batch_norm[n] = decide_mode(&f, &net->nodes[n]);
        apply_mode(&f, &net->nodes[n], plan->batch_norm[n]);
    }
    eg_unused_patterns(arena, "freeze", list, recipe->freeze_count, net, &recipe->transfer, problems);
    check_fresh(&f);
    return true;
}
