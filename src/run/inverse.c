#include "run/inverse.h"

#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "format/json.h"
#include "net/stored.h"
#include "plan/reverse.h"
#include "recipe/recipe.h"
#include "run/reference.h"

typedef struct reverser {
    const eg_transfer *transfer;
    const eg_run_options *options;
    eg_arena *arena;
    const eg_store *source;
    eg_reversal way;
} reverser;

/* ---- the recipe's text ---- */

static bool needs_init(const reverser *x)
{
    const eg_net *net = eg_net_stored(x->arena, "source", x->source);
    for (size_t i = 0; i < x->way.lost_count; i++)
        if (net->params[eg_net_param_find(net, x->way.lost[i])].init.kind == EG_INIT_DEFAULT) return true;
    return false;
}

static const char *body(const reverser *x)
{
    const eg_recipe *recipe = x->transfer->recipe;
    const char *written = recipe->output.checkpoint ? recipe->output.checkpoint : "model.pth",
               *out = x->options->out;
    eg_buf text = {0};
    eg_buf_printf(&text, "recipe: 1\nsource: '%s'%s\n", eg_reference(x->arena, written, out),
                  recipe->output.checkpoint ? "" : "   # what the recipe has written");
    eg_buf_printf(&text, "target: {manifest: '%s'}\ntransfer:\n",
                  eg_reference(x->arena, recipe->source.checkpoint, out));
    if (x->way.mapping[0]) eg_buf_printf(&text, "  mapping:\n%s", x->way.mapping);
    if (x->way.skip) eg_buf_printf(&text, "  skip: %s   # lost\n", x->way.skip);
    if (x->way.strangers) eg_buf_puts(&text, "  unexpected: ignore\n");
    eg_buf_printf(&text, "  expect: {loaded: %zu}\n", x->way.restored);
    if (needs_init(x)) eg_buf_puts(&text, "init: [{match: '.*', init: zeros}]\n");
    return eg_buf_take(&text, x->arena);
}

static const char *verdict(const eg_inverse *rule)
{
    return rule->idle ? "nothing to invert: it changes no name of this source" : rule->why ? "no" : "yes";
}

static const char *comments(const reverser *x)
{
    const eg_transfer_section *t = &x->transfer->recipe->transfer;
    eg_buf text = {0};
    eg_buf_printf(&text, "# The way back: %zu of %zu source tensors, in name and shape.\n", x->way.restored,
                  x->source->count);
    for (size_t r = 0; r < x->way.rule_count; r++) {
        const eg_inverse *rule = &x->way.rules[r];
        eg_buf_printf(&text, "#   rule %zu (%s): %s%s%s\n", r + 1, rule->rule->text, verdict(rule),
                      rule->why ? ": " : "", rule->why ? rule->why : "");
    }
    if (t->skip.count) eg_buf_puts(&text, "#   skip: no: what is skipped is never taken from the source\n");
    if (t->head.given) eg_buf_puts(&text, "#   head: no: rows are put together by class\n");
    if (t->size_mismatch != EG_POLICY_ERROR || t->size_count)
        eg_buf_puts(&text, "#   size_mismatch: no: what has been fitted has lost its shape\n");
    return eg_buf_take(&text, x->arena);
}

/* ---- proving it ---- */

static const eg_recipe *parse(const reverser *x, eg_error *err)
{
    eg_problems problems = {.arena = x->arena};
    const char *text = body(x);
    const eg_doc *doc = eg_doc_parse(x->arena, "the inverse recipe", text, strlen(text), err);
    return doc ? eg_recipe_check(x->arena, "the inverse recipe", doc, NULL, 0, &problems, err) : NULL;
}

/* The names and shapes go back, and the recipe that says so is accepted. */
static bool prove(reverser *x, eg_error *err)
{
    eg_problems problems = {.arena = x->arena};
    const eg_recipe *back = parse(x, err);
    if (!back || !eg_reverse_prove(&x->way, x->arena, &back->transfer, x->source, err)) return false;
    if (x->way.restored == 0)
        return eg_fail(err, EG_REFUSED, "none of the %zu source tensors comes back: no rule can be inverted",
                       x->source->count);
    back = parse(x, err);
    const eg_net *net = eg_net_stored(x->arena, "source", x->source);
    const eg_plan *plan = back ? eg_plan_build(x->arena, back, net, &x->way.written, &problems, err) : NULL;
    return plan && eg_problems_check(&problems, EG_REFUSED, err);
}

/* ---- output ---- */

static eg_json *rules_json(const reverser *x)
{
    eg_json *list = eg_json_array();
    for (size_t r = 0; r < x->way.rule_count; r++) {
        const eg_inverse *rule = &x->way.rules[r];
        eg_json *json = eg_json_object();
        eg_json_string(json, "rule", rule->rule->text);
        eg_json_bool(json, "inverts", !rule->why);
        eg_json_string(json, "reason", rule->why);
        eg_json_string(json, "inverse", rule->lines);
        eg_json_add(list, NULL, json);
    }
    return list;
}

static bool print_json(const reverser *x, const char *text, eg_error *err)
{
    eg_json *json = eg_json_object(), *lost = eg_json_array();
    for (size_t i = 0; i < x->way.lost_count; i++) eg_json_string(lost, NULL, x->way.lost[i]);
    eg_json_int(json, "source", (int64_t)x->source->count);
    eg_json_int(json, "restored", (int64_t)x->way.restored);
    eg_json_add(json, "lost", lost);
    eg_json_add(json, "rules", rules_json(x));
    eg_json_string(json, "recipe", text);
    bool ok = eg_json_print(json, stdout, err);
    eg_json_free(json);
    return ok;
}

static bool tell(const reverser *x, eg_error *err)
{
    const char *head = comments(x), *text = eg_arena_printf(x->arena, "%s%s", head, body(x));
    const char *out = x->options->out;
    if (out && !eg_file_write(out, text, strlen(text), err)) return false;
    if (x->options->json) return print_json(x, text, err);
    if (fputs(out ? head : text, stdout) >= 0) return true;
    return eg_fail(err, EG_SYSTEM, "cannot write to standard output");
}

bool eg_reverse_tell(const eg_transfer *transfer, eg_arena *arena, const eg_run_options *options,
                     eg_error *err)
{
    const eg_recipe *recipe = transfer->recipe;
    reverser x = {.transfer = transfer, .options = options, .arena = arena};
    if (!recipe->source.given)
        return eg_fail_at(err, EG_REFUSED, recipe->target.place, "the recipe has no source to go back to");
    x.source = transfer->store;
    const char *prefix = recipe->output.add_prefix ? recipe->output.add_prefix : "";
    return eg_reverse(&x.way, arena, recipe, transfer->plan, x.source, prefix, err) && prove(&x, err) &&
           tell(&x, err);
}
