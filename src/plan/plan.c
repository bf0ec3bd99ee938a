#include "engraft/plan.h"

#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "net/weights.h"
#include "plan/adapt.h"
#include "plan/diagnose.h"
#include "plan/freeze.h"
#include "plan/head.h"
#include "plan/keymap.h"
#include "plan/match.h"
#include "plan/mosaic.h"
#include "plan/tie.h"
#include "plan/unused.h"
#include "tensor/convert.h"

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
    eg_keymap *keymap;
    eg_plan_source *items; /* per item of the keymap: what became of it */
    const eg_head *head;   /* NULL: none */
    eg_matcher *sizes;     /* size_mismatch */
    int64_t *size;         /* per parameter: the size_mismatch item that fits, -1: none */
    eg_map *targets;       /* name -> parameter */
    int64_t *claim;        /* per parameter: the item that maps to it, -1: none */
    int64_t *skip;         /* per parameter: the skip pattern that fits, -1: none */
    eg_matcher *skips;
    name_list missing, unexpected, misfits;
    size_t wanted,
        found;      /* target tensors that are not skipped, and those of them that some source maps to */
    bool uncovered; /* refused for missing or misfitting tensors */
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
    b->size = EG_NEW_ARRAY(b->arena, int64_t, count);
    b->skips = eg_matcher_list(b->arena, b->transfer->skip);
    b->sizes = EG_NEW_ARRAY(b->arena, eg_matcher, b->transfer->size_count);
    for (size_t i = 0; i < b->transfer->size_count; i++)
        b->sizes[i] = eg_matcher_make(b->arena, &b->transfer->sizes[i].match);
    for (size_t p = 0; p < count; p++) {
        eg_map_add(b->targets, b->net->params[p].name, (int64_t)p);
        b->claim[p] = -1;
        b->skip[p] = eg_matcher_first(b->skips, b->transfer->skip.count, b->net->params[p].name, b->err);
        b->size[p] = eg_matcher_first(b->sizes, b->transfer->size_count, b->net->params[p].name, b->err);
        if (b->skip[p] == -2 || b->size[p] == -2) return false;
    }
    return true;
}

static const char *rule_words(builder *b, size_t i)
{
    int32_t rule = b->keymap->last[i];
    return rule < 0 ? "no rule" : eg_keymap_rule_text(b->arena, b->keymap, rule);
}

static eg_shape shape_of(builder *b, size_t i)
{
    return b->keymap->values[i]->shape;
}

/* A source's name, or those that a rule has put together. */
static const char *item_name(builder *b, size_t i)
{
    size_t count;
    if (i < b->source->count) return b->source->entries[i].name;
    const char *const *names = eg_mosaic_sources(b->arena, b->keymap->values[i], &count);
    return eg_name_list(b->arena, names, count);
}

/* "; their bytes are equal", where the recipe asks. */
static const char *byte_words(builder *b, size_t x, size_t y)
{
    bool equal = false;
    if (b->transfer->on_conflict != EG_CONFLICT_EQUAL) return "";
    if (!eg_mosaic_compare(b->keymap->values[x], b->keymap->values[y], &equal, b->err)) return NULL;
    return equal ? "; their bytes are equal" : "; their bytes differ";
}

static void report_collision(builder *b, size_t x, size_t y, const char *target, const char *bytes)
{
    int32_t rule = b->keymap->last[y] >= 0 ? b->keymap->last[y] : b->keymap->last[x];
    eg_problem_add(b->problems, "collision", rule >= 0 ? b->keymap->rules[rule].rule->place : b->place,
                   "two source tensors become '%s': '%s' %s by %s, and '%s' %s by %s%s", target,
                   item_name(b, x), eg_shape_text(b->arena, shape_of(b, x)), rule_words(b, x),
                   item_name(b, y), eg_shape_text(b->arena, shape_of(b, y)), rule_words(b, y), bytes);
    eg_problem_suggest(b->problems, "drop one of them before, or rename it elsewhere");
}

