#include "train/phase.h"

#include <math.h>
#include <string.h>

#include "net/norm.h"
#include "train/division.h"

typedef struct maker {
    eg_arena *arena;
    const eg_phase_options *with;
    const int32_t *group_of; /* NULL: no groups, all train */
    bool *seen;              /* per parameter: an earlier phase trains it */
} maker;

static bool is_batch_norm(const eg_node *node)
{
    return strncmp(node->op->name, "batch_norm", strlen("batch_norm")) == 0;
}

static int32_t norm_param(const eg_node *node, int which)
{
    return which < node->param_count ? node->params[which] : -1;
}

/* The position of the parameter's group among those that the phase trains; -1: it trains none of it. */
static int32_t place_in(const maker *m, const eg_phase_section *section, int32_t param)
{
    int32_t group = m->group_of[param];
    if (group < 0) return -1;
    if (!section->trainable_count) return group;
    for (size_t i = 0; i < section->trainable_count; i++)
        if (strcmp(section->trainable[i], m->with->section->groups[group].name) == 0) return (int32_t)i;
    return -1;
}

static bool *find_trainable(const maker *m, const eg_phase_section *section)
{
    const eg_net *net = m->with->net;
    bool *trainable = EG_NEW_ARRAY(m->arena, bool, (size_t)net->param_count);
    for (int32_t p = 0; p < net->param_count; p++) {
        const eg_param *param = &net->params[p];
        trainable[p] = !m->with->frozen[p] && !param->buffer && param->node >= 0 &&
                       (!m->group_of || place_in(m, section, p) >= 0);
    }
    return trainable;
}

/* ---- batch normalisation ---- */

/* Whether none of the layer's affine parameters trains. */
static bool is_still(const maker *m, const eg_phase_section *section, const eg_node *node,
                     const bool *trainable)
{
    int32_t weight = norm_param(node, EG_NORM_WEIGHT), bias = norm_param(node, EG_NORM_BIAS);
    int32_t mean = norm_param(node, EG_NORM_MEAN);
    if (weight >= 0 || bias >= 0)
        return !(weight >= 0 && trainable[weight]) && !(bias >= 0 && trainable[bias]);
    return m->group_of && mean >= 0 && place_in(m, section, mean) < 0;
}

static eg_bn_mode norm_mode(eg_bn_mode given, eg_bn_mode asked, bool still)
{
    if (given == EG_BN_EVAL || given == EG_BN_TRAIN_AFFINE)
        return given == EG_BN_TRAIN_AFFINE && still ? EG_BN_EVAL : given;
    if (asked == EG_BN_EVAL) return still ? EG_BN_EVAL : EG_BN_TRAIN_AFFINE;
    if (given == EG_BN_TRAIN_STATS) return given;
    if (!still) return EG_BN_DEFAULT;
    return asked == EG_BN_TRAIN_STATS ? EG_BN_TRAIN_STATS : EG_BN_EVAL;
}

static eg_bn_mode *find_modes(const maker *m, const eg_phase_section *section, const bool *trainable)
{
    const eg_net *net = m->with->net;
    eg_bn_mode *modes = EG_NEW_ARRAY(m->arena, eg_bn_mode, (size_t)net->node_count);
    for (int32_t n = 0; n < net->node_count; n++) {
        const eg_node *node = &net->nodes[n];
        modes[n] = m->with->batch_norm[n];
        /* Without groups and without a word of the phase, `freeze` has said everything. */
        if (is_batch_norm(node) && (m->group_of || section->batch_norm != EG_BN_DEFAULT))
            modes[n] = norm_mode(modes[n], section->batch_norm, is_still(m, section, node, trainable));
    }
    return modes;
}

/* What must not change: parameters that do not train, and statistics that are not taken. */
static bool *find_frozen(const maker *m, const bool *trainable, const eg_bn_mode *modes)
{
    const eg_net *net = m->with->net;
    bool *frozen = EG_NEW_ARRAY(m->arena, bool, (size_t)net->param_count);
    for (int32_t p = 0; p < net->param_count; p++)
        frozen[p] = m->with->frozen[p] || (m->group_of && !net->params[p].buffer && !trainable[p]);
    for (int32_t n = 0; n < net->node_count; n++)
        for (int which = EG_NORM_MEAN; is_batch_norm(&net->nodes[n]) && which < EG_NORM_PARAMS; which++)
            if (norm_param(&net->nodes[n], which) >= 0 &&
                (modes[n] == EG_BN_EVAL || modes[n] == EG_BN_TRAIN_AFFINE))
                frozen[norm_param(&net->nodes[n], which)] = true;
    return frozen;
}

