/* engraft init: a recipe to start from. The plainest one is planned, and what its diagnosis proposes is taken
 * up until the plan is accepted or nothing new is proposed. */
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "engraft/checkpoint.h"
#include "engraft/plan.h"
#include "engraft/run.h"
#include "recipe/recipe.h"
#include "run/reference.h"

enum { ROUNDS = 6 };

typedef struct draft {
    eg_arena arena;
    const eg_init_options *options;
    const char *mapping; /* lines below transfer.mapping */
    const char *skip;    /* items of transfer.skip */
    bool missing;        /* missing: init */
    size_t loaded, initialized;
    bool ok;
} draft;

static const char *draft_text(draft *d)
{
    eg_buf out = {0};
    eg_buf_printf(&out, "recipe: 1\nsource:\n  checkpoint: '%s'\n",
                  eg_reference(&d->arena, d->options->source, d->options->out));
    if (d->options->state_dict) eg_buf_printf(&out, "  state_dict: '%s'\n", d->options->state_dict);
    eg_buf_printf(&out, "target: {arch: %s", d->options->arch);
    for (size_t i = 0; i < d->options->override_count; i++) {
        const char *equals = strchr(d->options->overrides[i], '=');
        if (equals)
            eg_buf_printf(&out, ", %.*s: %s", (int)(equals - d->options->overrides[i]),
                          d->options->overrides[i], equals + 1);
    }
    eg_buf_puts(&out, "}\n");
    bool transfer = d->mapping[0] || d->skip[0] || d->missing || d->ok;
    if (transfer) eg_buf_puts(&out, "transfer:\n");
    if (d->mapping[0]) eg_buf_printf(&out, "  mapping:\n%s", d->mapping);
    if (d->skip[0]) eg_buf_printf(&out, "  skip: [%s]\n", d->skip);
    if (d->missing) eg_buf_puts(&out, "  missing: init\n");
    if (d->ok) eg_buf_printf(&out, "  expect: {loaded: %zu, initialized: %zu}\n", d->loaded, d->initialized);
    return eg_buf_take(&out, &d->arena);
}

/* The rules of a suggestion ("…mapping:\n    - rule   # why"), indented for the draft. */
static const char *suggested_rules(eg_arena *arena, const char *suggestion)
{
    const char *at = strstr(suggestion, "mapping:\n");
    eg_buf out = {0};
    if (!at) return NULL;
    bool wide = at != suggestion; /* "transfer:" stands before it */
    for (at += strlen("mapping:\n"); *at;) {
        size_t length = strcspn(at, "\n"), skip = wide ? 4 : 2;
        const char *line = eg_arena_substring(arena, at + (length < skip ? length : skip),
                                              length < skip ? 0 : length - skip);
        const char *comment = strstr(line, "   #");
        eg_buf_printf(&out, "    %.*s\n", comment ? (int)(comment - line) : (int)strlen(line), line);
        at += length + (at[length] == '\n');
    }
    return eg_buf_take(&out, arena);
}

/* True when the suggestion adds something. */
static bool take_up(draft *d, const char *suggestion)
{
    eg_arena *arena = &d->arena;
    const char *rules = suggested_rules(arena, suggestion);
    if (rules) {
        if (strstr(d->mapping, rules)) return false;
        d->mapping = eg_arena_printf(arena, "%s%s", d->mapping, rules);
        return true;
    }
    if (eg_starts_with(suggestion, "skip: [")) {
        const char *items = suggestion + strlen("skip: [");
        int length = (int)strcspn(items, "]");
        if (items[length] != ']' || items[length + 1]) length = (int)strlen(items) - 1;
        const char *list = eg_arena_printf(arena, "%.*s", length, items);
        if (strstr(d->skip, list)) return false;
        d->skip = d->skip[0] ? eg_arena_printf(arena, "%s, %s", d->skip, list) : list;
        return true;
    }
    if (strcmp(suggestion, "missing: init") != 0 || d->missing) return false;
    return d->missing = true;
}

/* Plans the draft; true when a further round has something new to try. */
static bool improve(draft *d, const eg_net *net, const eg_store *source, eg_error *err)
{
    eg_problems problems = {.arena = &d->arena};
    bool changed = false;
    const char *text = draft_text(d);
    const eg_doc *doc = eg_doc_parse(&d->arena, "init", text, strlen(text), err);
    const eg_recipe *recipe = doc ? eg_recipe_check(&d->arena, "init", doc, NULL, 0, &problems, err) : NULL;
    const eg_plan *plan = recipe ? eg_plan_build(&d->arena, recipe, net, source, &problems, err) : NULL;
    if (!plan) return false;
    d->ok = plan->ok;
    d->loaded = plan->loaded;
    d->initialized = plan->initialized;
    for (size_t i = 0; i < problems.count && !plan->ok; i++)
        if (problems.items[i].suggestion) changed |= take_up(d, problems.items[i].suggestion);
    return changed;
}

static bool write_draft(draft *d, eg_error *err)
{
    const char *head =
        d->ok ? "# Planned and accepted as it stands; add `freeze`, `data` and `train` for fine-tuning.\n"
              : "# A start: `engraft plan` says what is missing.\n";
    const char *text = eg_arena_printf(&d->arena, "%s%s", head, draft_text(d));
    if (d->options->out) return eg_file_write(d->options->out, text, strlen(text), err);
    if (fputs(text, stdout) >= 0) return true;
    return eg_fail(err, EG_SYSTEM, "cannot write to standard output");
}

/* The arguments of --set as the target's. */
static const eg_doc *arguments(draft *d, eg_error *err)
{
    const char *text = draft_text(d);
    const eg_doc *doc = eg_doc_parse(&d->arena, "init", text, strlen(text), err);
    return doc ? eg_doc_find(doc, "target") : NULL;
}

bool eg_run_init(const eg_init_options *options, eg_error *err)
{
    draft d = {.options = options, .mapping = "", .skip = ""};
    const eg_checkpoint_options how = {.state_dict = options->state_dict};
    if (!options->arch)
        return eg_fail(err, EG_USAGE, "--arch NAME is missing: the network that the weights go to");
    eg_checkpoint *file = eg_checkpoint_open(options->source, &how, err);
    const eg_doc *args = file ? arguments(&d, err) : NULL;
    const eg_net *net = args ? eg_net_read(&d.arena, options->arch, args, options->problems, err) : NULL;
    bool ok = net != NULL;
    for (int round = 0; ok && round < ROUNDS; round++)
        if (!improve(&d, net, &file->store, err)) break;
    ok = ok && (!err || err->code == EG_OK) && write_draft(&d, err);
    eg_checkpoint_close(file);
    eg_arena_clear(&d.arena);
    return ok;
}