static void settle(eg_plan_source *out, eg_fate fate, const char *reason)
{
    out->fate = fate;
    out->reason = reason;
}

/* An item whose name is no target's: skipped when a skip pattern speaks of it, otherwise unexpected. */
static bool settle_stranger(builder *b, eg_plan_source *out)
{
    int64_t skip = eg_matcher_first(b->skips, b->transfer->skip.count, out->mapped, b->err);
    if (skip == -2) return false;
    if (skip >= 0)
        settle(out, EG_FATE_SKIPPED, quoted(b, "skip", b->transfer->skip.items[skip].text));
    else
        settle(out, EG_FATE_UNEXPECTED, "the target has no such tensor");
    if (skip < 0) note(&b->unexpected, out->mapped);
    return true;
}

/* Item i wants a target that another has. */
static bool settle_conflict(builder *b, size_t i, int64_t target)
{
    static const char *const words[] = {
        [EG_CONFLICT_FIRST] = "on_conflict: first",
        [EG_CONFLICT_LAST] = "on_conflict: last",
        [EG_CONFLICT_EQUAL] = "on_conflict: equal",
    };
    size_t other = (size_t)b->claim[target];
    const char *bytes = byte_words(b, other, i);
    eg_conflict policy = b->transfer->on_conflict;
    if (!bytes) return false;
    if (policy == EG_CONFLICT_ERROR || (policy == EG_CONFLICT_EQUAL && !strstr(bytes, "equal"))) {
        report_collision(b, other, i, b->items[i].mapped, bytes);
        settle(&b->items[i], EG_FATE_UNEXPECTED,
               eg_arena_printf(b->arena, "'%s' maps to the same name", item_name(b, other)));
        return true;
    }
    size_t loser = policy == EG_CONFLICT_LAST ? other : i, winner = policy == EG_CONFLICT_LAST ? i : other;
    b->claim[target] = (int64_t)winner;
    settle(&b->items[winner], EG_FATE_USED, rule_words(b, winner));
    settle(&b->items[loser], EG_FATE_DROPPED, words[policy]);
    return true;
}

static bool settle_item(builder *b, size_t i)
{
    eg_plan_source *out = &b->items[i];
    out->mapped = b->keymap->names[i];
    if (!out->mapped) {
        settle(out, EG_FATE_DROPPED, rule_words(b, i));
        return true;
    }
    int64_t target = eg_map_find(b->targets, out->mapped);
    if (target < 0) return settle_stranger(b, out);
    if (b->skip[target] >= 0) {
        settle(out, EG_FATE_SKIPPED, quoted(b, "skip", b->transfer->skip.items[b->skip[target]].text));
    } else if (b->claim[target] >= 0) {
        return settle_conflict(b, i, target);
    } else {
        b->claim[target] = (int64_t)i;
        settle(out, EG_FATE_USED, rule_words(b, i));
    }
    return true;
}

