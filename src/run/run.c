/* engraft run: from a recipe to a trained model. engraft train: the same from a model that has been applied.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "engraft/run.h"
#include "run/interrupt.h"
#include "run/outputs.h"
#include "run/page.h"
#include "run/result.h"
#include "run/samples.h"
#include "run/state.h"
#include "run/target.h"
#include "run/tuning.h"

/* Everything that a run has open. */
typedef struct job {
    const eg_run_options *options;
    eg_arena arena;
    eg_transfer transfer; /* recipe, network, source, plan */
    eg_samples samples;
    eg_outputs outputs;
    eg_pool *pool;
    eg_weights weights;
    eg_tuning tuning; /* without a trainer when the recipe has no train section */
} job;

static void tell_plan(const eg_plan *plan)
{
    eg_log("plan       %zu tensors: %zu loaded, %zu initialised, %zu defaulted; %" PRIu64 " of %" PRIu64
           " parameters train",
           plan->step_count, plan->loaded, plan->initialized, plan->defaulted, plan->params_trainable,
           plan->params_total);
}

static void tell_data(job *run)
{
    const eg_dataset *train = run->samples.train, *val = run->samples.val;
    size_t skipped = train->skipped + (val ? val->skipped : 0);
    eg_log("data       %zu training and %zu validation samples, %zu classes: %s", train->count,
           val ? val->count : 0, train->class_count,
           eg_samples_classes(&run->arena, train->classes, train->class_count));
    if (skipped) eg_log("           %zu file%s no image, skipped", skipped, skipped == 1 ? " is" : "s are");
}

static bool open_data(job *run, eg_error *err)
{
    const eg_recipe *recipe = run->transfer.recipe;
    if (!recipe->train.given) return true;
    if (!eg_samples_open(&run->samples, &run->arena, recipe, run->transfer.net, err)) return false;
    tell_data(run);
    return true;
}

static bool open_pool(job *run, eg_error *err)
{
    int threads = run->options->threads ? run->options->threads : (int)run->transfer.recipe->train.threads;
    run->pool = eg_pool_new(threads, err);
    return run->pool != NULL;
}

/* Each of two tied tensors would learn by itself. */
static bool check_ties(const job *run, eg_error *err)
{
    const eg_plan *plan = run->transfer.plan;
    for (size_t i = 0; i < plan->step_count && run->transfer.recipe->train.given; i++) {
        const eg_step *step = &plan->steps[i];
        if (step->tied >= 0 && !step->frozen)
            return eg_fail_at(
                err, EG_RECIPE, run->transfer.recipe->transfer.place,
                "'%s' is tied to '%s', and training would let them drift apart: freeze both, or "
                "leave out 'tie: true'",
                plan->net->params[step->param].name, plan->net->params[step->tied].name);
    }
    return true;
}

/* Goes on where an interrupted run of the same directory was; without one, at the beginning. */
static bool resume(job *run, const char *path, const char *decided, eg_error *err)
{
    if (!run->options->resume) return true;
    if (!eg_path_exists(path)) {
        eg_log("resume     there is no saved training in %s: this one starts at the beginning",
               run->outputs.dir);
        return true;
    }
    if (!eg_state_read(path, &run->tuning, decided, err)) return false;
    const eg_progress *at = eg_trainer_progress(run->tuning.trainer);
    eg_log("resume     after %" PRId64 " epochs and %" PRId64 " steps", at->epochs, at->steps);
    return true;
}

static bool open_tuning(job *run, eg_error *err)
{
    if (!run->transfer.recipe->train.given) return true;
    if (!eg_tuning_open(&run->tuning, &run->arena, &run->transfer, &run->weights, &run->samples,
                        run->outputs.metrics, run->pool, err))
        return false;
    const char *path = eg_path_join(&run->arena, run->outputs.dir, "state/training.safetensors");
    const char *decided =
        eg_state_decided(&run->arena, &run->transfer, run->options->problems, &run->samples);
    eg_tuning_keep(&run->tuning, path, decided);
    return resume(run, path, decided, err);
}

