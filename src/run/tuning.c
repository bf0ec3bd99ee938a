#include "run/tuning.h"

#include <inttypes.h>

#include "base/log.h"
#include "run/interrupt.h"

static bool report(void *context, const eg_metrics *metrics, eg_error *err)
{
    eg_tuning *tuning = context;
    return eg_metrics_report(&tuning->log, metrics, err);
}

static bool begin_phase(eg_tuning *tuning, const eg_phase *phase, eg_error *err)
{
    eg_proof_clear(&tuning->proof);
    if (!eg_proof_init(&tuning->proof, tuning->transfer->net, phase->frozen, tuning->weights, err))
        return false;
    tuning->before = eg_trainer_progress(tuning->trainer)->epochs;
    tuning->phases[tuning->phase_count++] = (eg_tuned_phase){
        .name = phase->name, .frozen = tuning->proof.tensors, .first_time = phase->first_time};
    if (!tuning->log.named) return true;
    eg_log("phase      %s: %" PRId64 " epochs, %zu of %zu tensors train, %zu of them for the first time: "
           "their momentum starts at zero",
           phase->name, phase->epochs, phase->tensors, phase->tensors + phase->frozen_tensors,
           phase->first_time);
    return true;
}

/* The best weights are compared, too, where they are this phase's. */
static bool end_phase(eg_tuning *tuning, const eg_trainer *trainer, eg_error *err)
{
    const eg_progress *at = eg_trainer_progress(trainer);
    const eg_weights *best = eg_trainer_best(trainer, EG_WEIGHTS_RAW);
    tuning->phases[tuning->phase_count - 1].epochs = at->epochs - tuning->before;
    return eg_proof_check(&tuning->proof, tuning->weights, err) &&
           (!best || at->best_phase != at->phase || eg_proof_check(&tuning->proof, best, err));
}

static bool phase(void *context, const eg_trainer *trainer, const eg_phase *phase, bool begins, eg_error *err)
{
    return begins ? begin_phase(context, phase, err) : end_phase(context, trainer, err);
}

bool eg_tuning_open(eg_tuning *tuning, eg_arena *arena, const eg_transfer *transfer, eg_weights *weights,
                    const eg_samples *samples, eg_output *metrics, eg_pool *pool, eg_error *err)
{
    const eg_recipe *recipe = transfer->recipe;
    *tuning = (eg_tuning){.transfer = transfer, .weights = weights};
    tuning->log = (eg_metrics_log){.file = metrics, .named = transfer->phases->count > 1};
    tuning->phases = EG_NEW_ARRAY(arena, eg_tuned_phase, transfer->phases->count);
    eg_trainer_options options = {
        .net = transfer->net,
        .weights = weights,
        .phases = transfer->phases,
        .section = &recipe->train,
        .kinds = recipe->output.weights,
        .kind_count = recipe->output.weight_count,
        .train = samples->train,
        .val = samples->val,
        .sampler = recipe->data.train.sampler,
        .train_pipeline = &samples->train_pipeline,
        .val_pipeline = &samples->val_pipeline,
        .pool = pool,
        .calls = {.context = tuning, .report = report, .phase = phase, .stop = eg_interrupt_check},
    };
    tuning->trainer = eg_trainer_new(&options, err);
    if (!tuning->trainer) return false;
    eg_log("training   %" PRId64 " epochs, batch %" PRId64 ", %d threads, %.0f MB", transfer->phases->epochs,
           recipe->train.batch_size, eg_pool_threads(pool),
           (double)(eg_trainer_bytes(tuning->trainer) + weights->size) / 1e6);
    return true;
}

bool eg_tuning_run(eg_tuning *tuning, eg_error *err)
{
    return eg_trainer_run(tuning->trainer, err);
}

void eg_tuning_close(eg_tuning *tuning)
{
    eg_trainer_free(tuning->trainer);
    eg_metrics_clear(&tuning->log);
    eg_proof_clear(&tuning->proof);
    *tuning = (eg_tuning){0};
}
