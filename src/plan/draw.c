#include "plan/draw.h"

#include "net/weights.h"
#include "plan/diagnose.h"
#include "plan/unused.h"

static void report_idle_init(eg_planner *d, const eg_matcher *matcher)
{
    if (!matcher->hits || matcher->claims || d->transfer->unused_rule == EG_POLICY_IGNORE) return;
    eg_problem_add(d->problems, "unused_rule", matcher->pattern->place,
                   "init '%s' has no effect: none of the %zu parameters that it matches is left to it",
                   matcher->pattern->text, matcher->hits);
    eg_problem_suggest(d->problems, "remove the item, or let 'skip' speak of the same names");
}

static bool is_drawn(const eg_step *step)
{
    return step->action == EG_ACTION_INIT || (step->value && step->value->partial);
}

/* A manifest does not say how its layers start. */
void eg_draws_check(eg_planner *d)
{
    eg_names list = {.items = EG_NEW_ARRAY(d->arena, const char *, d->plan->step_count)};
    for (size_t i = 0; i < d->plan->step_count; i++) {
        const eg_step *step = &d->plan->steps[i];
        bool told = step->action == EG_ACTION_INIT && !step->rule; /* as missing, or of another shape */
        if (is_drawn(step) && !told && step->init.kind == EG_INIT_DEFAULT)
            eg_names_add(&list, d->net->params[step->param].name);
    }
    if (!list.count) return;
    eg_problem_add(d->problems, "no_init", d->place,
                   "%zu tensor%s drawn afresh, and a manifest does not say how: %s", list.count,
                   list.count == 1 ? " is" : "s are", eg_name_list(d->arena, list.items, list.count));
    eg_problem_suggest(d->problems, "init: [{match: {exact: '%s'}, init: zeros}]", list.items[0]);
}

static void draw_from(eg_planner *d, eg_step *step, const eg_param *param, const eg_init_rule *rule)
{
    eg_error err = {0};
    if (rule->init.kind == EG_INIT_DEFAULT) return;
    if (eg_init_check(param, &rule->init, &err))
        step->init = rule->init;
    else
        eg_problem_add(d->problems, "bad_init", rule->match.place, "init '%s': %s", rule->match.text,
                       err.text);
}

/* The first rule that fits a parameter that is drawn; buffers keep their layer's own start. */
bool eg_draws_assign(eg_planner *d)
{
    const eg_recipe *recipe = d->recipe;
    eg_matcher *list = EG_NEW_ARRAY(d->arena, eg_matcher, recipe->init_count);
    for (size_t r = 0; r < recipe->init_count; r++)
        list[r] = eg_matcher_make(d->arena, &recipe->init[r].match);
    for (size_t i = 0; i < d->plan->step_count; i++) {
        eg_step *step = &d->plan->steps[i];
        const eg_param *param = &d->net->params[step->param];
        bool drawn = is_drawn(step) && (!param->buffer || param->init.kind == EG_INIT_DEFAULT);
        for (size_t r = 0; r < recipe->init_count; r++) {
            eg_matched matched = eg_matcher_test(&list[r], param->name, d->err);
            if (matched == EG_MATCH_FAILED) return false;
            if (matched == EG_NO_MATCH || !drawn) continue;
            list[r].claims++;
            drawn = false;
            draw_from(d, step, param, &recipe->init[r]);
        }
    }
    for (size_t r = 0; r < recipe->init_count; r++) {
        if (list[r].hits)
            report_idle_init(d, &list[r]);
        else
            eg_unused_patterns(d->arena, "init", &list[r], 1, d->net, d->transfer, d->problems);
    }
    return true;
}
