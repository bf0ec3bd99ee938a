#include "plan/cover.h"

#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "plan/diagnose.h"
#include "plan/mend.h"
#include "plan/propose.h"
#include "plan/unused.h"

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* Lines for `mapping`, their last one with what they bring, and what the tensors then need whose shapes
 * differ. */
static void suggest(eg_planner *d, const eg_proposal *proposal)
{
    eg_buf out = {0};
    const eg_misfit *left;
    size_t count = eg_mend_left(&proposal->after, &left);
    eg_buf_puts(&out, "transfer:\n  mapping:\n    ");
    for (const char *at = proposal->lines; *at; at++) {
        eg_buf_add(&out, at, 1);
        if (*at == '\n') eg_buf_puts(&out, "    ");
    }
    eg_buf_printf(&out, "   # %zu of %zu target tensors then meet\n%s", proposal->after.met, d->wanted,
                  eg_mend_misfits(d, left, count));
    eg_problem_suggest(d->problems, "%.*s", (int)out.length - 1, out.data);
    eg_buf_clear(&out);
}

/* The first name that only one side has. */
static const char *first_of(const eg_names *list)
{
    return list->count ? list->items[0] : "(none)";
}

/* True when so few targets meet a source that naming each would hide the cause. */
static bool report_poor_match(eg_planner *d, const eg_proposal *proposal)
{
    if (!d->recipe->source.given || d->wanted == 0 || d->found * 2 >= d->wanted) return false;
    if (d->found && d->transfer->missing == EG_POLICY_INIT && !proposal->lines) return false;
    const char *cause = proposal->cause;
    if (!proposal->lines)
        cause = eg_arena_printf(d->arena,
                                "the source has names such as '%s', the target '%s'; is '%s' the network of "
                                "this checkpoint?",
                                first_of(&d->unexpected), first_of(&d->missing),
                                d->recipe->target.arch ? d->recipe->target.arch : d->net->arch);
    eg_problem_add(d->problems, d->found ? "poor_match" : "empty_match", d->place,
                   "only %zu of %zu target tensors find a source tensor: %s", proposal->before.met, d->wanted,
                   cause);
    if (proposal->lines) suggest(d, proposal);
    return true;
}

static void report_missing(eg_planner *d, const eg_proposal *proposal)
{
    if (!d->missing.count) return;
    const char *modules = eg_module_patterns(d->arena, d->missing.items, d->missing.count);
    bool hopeful = proposal->lines != NULL;
    eg_problem_add(d->problems, "missing", d->place, "%zu target tensor%s no source: %s%s%s",
                   d->missing.count, d->missing.count == 1 ? " has" : "s have",
                   eg_name_list(d->arena, d->missing.items, d->missing.count), hopeful ? "; " : "",
                   hopeful ? proposal->cause : "");
    if (hopeful)
        suggest(d, proposal);
    else if (modules)
        eg_problem_suggest(d->problems, "transfer:\n  skip: %s", modules);
    else
        eg_problem_suggest(d->problems, "transfer:\n  missing: init");
}

static void report_unexpected(eg_planner *d)
{
    if (!d->unexpected.count || d->transfer->unexpected == EG_POLICY_IGNORE) return;
    const char *modules = eg_module_patterns(d->arena, d->unexpected.items, d->unexpected.count);
    eg_problem_add(d->problems, "unexpected", d->place, "%zu source tensor%s nowhere: %s",
                   d->unexpected.count, d->unexpected.count == 1 ? " goes" : "s go",
                   eg_name_list(d->arena, d->unexpected.items, d->unexpected.count));
    if (modules)
        eg_problem_suggest(d->problems, "transfer:\n  mapping:\n    - drop: %s", modules);
    else
        eg_problem_suggest(d->problems, "transfer:\n  unexpected: ignore");
}

/* The misfitting tensors with the sources that were meant for them. */
static size_t list_misfits(eg_planner *d, eg_misfit *list)
{
    for (size_t i = 0; i < d->misfits.count; i++) {
        int64_t p = eg_map_find(d->targets, d->misfits.items[i]);
        list[i] = (eg_misfit){(int32_t)p, d->keymap->values[d->claim[p]]};
    }
    return d->misfits.count;
}

