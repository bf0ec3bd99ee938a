#include "plan/draw.h"

#include "net/weights.h"
#include "plan/unused.h"

static void report_idle_init(eg_planner *d, const eg_matcher *matcher)
{
    if (!matcher->hits || matcher->claims || d->transfer->unused_rule == EG_POLICY_IGNORE) return;
    eg_problem_add(d->problems, "unused_rule", matcher->pattern->place,
                   "init '%s' has no effect: none of the %zu parameters that it matches is left to it",
                   matcher->pattern->text, matcher->hits);
    eg_problem_suggest(d->problems, "remove the item, or let 'skip' speak of the same names");
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
        bool drawn =
            (step->action == EG_ACTION_INIT || (step->value && step->value->partial)) && !param->buffer;
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
