#include "engraft/plan.h"

#include "plan/claim.h"
#include "plan/cover.h"
#include "plan/decide.h"
#include "plan/draw.h"
#include "plan/freeze.h"
#include "plan/propose.h"
#include "plan/twins.h"

const char *eg_action_name(eg_action action)
{
    static const char *const names[EG_ACTION_COUNT] = {
        [EG_ACTION_COPY] = "copy", [EG_ACTION_CAST] = "cast",       [EG_ACTION_TRANSFORM] = "transform",
        [EG_ACTION_INIT] = "init", [EG_ACTION_DEFAULT] = "default",
    };
    return names[action];
}

const char *eg_fate_name(eg_fate fate)
{
    static const char *const names[EG_FATE_COUNT] = {
        [EG_FATE_USED] = "used",
        [EG_FATE_DROPPED] = "dropped",
        [EG_FATE_SKIPPED] = "skipped",
        [EG_FATE_UNEXPECTED] = "unexpected",
    };
    return names[fate];
}

static void count_all(eg_plan *plan)
{
    size_t *const actions[EG_ACTION_COUNT] = {
        [EG_ACTION_COPY] = &plan->loaded,       [EG_ACTION_CAST] = &plan->loaded,
        [EG_ACTION_TRANSFORM] = &plan->loaded,  [EG_ACTION_INIT] = &plan->initialized,
        [EG_ACTION_DEFAULT] = &plan->defaulted,
    };
    size_t *const fates[EG_FATE_COUNT] = {
        [EG_FATE_USED] = &plan->used,
        [EG_FATE_DROPPED] = &plan->dropped,
        [EG_FATE_SKIPPED] = &plan->skipped,
        [EG_FATE_UNEXPECTED] = &plan->unexpected,
    };
    for (size_t i = 0; i < plan->step_count; i++) {
        const eg_param *param = &plan->net->params[plan->steps[i].param];
        uint64_t numel = 0;
        ++*actions[plan->steps[i].action];
        if (param->buffer || !eg_shape_numel(param->shape, &numel)) continue;
        plan->params_total += numel;
        if (!plan->steps[i].frozen) plan->params_trainable += numel;
    }
    for (size_t i = 0; i < plan->source_count; i++) ++*fates[plan->sources[i].fate];
}

static bool build(eg_planner *d)
{
    d->keymap = EG_NEW(d->arena, eg_keymap);
    d->plan->keymap = d->keymap;
    d->head = eg_head_build(d->arena, d->recipe, d->problems);
    if (!eg_keymap_build(d->keymap, d->arena, d->transfer, d->source, d->problems, d->err)) return false;
    eg_twins_warn(d->arena, d->source, d->recipe->source.place, d->problems);
    d->plan->rules = d->keymap->rules;
    d->plan->rule_count = d->keymap->rule_count;
    if (!eg_planner_index(d) || !eg_claims_settle(d)) return false;
    eg_decide_steps(d);
    eg_claims_trace(d);
    eg_cover_report(d);
    if (!eg_draws_assign(d)) return false;
    eg_draws_check(d);
    if (!eg_freeze_apply(d->plan, d->arena, d->recipe, d->problems, d->err)) return false;
    count_all(d->plan);
    eg_cover_expect(d);
    return true;
}

static eg_planner begin(eg_arena *arena, const eg_recipe *recipe, const eg_net *net, const eg_store *source,
                        eg_problems *problems, eg_error *err)
{
    static const eg_store nothing;
    eg_planner d = {.arena = arena,
                    .recipe = recipe,
                    .transfer = &recipe->transfer,
                    .net = net,
                    .source = source ? source : &nothing,
                    .problems = problems,
                    .err = err,
                    .plan = EG_NEW(arena, eg_plan),
                    .place = recipe->transfer.place};
    d.plan->net = net;
    if (!d.place.file) d.place = recipe->source.given ? recipe->source.place : recipe->target.place;
    return d;
}

const eg_plan *eg_plan_build(eg_arena *arena, const eg_recipe *recipe, const eg_net *net,
                             const eg_store *source, eg_problems *problems, eg_error *err)
{
    size_t before = problems->errors;
    eg_planner d = begin(arena, recipe, net, source, problems, err);
    if (!build(&d)) return NULL;
    d.plan->ok = problems->errors == before;
    return d.plan;
}

size_t eg_plan_reach(eg_arena *arena, const eg_recipe *recipe, const eg_net *net, const eg_store *source)
{
    eg_problems problems = {.arena = arena};
    eg_planner d = begin(arena, recipe, net, source, &problems, NULL);
    if (!eg_planner_index(&d)) return 0;
    for (int32_t p = 0; p < net->param_count; p++) d.wanted += eg_trial_wants(&d, p);
    return eg_propose(&d).after.met;
}
