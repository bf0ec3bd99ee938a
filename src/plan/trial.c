#include "plan/trial.h"

#include <string.h>

#include "recipe/snippet.h"

bool eg_trial_wants(const eg_draft *d, int64_t param)
{
    return d->skip[param] < 0 && !eg_is_counter(&d->net->params[param]);
}

int64_t eg_trial_target(const eg_trial *trial, size_t i)
{
    return trial->map->names[i] ? eg_map_find(trial->draft->targets, trial->map->names[i]) : -1;
}

bool eg_trial_fits(const eg_trial *trial, size_t i, int64_t target)
{
    return eg_shape_equal(trial->map->values[i]->shape, trial->draft->net->params[target].shape);
}

static void count(eg_trial *trial)
{
    eg_draft *d = trial->draft;
    bool *seen = EG_NEW_ARRAY(d->arena, bool, (size_t)d->net->param_count);
    for (size_t i = 0; i < trial->map->count; i++) {
        int64_t target = eg_trial_target(trial, i);
        trial->strangers += trial->map->names[i] && target < 0;
        if (target < 0 || seen[target] || !eg_trial_wants(d, target) || !eg_trial_fits(trial, i, target))
            continue;
        seen[target] = true;
        trial->met++;
    }
}

bool eg_trial_run(eg_draft *d, const char *lines, eg_trial *out)
{
    eg_problems problems = {.arena = d->arena};
    eg_error err = {0};
    eg_transfer_section transfer = *d->transfer;
    const eg_rule *more;
    size_t count_more;
    if (!eg_snippet_rules(d->arena, lines, &more, &count_more)) return false;
    eg_rule *rules = EG_NEW_ARRAY(d->arena, eg_rule, transfer.rule_count + count_more);
    if (transfer.rule_count) memcpy(rules, transfer.rules, transfer.rule_count * sizeof *rules);
    if (count_more) memcpy(rules + transfer.rule_count, more, count_more * sizeof *rules);
    transfer.rules = rules;
    transfer.rule_count += count_more;
    eg_keymap *map = EG_NEW(d->arena, eg_keymap);
    if (!eg_keymap_build(map, d->arena, &transfer, d->source, &problems, &err)) return false;
    *out = (eg_trial){.draft = d, .map = map, .errors = problems.errors};
    count(out);
    return true;
}

void eg_remedy_add(eg_remedies *list, const char *lines, const char *cause)
{
    if (list->count < sizeof list->items / sizeof *list->items)
        list->items[list->count++] = (eg_remedy){lines, cause};
}
