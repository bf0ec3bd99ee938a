/* engraft run: from a recipe to a trained model. */
#include <inttypes.h>

#include "base/log.h"
#include "engraft/run.h"
#include "run/interrupt.h"
#include "run/outputs.h"
#include "run/plan_features.h"
#include "run/proof.h"
#include "run/result.h"
#include "run/samples.h"

/* Everything that a run has open. */
typedef struct job {
    const eg_run_options *options;
    eg_arena arena;
    eg_transfer transfer; /* recipe, network, source, plan */
    eg_samples samples;
    eg_outputs outputs;
    eg_pool *pool;
    eg_weights weights;
    eg_proof proof;
    eg_metrics_log log;
    eg_trainer *trainer; /* NULL: the recipe has no train section */
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

static bool open_trainer(job *run, eg_error *err)
{
    const eg_recipe *recipe = run->transfer.recipe;
    if (!recipe->train.given) return true;
    run->log.file = run->outputs.metrics;
    eg_trainer_options options = {
        .net = run->transfer.net,
        .weights = &run->weights,
        .trainable = eg_plan_trainable(&run->arena, run->transfer.plan),
        .batch_norm = run->transfer.plan->batch_norm,
        .groups = recipe->groups,
        .group_count = recipe->group_count,
        .section = &recipe->train,
        .train = run->samples.train,
        .val = run->samples.val,
        .train_pipeline = &run->samples.train_pipeline,
        .val_pipeline = &run->samples.val_pipeline,
        .augment_pool = recipe->data.augment_pool,
        .pool = run->pool,
        .report = eg_metrics_report,
        .context = &run->log,
        .stop = eg_interrupt_check,
    };
    run->trainer = eg_trainer_new(&options, err);
    if (!run->trainer) return false;
    eg_log("training   %" PRId64 " epochs, batch %" PRId64 ", %d threads, %.0f MB", recipe->train.epochs,
           recipe->train.batch_size, eg_pool_threads(run->pool),
           (double)(eg_trainer_bytes(run->trainer) + run->weights.size + run->proof.size) / 1e6);
    return true;
}

static bool open_pool(job *run, eg_error *err)
{
    int threads = run->options->threads ? run->options->threads : (int)run->transfer.recipe->train.threads;
    run->pool = eg_pool_new(threads, err);
    return run->pool != NULL;
}

/* Everything that can be found wrong is found here, before the first step. */
static bool prepare(job *run, eg_error *err)
{
    if (!eg_transfer_open(&run->transfer, &run->arena, run->options, err)) return false;
    tell_plan(run->transfer.plan);
    return open_data(run, err) &&
           eg_outputs_open(&run->outputs, &run->arena, &run->transfer, run->options, err) &&
           open_pool(run, err) && eg_transfer_apply(&run->transfer, &run->arena, &run->weights, err) &&
           eg_proof_init(&run->proof, run->transfer.plan, &run->weights, err) && open_trainer(run, err);
}

/* The frozen tensors are compared in both models that will be written. */
static bool train(job *run, eg_error *err)
{
    return !run->trainer ||
           (eg_trainer_run(run->trainer, err) && eg_proof_check(&run->proof, &run->weights, err) &&
            eg_proof_check(&run->proof, eg_trainer_best(run->trainer), err));
}

static bool write_outputs(job *run, eg_error *err)
{
    const eg_recipe *recipe = run->transfer.recipe;
    const eg_dataset *data = run->samples.train;
    const char *const *classes = data ? data->classes : recipe->target.classes;
    size_t class_count = data ? data->class_count : recipe->target.class_count;
    const eg_weights *last = &run->weights, *best = run->trainer ? eg_trainer_best(run->trainer) : last;
    return !eg_interrupt_check(err) && eg_outputs_write(&run->outputs, &run->transfer, run->options->problems,
                                                        classes, class_count, best, last, err);
}

static bool print_result(const job *run, eg_error *err)
{
    eg_result result = {.files = run->outputs.files, .file_count = run->outputs.file_count};
    if (run->trainer) {
        result.trained = true;
        result.epoch = eg_trainer_best_epoch(run->trainer);
        result.score = eg_trainer_best_score(run->trainer);
        result.frozen = run->proof.tensors;
    }
    return eg_result_print(&result, run->options->json, err);
}

bool eg_run(const eg_run_options *options, eg_error *err)
{
    job run = {.options = options};
    eg_interrupt_watch();
    bool ok = prepare(&run, err) && train(&run, err) && write_outputs(&run, err) && print_result(&run, err);
    eg_trainer_free(run.trainer);
    eg_metrics_clear(&run.log);
    eg_proof_clear(&run.proof);
    eg_weights_clear(&run.weights);
    eg_pool_free(run.pool);
    eg_outputs_close(&run.outputs);
    eg_transfer_close(&run.transfer);
    eg_arena_clear(&run.arena);
    return ok;
}