static bool settle_items(builder *b)
{
    size_t count = b->keymap->count;
    b->items = EG_NEW_ARRAY(b->arena, eg_plan_source, count);
    b->unexpected.items = EG_NEW_ARRAY(b->arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        if (!b->keymap->merged[i] && !settle_item(b, i)) return false;
    return true;
}

/* A source is what the best of the items is that it is part of. */
static void settle_sources(builder *b)
{
    static const int rank[EG_FATE_COUNT] = {
        [EG_FATE_USED] = 3, [EG_FATE_SKIPPED] = 2, [EG_FATE_UNEXPECTED] = 1, [EG_FATE_DROPPED] = 0};
    size_t count = b->source->count;
    eg_plan_source *sources = EG_NEW_ARRAY(b->arena, eg_plan_source, count);
    for (size_t i = 0; i < count; i++)
        sources[i] = (eg_plan_source){&b->source->entries[i], NULL, EG_FATE_DROPPED, NULL};
    for (size_t i = 0; i < b->keymap->count; i++) {
        const eg_mosaic *value = b->keymap->values[i];
        for (size_t p = 0; !b->keymap->merged[i] && p < value->count; p++) {
            eg_plan_source *out = &sources[value->pieces[p].source - b->source->entries];
            if (out->reason && rank[b->items[i].fate] <= rank[out->fate]) continue;
            out->mapped = b->items[i].mapped;
            settle(out, b->items[i].fate, b->items[i].reason);
        }
    }
    for (size_t i = 0; i < count; i++)
        if (!sources[i].reason) sources[i].reason = rule_words(b, i);
    b->plan->sources = sources;
    b->plan->source_count = count;
}

/* ---- steps: the rows of the table in plan.h ---- */

/* Counters are saved as [] or [1]. */
static bool shapes_fit(const eg_param *param, const eg_mosaic *value)
{
    uint64_t numel = 0;
    if (eg_shape_equal(param->shape, value->shape)) return true;
    return is_counter(param) && eg_mosaic_is_plain(value) && eg_shape_numel(value->shape, &numel) &&
           numel == 1;
}

static bool can_cast(const eg_param *param, const eg_mosaic *value)
{
    if (!eg_mosaic_is_plain(value) && param->dtype != EG_F32)
        return value->dtype == param->dtype && eg_mosaic_is_move(value);
    if (value->dtype == param->dtype) return true;
    return (param->dtype == EG_F32 || is_counter(param)) && eg_can_convert_f32(value->dtype);
}

/* The step takes the value, which has the target's shape. */
static void take(builder *b, eg_step *step, const eg_param *param, const eg_mosaic *value)
{
    step->value = value;
    step->source = value->pieces[0].source;
    step->action = !eg_mosaic_is_plain(value)     ? EG_ACTION_TRANSFORM
                   : value->dtype == param->dtype ? EG_ACTION_COPY
                                                  : EG_ACTION_CAST;
    if (can_cast(param, value)) return;
    eg_problem_add(b->problems, "dtype", b->place,
                   "'%s' is %s in the source, which has no conversion to the target's %s", step->source->name,
                   eg_dtype_name(value->dtype), eg_dtype_name(param->dtype));
    eg_problem_suggest(b->problems, "skip: [{exact: '%s'}]", param->name);
}

static void load(builder *b, eg_step *step, const eg_param *param, size_t i)
{
    int32_t rule = b->keymap->last[i];
    step->rule = rule < 0 ? NULL : b->keymap->rules[rule].rule->text;
    step->reason =
        rule < 0 ? "equal name and shape" : eg_arena_printf(b->arena, "equal shape, rule %d", rule + 1);
    take(b, step, param, b->keymap->values[i]);
}

static bool is_head(builder *b, const char *name)
{
    const eg_head_section *head = &b->transfer->head;
    return b->head && (strcmp(name, head->weight) == 0 || (head->bias && strcmp(name, head->bias) == 0));
}

/* Rows by class, when all but the number of classes agrees. */
static bool load_rows(builder *b, eg_step *step, const eg_param *param, size_t i)
{
    const eg_mosaic *value = b->keymap->values[i];
    eg_shape from = value->shape, to = param->shape;
    bool fits = from.rank == to.rank && to.rank > 0 && from.dims[0] == (int64_t)b->head->source_classes &&
                to.dims[0] == (int64_t)b->head->count;
    for (uint32_t d = 1; fits && d < to.rank; d++) fits = from.dims[d] == to.dims[d];
    if (!fits) {
        eg_problem_add(
            b->problems, "head", b->transfer->head.place,
            "'%s' has no row for each class: the source's is %s with %zu classes, the target's %s with %zu",
            param->name, eg_shape_text(b->arena, from), b->head->source_classes, eg_shape_text(b->arena, to),
            b->head->count);
        return false;
    }
    step->rule = "head";
    step->reason = eg_arena_printf(b->arena, "%zu of %zu rows from classes of the source", b->head->kept,
                                   b->head->count);
    take(b, step, param,
         eg_adapt_rows(b->arena, value, b->head->rows, b->head->count, b->transfer->head.combine));
    return true;
}

static void misfit(builder *b, eg_step *step, const eg_param *param, size_t i)
{
    static const char *const words[] = {
        [EG_POLICY_ERROR] = NULL,
        [EG_POLICY_SKIP] = "size_mismatch: skip",
        [EG_POLICY_ADAPT_INPUT] = "size_mismatch: adapt_input",
        [EG_POLICY_OVERLAP] = "size_mismatch: overlap",
        [EG_POLICY_INTERPOLATE] = "size_mismatch: interpolate",
    };
    const eg_mosaic *value = b->keymap->values[i];
    int64_t rule = b->size[step->param];
    eg_key_policy policy = rule < 0 ? b->transfer->size_mismatch : b->transfer->sizes[rule].policy;
    const eg_mosaic *adapted = eg_adapt(b->arena, policy, value, param->shape);
    const char *from = eg_shape_text(b->arena, value->shape), *to = eg_shape_text(b->arena, param->shape);
    step->rule = words[policy];
    if (adapted) {
        step->reason = eg_arena_printf(b->arena, "source %s to target %s", from, to);
        take(b, step, param, adapted);
        return;
    }
    step->action = EG_ACTION_INIT;
    step->reason = eg_arena_printf(b->arena, "source %s is not target %s", from, to);
    settle(&b->items[i], EG_FATE_SKIPPED, step->reason);
    if (policy != EG_POLICY_SKIP) note(&b->misfits, param->name);
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
    *step = (eg_step){.param = p, .init = param->init, .tied = -1};
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
    else if (is_head(b, param->name))
        load_rows(b, step, param, (size_t)claim);
    else if (shapes_fit(param, b->keymap->values[claim]))
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

/* A manifest does not say how its layers start. */
static void report_startless(builder *b)
{
    name_list list = {.items = EG_NEW_ARRAY(b->arena, const char *, b->plan->step_count)};
    for (size_t i = 0; i < b->plan->step_count; i++) {
        const eg_step *step = &b->plan->steps[i];
        bool drawn = step->action == EG_ACTION_INIT || (step->value && step->value->partial);
        const char *name = b->net->params[step->param].name;
        bool told = step->action == EG_ACTION_INIT && !step->rule; /* as missing, or of another shape */
        if (drawn && !told && step->init.kind == EG_INIT_DEFAULT) note(&list, name);
    }
    if (!list.count) return;
    eg_problem_add(b->problems, "no_init", b->place,
                   "%zu tensor%s drawn afresh, and a manifest does not say how: %s", list.count,
                   list.count == 1 ? " is" : "s are", eg_name_list(b->arena, list.items, list.count));
    eg_problem_suggest(b->problems, "init: [{match: {exact: '%s'}, init: zeros}]", list.items[0]);
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
        bool drawn = (step->action == EG_ACTION_INIT || (step->value && step->value->partial)) &&
                     (!param->buffer || param->init.kind == EG_INIT_DEFAULT);
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
    for (size_t i = 0; i < b->keymap->count; i++)
        if (b->keymap->names[i]) return b->keymap->names[i];
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
                                first_name(b), b->net->params[0].name,
                                b->recipe->target.arch ? b->recipe->target.arch : b->net->arch);
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

/* Where the cover itself is refused, that is the news. */
static void check_expect(builder *b)
{
    const eg_transfer_section *t = b->transfer;
    const eg_plan *plan = b->plan;
    if (b->uncovered) return;
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

/* Items as a store: names stand in the keymap, shapes here. */
static eg_proposal propose(builder *b)
{
    eg_entry *entries = EG_NEW_ARRAY(b->arena, eg_entry, b->keymap->count);
    for (size_t i = 0; i < b->keymap->count; i++)
        entries[i] = (eg_entry){.name = b->keymap->origins[i], .shape = shape_of(b, i)};
    const eg_store items = {.entries = entries, .count = b->keymap->count};
    return eg_propose(b->arena, b->net, &items, b->keymap->names);
}

/* A head that names no tensor, or one that is skipped. */
static void check_head(builder *b)
{
    const eg_head_section *head = &b->transfer->head;
    const char *const names[] = {head->weight, head->bias};
    for (size_t i = 0; b->head && i < 2; i++) {
        int64_t target = names[i] ? eg_map_find(b->targets, names[i]) : 0;
        if (target < 0)
            eg_problem_add(b->problems, "head", head->place, "the target has no tensor '%s'", names[i]);
        else if (names[i] && b->skip[target] >= 0)
            eg_problem_add(b->problems, "head", head->place, "'%s' is skipped: 'head' has no effect on it",
                           names[i]);
    }
}

/* The same classes in another order look right to every shape. */
static void check_class_order(builder *b)
{
    const eg_source_section *from = &b->recipe->source;
    const eg_target_section *to = &b->recipe->target;
    size_t same = 0, moved = 0;
    if (!from->classes || b->transfer->head.given || from->class_count != to->class_count || !to->class_count)
        return;
    for (size_t i = 0; i < from->class_count; i++)
        for (size_t k = 0; k < to->class_count; k++)
            if (strcmp(from->classes[i], to->classes[k]) == 0) {
                same++;
                moved += i != k;
            }
    const eg_step *last = b->plan->step_count ? &b->plan->steps[b->plan->step_count - 1] : NULL;
    if (same < from->class_count || !moved || !last || !last->value) return;
    eg_problem_add(
        b->problems, "class_order", to->place,
        "source and target have the same classes in another order, and the classifier would be copied as "
        "it is");
    const char *name = b->net->params[last->param].name, *dot = strrchr(name, '.');
    int stem = dot ? (int)(dot - name) : (int)strlen(name);
    eg_problem_suggest(b->problems, "head: {weight: %.*s.weight, bias: %.*s.bias, classes: by_name}", stem,
                       name, stem, name);
}

/* The cover on both sides, or why there is none. */
static void report_cover(builder *b)
{
    eg_proposal proposal = {0};
    if (b->found < b->wanted && b->unexpected.count) proposal = propose(b);
    b->uncovered = report_poor_match(b, &proposal);
    if (!b->uncovered) {
        report_missing(b, &proposal);
        report_unexpected(b);
    }
    report_misfits(b);
    b->uncovered |= b->missing.count || b->misfits.count;
    eg_unused_patterns(b->arena, "skip", b->skips, b->transfer->skip.count, b->net, b->transfer, b->problems);
    eg_unused_patterns(b->arena, "size_mismatch", b->sizes, b->transfer->size_count, b->net, b->transfer,
                       b->problems);
    check_head(b);
    check_class_order(b);
}

static bool build(builder *b)
{
    b->keymap = EG_NEW(b->arena, eg_keymap);
    b->plan->keymap = b->keymap;
    b->head = eg_head_build(b->arena, b->recipe, b->problems);
    if (!eg_keymap_build(b->keymap, b->arena, b->transfer, b->source, b->problems, b->err)) return false;
    b->plan->rules = b->keymap->rules;
    b->plan->rule_count = b->keymap->rule_count;
    if (!index_targets(b) || !settle_items(b)) return false;
    decide_steps(b);
    settle_sources(b);
    report_cover(b);
    if (!assign_init(b)) return false;
    report_startless(b);
    if (!eg_freeze_apply(b->plan, b->arena, b->recipe, b->problems, b->err)) return false;
    eg_ties_settle(b->plan, b->arena, b->claim, b->source, b->problems);
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
