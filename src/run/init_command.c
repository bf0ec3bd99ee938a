/* engraft init: a recipe to start from. The plainest one is planned, and what its diagnosis proposes is taken
 * up until the plan is accepted or nothing new is proposed. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "engraft/checkpoint.h"
#include "engraft/plan.h"
#include "engraft/run.h"
#include "recipe/recipe.h"
#include "run/named_file.h"

enum { ROUNDS = 6 };

typedef struct draft {
    eg_arena arena;
    const eg_init_options *options;
    const char *mapping; /* lines below transfer.mapping */
    const char *skip;    /* items of transfer.skip */
    const char *more;    /* further lines of transfer */
    size_t loaded, initialized;
    bool ok;
} draft;

/* As the recipe will see it: relative to the recipe's own folder, or absolute. */
static const char *source_path(draft *d)
{
    const char *source = d->options->source, *out = d->options->out;
    if (!out || source[0] == '/' || strcmp(eg_path_folder(&d->arena, out), ".") == 0) return source;
    char *real = realpath(source, NULL);
    source = eg_arena_string(&d->arena, real ? real : source);
    free(real);
    return source;
}

static const char *draft_text(draft *d)
{
    eg_buf out = {0};
    eg_buf_printf(&out, "recipe: 1\nsource:\n  checkpoint: '%s'\n", source_path(d));
    if (d->options->state_dict) eg_buf_printf(&out, "  state_dict: '%s'\n", d->options->state_dict);
    eg_buf_printf(&out, "target: {arch: %s", d->options->arch);
    for (size_t i = 0; i < d->options->override_count; i++) {
        const char *equals = strchr(d->options->overrides[i], '=');
        if (equals)
            eg_buf_printf(&out, ", %.*s: %s", (int)(equals - d->options->overrides[i]),
                          d->options->overrides[i], equals + 1);
    }
    eg_buf_puts(&out, "}\n");
    bool transfer = d->mapping[0] || d->skip[0] || d->more[0] || d->ok;
    if (transfer) eg_buf_puts(&out, "transfer:\n");
    if (d->mapping[0]) eg_buf_printf(&out, "  mapping:\n%s", d->mapping);
    if (d->skip[0]) eg_buf_printf(&out, "  skip: [%s]\n", d->skip);
    eg_buf_puts(&out, d->more);
    if (d->ok) eg_buf_printf(&out, "  expect: {loaded: %zu, initialized: %zu}\n", d->loaded, d->initialized);
    return eg_buf_take(&out, &d->arena);
}

/* A line without its comment, added to *text unless it stands there. */
static bool add_line(eg_arena *arena, const char **text, const char *line)
{
    const char *comment = strstr(line, "   #");
    const char *bare =
        eg_arena_printf(arena, "%.*s\n", (int)(comment ? (size_t)(comment - line) : strlen(line)), line);
    if (strstr(*text, bare)) return false;
    *text = eg_arena_printf(arena, "%s%s", *text, bare);
    return true;
}

/* "  skip: [a, b]": its items. */
static bool add_skip(draft *d, const char *line)
{
    const char *items = line + strlen("  skip: [");
    const char *list = eg_arena_printf(&d->arena, "%.*s", (int)strlen(items) - 1, items);
    if (strstr(d->skip, list)) return false;
    d->skip = d->skip[0] ? eg_arena_printf(&d->arena, "%s, %s", d->skip, list) : list;
    return true;
}

/* Takes up the lines below `transfer:`; true when one is new. */
static bool take_up(draft *d, const char *suggestion)
{
    bool changed = false;
    if (!eg_starts_with(suggestion, "transfer:\n")) return false;
    for (const char *at = suggestion; *at;) {
        size_t length = strcspn(at, "\n");
        const char *line = eg_arena_substring(&d->arena, at, length);
        if (eg_starts_with(line, "    "))
            changed |= add_line(&d->arena, &d->mapping, line);
        else if (eg_starts_with(line, "  skip: ["))
            changed |= add_skip(d, line);
        else if (eg_starts_with(line, "  ") && !eg_starts_with(line, "  mapping:"))
            changed |= add_line(&d->arena, &d->more, line);
        at += length + (at[length] == '\n');
    }
    return changed;
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
    draft d = {.options = options, .mapping = "", .skip = "", .more = ""};
    const eg_checkpoint_options how = {.state_dict = options->state_dict};
    if (!options->arch)
        return eg_fail(err, EG_USAGE, "--arch NAME is missing: the network that the weights go to");
    eg_checkpoint *file = eg_named_file_open(options->source, &how, err);
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