/* ---- groups ---- */

static double rate_of(const eg_phase_section *section, double standard, const char *name, size_t place)
{
    for (size_t i = 0; i < section->rate_count; i++)
        if (strcmp(section->rates[i].group, name) == 0) return section->rates[i].lr;
    double lr = isnan(section->lr) ? standard : section->lr;
    return lr * pow(section->layer_decay, (double)place);
}

/* Groups in the order of the phase's list; those without a parameter that trains are left out. */
static const eg_groups *name_groups(const maker *m, const eg_phase_section *section, const bool *trainable,
                                    eg_error *err)
{
    const eg_train_section *train = m->with->section;
    size_t params = (size_t)m->with->net->param_count;
    size_t room = section->trainable_count ? section->trainable_count : train->group_count;
    eg_groups *groups = eg_groups_new(m->arena, room, params);
    for (size_t i = 0; i < room; i++) {
        const char *name = section->trainable_count ? section->trainable[i] : train->groups[i].name;
        size_t at = groups->count, members = 0;
        for (size_t p = 0; p < params; p++) {
            if (!trainable[p] || place_in(m, section, (int32_t)p) != (int32_t)i) continue;
            groups->of[p] = (int32_t)at;
            members++;
        }
        if (!members) continue;
        groups->names[at] = name;
        groups->members[at] = members;
        groups->lr[at] = rate_of(section, train->lr, name, i);
        groups->count++;
    }
    return eg_groups_decay(groups, m->with->net, &train->optimizer, err) ? groups : NULL;
}

static const eg_groups *make_groups(const maker *m, const eg_phase_section *section, const bool *trainable,
                                    eg_error *err)
{
    if (m->group_of) return name_groups(m, section, trainable, err);
    eg_train_section train = *m->with->section;
    if (!isnan(section->lr)) train.lr = section->lr;
    return eg_groups_build(m->arena, m->with->net, trainable, m->with->rules, m->with->rule_count, &train,
                           err);
}

/* ---- phases ---- */

static void count_tensors(const maker *m, eg_phase *phase)
{
    const eg_net *net = m->with->net;
    for (int32_t p = 0; p < net->param_count; p++) {
        uint64_t numel = 0;
        if (net->params[p].buffer) continue;
        phase->tensors += phase->trainable[p];
        phase->frozen_tensors += !phase->trainable[p];
        if (!phase->trainable[p] || !eg_shape_numel(net->params[p].shape, &numel)) continue;
        phase->elements += numel;
        phase->first_time += !m->seen[p];
        m->seen[p] = true;
    }
}

static bool make_phase(const maker *m, const eg_phase_section *section, eg_phase *phase, eg_error *err)
{
    const eg_train_section *train = m->with->section;
    bool *trainable = find_trainable(m, section);
    eg_bn_mode *modes = find_modes(m, section, trainable);
    *phase = (eg_phase){
        .name = section->name,
        .epochs = section->epochs ? section->epochs : train->epochs,
        .scheduler = section->scheduler.given ? &section->scheduler : &train->scheduler,
        .trainable = trainable,
        .batch_norm = modes,
        .frozen = find_frozen(m, trainable, modes),
        .groups = make_groups(m, section, trainable, err),
    };
    count_tensors(m, phase);
    return phase->groups != NULL;
}

const eg_phases *eg_phases_build(eg_arena *arena, const eg_phase_options *options, eg_problems *problems,
                                 eg_error *err)
{
    static const eg_phase_section whole = {.name = "train", .lr = NAN, .layer_decay = 1};
    const eg_train_section *section = options->section;
    maker m = {arena, options, NULL, EG_NEW_ARRAY(arena, bool, (size_t)options->net->param_count)};
    size_t count = section->phase_count ? section->phase_count : 1, before = problems->errors;
    if (section->group_count) {
        m.group_of = eg_division_build(arena, options->net, section, options->frozen, problems, err);
        if (!m.group_of) return NULL;
        if (problems->errors > before) {
            eg_problems_check(problems, EG_REFUSED, err);
            return NULL;
        }
    }
    eg_phase *items = EG_NEW_ARRAY(arena, eg_phase, count);
    eg_phases *phases = EG_NEW(arena, eg_phases);
    *phases = (eg_phases){.items = items, .count = count};
    for (size_t i = 0; i < count; i++) {
        if (!make_phase(&m, section->phase_count ? &section->phases[i] : &whole, &items[i], err)) return NULL;
        phases->epochs += items[i].epochs;
    }
    return phases;
}
