/* engraft apply: from a recipe to the transferred model, without training. */
#include <inttypes.h>
#include <stdio.h>

#include "engraft/run.h"
#include "format/json.h"
#include "run/applied_health.h"
#include "run/outputs.h"

static bool choose_path(const eg_transfer *transfer, const eg_run_options *options, const char **path,
                        eg_error *err)
{
    *path = options->out ? options->out : transfer->recipe->output.checkpoint;
    if (*path) return eg_checkpoint_writable(*path, err);
    eg_fail(err, EG_USAGE, "neither -o FILE nor output.checkpoint in the recipe says what to write");
    return eg_error_in(err, options->recipe);
}

/* The card names the classes: as many as the network tells apart. */
static bool check_classes(const eg_transfer *transfer, const eg_run_options *options, eg_error *err)
{
    size_t count = transfer->recipe->target.class_count;
    const eg_value *output = &transfer->net->values[transfer->net->output];
    if (!count || (output->rank == 1 && output->dims[0] == (int64_t)count)) return true;
    eg_fail(err, EG_RECIPE,
            "target.classes names %zu classes, and the network's output has the shape %s; give the "
            "architecture as many outputs (num_classes: %zu)",
            count, eg_value_text(options->problems->arena, output), count);
    return eg_error_in(err, options->recipe);
}

static bool print_json(const eg_plan *plan, const char *path, eg_error *err)
{
    eg_json *json = eg_json_object();
    eg_json_string(json, "file", path);
    eg_json_int(json, "tensors", (int64_t)plan->step_count);
    eg_json_int(json, "loaded", (int64_t)plan->loaded);
    eg_json_int(json, "initialized", (int64_t)plan->initialized);
    eg_json_int(json, "defaulted", (int64_t)plan->defaulted);
    eg_json_int(json, "parameters", (int64_t)plan->params_total);
    bool ok = eg_json_print(json, stdout, err);
    eg_json_free(json);
    return ok;
}

static bool print_text(const eg_plan *plan, const char *path)
{
    printf("%s: %zu tensors, %zu loaded, %zu initialised, %zu defaulted; %" PRIu64 " parameters\n", path,
           plan->step_count, plan->loaded, plan->initialized, plan->defaulted, plan->params_total);
    return true;
}

/* ---- the transfer, tensor by tensor from file to file ---- */

typedef struct passage {
    const eg_transfer *transfer;
    const eg_store *store; /* in the order of the plan's steps */
    eg_applied_health health;
    eg_write_watch watch;
} passage;

static void see(void *context, const eg_entry *entry, uint64_t first, const void *elements, uint64_t count)
{
    passage *p = context;
    eg_applied_health_see(&p->health, (size_t)(entry - p->store->entries), first, elements, count);
}

static bool finish(void *context, eg_error *err)
{
    const passage *p = context;
    const eg_checkpoint *source = p->transfer->source;
    return ((!p->watch.source || eg_transfer_check_digest(p->transfer, p->watch.sha256, err)) &&
            eg_applied_health_finish(&p->health, err)) ||
           eg_error_in(err, source ? source->path : NULL);
}

static bool write_model(const eg_transfer *transfer, eg_arena *arena, const char *path, eg_error *err)
{
    const eg_recipe *recipe = transfer->recipe;
    eg_store store = eg_plan_store(arena, transfer->plan, recipe->train.seed, eg_outputs_prefix(recipe));
    passage p = {transfer, &store, eg_applied_health_begin(arena, transfer->plan), {0}};
    p.watch = (eg_write_watch){.context = &p, .see = see, .finish = finish};
    if (recipe->source.sha256) p.watch.source = transfer->source;
    return eg_outputs_write_model(arena, transfer, recipe->target.classes, recipe->target.class_count, path,
                                  &store, &p.watch, err);
}

bool eg_run_apply(const eg_run_options *options, eg_error *err)
{
    eg_arena arena = {0};
    eg_transfer transfer = {0};
    const char *path;
    bool ok = eg_transfer_open(&transfer, &arena, options, err) &&
              choose_path(&transfer, options, &path, err) && check_classes(&transfer, options, err) &&
              eg_folder_make(eg_path_folder(&arena, path), err) &&
              write_model(&transfer, &arena, path, err) && eg_transfer_tell_casts(transfer.plan, err) &&
              (options->json ? print_json(transfer.plan, path, err) : print_text(transfer.plan, path));
    eg_arena_clear(&arena);
    eg_transfer_close(&transfer);
    return ok;
}