/* A training that came to its end leaves nothing to be resumed. */
static void forget_state(const job *run)
{
    if (!run->tuning.state) return;
    eg_arena arena = {0};
    remove(run->tuning.state);
    remove(eg_path_folder(&arena, run->tuning.state));
    eg_arena_clear(&arena);
}

/* Everything that can be found wrong is found here, before the first step. */
static bool prepare(job *run, eg_error *err)
{
    if (!eg_transfer_open(&run->transfer, &run->arena, run->options, err) ||
        !eg_target_runs(run->transfer.recipe, err) || !check_ties(run, err))
        return false;
    if (run->options->applied && !run->transfer.recipe->train.given) {
        eg_fail(err, EG_RECIPE, "the recipe has no train section, so there is nothing to train");
        return eg_error_in(err, run->options->recipe);
    }
    tell_plan(run->transfer.plan);
    return open_data(run, err) &&
           eg_outputs_open(&run->outputs, &run->arena, &run->transfer, run->options, err) &&
           open_pool(run, err) && eg_transfer_apply(&run->transfer, &run->arena, &run->weights, err) &&
           open_tuning(run, err);
}

static bool train(job *run, eg_error *err)
{
    return !run->tuning.trainer || eg_tuning_run(&run->tuning, err);
}

/* The models in the order of output.weights; without a training there is one. */
static eg_written_weights written_weights(const job *run, size_t i)
{
    const eg_output_section *output = &run->transfer.recipe->output;
    const eg_trainer *trainer = run->tuning.trainer;
    eg_weights_kind kind = output->weights[i];
    if (!trainer) return (eg_written_weights){EG_WEIGHTS_RAW, &run->weights, &run->weights};
    return (eg_written_weights){kind, eg_trainer_best(trainer, kind),
                                kind == EG_WEIGHTS_EMA ? eg_trainer_average(trainer) : &run->weights};
}

static bool write_outputs(job *run, eg_error *err)
{
    const eg_recipe *recipe = run->transfer.recipe;
    const eg_dataset *data = run->samples.train;
    eg_written_weights models[EG_WEIGHTS_COUNT];
    size_t count = run->tuning.trainer ? recipe->output.weight_count : 1;
    for (size_t i = 0; i < count; i++) models[i] = written_weights(run, i);
    const eg_written written = {.classes = data ? data->classes : recipe->target.classes,
                                .class_count = data ? data->class_count : recipe->target.class_count,
                                .models = models,
                                .model_count = count};
    return !eg_interrupt_check(err) &&
           eg_outputs_write(&run->outputs, &run->transfer, run->options->problems, &written, err);
}

static bool write_page(job *run, eg_error *err)
{
    const char *path = run->transfer.recipe->output.report;
    const eg_page page = {&run->transfer, &run->samples, &run->tuning, run->outputs.metrics_path};
    if (!path) return true;
    if (!eg_page_write(&page, path, err)) return false;
    eg_outputs_add(&run->outputs, path);
    return true;
}

static bool print_result(const job *run, eg_error *err)
{
    eg_result result = {.files = run->outputs.files, .file_count = run->outputs.file_count};
    if (run->tuning.trainer) {
        const eg_progress *at = eg_trainer_progress(run->tuning.trainer);
        result.trained = true;
        result.epoch = at->best_epoch;
        result.score = at->best_score;
        result.phases = run->tuning.phases;
        result.phase_count = run->tuning.phase_count;
    }
    return eg_result_print(&result, run->options->json, err);
}

bool eg_run(const eg_run_options *options, eg_error *err)
{
    job run = {.options = options};
    eg_interrupt_watch();
    bool ok = prepare(&run, err) && train(&run, err) && write_outputs(&run, err) && write_page(&run, err) &&
              print_result(&run, err);
    if (ok) forget_state(&run);
    eg_tuning_close(&run.tuning);
    eg_weights_clear(&run.weights);
    eg_pool_free(run.pool);
    eg_outputs_close(&run.outputs);
    eg_transfer_close(&run.transfer);
    eg_arena_clear(&run.arena);
    return ok;
}

bool eg_run_train(const eg_run_options *options, eg_error *err)
{
    eg_run_options applied = *options;
    applied.applied = true;
    return eg_run(&applied, err);
}
