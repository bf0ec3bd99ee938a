#include "run/outputs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "net/stored.h"
#include "run/card.h"
#include "run/plan_json.h"

enum { MOST_FILES = 16 };

const char *eg_outputs_dir(const eg_recipe *recipe, const eg_run_options *options)
{
    return options->out ? options->out : recipe->output.dir;
}

static const char *model_path(eg_arena *arena, const eg_recipe *recipe, const char *dir, const char *stem)
{
    const char *extension = eg_output_format_name(recipe->output.format);
    return eg_path_join(arena, dir, eg_arena_printf(arena, "%s.%s", stem, extension));
}

const char *eg_outputs_best(eg_arena *arena, const eg_recipe *recipe, const char *dir)
{
    return model_path(arena, recipe, dir, "best");
}

static bool make_folder(const char *folder, eg_error *err)
{
    if (!eg_folder_make(folder, err)) return false;
    if (access(folder, W_OK | X_OK) == 0) return true;
    eg_fail(err, EG_SYSTEM, "cannot write into this folder: %s", strerror(errno));
    return eg_error_in(err, folder);
}

bool eg_outputs_open(eg_outputs *outputs, eg_arena *arena, const eg_transfer *transfer,
                     const eg_run_options *options, eg_error *err)
{
    const eg_recipe *recipe = transfer->recipe;
    outputs->arena = arena;
    outputs->dir = eg_outputs_dir(recipe, options);
    outputs->checkpoint = recipe->output.checkpoint;
    outputs->files = EG_NEW_ARRAY(arena, const char *, MOST_FILES);
    outputs->best = eg_outputs_best(arena, recipe, outputs->dir);
    outputs->last = model_path(arena, recipe, outputs->dir, "last");
    if (!eg_checkpoint_writable(outputs->best, err) || !make_folder(outputs->dir, err)) return false;
    if (outputs->checkpoint && (!eg_checkpoint_writable(outputs->checkpoint, err) ||
                                !make_folder(eg_path_folder(arena, outputs->checkpoint), err)))
        return false;
    if (recipe->output.report && !make_folder(eg_path_folder(arena, recipe->output.report), err))
        return false;
    if (!recipe->train.given) return true;
    outputs->metrics_path = eg_path_join(arena, outputs->dir, "metrics.jsonl");
    outputs->metrics = eg_output_open(outputs->metrics_path, err);
    return outputs->metrics != NULL;
}

void eg_outputs_add(eg_outputs *outputs, const char *path)
{
    const char **files = (const char **)outputs->files;
    files[outputs->file_count++] = path;
}

static bool written(eg_outputs *outputs, const char *path)
{
    eg_outputs_add(outputs, path);
    return true;
}

static bool write_text(eg_outputs *outputs, const char *name, const char *text, eg_error *err)
{
    const char *path = eg_path_join(outputs->arena, outputs->dir, name);
    return eg_file_write(path, text, strlen(text), err) && written(outputs, path);
}

static bool write_plan(eg_outputs *outputs, const eg_transfer *transfer, const eg_problems *problems,
                       eg_error *err)
{
    eg_json *json = eg_plan_json(transfer, problems, NULL);
    const char *text = eg_arena_printf(outputs->arena, "%s\n", eg_json_text(outputs->arena, json, 2));
    eg_json_free(json);
    return write_text(outputs, "plan.json", text, err);
}

static bool commit_metrics(eg_outputs *outputs, eg_error *err)
{
    eg_output *metrics = outputs->metrics;
    if (!metrics) return true;
    outputs->metrics = NULL;
    return eg_output_commit(metrics, err) && written(outputs, outputs->metrics_path);
}

/* PyTorch's `_metadata` under a prefix: DataParallel's "module." adds the module "module" under a root of its
 * own. */
static void versions(eg_arena *arena, const eg_net *net, const char *prefix, eg_checkpoint_extra *extra)
{
    size_t count = (size_t)net->module_count, at = 0, length = strlen(prefix);
    eg_module_version *list = EG_NEW_ARRAY(arena, eg_module_version, count + 1);
    if (length) list[at++] = (eg_module_version){.path = "", .version = 1};
    for (size_t i = 0; i < count; i++) {
        const eg_module *module = &net->modules[i];
        const char *path = module->path[0] || !length ? eg_arena_printf(arena, "%s%s", prefix, module->path)
                                                      : eg_arena_substring(arena, prefix, length - 1);
        list[at++] = (eg_module_version){.path = path, .version = module->version};
    }
    extra->versions = list;
    extra->version_count = at;
}

bool eg_outputs_write_model(eg_arena *arena, const eg_transfer *transfer, const char *const *classes,
                            size_t class_count, const char *path, const eg_weights *weights, eg_error *err)
{
    const eg_recipe *recipe = transfer->recipe;
    const char *prefix = recipe->output.add_prefix ? recipe->output.add_prefix : "";
    eg_checkpoint_extra extra = {0};
    versions(arena, transfer->net, prefix, &extra);
    if (eg_net_runs(transfer->net))
        extra.card =
            eg_card_text(arena, transfer->net, classes, class_count, recipe->data.preprocess, prefix);
    eg_store store = eg_weights_store(arena, weights, prefix);
    return eg_checkpoint_write(path, &store, &extra, err);
}

/* "out/x.ema.pth" of "out/x.pth". */
static const char *beside(eg_arena *arena, const char *path, const char *word)
{
    const char *dot = strrchr(eg_path_name(path), '.');
    int stem = dot ? (int)(dot - path) : (int)strlen(path);
    return eg_arena_printf(arena, "%.*s.%s%s", stem, path, word, dot ? dot : "");
}

static bool write_models(eg_outputs *outputs, const eg_transfer *transfer, const eg_written *what, size_t at,
                         eg_error *err)
{
    static const char *const words[EG_WEIGHTS_COUNT] = {[EG_WEIGHTS_RAW] = "raw", [EG_WEIGHTS_EMA] = "ema"};
    const eg_written_weights *model = &what->models[at];
    const struct {
        const char *path;
        const eg_weights *weights;
    } files[] = {
        {outputs->checkpoint, model->best},
        {outputs->best, model->best},
        {model->best != model->last ? outputs->last : NULL, model->last},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const char *path = files[i].path;
        if (!path) continue;
        if (at > 0) path = beside(outputs->arena, path, words[model->kind]);
        if (!eg_outputs_write_model(outputs->arena, transfer, what->classes, what->class_count, path,
                                    files[i].weights, err) ||
            !written(outputs, path))
            return false;
    }
    return true;
}

bool eg_outputs_write(eg_outputs *outputs, const eg_transfer *transfer, const eg_problems *problems,
                      const eg_written *what, eg_error *err)
{
    for (size_t i = 0; i < what->model_count; i++)
        if (!write_models(outputs, transfer, what, i, err)) return false;
    return write_text(outputs, "recipe.resolved.yaml", eg_recipe_text(outputs->arena, transfer->recipe),
                      err) &&
           write_plan(outputs, transfer, problems, err) && commit_metrics(outputs, err);
}

void eg_outputs_close(eg_outputs *outputs)
{
    eg_output_abandon(outputs->metrics);
    outputs->metrics = NULL;
}
