#include "train/group.h"

#include <math.h>
#include <string.h>

#include "base/regex.h"

/* What one rule met; the last row stands for parameters that no rule names. */
typedef struct tally {
    size_t matched, taken;
    double lr;
} tally;

static bool matches(const eg_pattern *pattern, const char *name, bool *yes, eg_error *err)
{
    eg_matched result = eg_regex_match(pattern->regex, name, strlen(name), err);
    *yes = result == EG_MATCH;
    return result != EG_MATCH_FAILED;
}

static bool in_list(const eg_pattern_list *list, const char *name, bool *yes, eg_error *err)
{
    *yes = false;
    for (size_t i = 0; i < list->count && !*yes; i++)
        if (!matches(&list->items[i], name, yes, err)) return false;
    return true;
}

/* The first rule that matches; every match is counted, for the messages. */
static bool take(const char *name, const eg_group_rule *rules, size_t rule_count, tally *tallies,
                 int32_t *rule, eg_error *err)
{
    *rule = -1;
    for (size_t i = 0; i < rule_count; i++) {
        bool yes;
        if (!matches(&rules[i].match, name, &yes, err)) return false;
        if (!yes) continue;
        tallies[i].matched++;
        if (*rule < 0) *rule = (int32_t)i;
    }
    if (*rule < 0) *rule = (int32_t)rule_count;
    tallies[*rule].taken++;
    return true;
}

static double rule_lr(const eg_group_rule *rule, const eg_train_section *section)
{
    double lr = isnan(rule->lr) ? section->lr : rule->lr;
    return isnan(rule->lr_mult) ? lr : lr * rule->lr_mult;
}

static bool check_rules(const eg_group_rule *rules, size_t rule_count, const tally *tallies, eg_error *err)
{
    for (size_t i = 0; i < rule_count; i++) {
        const eg_pattern *match = &rules[i].match;
        if (tallies[i].matched == 0)
            return eg_fail_at(
                err, EG_RECIPE, match->place,
                "param_groups: '%s' matches no trainable parameter; correct the pattern, or remove the group",
                match->text);
        if (tallies[i].taken == 0 && i + 1 < rule_count)
            return eg_fail_at(
                err, EG_RECIPE, match->place,
                "param_groups: '%s' gets no parameter, earlier groups take all that it matches; put it first",
                match->text);
        if (tallies[i].taken && !(tallies[i].lr >= 0))
            return eg_fail_at(err, EG_RECIPE, match->place,
                              "param_groups: '%s' has no learning rate; give it `lr`, or set train.lr",
                              match->text);
    }
    if (tallies[rule_count].taken && !(tallies[rule_count].lr >= 0))
        return eg_fail(err, EG_RECIPE,
                       "%zu trainable parameters are in no group of param_groups, and train.lr is not given",
                       tallies[rule_count].taken);
    return true;
}

/* Numbers the rules that took something; *numbers per rule. */
static void number_groups(eg_groups *groups, const eg_group_rule *rules, size_t rule_count,
                          const tally *tallies, int32_t *numbers)
{
    for (size_t i = 0; i <= rule_count; i++) {
        if (tallies[i].taken == 0) continue;
        size_t at = groups->count++;
        groups->names[at] = i < rule_count ? rules[i].match.text : "default";
        groups->lr[at] = tallies[i].lr;
        groups->members[at] = tallies[i].taken;
        numbers[i] = (int32_t)at;
    }
}

/* groups->of holds the rule of each parameter, or -1. */
static bool assign(eg_groups *groups, const eg_net *net, const bool *trainable, const eg_group_rule *rules,
                   size_t rule_count, tally *tallies, eg_error *err)
{
    size_t trained = 0;
    for (int32_t p = 0; p < net->param_count; p++) {
        if (!trainable[p]) continue;
        trained++;
        if (!take(net->params[p].name, rules, rule_count, tallies, &groups->of[p], err)) return false;
    }
    if (trained) return true;
    return eg_fail(err, EG_RECIPE,
                   "every parameter is frozen, so there is nothing to train; freeze less, or leave out "
                   "the train section");
}

/* A rule's own decay instead of the optimizer's; what is excluded keeps none. */
static bool rule_decay(eg_groups *groups, const eg_net *net, const eg_group_rule *rules, size_t rule_count,
                       const eg_optimizer_section *optimizer, eg_error *err)
{
    for (int32_t p = 0; p < net->param_count; p++) {
        size_t rule = (size_t)groups->of[p];
        bool excluded;
        if (groups->of[p] < 0 || rule >= rule_count || isnan(rules[rule].weight_decay)) continue;
        if (!in_list(&optimizer->exclude, net->params[p].name, &excluded, err)) return false;
        if (!excluded) groups->weight_decay[p] = rules[rule].weight_decay;
    }
    return true;
}

eg_groups *eg_groups_new(eg_arena *arena, size_t count, size_t params)
{
    eg_groups *groups = EG_NEW(arena, eg_groups);
    groups->names = EG_NEW_ARRAY(arena, const char *, count);
    groups->lr = EG_NEW_ARRAY(arena, double, count);
    groups->members = EG_NEW_ARRAY(arena, size_t, count);
    groups->of = EG_NEW_ARRAY(arena, int32_t, params);
    groups->weight_decay = EG_NEW_ARRAY(arena, double, params);
    for (size_t p = 0; p < params; p++) groups->of[p] = -1;
    return groups;
}

bool eg_groups_decay(eg_groups *groups, const eg_net *net, const eg_optimizer_section *optimizer,
                     eg_error *err)
{
    for (int32_t p = 0; p < net->param_count; p++) {
        bool excluded;
        if (groups->of[p] < 0) continue;
        if (!in_list(&optimizer->exclude, net->params[p].name, &excluded, err)) return false;
        groups->weight_decay[p] = excluded ? 0 : optimizer->weight_decay;
    }
    return true;
}

const eg_groups *eg_groups_build(eg_arena *arena, const eg_net *net, const bool *trainable,
                                 const eg_group_rule *rules, size_t rule_count,
                                 const eg_train_section *section, eg_error *err)
{
    size_t params = (size_t)net->param_count;
    eg_groups *groups = eg_groups_new(arena, rule_count + 1, params);
    tally *tallies = EG_NEW_ARRAY(arena, tally, rule_count + 1);
    for (size_t i = 0; i < rule_count; i++) tallies[i].lr = rule_lr(&rules[i], section);
    tallies[rule_count].lr = section->lr;

    if (!assign(groups, net, trainable, rules, rule_count, tallies, err) ||
        !check_rules(rules, rule_count, tallies, err) ||
        !eg_groups_decay(groups, net, &section->optimizer, err) ||
        !rule_decay(groups, net, rules, rule_count, &section->optimizer, err))
        return NULL;
    int32_t *numbers = EG_NEW_ARRAY(arena, int32_t, rule_count + 1);
    number_groups(groups, rules, rule_count, tallies, numbers);
    for (size_t p = 0; p < params; p++)
        if (groups->of[p] >= 0) groups->of[p] = numbers[groups->of[p]];
    return groups;
}
