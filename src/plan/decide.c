#include "plan/decide.h"

#include <string.h>

#include "plan/adapt.h"
#include "plan/claim.h"
#include "plan/mosaic.h"
#include "tensor/convert.h"

/* Counters are saved as [] or [1]. */
static bool shapes_fit(const eg_param *param, const eg_mosaic *value)
{
    uint64_t numel = 0;
    if (eg_shape_equal(param->shape, value->shape)) return true;
    return eg_is_counter(param) && eg_mosaic_is_plain(value) && eg_shape_numel(value->shape, &numel) &&
           numel == 1;
}

static bool can_cast(const eg_param *param, const eg_mosaic *value)
{
    if (!eg_mosaic_is_plain(value) && param->dtype != EG_F32)
        return value->dtype == param->dtype && eg_mosaic_is_move(value);
    if (value->dtype == param->dtype) return true;
    return (param->dtype == EG_F32 || eg_is_counter(param)) && eg_can_convert_f32(value->dtype);
}

/* The step takes the value, which has the target's shape. */
static void take(eg_planner *d, eg_step *step, const eg_param *param, const eg_mosaic *value)
{
    step->value = value;
    step->source = value->pieces[0].source;
    step->action = !eg_mosaic_is_plain(value)     ? EG_ACTION_TRANSFORM
                   : value->dtype == param->dtype ? EG_ACTION_COPY
                                                  : EG_ACTION_CAST;
    if (can_cast(param, value)) return;
    eg_problem_add(d->problems, "dtype", d->place,
                   "'%s' is %s in the source, which has no conversion to the target's %s", step->source->name,
                   eg_dtype_name(value->dtype), eg_dtype_name(param->dtype));
    if (step->source->quantization)
        eg_problem_suggest(d->problems, "source: {dequantize: true}");
    else
        eg_problem_suggest(d->problems, "skip: [{exact: '%s'}]", param->name);
}

static void load(eg_planner *d, eg_step *step, const eg_param *param, size_t i)
{
    int32_t rule = d->keymap->last[i];
    step->rule = rule < 0 ? NULL : d->keymap->rules[rule].rule->text;
    step->reason =
        rule < 0 ? "equal name and shape" : eg_arena_printf(d->arena, "equal shape, rule %d", rule + 1);
    take(d, step, param, d->keymap->values[i]);
}

static bool is_head(eg_planner *d, const char *name)
{
    const eg_head_section *head = &d->transfer->head;
    return d->head && (strcmp(name, head->weight) == 0 || (head->bias && strcmp(name, head->bias) == 0));
}

/* Rows by class, when all but the number of classes agrees. */
static bool load_rows(eg_planner *d, eg_step *step, const eg_param *param, size_t i)
{
    const eg_mosaic *value = d->keymap->values[i];
    eg_shape from = value->shape, to = param->shape;
    bool fits = from.rank == to.rank && to.rank > 0 && from.dims[0] == (int64_t)d->head->source_classes &&
                to.dims[0] == (int64_t)d->head->count;
    for (uint32_t k = 1; fits && k < to.rank; k++) fits = from.dims[k] == to.dims[k];
    if (!fits) {
        eg_problem_add(
            d->problems, "head", d->transfer->head.place,
            "'%s' has no row for each class: the source's is %s with %zu classes, the target's %s with %zu",
            param->name, eg_shape_text(d->arena, from), d->head->source_classes, eg_shape_text(d->arena, to),
            d->head->count);
        return false;
    }
    step->rule = "head";
    step->reason = eg_arena_printf(d->arena, "%zu of %zu rows from classes of the source", d->head->kept,
                                   d->head->count);
    take(d, step, param,
         eg_adapt_rows(d->arena, value, d->head->rows, d->head->count, d->transfer->head.combine));
    return true;
}

static void misfit(eg_planner *d, eg_step *step, const eg_param *param, size_t i)
{
    static const char *const words[] = {
        [EG_POLICY_ERROR] = NULL,
        [EG_POLICY_SKIP] = "size_mismatch: skip",
        [EG_POLICY_ADAPT_INPUT] = "size_mismatch: adapt_input",
        [EG_POLICY_OVERLAP] = "size_mismatch: overlap",
        [EG_POLICY_INTERPOLATE] = "size_mismatch: interpolate",
    };
    const eg_mosaic *value = d->keymap->values[i];
    int64_t rule = d->size[step->param];
    eg_key_policy policy = rule < 0 ? d->transfer->size_mismatch : d->transfer->sizes[rule].policy;
    const eg_mosaic *adapted = eg_adapt(d->arena, policy, value, param->shape);
    const char *from = eg_shape_text(d->arena, value->shape), *to = eg_shape_text(d->arena, param->shape);
    step->rule = words[policy];
    if (adapted) {
        step->reason = eg_arena_printf(d->arena, "source %s to target %s", from, to);
        take(d, step, param, adapted);
        return;
    }
    step->action = EG_ACTION_INIT;
    step->reason = eg_arena_printf(d->arena, "source %s is not target %s", from, to);
    eg_claim_settle(&d->items[i], EG_FATE_SKIPPED, step->reason);
    if (policy != EG_POLICY_SKIP) eg_names_add(&d->misfits, param->name);
}

static void lack(eg_planner *d, eg_step *step, const eg_param *param)
{
    bool no_source = !d->recipe->source.given;
    step->action = eg_is_counter(param) && !no_source ? EG_ACTION_DEFAULT : EG_ACTION_INIT;
    step->reason = no_source              ? "the recipe has no source"
                   : eg_is_counter(param) ? "0, as PyTorch does for old files"
                                          : "no source maps here";
    if (no_source || eg_is_counter(param)) return;
    if (d->transfer->missing == EG_POLICY_INIT)
        step->rule = "missing: init";
    else
        eg_names_add(&d->missing, param->name);
}

static void decide(eg_planner *d, int32_t p)
{
    eg_step *step = &d->plan->steps[p];
    const eg_param *param = &d->net->params[p];
    int64_t claim = d->claim[p];
    *step = (eg_step){.param = p, .init = param->init};
    if (d->skip[p] >= 0) {
        step->action = EG_ACTION_INIT;
        step->rule = eg_planner_quoted(d, "skip", d->transfer->skip.items[d->skip[p]].text);
        step->reason = "skipped";
        return;
    }
    d->wanted += !eg_is_counter(param);
    d->found += claim >= 0 && !eg_is_counter(param);
    if (claim < 0)
        lack(d, step, param);
    else if (is_head(d, param->name))
        load_rows(d, step, param, (size_t)claim);
    else if (shapes_fit(param, d->keymap->values[claim]))
        load(d, step, param, (size_t)claim);
    else
        misfit(d, step, param, (size_t)claim);
}

void eg_decide_steps(eg_planner *d)
{
    size_t count = (size_t)d->net->param_count;
    d->plan->steps = EG_NEW_ARRAY(d->arena, eg_step, count);
    d->plan->step_count = count;
    d->missing.items = EG_NEW_ARRAY(d->arena, const char *, count);
    d->misfits.items = EG_NEW_ARRAY(d->arena, const char *, count);
    for (int32_t p = 0; p < d->net->param_count; p++) decide(d, p);
}
