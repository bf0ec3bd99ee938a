#include "run/plan_junit.h"

#include <string.h>

#include "base/file.h"
#include "base/str.h"

/* The cases, written one after the other; the suite's head needs their number. */
typedef struct report {
    eg_arena *arena;
    const char *file; /* of the recipe */
    eg_buf cases;
    size_t tests, failures, errors, skipped;
} report;

/* Text for attributes and elements: what XML 1.0 has no character for becomes '?'. */
static const char *escaped(eg_arena *arena, const char *text)
{
    static const struct {
        char letter;
        const char *entity;
    } entities[] = {{'&', "&amp;"},  {'<', "&lt;"},   {'>', "&gt;"},
                    {'"', "&quot;"}, {'\n', "&#10;"}, {'\t', "&#9;"}};
    eg_buf out = {0};
    text = eg_is_utf8(text, strlen(text)) ? text : eg_printable(arena, text, strlen(text));
    eg_buf_puts(&out, "");
    for (; *text; text++) {
        size_t i = 0;
        while (i < sizeof entities / sizeof *entities && entities[i].letter != *text) i++;
        if (i < sizeof entities / sizeof *entities)
            eg_buf_puts(&out, entities[i].entity);
        else
            eg_buf_add(&out, (unsigned char)*text < 0x20 ? "?" : text, 1);
    }
    return eg_buf_take(&out, arena);
}

/* type NULL: it passes. */
static void add_case(report *r, const char *class, const char *name, const char *kind, const char *type,
                     const char *message, const char *text)
{
    r->tests++;
    eg_buf_printf(&r->cases, "    <testcase classname=\"%s\" name=\"%s\"", escaped(r->arena, class),
                  escaped(r->arena, name));
    if (!type) {
        eg_buf_puts(&r->cases, "/>\n");
        return;
    }
    eg_buf_printf(&r->cases, ">\n      <%s type=\"%s\" message=\"%s\">%s</%s>\n    </testcase>\n", kind, type,
                  escaped(r->arena, message), escaped(r->arena, text), kind);
}

static void add_check(report *r, const char *class, const char *name, bool ok, const char *type,
                      const char *message)
{
    r->failures += !ok;
    add_case(r, class, name, "failure", ok ? NULL : type, message, message);
}

/* ---- the checks ---- */

static bool has_problem(const eg_problems *problems, const char *const *codes)
{
    for (size_t i = 0; i < problems->count; i++)
        for (const char *const *code = codes; *code; code++)
            if (!problems->items[i].warning && strcmp(problems->items[i].code, *code) == 0) return true;
    return false;
}

static void add_cover(report *r, const eg_plan *plan, const eg_problems *problems)
{
    static const char *const target[] = {"missing",   "size_mismatch", "empty_match", "poor_match", "no_init",
                                         "collision", "dtype",         "head",        NULL};
    static const char *const source[] = {"unexpected", NULL};
    add_check(r, "plan.cover", "every target tensor is accounted for", !has_problem(problems, target),
              "cover",
              eg_arena_printf(r->arena, "%zu target tensors: %zu loaded, %zu initialized, %zu defaulted",
                              plan->step_count, plan->loaded, plan->initialized, plan->defaulted));
    add_check(
        r, "plan.cover", "every source tensor is accounted for", !has_problem(problems, source), "cover",
        eg_arena_printf(r->arena, "%zu source tensors: %zu used, %zu skipped, %zu dropped, %zu unexpected",
                        plan->source_count, plan->used, plan->skipped, plan->dropped, plan->unexpected));
}

static void add_rules(report *r, const eg_plan *plan, const eg_transfer_section *transfer)
{
    for (size_t i = 0; i < plan->rule_count; i++) {
        const eg_rule *rule = plan->rules[i].rule;
        const char *name = eg_arena_printf(r->arena, "rule %zu: %s", i + 1, rule->text);
        bool idle = plan->rules[i].changed == 0;
        bool allowed = rule->optional || transfer->unused_rule == EG_POLICY_IGNORE;
        if (idle && allowed) {
            r->skipped++;
            add_case(r, "plan.rules", name, "skipped", "unused", "it may be without effect, and is", "");
        } else {
            add_check(r, "plan.rules", name, !idle, "unused_rule", "it changes no name");
        }
    }
}

