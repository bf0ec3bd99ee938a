#include "plan/explain.h"

#include <string.h>

#include "base/str.h"
#include "plan/keymap.h"

static void print_step(eg_arena *arena, const eg_plan *plan, const eg_step *step, FILE *out)
{
    const eg_param *param = &plan->net->params[step->param];
    const char *state = step->frozen ? "frozen" : param->buffer ? "buffer" : "trainable";
    fprintf(out, "target  %s  %s %s  %s\n", param->name, eg_dtype_name(param->dtype),
            eg_shape_text(arena, param->shape), state);
    fprintf(out, "  %s  %s%s%s\n", eg_action_name(step->action), step->rule ? step->rule : "",
            step->rule ? ": " : "", step->reason);
    if (step->value && !step->value->partial) return;
    fprintf(out, "  %s %s\n", step->value ? "the rest is drawn:" : "drawn:", eg_init_name(step->init.kind));
}

static void print_event(eg_arena *arena, const eg_plan *plan, const eg_key_event *event, FILE *out)
{
    fprintf(out, "  rule %d  %s\n", event->rule + 1, plan->rules[event->rule].rule->text);
    if (!event->after)
        fprintf(out, "          %s is dropped\n", event->before);
    else if (strcmp(event->before, event->after) == 0)
        fprintf(out, "          %s becomes %s\n", event->after, eg_shape_text(arena, event->shape));
    else if (event->from == event->to)
        fprintf(out, "          %s -> %s\n", event->before, event->after);
    else
        fprintf(out, "          %s -> %s %s\n", event->before, event->after,
                eg_shape_text(arena, event->shape));
}

/* The source's story: the rules that touched it, or what it became part of. */
static void print_source(eg_arena *arena, const eg_plan *plan, size_t source, FILE *out)
{
    const eg_keymap *map = plan->keymap;
    const eg_entry *entry = plan->sources[source].entry;
    bool *mine = EG_NEW_ARRAY(arena, bool, map->count);
    mine[source] = true;
    fprintf(out, "source  %s  %s %s\n", entry->name, eg_dtype_name(entry->dtype),
            eg_shape_text(arena, entry->shape));
    for (size_t e = 0; e < map->event_count; e++) {
        if (!mine[map->events[e].from]) continue;
        print_event(arena, plan, &map->events[e], out);
        if (map->events[e].to >= 0) mine[map->events[e].to] = true;
    }
    fprintf(out, "  %s  %s\n", eg_fate_name(plan->sources[source].fate), plan->sources[source].reason);
}

static bool step_uses(const eg_step *step, const eg_entry *entry)
{
    for (size_t p = 0; step->value && p < step->value->count; p++)
        if (step->value->pieces[p].source == entry) return true;
    return false;
}

static bool explain_source(eg_arena *arena, const eg_plan *plan, const char *key, FILE *out)
{
    bool found = false;
    for (size_t i = 0; i < plan->source_count; i++) {
        const eg_plan_source *source = &plan->sources[i];
        if (strcmp(source->entry->name, key) != 0) continue;
        found = true;
        print_source(arena, plan, i, out);
        for (size_t s = 0; s < plan->step_count; s++) {
            const char *name = plan->net->params[plan->steps[s].param].name;
            bool skipped = !plan->steps[s].value && source->mapped && strcmp(name, source->mapped) == 0;
            if (skipped || step_uses(&plan->steps[s], source->entry))
                print_step(arena, plan, &plan->steps[s], out);
        }
    }
    return found;
}

static bool explain_target(eg_arena *arena, const eg_plan *plan, const char *key, FILE *out)
{
    int32_t param = eg_net_param_find(plan->net, key);
    if (param < 0) return false;
    const eg_step *step = &plan->steps[param];
    for (size_t i = 0; i < plan->source_count; i++)
        if (step_uses(step, plan->sources[i].entry) ||
            (plan->sources[i].mapped && strcmp(plan->sources[i].mapped, key) == 0))
            print_source(arena, plan, i, out);
    print_step(arena, plan, step, out);
    return true;
}

static bool unknown_key(eg_arena *arena, const eg_plan *plan, const char *key, eg_error *err)
{
    const char **names = EG_NEW_ARRAY(arena, const char *, plan->source_count + plan->step_count);
    size_t count = 0;
    for (size_t i = 0; i < plan->source_count; i++) names[count++] = plan->sources[i].entry->name;
    for (size_t i = 0; i < plan->step_count; i++)
        names[count++] = plan->net->params[plan->steps[i].param].name;
    const char *near = eg_nearest(key, names, count);
    return eg_fail(err, EG_USAGE, "neither source nor target has a tensor '%s'%s%s%s", key,
                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* A name on both sides is told once, from the source on, unless they are two stories. */
bool eg_plan_explain(const eg_plan *plan, const char *key, FILE *out, eg_error *err)
{
    eg_arena arena = {0};
    int32_t param = eg_net_param_find(plan->net, key);
    bool same = false, source = explain_source(&arena, plan, key, out), target = param >= 0;
    for (size_t i = 0; i < plan->source_count; i++)
        same |= strcmp(plan->sources[i].entry->name, key) == 0 && param >= 0 &&
                (step_uses(&plan->steps[param], plan->sources[i].entry) ||
                 (plan->sources[i].mapped && strcmp(plan->sources[i].mapped, key) == 0));
    if (target && !same) {
        if (source) fputc('\n', out);
        explain_target(&arena, plan, key, out);
    }
    bool ok = source || target || unknown_key(&arena, plan, key, err);
    eg_arena_clear(&arena);
    return ok;
}
