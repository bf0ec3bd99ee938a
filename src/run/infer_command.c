/* engraft infer: a recipe learned from two checkpoints, by content. What is learned is planned and applied,
 * and what comes of it is compared with the example, before it is shown. */
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "engraft/checkpoint.h"
#include "engraft/run.h"
#include "format/json.h"
#include "net/stored.h"
#include "plan/content.h"
#include "plan/learn.h"
#include "recipe/dialect.h"
#include "recipe/recipe.h"
#include "run/reference.h"

typedef struct inference {
    eg_arena arena;
    const eg_infer_options *options;
    eg_checkpoint *from, *to;
    const eg_net *net;
    eg_learned learned;
    const eg_plan *plan;
    size_t reproduced; /* tensors of B, bit for bit */
    const char **differing;
    size_t differing_count;
} inference;

/* ---- the recipe's text ---- */

static void put_list(eg_buf *out, const char *title, const char *const *names, size_t count)
{
    enum { SHOWN = 20 };
    if (count) eg_buf_printf(out, "# %s (%zu):\n", title, count);
    for (size_t i = 0; i < count && i < SHOWN; i++) eg_buf_printf(out, "#   %s\n", names[i]);
    if (count > SHOWN) eg_buf_printf(out, "#   … and %zu more\n", count - SHOWN);
}

static void put_target(inference *x, eg_buf *out)
{
    const eg_infer_options *o = x->options;
    if (!o->arch) {
        eg_buf_printf(out, "target: {manifest: '%s'}\n", eg_reference(&x->arena, o->b, o->out));
        return;
    }
    eg_buf_printf(out, "target: {arch: %s", o->arch);
    for (size_t i = 0; i < o->override_count; i++) {
        const char *equals = strchr(o->overrides[i], '=');
        if (equals)
            eg_buf_printf(out, ", %.*s: %s", (int)(equals - o->overrides[i]), o->overrides[i], equals + 1);
    }
    eg_buf_puts(out, "}\n");
}

static const char *recipe_text(inference *x)
{
    const eg_learned *l = &x->learned;
    eg_buf out = {0};
    eg_buf_printf(&out, "recipe: 1\nsource:\n  checkpoint: '%s'\n",
                  eg_reference(&x->arena, x->options->a, x->options->out));
    if (x->from->state_dict[0]) eg_buf_printf(&out, "  state_dict: '%s'\n", x->from->state_dict);
    put_target(x, &out);
    eg_buf_puts(&out, "transfer:\n");
    if (l->mapping[0]) eg_buf_printf(&out, "  mapping:\n%s", l->mapping);
    if (l->skip) eg_buf_printf(&out, "  skip: %s\n", l->skip);
    if (x->plan)
        eg_buf_printf(&out, "  expect: {loaded: %zu, initialized: %zu}\n", x->plan->loaded,
                      x->plan->initialized);
    else
        eg_buf_puts(&out, "  on_conflict: error\n");
    if (l->init[0]) eg_buf_printf(&out, "init:\n%s", l->init);
    return eg_buf_take(&out, &x->arena);
}

static const char *full_text(inference *x)
{
    eg_buf out = {0};
    eg_buf_printf(&out, "# Learned from '%s' and '%s': reproduces %zu of %zu tensors of the second.\n",
                  eg_path_name(x->options->a), eg_path_name(x->options->b), x->reproduced,
                  x->to->store.count);
    put_list(&out, "From nothing of the first file, drawn afresh", x->learned.fresh, x->learned.fresh_count);
    put_list(&out, "Of the first file, not taken", x->learned.dropped, x->learned.dropped_count);
    put_list(&out, "Not reproduced bit for bit", x->differing, x->differing_count);
    eg_buf_puts(&out, recipe_text(x));
    return eg_buf_take(&out, &x->arena);
}

/* ---- proving it ---- */

