#include "engraft/plan.h"

#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "net/weights.h"
#include "plan/diagnose.h"
#include "plan/freeze.h"
#include "plan/keymap.h"
#include "plan/match.h"
#include "plan/unused.h"
#include "tensor/convert.h"

const char *eg_action_name(eg_action action)
{
    static const char *const names[EG_ACTION_COUNT] = {
        [EG_ACTION_COPY] = "copy",
        [EG_ACTION_CAST] = "cast",
        [EG_ACTION_INIT] = "init",
        [EG_ACTION_DEFAULT] = "default",
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

/* Names that one problem speaks of. */
typedef struct name_list {
    const char **items;
    size_t count;
} name_list;

typedef struct builder {
    eg_arena *arena;
    const eg_recipe *recipe;
    const eg_transfer_section *transfer;
    const eg_net *net;
    const eg_store *source;
    eg_problems *problems;
    eg_error *err;
    eg_plan *plan;
    eg_keymap keymap;
    eg_map *targets; /* name -> parameter */
    int64_t *claim;  /* per parameter: the source that maps to it, -1: none */
    int64_t *skip;   /* per parameter: the skip pattern that fits, -1: none */
    eg_matcher *skips;
    name_list missing, unexpected, misfits;
    size_t wanted,
        found;      /* target tensors that are not skipped, and those of them that some source maps to */
    eg_place place; /* of problems that speak of the whole transfer */
} builder;

static bool is_counter(const eg_param *param)
{
    return param->buffer && param->dtype == EG_I64 && eg_ends_with(param->name, "num_batches_tracked");
}

static void note(name_list *list, const char *name)
{
    list->items[list->count++] = name;
}

static const char *quoted(builder *b, const char *what, const char *text)
{
    return eg_arena_printf(b->arena, "%s: '%s'", what, text);
}

/* ---- names ---- */

static bool index_targets(builder *b)
{
    size_t count = (size_t)b->net->param_count;
    b->targets = eg_map_new(b->arena);
    b->claim = EG_NEW_ARRAY(b->arena, int64_t, count);
    b->skip = EG_NEW_ARRAY(b->arena, int64_t, count);
    b->skips = eg_matcher_list(b->arena, b->transfer->skip);
    for (size_t p = 0; p < count; p++) {
        eg_map_add(b->targets, b->net->params[p].name, (int64_t)p);
        b->claim[p] = -1;
        b->skip[p] = eg_matcher_first(b->skips, b->transfer->skip.count, b->net->params[p].name, b->err);
        if (b->skip[p] == -2) return false;
    }
    return true;
}

static const char *rule_words(builder *b, size_t i)
{
    int32_t rule = b->keymap.last[i];
    return rule < 0 ? "no rule" : eg_keymap_rule_text(b->arena, &b->keymap, rule);
}

static void report_collision(builder *b, int64_t first, int64_t second, const char *target)
{
    const eg_entry *x = &b->source->entries[first], *y = &b->source->entries[second];
    int32_t rule = b->keymap.last[second] >= 0 ? b->keymap.last[second] : b->keymap.last[first];
    eg_problem_add(b->problems, "collision", rule >= 0 ? b->keymap.rules[rule].rule->place : b->place,
                   "two source tensors become '%s': '%s' %s by %s, and '%s' %s by %s", target, x->name,
                   eg_shape_text(b->arena, x->shape), rule_words(b, (size_t)first), y->name,
                   eg_shape_text(b->arena, y->shape), rule_words(b, (size_t)second));
    eg_problem_suggest(b->problems, "drop one of them before, or rename it elsewhere");
}

/* A source whose name is no target's: skipped when a skip pattern speaks of it, otherwise unexpected. */
static bool settle_stranger(builder *b, eg_plan_source *out)
{
    int64_t skip = eg_matcher_first(b->skips, b->transfer->skip.count, out->mapped, b->err);
    if (skip == -2) return false;
    out->fate = skip >= 0 ? EG_FATE_SKIPPED : EG_FATE_UNEXPECTED;
    out->reason =
        skip >= 0 ? quoted(b, "skip", b->transfer->skip.items[skip].text) : "the target has no such tensor";
    if (skip < 0) note(&b->unexpected, out->mapped);
    return true;
}

static bool settle_source(builder *b, size_t i)
{
    eg_plan_source *out = &b->plan->sources[i];
    *out = (eg_plan_source){.entry = &b->source->entries[i], .mapped = b->keymap.names[i]};
    if (!out->mapped) {
        out->fate = EG_FATE_DROPPED;
        out->reason = rule_words(b, i);
        return true;
    }
    int64_t target = eg_map_find(b->targets, out->mapped);
    if (target < 0) return settle_stranger(b, out);
    if (b->skip[target] >= 0) {
        out->fate = EG_FATE_SKIPPED;
        out->reason = quoted(b, "skip", b->transfer->skip.items[b->skip[target]].text);
    } else if (b->claim[target] >= 0) {
        report_collision(b, b->claim[target], (int64_t)i, out->mapped);
        out->fate = EG_FATE_UNEXPECTED;
        out->reason = eg_arena_printf(b->arena, "'%s' maps to the same name",
                                      b->source->entries[b->claim[target]].name);
    } else {
        b->claim[target] = (int64_t)i;
        out->fate = EG_FATE_USED;
        out->reason = rule_words(b, i);
    }
    return true;
}

static bool settle_sources(builder *b)
{
    size_t count = b->source->count;
    b->plan->sources = EG_NEW_ARRAY(b->arena, eg_plan_source, count);
    b->plan->source_count = count;
    b->unexpected.items = EG_NEW_ARRAY(b->arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        if (!settle_source(b, i)) return false;
    return true;
}

/* ---- steps: the rows of the table in plan.h ---- */

/* Counters are saved as [] or [1]. */
static bool shapes_fit(const eg_param *param, const eg_entry *entry)
{
    uint64_t numel = 0;
    if (eg_shape_equal(param->shape, entry->shape)) return true;
    return is_counter(param) && eg_shape_numel(entry->shape, &numel) && numel == 1;
}

static bool can_cast(const eg_param *param, const eg_entry *entry)
{
    if (entry->dtype == param->dtype) return true;
    return (param->dtype == EG_F32 || is_counter(param)) && eg_can_convert_f32(entry->dtype);
}

static void load(builder *b, eg_step *step, const eg_param *param, size_t i)
{
    const eg_entry *entry = &b->source->entries[i];
    int32_t rule = b->keymap.last[i];
    step->source = entry;
    step->action = entry->dtype == param->dtype ? EG_ACTION_COPY : EG_ACTION_CAST;
    step->rule = rule < 0 ? NULL : b->keymap.rules[rule].rule->text;
    step->reason =
        rule < 0 ? "equal name and shape" : eg_arena_printf(b->arena, "equal shape, rule %d", rule + 1);
    if (can_cast(param, entry)) return;
    eg_problem_add(b->problems, "dtype", b->place,
                   "'%s' is %s in the source, which has no conversion to the target's %s", entry->name,
                   eg_dtype_name(entry->dtype), eg_dtype_name(param->dtype));
    eg_problem_suggest(b->problems, "skip: [{exact: '%s'}]", param->name);
}

static void misfit(builder *b, eg_step *step, const eg_param *param, size_t i)
{
    const eg_entry *entry = &b->source->entries[i];
    bool skip = b->transfer->size_mismatch == EG_POLICY_SKIP;
    step->action = EG_ACTION_INIT;
    step->rule = skip ? "size_mismatch: skip" : NULL;
    step->reason =
        eg_arena_printf(b->arena, "source %s is not target %s", eg_shape_text(b->arena, entry->shape),
                        eg_shape_text(b->arena, param->shape));
    b->plan->sources[i].fate = EG_FATE_SKIPPED;
    b->plan->sources[i].reason = step->reason;
    if (!skip) note(&b->misfits, param->name);
}

static void lack(builder *b, eg_step *step, const eg_param *param)
{
    bool no_source = !b->recipe->source.given;
    step->action = is_counter(param) && !no_source ? EG_ACTION_DEFAULT : EG_ACTION_INIT;
    step->reason = no_source           ? "the recipe has no source"
                   : is_counter(param) ? "0, as PyTorch does for old files"
                                       : "no source maps here";
    if (no_source || is_counter(param)) return;
    if (b->transfer->missing == EG_POLICY_INIT)
        step->rule = "missing: init";
    else
        note(&b->missing, param->name);
}

static void decide(builder *b, int32_t p)
{
    eg_step *step = &b->plan->steps[p];
    const eg_param *param = &b->net->params[p];
    int64_t claim = b->claim[p];
    *step = (eg_step){.param = p, .init = param->init};
    if (b->skip[p] >= 0) {
        step->action = EG_ACTION_INIT;
        step->rule = quoted(b, "skip", b->transfer->skip.items[b->skip[p]].text);
        step->reason = "skipped";
        return;
    }
    b->wanted += !is_counter(param);
    b->found += claim >= 0 && !is_counter(param);
    if (claim < 0)
        lack(b, step, param);
    else if (shapes_fit(param, &b->source->entries[claim]))
        load(b, step, param, (size_t)claim);
    else
        misfit(b, step, param, (size_t)claim);
}

static void decide_steps(builder *b)
{
    size_t count = (size_t)b->net->param_count;
    b->plan->steps = EG_NEW_ARRAY(b->arena, eg_step, count);
    b->plan->step_count = count;
    b->missing.items = EG_NEW_ARRAY(b->arena, const char *, count);
    b->misfits.items = EG_NEW_ARRAY(b->arena, const char *, count);
    for (int32_t p = 0; p < b->net->param_count; p++) decide(b, p);
}

/* ---- init ---- */

static void report_idle_init(builder *b, const eg_matcher *matcher)
{
    if (!matcher->hits || matcher->claims || b->transfer->unused_rule == EG_POLICY_IGNORE) return;
    eg_problem_add(b->problems, "unused_rule", matcher->pattern->place,
                   "init '%s' has no effect: none of the %zu parameters that it matches is left to it",
                   matcher->pattern->text, matcher->hits);
    eg_problem_suggest(b->problems, "remove the item, or let 'skip' speak of the same names");
}

static void draw_from(builder *b, eg_step *step, const eg_param *param, const eg_init_rule *rule)
{
    eg_error err = {0};
    if (rule->init.kind == EG_INIT_DEFAULT) return;
    if (eg_init_check(param, &rule->init, &err))
        step->init = rule->init;
    else
        eg_problem_add(b->problems, "bad_init", rule->match.place, "init '%s': %s", rule->match.text,
                       err.text);
}

/* The first rule that fits a parameter that is drawn; buffers keep their layer's own start. */
static bool assign_init(builder *b)
{
    const eg_recipe *recipe = b->recipe;
    eg_matcher *list = EG_NEW_ARRAY(b->arena, eg_matcher, recipe->init_count);
    for (size_t r = 0; r < recipe->init_count; r++)
        list[r] = eg_matcher_make(b->arena, &recipe->init[r].match);
    for (size_t i = 0; i < b->plan->step_count; i++) {
        eg_step *step = &b->plan->steps[i];
        const eg_param *param = &b->net->params[step->param];
        bool drawn = step->action == EG_ACTION_INIT && !param->buffer;
        for (size_t r = 0; r < recipe->init_count; r++) {
            eg_matched matched = eg_matcher_test(&list[r], param->name, b->err);
            if (matched == EG_MATCH_FAILED) return false;
            if (matched == EG_NO_MATCH || !drawn) continue;
            list[r].claims++;
            drawn = false;
            draw_from(b, step, param, &recipe->init[r]);
        }
    }
    for (size_t r = 0; r < recipe->init_count; r++) {
        if (list[r].hits)
            report_idle_init(b, &list[r]);
        else
            eg_unused_patterns(b->arena, "init", &list[r], 1, b->net, b->transfer, b->problems);
    }
    return true;
}

/* ---- problems ---- */

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void suggest_mapping(builder *b, const eg_proposal *proposal)
{
    eg_buf out = {0};
    eg_buf_puts(&out, "transfer:\n  mapping:\n    ");
    for (const char *at = proposal->lines; *at; at++) {
        eg_buf_add(&out, at, 1);
        if (*at == '\n') eg_buf_puts(&out, "    ");
    }
    eg_buf_printf(&out, "   # %zu of %zu target tensors then meet", proposal->score, b->plan->step_count);
    eg_problem_suggest(b->problems, "%s", out.data);
    eg_buf_clear(&out);
}

static const char *first_name(builder *b)
{
    for (size_t i = 0; i < b->keymap.count; i++)
        if (b->keymap.names[i]) return b->keymap.names[i];
    return "(none)";
}

/* True when so few targets meet a source that naming each would hide the cause. */
static bool report_poor_match(builder *b, const eg_proposal *proposal)
{
    if (!b->recipe->source.given || b->wanted == 0 || b->found * 2 >= b->wanted) return false;
    bool hopeful = proposal->lines && proposal->score > b->found;
    if (b->found && b->transfer->missing == EG_POLICY_INIT && !hopeful) return false;
    const char *cause = proposal->cause;
    if (!hopeful)
        cause = eg_arena_printf(b->arena,
                                "the source has names such as '%s', the target '%s'; is '%s' the network of "
                                "this checkpoint?",
                                first_name(b), b->net->params[0].name, b->recipe->target.arch);
    eg_problem_add(b->problems, b->found ? "poor_match" : "empty_match", b->place,
                   "only %zu of %zu target tensors find a source tensor: %s", b->found, b->wanted, cause);
    if (hopeful) suggest_mapping(b, proposal);
    return true;
}

static void report_missing(builder *b, const eg_proposal *proposal)
{
    if (!b->missing.count) return;
    const char *modules = eg_module_patterns(b->arena, b->missing.items, b->missing.count);
    bool hopeful = proposal->lines && proposal->score > b->found;
    eg_problem_add(b->problems, "missing", b->place, "%zu target tensor%s no source: %s%s%s",
                   b->missing.count, b->missing.count == 1 ? " has" : "s have",
                   eg_name_list(b->arena, b->missing.items, b->missing.count), hopeful ? "; " : "",
                   hopeful ? proposal->cause : "");
    if (hopeful)
        suggest_mapping(b, proposal);
    else if (modules)
        eg_problem_suggest(b->problems, "skip: %s", modules);
    else
        eg_problem_suggest(b->problems, "missing: init");
}

static void report_unexpected(builder *b)
{
    if (!b->unexpected.count || b->transfer->unexpected == EG_POLICY_IGNORE) return;
    const char *modules = eg_module_patterns(b->arena, b->unexpected.items, b->unexpected.count);
    eg_problem_add(b->problems, "unexpected", b->place, "%zu source tensor%s nowhere: %s",
                   b->unexpected.count, b->unexpected.count == 1 ? " goes" : "s go",
                   eg_name_list(b->arena, b->unexpected.items, b->unexpected.count));
    if (modules)
        eg_problem_suggest(b->problems, "mapping:\n  - drop: %s", modules);
    else
        eg_problem_suggest(b->problems, "unexpected: ignore");
}

static void report_misfits(builder *b)
{
    if (!b->misfits.count) return;
    const char **lines = EG_NEW_ARRAY(b->arena, const char *, b->misfits.count);
    const char *modules = eg_module_patterns(b->arena, b->misfits.items, b->misfits.count);
    for (size_t i = 0; i < b->misfits.count; i++) {
        int64_t target = eg_map_find(b->targets, b->misfits.items[i]);
        lines[i] = eg_arena_printf(b->arena, "%s (%s)", b->misfits.items[i], b->plan->steps[target].reason);
    }
    eg_problem_add(b->problems, "size_mismatch", b->place, "%zu tensor%s another shape than the source: %s",
                   b->misfits.count, b->misfits.count == 1 ? " has" : "s have",
                   eg_name_list(b->arena, lines, b->misfits.count));
    if (modules)
        eg_problem_suggest(b->problems, "skip: %s", modules);
    else
        eg_problem_suggest(b->problems,
                           "check the arguments under 'target'; 'size_mismatch: skip' draws them afresh");
}

static void check_expect(builder *b)
{
    const eg_transfer_section *t = b->transfer;
    const eg_plan *plan = b->plan;
    if (t->expect_loaded >= 0 && (size_t)t->expect_loaded != plan->loaded)
        eg_problem_add(b->problems, "expect", t->expect_place,
                       "expect.loaded is %lld, but %zu tensor%s would be loaded", (long long)t->expect_loaded,
                       plan->loaded, plural(plan->loaded));
    if (t->expect_initialized >= 0 && (size_t)t->expect_initialized != plan->initialized)
        eg_problem_add(b->problems, "expect", t->expect_place,
                       "expect.initialized is %lld, but %zu tensor%s would be drawn afresh",
                       (long long)t->expect_initialized, plan->initialized, plural(plan->initialized));
    double share = plan->step_count ? (double)plan->loaded / (double)plan->step_count : 1.0;
    if (t->expect_min_loaded >= 0 && share < t->expect_min_loaded)
        eg_problem_add(b->problems, "expect", t->expect_place,
                       "expect.min_loaded is %g, but only %zu of %zu tensors (%.3f) would be loaded",
                       t->expect_min_loaded, plan->loaded, plan->step_count, share);
}

static void count_all(eg_plan *plan)
{
    size_t *const actions[EG_ACTION_COUNT] = {
        [EG_ACTION_COPY] = &plan->loaded,
        [EG_ACTION_CAST] = &plan->loaded,
        [EG_ACTION_INIT] = &plan->initialized,
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

/* The cover on both sides, or why there is none. */
static void report_cover(builder *b)
{
    eg_proposal proposal = {0};
    bool uncovered = b->found < b->wanted && b->unexpected.count;
    if (uncovered) proposal = eg_propose(b->arena, b->net, b->source, b->keymap.names);
    if (!report_poor_match(b, &proposal)) {
        report_missing(b, &proposal);
        report_unexpected(b);
    }
    report_misfits(b);
    eg_unused_patterns(b->arena, "skip", b->skips, b->transfer->skip.count, b->net, b->transfer, b->problems);
}

static bool build(builder *b)
{
    if (!eg_keymap_build(&b->keymap, b->arena, b->transfer, b->source, b->problems, b->err)) return false;
    b->plan->rules = b->keymap.rules;
    b->plan->rule_count = b->keymap.rule_count;
    if (!index_targets(b) || !settle_sources(b)) return false;
    decide_steps(b);
    report_cover(b);
    if (!assign_init(b)) return false;
    if (!eg_freeze_apply(b->plan, b->arena, b->recipe, b->problems, b->err)) return false;
    count_all(b->plan);
    check_expect(b);
    return true;
}

const eg_plan *eg_plan_build(eg_arena *arena, const eg_recipe *recipe, const eg_net *net,
                             const eg_store *source, eg_problems *problems, eg_error *err)
{
    static const eg_store nothing;
    eg_plan *plan = EG_NEW(arena, eg_plan);
    size_t before = problems->errors;
    plan->net = net;
    builder b = {.arena = arena,
                 .recipe = recipe,
                 .transfer = &recipe->transfer,
                 .net = net,
                 .source = source ? source : &nothing,
                 .problems = problems,
                 .err = err,
                 .plan = plan,
                 .place = recipe->transfer.place};
    if (!b.place.file) b.place = recipe->source.given ? recipe->source.place : recipe->target.place;
    if (!build(&b)) return NULL;
    plan->ok = problems->errors == before;
    return plan;
}