static void add_expectations(report *r, const eg_plan *plan, const eg_transfer_section *t)
{
    double share = plan->step_count ? (double)plan->loaded / (double)plan->step_count : 1;
    if (t->expect_loaded >= 0)
        add_check(r, "plan.expect", eg_arena_printf(r->arena, "loaded: %lld", (long long)t->expect_loaded),
                  plan->loaded == (size_t)t->expect_loaded, "expect",
                  eg_arena_printf(r->arena, "%zu would be loaded", plan->loaded));
    if (t->expect_initialized >= 0)
        add_check(r, "plan.expect",
                  eg_arena_printf(r->arena, "initialized: %lld", (long long)t->expect_initialized),
                  plan->initialized == (size_t)t->expect_initialized, "expect",
                  eg_arena_printf(r->arena, "%zu would be drawn afresh", plan->initialized));
    if (t->expect_min_loaded >= 0)
        add_check(r, "plan.expect", eg_arena_printf(r->arena, "min_loaded: %g", t->expect_min_loaded),
                  share >= t->expect_min_loaded, "expect",
                  eg_arena_printf(r->arena, "%zu of %zu (%.3f) would be loaded", plan->loaded,
                                  plan->step_count, share));
}

/* Errors fail; warnings pass. */
static void add_problems(report *r, const eg_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const eg_problem *p = &problems->items[i];
        const char *at = p->place.file && p->place.line
                             ? eg_arena_printf(r->arena, "%s:%u:%u", eg_path_name(p->place.file),
                                               p->place.line, p->place.column)
                             : eg_path_name(p->place.file ? p->place.file : r->file);
        const char *text = eg_arena_printf(r->arena, "%s: %s%s%s", at, p->message,
                                           p->suggestion ? "\n> " : "", p->suggestion ? p->suggestion : "");
        r->failures += !p->warning;
        add_case(r, p->warning ? "plan.warnings" : "plan.problems",
                 eg_arena_printf(r->arena, "problem %zu: %s at %s", i + 1, p->code, at), "failure",
                 p->warning ? NULL : p->code, p->message, text);
    }
}

/* ---- the file ---- */

static bool write_suite(report *r, const char *path, eg_error *err)
{
    eg_buf out = {0};
    const char *counts = eg_arena_printf(r->arena, "tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"", r->tests,
                                         r->failures, r->errors);
    eg_buf_printf(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites %s>\n", counts);
    eg_buf_printf(
        &out, "  <testsuite name=\"engraft plan %s\" %s skipped=\"%zu\">\n%s  </testsuite>\n</testsuites>\n",
        escaped(r->arena, r->file), counts, r->skipped, r->cases.data ? r->cases.data : "");
    bool ok = eg_file_write(path, out.data, out.length, err);
    eg_buf_clear(&out);
    return ok;
}

bool eg_plan_junit_write(const char *path, const eg_transfer *transfer, const eg_run_options *options,
                         const eg_error *why, eg_error *err)
{
    eg_arena arena = {0};
    report r = {.arena = &arena, .file = eg_path_name(options->recipe)};
    const eg_plan *plan = transfer->plan;
    if (plan) {
        add_cover(&r, plan, options->problems);
        add_rules(&r, plan, &transfer->recipe->transfer);
        add_expectations(&r, plan, &transfer->recipe->transfer);
    }
    add_problems(&r, options->problems);
    if (!plan && options->problems->errors == 0 && why->code != EG_OK) {
        r.errors++;
        add_case(&r, "plan", "a plan can be made", "error", "plan", why->text, why->text);
    }
    bool ok = write_suite(&r, path, err);
    eg_buf_clear(&r.cases);
    eg_arena_clear(&arena);
    return ok;
}