static bool read_net(inference *x, eg_error *err)
{
    const eg_infer_options *o = x->options;
    if (!o->arch) {
        x->net = eg_net_stored(&x->arena, eg_path_name(o->b), &x->to->store);
        return true;
    }
    eg_buf out = {0};
    put_target(x, &out);
    const char *text = eg_buf_take(&out, &x->arena);
    const eg_doc *doc = eg_doc_parse(&x->arena, "infer", text, strlen(text), err);
    if (doc) x->net = eg_net_read(&x->arena, o->arch, eg_doc_find(doc, "target"), o->problems, err);
    return x->net != NULL;
}

/* Reads the text as `engraft plan` would; false when the plan is not accepted. */
static bool plan_text(inference *x, eg_problems *problems, eg_error *err)
{
    x->plan = NULL;
    const char *text = recipe_text(x), *path = x->options->out ? x->options->out : "infer";
    const eg_doc *doc = eg_doc_parse(&x->arena, path, text, strlen(text), err);
    const eg_recipe *recipe = doc ? eg_recipe_check(&x->arena, path, doc, NULL, 0, problems, err) : NULL;
    const eg_plan *plan =
        recipe ? eg_plan_build(&x->arena, recipe, x->net, &x->from->store, problems, err) : NULL;
    if (!plan || !plan->ok) return false;
    x->plan = plan;
    return true;
}

/* The step's bytes are those of B's tensor. */
static bool compare_step(inference *x, const eg_step *step, const eg_entry *entry, bool *same, eg_error *err)
{
    const eg_param *param = &x->net->params[step->param];
    eg_content made, given;
    uint64_t numel = 0;
    size_t size;
    *same = false;
    if (param->dtype != entry->dtype || !eg_shape_equal(param->shape, entry->shape)) return true;
    if (!eg_shape_numel(param->shape, &numel) ||
        __builtin_mul_overflow(numel, eg_dtype_size(param->dtype), &size))
        return eg_fail(err, EG_SYSTEM, "'%s' is larger than any memory", param->name);
    void *bytes = eg_block_new(size, param->name, err);
    const eg_entry result = eg_entry_in_memory(&x->arena, param->name, param->dtype, param->shape, bytes);
    bool ok = bytes && eg_step_apply(x->plan, step, 0, bytes, err) &&
              eg_content_read(&result, param->dtype, &made, err) &&
              eg_content_read(entry, entry->dtype, &given, err);
    if (ok) *same = strcmp(made.digest, given.digest) == 0;
    eg_block_free(bytes, size);
    return ok;
}

static bool compare(inference *x, eg_error *err)
{
    x->reproduced = x->differing_count = 0;
    x->differing = EG_NEW_ARRAY(&x->arena, const char *, x->plan->step_count);
    for (size_t i = 0; i < x->plan->step_count; i++) {
        const eg_step *step = &x->plan->steps[i];
        const eg_entry *entry = eg_store_find(&x->to->store, x->net->params[step->param].name);
        bool same = false;
        if (entry && !compare_step(x, step, entry, &same, err)) return false;
        x->reproduced += same;
        if (entry && !same && step->value) x->differing[x->differing_count++] = entry->name;
    }
    return true;
}

/* A shipped dialect that does what several rules do says more, and more shortly. */
static void try_dialects(inference *x)
{
    const eg_learned learned = x->learned;
    const eg_plan *plan = x->plan;
    const char *const *names;
    size_t count = learned.rules > 1 ? eg_dialect_list(&x->arena, &names) : 0;
    for (size_t i = 0; i < count; i++) {
        eg_problems problems = {.arena = &x->arena};
        eg_error why = {0};
        x->learned.mapping = eg_arena_printf(&x->arena, "    - use: %s\n", names[i]);
        x->learned.rules = 1;
        if (plan_text(x, &problems, &why) && x->plan->loaded >= plan->loaded) return;
    }
    x->learned = learned;
    x->plan = plan;
}