/* "fc.weight (source [10, 4] is not target [3, 4]), …" */
static const char *misfit_list(eg_planner *d, const eg_misfit *list, size_t count)
{
    const char **lines = EG_NEW_ARRAY(d->arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        lines[i] =
            eg_arena_printf(d->arena, "%s (%s)", d->misfits.items[i], d->plan->steps[list[i].param].reason);
    return eg_name_list(d->arena, lines, count);
}

static void report_misfits(eg_planner *d, const eg_proposal *proposal)
{
    if (!d->misfits.count) return;
    eg_misfit *list = EG_NEW_ARRAY(d->arena, eg_misfit, d->misfits.count);
    size_t count = list_misfits(d, list);
    eg_problem_add(d->problems, "size_mismatch", d->place, "%zu tensor%s another shape than the source: %s",
                   count, count == 1 ? " has" : "s have",
                   proposal->lines ? proposal->cause : misfit_list(d, list, count));
    const char *mended = eg_mend_misfits(d, list, count);
    if (proposal->lines)
        suggest(d, proposal);
    else
        eg_problem_suggest(d->problems, "transfer:\n%.*s", (int)strlen(mended) - 1, mended);
}

/* Where the cover itself is refused, that is the news. */
void eg_cover_expect(eg_planner *d)
{
    const eg_transfer_section *t = d->transfer;
    const eg_plan *plan = d->plan;
    if (d->uncovered) return;
    if (t->expect_loaded >= 0 && (size_t)t->expect_loaded != plan->loaded)
        eg_problem_add(d->problems, "expect", t->expect_place,
                       "expect.loaded is %lld, but %zu tensor%s would be loaded", (long long)t->expect_loaded,
                       plan->loaded, plural(plan->loaded));
    if (t->expect_initialized >= 0 && (size_t)t->expect_initialized != plan->initialized)
        eg_problem_add(d->problems, "expect", t->expect_place,
                       "expect.initialized is %lld, but %zu tensor%s would be drawn afresh",
                       (long long)t->expect_initialized, plan->initialized, plural(plan->initialized));
    double share = plan->step_count ? (double)plan->loaded / (double)plan->step_count : 1.0;
    if (t->expect_min_loaded >= 0 && share < t->expect_min_loaded)
        eg_problem_add(d->problems, "expect", t->expect_place,
                       "expect.min_loaded is %g, but only %zu of %zu tensors (%.3f) would be loaded",
                       t->expect_min_loaded, plan->loaded, plan->step_count, share);
}

/* A head that names no tensor, or one that is skipped. */
static void check_head(eg_planner *d)
{
    const eg_head_section *head = &d->transfer->head;
    const char *const names[] = {head->weight, head->bias};
    for (size_t i = 0; d->head && i < 2; i++) {
        int64_t target = names[i] ? eg_map_find(d->targets, names[i]) : 0;
        if (target < 0)
            eg_problem_add(d->problems, "head", head->place, "the target has no tensor '%s'", names[i]);
        else if (names[i] && d->skip[target] >= 0)
            eg_problem_add(d->problems, "head", head->place, "'%s' is skipped: 'head' has no effect on it",
                           names[i]);
    }
}

/* The same classes in another order look right to every shape. */
static void check_class_order(eg_planner *d)
{
    const eg_source_section *from = &d->recipe->source;
    const eg_target_section *to = &d->recipe->target;
    size_t same = 0, moved = 0;
    if (!from->classes || d->transfer->head.given || from->class_count != to->class_count || !to->class_count)
        return;
    for (size_t i = 0; i < from->class_count; i++)
        for (size_t k = 0; k < to->class_count; k++)
            if (strcmp(from->classes[i], to->classes[k]) == 0) {
                same++;
                moved += i != k;
            }
    const eg_step *last = d->plan->step_count ? &d->plan->steps[d->plan->step_count - 1] : NULL;
    if (same < from->class_count || !moved || !last || !last->value) return;
    eg_problem_add(
        d->problems, "class_order", to->place,
        "source and target have the same classes in another order, and the classifier would be copied as "
        "it is");
    const char *name = d->net->params[last->param].name, *dot = strrchr(name, '.');
    int stem = dot ? (int)(dot - name) : (int)strlen(name);
    eg_problem_suggest(d->problems,
                       "transfer:\n  head: {weight: %.*s.weight, bias: %.*s.bias, classes: by_name}", stem,
                       name, stem, name);
}

/* The cover on both sides, or why there is none. */
void eg_cover_report(eg_planner *d)
{
    eg_proposal proposal = {0}, none = {0};
    bool strangers = d->found < d->wanted && d->unexpected.count;
    if (strangers || d->misfits.count) proposal = eg_propose(d);
    bool poor = report_poor_match(d, &proposal);
    if (!poor) {
        bool found = strangers && d->missing.count && proposal.lines;
        report_missing(d, strangers ? &proposal : &none);
        if (!found || proposal.after.strangers) report_unexpected(d);
        report_misfits(d, strangers && d->missing.count ? &none : &proposal);
    }
    d->uncovered = poor || d->missing.count || d->misfits.count;
    eg_unused_patterns(d->arena, "skip", d->skips, d->transfer->skip.count, d->net, d->transfer, d->problems);
    eg_unused_patterns(d->arena, "size_mismatch", d->sizes, d->transfer->size_count, d->net, d->transfer,
                       d->problems);
    check_head(d);
    check_class_order(d);
}
