/* engraft apply: from a recipe to the transferred model, without training. */
#include <inttypes.h>
#include <stdio.h>

#include "engraft/run.h"
#include "format/json.h"
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

bool eg_run_apply(const eg_run_options *options, eg_error *err)
{
    eg_arena arena = {0};
    eg_transfer transfer = {0};
    eg_weights weights = {0};
    const char *path;
    bool ok = eg_transfer_open(&transfer, &arena, options, err) &&
              choose_path(&transfer, options, &path, err) && check_classes(&transfer, options, err) &&
              eg_transfer_apply(&transfer, &arena, &weights, err) &&
              eg_folder_make(eg_path_folder(&arena, path), err) &&
              eg_outputs_write_model(&arena, &transfer, transfer.recipe->target.classes,
                                     transfer.recipe->target.class_count, path, &weights, err) &&
              (options->json ? print_json(transfer.plan, path, err) : print_text(transfer.plan, path));
    eg_weights_clear(&weights);
    eg_transfer_close(&transfer);
    eg_arena_clear(&arena);
    return ok;
}