/* The short rules first; name by name where they should be refused. */
static bool learn(inference *x, eg_error *err)
{
    eg_pairing pairing;
    eg_problems problems = {.arena = &x->arena};
    if (!read_net(x, err) || !eg_pairing_build(&pairing, &x->arena, &x->from->store, &x->to->store, err))
        return false;
    for (int plain = 0; plain < 2 && !x->plan; plain++) {
        eg_error why = {0};
        problems = (eg_problems){.arena = &x->arena};
        if (!eg_learn(&x->learned, &x->arena, &pairing, x->net, plain, err)) return false;
        if (x->learned.fresh_count == (size_t)x->net->param_count)
            return eg_fail(err, EG_MISMATCH, "no tensor of '%s' comes from '%s': nothing is alike in content",
                           x->options->b, x->options->a);
        plan_text(x, &problems, &why);
    }
    const eg_learned learned = x->learned;
    const eg_plan *plan = x->plan;
    if (x->plan) try_dialects(x);
    if (x->plan && !compare(x, err)) return false;
    if (x->plan && x->differing_count && x->plan != plan) { /* the dialect means other tensors */
        x->learned = learned;
        x->plan = plan;
        return compare(x, err);
    }
    if (x->plan) return true;
    eg_problems_print(&problems, stderr, false);
    return eg_fail(err, EG_REFUSED, "no mapping rules tell all tensors of '%s' apart", x->options->a);
}

/* ---- output ---- */

static eg_json *names_json(const char *const *names, size_t count)
{
    eg_json *list = eg_json_array();
    for (size_t i = 0; i < count; i++) eg_json_string(list, NULL, names[i]);
    return list;
}

static bool print_json(inference *x, const char *text, eg_error *err)
{
    eg_json *json = eg_json_object();
    eg_json_bool(json, "ok", x->differing_count == 0);
    eg_json_int(json, "tensors", (int64_t)x->to->store.count);
    eg_json_int(json, "reproduced", (int64_t)x->reproduced);
    eg_json_int(json, "rules", (int64_t)x->learned.rules);
    eg_json_add(json, "drawn", names_json(x->learned.fresh, x->learned.fresh_count));
    eg_json_add(json, "dropped", names_json(x->learned.dropped, x->learned.dropped_count));
    eg_json_add(json, "differing", names_json(x->differing, x->differing_count));
    eg_json_string(json, "recipe", text);
    bool ok = eg_json_print(json, stdout, err);
    eg_json_free(json);
    return ok;
}

static bool tell(inference *x, eg_error *err)
{
    const char *text = full_text(x);
    const eg_infer_options *o = x->options;
    if (o->out && !eg_file_write(o->out, text, strlen(text), err)) return false;
    if (o->json) return print_json(x, text, err);
    if (!o->out && fputs(text, stdout) < 0) return eg_fail(err, EG_SYSTEM, "cannot write to standard output");
    fprintf(o->out ? stdout : stderr, "reproduces %s: %zu of %zu tensors\n", o->b, x->reproduced,
            x->to->store.count);
    return true;
}

static bool refuse_differing(const inference *x, eg_error *err)
{
    if (!x->differing_count) return true;
    return eg_fail(err, EG_MISMATCH, "%zu tensor%s not come out bit for bit, the first: '%s'",
                   x->differing_count, x->differing_count == 1 ? " does" : "s do", x->differing[0]);
}

bool eg_run_infer(const eg_infer_options *options, eg_error *err)
{
    inference x = {.options = options};
    const eg_checkpoint_options how = {.state_dict = options->state_dict};
    x.from = eg_checkpoint_open(options->a, &how, err);
    x.to = x.from ? eg_checkpoint_open(options->b, NULL, err) : NULL;
    bool ok = x.to && learn(&x, err) && tell(&x, err) && refuse_differing(&x, err);
    eg_checkpoint_close(x.from);
    eg_checkpoint_close(x.to);
    eg_arena_clear(&x.arena);
    return ok;
}
