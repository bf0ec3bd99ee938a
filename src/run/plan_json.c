#include "run/plan_json.h"

#include "run/phase_table.h"

static eg_json *summary_json(const eg_plan *plan)
{
    static const eg_plan none = {0};
    if (!plan) plan = &none;
    const struct {
        const char *key;
        uint64_t count;
    } rows[] = {
        {"target", plan->step_count},
        {"loaded", plan->loaded},
        {"initialized", plan->initialized},
        {"defaulted", plan->defaulted},
        {"source", plan->source_count},
        {"used", plan->used},
        {"dropped", plan->dropped},
        {"skipped", plan->skipped},
        {"unexpected", plan->unexpected},
        {"parameters", plan->params_total},
        {"trainable_parameters", plan->params_trainable},
    };
    eg_json *json = eg_json_object();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        eg_json_int(json, rows[i].key, (int64_t)rows[i].count);
    return json;
}

static eg_json *step_json(const eg_plan *plan, const eg_step *step)
{
    const eg_param *param = &plan->net->params[step->param];
    eg_json *json = eg_json_object(), *source = eg_json_array(), *shape = eg_json_array();
    eg_arena arena = {0};
    size_t count;
    const char *const *names = eg_step_sources(&arena, step, &count);
    for (size_t i = 0; i < count; i++) eg_json_string(source, NULL, names[i]);
    eg_arena_clear(&arena);
    for (uint32_t i = 0; i < param->shape.rank; i++) eg_json_int(shape, NULL, param->shape.dims[i]);
    eg_json_string(json, "target", param->name);
    eg_json_string(json, "action", eg_action_name(step->action));
    eg_json_add(json, "source", source);
    eg_json_string(json, "rule", step->rule);
    eg_json_string(json, "reason", step->reason);
    eg_json_add(json, "shape", shape);
    eg_json_string(json, "dtype", eg_dtype_name(param->dtype));
    eg_json_bool(json, "frozen", step->frozen);
    if (step->tied >= 0) eg_json_string(json, "tied", plan->net->params[step->tied].name);
    return json;
}

static eg_json *steps_json(const eg_plan *plan)
{
    eg_json *json = eg_json_array();
    for (size_t i = 0; plan && i < plan->step_count; i++)
        eg_json_add(json, NULL, step_json(plan, &plan->steps[i]));
    return json;
}

/* Every source tensor that becomes no parameter. */
static eg_json *unused_json(const eg_plan *plan)
{
    eg_json *json = eg_json_array();
    for (size_t i = 0; plan && i < plan->source_count; i++) {
        const eg_plan_source *source = &plan->sources[i];
        if (source->fate == EG_FATE_USED) continue;
        eg_json *item = eg_json_object();
        eg_json_string(item, "source", source->entry->name);
        eg_json_string(item, "fate", eg_fate_name(source->fate));
        eg_json_string(item, "reason", source->reason);
        eg_json_add(json, NULL, item);
    }
    return json;
}

/* {"name", "lr", "tensors"} of each group. */
static eg_json *groups_json(const eg_groups *groups)
{
    eg_json *list = eg_json_array();
    for (size_t g = 0; g < groups->count; g++) {
        eg_json *json = eg_json_object();
        eg_json_string(json, "name", groups->names[g]);
        eg_json_real(json, "lr", groups->lr[g]);
        eg_json_int(json, "tensors", (int64_t)groups->members[g]);
        eg_json_add(list, NULL, json);
    }
    return list;
}

/* Bytes on one thread. */
static eg_json *memory_json(const eg_phase_cost *cost)
{
    const struct {
        const char *key;
        size_t bytes;
    } rows[] = {
        {"parameters", cost->parameters}, {"activations", cost->activations},
        {"gradients", cost->gradients},   {"optimizer", cost->optimizer},
        {"copies", cost->copies},         {"total", eg_phase_cost_bytes(cost)},
    };
    eg_json *json = eg_json_object();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        eg_json_int(json, rows[i].key, (int64_t)rows[i].bytes);
    return json;
}

/* What stands for the part of the network that gives the same in every epoch, and why it is not kept. */
static eg_json *features_json(const eg_recipe *recipe, const eg_phase_cost *cost)
{
    const char *reason = eg_phase_features_reason(recipe, cost);
    eg_json *json = eg_json_object();
    eg_json_bool(json, "kept", !reason);
    eg_json_string(json, "reason", reason);
    eg_json_int(json, "numbers", cost->features);
    eg_json_real(json, "forward_share", cost->repeats / cost->forward);
    eg_json_string(json, "next", cost->next);
    return json;
}

/* "lr" is the highest of the groups'; "flops" are of one sample. */
static eg_json *phase_json(const eg_recipe *recipe, const eg_phase *phase, const eg_phase_cost *cost)
{
    double lr = 0;
    for (size_t g = 0; g < phase->groups->count; g++)
        if (phase->groups->lr[g] > lr) lr = phase->groups->lr[g];
    eg_json *json = eg_json_object(), *flops = eg_json_object();
    eg_json_string(json, "name", phase->name);
    eg_json_int(json, "epochs", phase->epochs);
    eg_json_real(json, "lr", lr);
    eg_json_add(json, "groups", groups_json(phase->groups));
    eg_json_int(json, "trainable_tensors", (int64_t)phase->tensors);
    eg_json_int(json, "frozen_tensors", (int64_t)phase->frozen_tensors);
    eg_json_int(json, "first_time", (int64_t)phase->first_time);
    eg_json_int(json, "trainable_parameters", (int64_t)phase->elements);
    eg_json_string(json, "backward_stops_at", cost->stop);
    eg_json_int(json, "batch_size", cost->batch);
    eg_json_add(json, "memory", memory_json(cost));
    eg_json_real(flops, "forward", cost->forward);
    eg_json_real(flops, "backward", cost->backward);
    eg_json_add(json, "flops", flops);
    eg_json_add(json, "features", features_json(recipe, cost));
    return json;
}

static eg_json *phases_json(const eg_transfer *transfer)
{
    eg_json *json = eg_json_array();
    for (size_t i = 0; transfer->costs && i < transfer->phases->count; i++)
        eg_json_add(json, NULL,
                    phase_json(transfer->recipe, &transfer->phases->items[i], &transfer->costs[i]));
    return json;
}

static void add_problem(eg_json *list, const char *code, const char *message, eg_place place,
                        const char *suggestion, bool warning)
{
    eg_json *json = eg_json_object();
    eg_json_string(json, "code", code);
    eg_json_string(json, "message", message);
    eg_json_string(json, "file", place.file);
    eg_json_int(json, "line", place.line);
    eg_json_int(json, "column", place.column);
    eg_json_string(json, "suggestion", suggestion);
    eg_json_bool(json, "warning", warning);
    eg_json_add(list, NULL, json);
}

static eg_json *problems_json(const eg_problems *problems, const eg_error *err)
{
    static const char *const codes[] = {
        [EG_USAGE] = "usage",   [EG_MALFORMED] = "malformed_file", [EG_UNSAFE] = "unsafe_file",
        [EG_RECIPE] = "recipe", [EG_REFUSED] = "refused",          [EG_MISMATCH] = "mismatch",
        [EG_SYSTEM] = "system", [EG_DIVERGED] = "diverged",
    };
    eg_json *json = eg_json_array();
    for (size_t i = 0; i < problems->count; i++) {
        const eg_problem *problem = &problems->items[i];
        add_problem(json, problem->code, problem->message, problem->place, problem->suggestion,
                    problem->warning);
    }
    if (err && err->code != EG_OK && problems->errors == 0) {
        eg_place place = {.file = err->file[0] ? err->file : NULL, .line = err->line, .column = err->column};
        add_problem(json, err->id[0] ? err->id : codes[err->code], err->text, place, NULL, false);
    }
    return json;
}

eg_json *eg_plan_json(const eg_transfer *transfer, const eg_problems *problems, const eg_error *err)
{
    eg_json *json = eg_json_object();
    eg_json_bool(json, "ok", transfer->plan && transfer->plan->ok && problems->errors == 0);
    eg_json_add(json, "summary", summary_json(transfer->plan));
    eg_json_add(json, "steps", steps_json(transfer->plan));
    eg_json_add(json, "unused", unused_json(transfer->plan));
    eg_json_add(json, "phases", phases_json(transfer));
    eg_json_add(json, "problems", problems_json(problems, err));
    return json;
}
