#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/memory.h"
#include "data/sampler.h"
#include "train/ema.h"
#include "train/feed.h"
#include "train/precondition.h"

/* The gradients of several batches, added up. */
typedef struct sums {
    float *block;
    size_t size;
    const eg_optimizer_item *items; /* their gradients point into the block */
    const float **fresh;            /* per item: the gradient of the batch */
    size_t count;
} sums;

struct eg_trainer {
    eg_arena arena;
    eg_trainer_options with;
    eg_arena phase_arena; /* of what a phase alone needs */
    eg_exec *exec;
    eg_feed *train, *val; /* val NULL: validation is computed */
    eg_optimizer *optimizer;
    sums sums; /* accumulate above 1 */
    eg_ema ema;
    eg_weights best[EG_WEIGHTS_COUNT];
    eg_criterion criterion;
    eg_progress progress;
    int64_t samples, batch, stride, classes, steps_per_epoch; /* stride: samples of a step */
    eg_order order;
    int32_t *labels;                     /* of the batch */
    int64_t *confusion, *best_confusion; /* (classes, classes) */
    double *lr;                          /* per group */
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static const eg_phase *phase_of(const eg_trainer *trainer)
{
    return &trainer->with.phases->items[trainer->progress.phase];
}

/* ---- a phase ---- */

static eg_optimizer_item *list_items(eg_trainer *trainer, size_t *count)
{
    const eg_net *net = trainer->with.net;
    const eg_groups *groups = phase_of(trainer)->groups;
    eg_optimizer_item *items =
        EG_NEW_ARRAY(&trainer->phase_arena, eg_optimizer_item, (size_t)net->param_count);
    *count = 0;
    for (int32_t p = 0; p < net->param_count; p++) {
        uint64_t numel;
        float *grad = eg_exec_grad(trainer->exec, p);
        if (!grad || !eg_shape_numel(net->params[p].shape, &numel)) continue;
        items[(*count)++] = (eg_optimizer_item){
            .slot = (size_t)p,
            .weight = trainer->with.weights->data[p],
            .grad = grad,
            .numel = (int64_t)numel,
            .group = groups->of[p],
            .weight_decay = groups->weight_decay[p],
        };
    }
    return items;
}

/* The items' gradients move into a block where batches are added up. */
static bool make_sums(eg_trainer *trainer, eg_optimizer_item *items, size_t count, eg_error *err)
{
    sums *s = &trainer->sums;
    eg_block_free(s->block, s->size);
    *s = (sums){.items = items, .count = count};
    if (trainer->with.section->accumulate <= 1) return true;
    s->size = eg_exec_grad_bytes(trainer->exec);
    s->fresh = EG_NEW_ARRAY(&trainer->phase_arena, const float *, count);
    s->block = eg_block_new(s->size, "the sums of gradients", err);
    if (!s->block) return false;
    float *at = s->block;
    for (size_t i = 0; i < count; i++) {
        s->fresh[i] = items[i].grad;
        items[i].grad = at;
        at += items[i].numel;
    }
    return true;
}

static void end_exec(eg_trainer *trainer)
{
    eg_feed_free(trainer->train);
    eg_feed_free(trainer->val);
    trainer->train = trainer->val = NULL;
    eg_exec_free(trainer->exec);
    trainer->exec = NULL;
    eg_arena_clear(&trainer->phase_arena);
}

static eg_weights_kind validated(const eg_trainer *trainer)
{
    return trainer->with.kind_count ? trainer->with.kinds[0] : EG_WEIGHTS_RAW;
}

/* Where the phase's batches come from. The average's frozen parameters may be others than those that features
 * are made with. */
static bool open_feeds(eg_trainer *trainer, bool apart, eg_error *err)
{
    const eg_trainer_options *with = &trainer->with;
    eg_feed_options options = {
        .name = "training",
        .exec = trainer->exec,
        .net = with->net,
        .weights = with->weights,
        .trainable = phase_of(trainer)->trainable,
        .dataset = with->train,
        .pipeline = with->train_pipeline,
        .seed = with->section->seed,
        .pool_size = with->augment_pool,
        .batch = trainer->batch,
        .apart = apart,
        .cache = with->section->cache,
        .folder = with->section->cache_dir,
        .pool = with->pool,
    };
    trainer->train = eg_feed_new(&options, err);
    if (!trainer->train || !with->val || validated(trainer) == EG_WEIGHTS_EMA) return trainer->train != NULL;
    options.name = "validation";
    options.dataset = with->val;
    options.pipeline = with->val_pipeline;
    trainer->val = eg_feed_new(&options, err);
    return trainer->val != NULL;
}

/* Compiles the network for the phase that comes. */
static bool compile(eg_trainer *trainer, eg_error *err)
{
    const eg_trainer_options *with = &trainer->with;
    const eg_phase *phase = phase_of(trainer);
    end_exec(trainer);
    eg_exec_options options = {
        .batch = trainer->batch,
        .trainable = phase->trainable,
        .batch_norm = phase->batch_norm,
        .seed = with->section->seed,
        .pool = with->pool,
        .recompute = with->section->recompute,
        .apart = eg_feed_repeats(with->train_pipeline, with->augment_pool),
    };
    trainer->exec = eg_exec_new(with->net, with->weights, &options, err);
    if (!trainer->exec) return false;
    size_t count;
    eg_optimizer_item *items = list_items(trainer, &count);
    trainer->lr = EG_NEW_ARRAY(&trainer->phase_arena, double, phase->groups->count);
    if (trainer->ema.decay > 0) eg_ema_begin(&trainer->ema, phase->frozen);
    return make_sums(trainer, items, count, err) &&
           eg_optimizer_train(trainer->optimizer, items, count, err) &&
           open_feeds(trainer, options.apart, err);
}

/* ---- construction ---- */

static bool make_copies(eg_trainer *trainer, eg_error *err)
{
    const eg_trainer_options *with = &trainer->with;
    double decay = with->section->ema_decay;
    if (decay > 0 && !eg_ema_init(&trainer->ema, &trainer->arena, with->weights, decay, err)) return false;
    if (!with->kind_count)
        return eg_weights_init(&trainer->best[EG_WEIGHTS_RAW], &trainer->arena, with->net, err);
    for (size_t i = 0; i < with->kind_count; i++)
        if (!eg_weights_init(&trainer->best[with->kinds[i]], &trainer->arena, with->net, err)) return false;
    return true;
}

static bool allocate(eg_trainer *trainer, eg_error *err)
{
    const eg_trainer_options *with = &trainer->with;
    eg_order_init(&trainer->order, &trainer->arena, with->train, with->sampler);
    trainer->labels = EG_NEW_ARRAY(&trainer->arena, int32_t, (size_t)trainer->batch);
    trainer->confusion =
        EG_NEW_ARRAY(&trainer->arena, int64_t, (size_t)(trainer->classes * trainer->classes));
    trainer->best_confusion =
        EG_NEW_ARRAY(&trainer->arena, int64_t, (size_t)(trainer->classes * trainer->classes));
    trainer->optimizer = eg_optimizer_new(&with->section->optimizer, (size_t)with->net->param_count);
    return make_copies(trainer, err) && compile(trainer, err);
}

eg_trainer *eg_trainer_new(const eg_trainer_options *options, eg_error *err)
{
    eg_arena arena = {0};
    eg_trainer *trainer = EG_NEW(&arena, eg_trainer);
    int64_t accumulate = options->section->accumulate > 1 ? options->section->accumulate : 1;
    trainer->arena = arena;
    trainer->with = *options;
    trainer->samples = (int64_t)options->train->count;
    trainer->batch =
        options->section->batch_size < trainer->samples ? options->section->batch_size : trainer->samples;
    trainer->stride =
        trainer->batch > trainer->samples / accumulate ? trainer->samples : trainer->batch * accumulate;
    trainer->steps_per_epoch = (trainer->samples + trainer->stride - 1) / trainer->stride;
    if (eg_precondition_check(options, trainer->batch, &trainer->classes, err) &&
        eg_precondition_criterion(options, trainer->classes, &trainer->arena, &trainer->criterion, err) &&
        allocate(trainer, err))
        return trainer;
    eg_trainer_free(trainer);
    return NULL;
}

void eg_trainer_free(eg_trainer *trainer)
{
    if (!trainer) return;
    end_exec(trainer);
    eg_optimizer_free(trainer->optimizer);
    eg_block_free(trainer->sums.block, trainer->sums.size);
    eg_ema_clear(&trainer->ema);
    for (int i = 0; i < EG_WEIGHTS_COUNT; i++) eg_weights_clear(&trainer->best[i]);
    eg_arena arena = trainer->arena; /* it holds the trainer itself */
    eg_arena_clear(&arena);
}

/* ---- a step ---- */

static eg_moment moment_of(const eg_trainer *trainer)
{
    const eg_progress *at = &trainer->progress;
    return (eg_moment){.epoch = at->epoch,
                       .epochs = phase_of(trainer)->epochs,
                       .step = at->step,
                       .steps = trainer->steps_per_epoch,
                       .reductions = at->plateau.reductions};
}

/* The rates of the groups at a step of the epoch. */
static void set_rates(eg_trainer *trainer, int64_t step)
{
    const eg_phase *phase = phase_of(trainer);
    eg_moment moment = moment_of(trainer);
    moment.step = step;
    for (size_t g = 0; g < phase->groups->count; g++)
        trainer->lr[g] = eg_schedule_lr(phase->scheduler, phase->groups->lr[g], &moment);
}

static bool diverged(const eg_trainer *trainer, const char *what, eg_error *err)
{
    double lr = 0;
    for (size_t g = 0; g < phase_of(trainer)->groups->count; g++) lr = fmax(lr, trainer->lr[g]);
    return eg_fail(err, EG_DIVERGED,
                   "training diverged: %s in epoch %" PRId64 ", step %" PRId64 " of %" PRId64
                   " (learning rate %g); lower "
                   "train.lr, or check the data's normalisation",
                   what, trainer->progress.epochs + 1, trainer->progress.step + 1, trainer->steps_per_epoch,
                   lr);
}

typedef struct addition {
    const sums *sums;
    bool first;
} addition;

static void add_item(void *context, int64_t task, int worker)
{
    (void)worker;
    const addition *a = context;
    const float *from = a->sums->fresh[task];
    float *to = a->sums->block + (a->sums->items[task].grad - a->sums->block);
    for (int64_t i = 0; i < a->sums->items[task].numel; i++) to[i] = a->first ? from[i] : to[i] + from[i];
}

/* The step's divisor of the loss. */
static double weigh(const eg_trainer *trainer, const int64_t *samples, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        size_t sample = (size_t)samples[i] % trainer->with.train->count;
        sum += eg_loss_weight(&trainer->criterion, trainer->with.train->samples[sample].label);
    }
    return sum;
}

/* One batch forward and backward; `number` counts all of the training. */
static bool take_batch(eg_trainer *trainer, const int64_t *samples, int64_t n, int64_t number, double weight,
                       eg_loss *loss, eg_error *err)
{
    eg_exec *exec = trainer->exec;
    if (!eg_feed_forward(trainer->train, samples, n, (uint64_t)trainer->progress.epochs, true,
                         (uint64_t)number, trainer->labels, err))
        return false;
    eg_loss_compute(&trainer->criterion, eg_exec_output(exec), trainer->labels, n, trainer->classes, weight,
                    eg_exec_output_grad(exec), loss);
    if (!isfinite(loss->sum))
        return diverged(trainer, isnan(loss->sum) ? "the loss is NaN" : "the loss is infinite", err);
    eg_exec_backward(exec);
    return true;
}

/* One step of the optimizer, over one or several batches. Nothing here allocates. */
static bool take_step(eg_trainer *trainer, eg_loss *loss, eg_error *err)
{
    const eg_trainer_options *with = &trainer->with;
    const int64_t *samples = trainer->order.samples + trainer->progress.step * trainer->stride;
    int64_t left = trainer->samples - trainer->progress.step * trainer->stride;
    int64_t n = left < trainer->stride ? left : trainer->stride;
    int64_t number =
        trainer->progress.steps * (with->section->accumulate > 1 ? with->section->accumulate : 1);
    double weight = weigh(trainer, samples, n);
    *loss = (eg_loss){0};
    for (int64_t at = 0; at < n; at += trainer->batch) {
        eg_loss part;
        int64_t size = n - at < trainer->batch ? n - at : trainer->batch;
        if (!take_batch(trainer, samples + at, size, number + at / trainer->batch, weight, &part, err))
            return false;
        eg_loss_add(loss, &part);
        addition a = {&trainer->sums, at == 0};
        if (trainer->sums.block) eg_pool_run(with->pool, (int64_t)a.sums->count, add_item, &a);
    }
    const eg_moment moment = moment_of(trainer);
    const eg_optimizer_pace pace = {.lr = trainer->lr,
                                    .momentum = eg_schedule_momentum(phase_of(trainer)->scheduler, &moment),
                                    .clip_norm = with->section->clip_norm};
    eg_optimizer_step(trainer->optimizer, &pace, with->pool);
    if (trainer->ema.decay > 0) eg_ema_step(&trainer->ema, with->weights, with->pool);
    return true;
}

/* ---- an epoch ---- */

static bool report(const eg_trainer *trainer, eg_metrics *metrics, eg_error *err)
{
    const eg_trainer_calls *calls = &trainer->with.calls;
    metrics->phase = phase_of(trainer);
    metrics->epochs = trainer->with.phases->epochs;
    metrics->steps = metrics->epochs * trainer->steps_per_epoch;
    metrics->lr = trainer->lr;
    return !calls->report || calls->report(calls->context, metrics, err);
}

static bool train_step(eg_trainer *trainer, eg_error *err)
{
    eg_progress *at = &trainer->progress;
    double start = now();
    eg_loss loss;
    set_rates(trainer, at->step);
    if (!take_step(trainer, &loss, err)) return false;
    eg_loss_add(&at->loss, &loss);
    at->step++;
    at->steps++;
    eg_metrics metrics = {
        .epoch = at->epochs + 1, .step = at->steps, .train = loss, .seconds = now() - start};
    return report(trainer, &metrics, err);
}

static bool save(eg_trainer *trainer, bool ending, eg_error *err)
{
    const eg_trainer_calls *calls = &trainer->with.calls;
    return !calls->save || calls->save(calls->context, trainer, ending, err);
}

/* Whether the training is to end here, between two steps; what it has come to is saved then. */
static bool ends_here(eg_trainer *trainer, eg_error *err)
{
    const eg_trainer_calls *calls = &trainer->with.calls;
    if (!calls->stop || !calls->stop(err)) return false;
    save(trainer, true, err);
    return true;
}

static bool train_epoch(eg_trainer *trainer, eg_error *err)
{
    const eg_trainer_options *with = &trainer->with;
    eg_progress *at = &trainer->progress;
    char label[64], text[64];
    snprintf(label, sizeof label, "epoch %" PRId64 "/%" PRId64, at->epochs + 1, with->phases->epochs);
    eg_order_draw(&trainer->order, with->section->seed, (uint64_t)at->epochs);
    while (at->step < trainer->steps_per_epoch) {
        if (ends_here(trainer, err)) return false;
        if (!train_step(trainer, err)) return false;
        snprintf(text, sizeof text, "loss %.4f", eg_score_loss(&at->loss));
        eg_log_progress(label, (uint64_t)at->step, (uint64_t)trainer->steps_per_epoch, text);
    }
    return true;
}

static bool all_finite(const eg_net *net, const eg_weights *weights)
{
    for (int32_t p = 0; p < net->param_count; p++) {
        uint64_t numel;
        const float *data = weights->data[p];
        if (net->params[p].dtype != EG_F32 || !eg_shape_numel(net->params[p].shape, &numel)) continue;
        for (uint64_t i = 0; i < numel; i++)
            if (!isfinite(data[i])) return false;
    }
    return true;
}

/* The average stands in for the weights while it is validated. */
static void exchange(eg_trainer *trainer)
{
    eg_weights keep = *trainer->with.weights;
    if (validated(trainer) != EG_WEIGHTS_EMA) return;
    *trainer->with.weights = trainer->ema.average;
    trainer->ema.average = keep;
}

static bool validate(eg_trainer *trainer, eg_loss *score, eg_error *err)
{
    const eg_trainer_options *with = &trainer->with;
    eg_evaluator evaluator = {
        .exec = trainer->exec,
        .feed = trainer->val,
        .batch = trainer->batch,
        .classes = trainer->classes,
        .pool = with->pool,
        .label = "validation",
        .stop = with->calls.stop,
    };
    memset(trainer->confusion, 0, (size_t)(trainer->classes * trainer->classes) * sizeof(int64_t));
    eg_evaluation out = {.confusion = trainer->confusion};
    exchange(trainer);
    bool ok = eg_evaluate(&evaluator, with->val, with->val_pipeline, &out, err);
    exchange(trainer);
    *score = out.score;
    return ok;
}

static void copy_best(eg_trainer *trainer)
{
    const eg_weights *const now[EG_WEIGHTS_COUNT] = {
        [EG_WEIGHTS_RAW] = trainer->with.weights,
        [EG_WEIGHTS_EMA] = &trainer->ema.average,
    };
    memcpy(trainer->best_confusion, trainer->confusion,
           (size_t)(trainer->classes * trainer->classes) * sizeof(int64_t));
    for (int i = 0; i < EG_WEIGHTS_COUNT; i++)
        if (trainer->best[i].block) memcpy(trainer->best[i].block, now[i]->block, now[i]->size);
}

/* Keeps the parameters when they are the best so far; where nothing can be compared, always. */
static bool keep_best(eg_trainer *trainer, const eg_epoch_scores *scores)
{
    const eg_stopping_section *stopping = &trainer->with.section->stopping;
    eg_monitor monitor = stopping->given ? stopping->monitor : EG_MONITOR_VAL_ACCURACY;
    eg_progress *at = &trainer->progress;
    double value = eg_monitor_value(monitor, scores);
    bool better = eg_watch_step(&at->best, value, eg_monitor_smaller(monitor, stopping->mode), 0);
    if (!better && !isnan(value)) return false;
    copy_best(trainer);
    at->best_epoch = at->epochs + 1;
    at->best_phase = at->phase;
    at->best_score = scores->val ? *scores->val : (eg_loss){0};
    return true;
}

/* Whether early stopping has seen enough. */
static bool wants_stop(eg_trainer *trainer, const eg_epoch_scores *scores)
{
    const eg_stopping_section *stopping = &trainer->with.section->stopping;
    eg_watch *watch = &trainer->progress.stopping;
    if (!stopping->given) return false;
    double value = eg_monitor_value(stopping->monitor, scores);
    eg_watch_step(watch, value, eg_monitor_smaller(stopping->monitor, stopping->mode), stopping->min_delta);
    return watch->bad > 0 && watch->bad >= stopping->patience;
}

static void reduce_on_plateau(eg_trainer *trainer, const eg_epoch_scores *scores)
{
    const eg_scheduler_section *scheduler = phase_of(trainer)->scheduler;
    if (scheduler->kind != EG_SCHEDULE_PLATEAU) return;
    eg_plateau_step(&trainer->progress.plateau, scheduler,
                    eg_monitor_smaller(scheduler->monitor, scheduler->mode),
                    eg_monitor_value(scheduler->monitor, scores));
}

/* What follows an epoch's steps. */
static bool end_epoch(eg_trainer *trainer, double seconds, eg_error *err)
{
    const eg_trainer_options *with = &trainer->with;
    eg_progress *at = &trainer->progress;
    eg_loss val = {0};
    if (!all_finite(with->net, with->weights)) {
        at->step--;
        return diverged(trainer, "a parameter is not finite after it", err);
    }
    if (with->val && !validate(trainer, &val, err)) {
        if (with->calls.stop && with->calls.stop(NULL)) save(trainer, true, err);
        return false;
    }
    eg_epoch_scores scores = {at->loss, with->val ? &val : NULL, NAN};
    if (with->val) scores.macro_f1 = eg_score_macro_f1(trainer->confusion, trainer->classes);
    at->over = wants_stop(trainer, &scores);
    eg_metrics metrics = {.epoch_end = true,
                          .epoch = at->epochs + 1,
                          .step = at->steps,
                          .train = at->loss,
                          .val = scores.val,
                          .macro_f1 = scores.macro_f1,
                          .best = keep_best(trainer, &scores),
                          .stop = at->over,
                          .seconds = seconds};
    reduce_on_plateau(trainer, &scores);
    if (!report(trainer, &metrics, err)) return false;
    at->epochs++;
    at->epoch++;
    at->step = 0;
    at->loss = (eg_loss){0};
    return true;
}

/* ---- phases ---- */

static bool tell_phase(const eg_trainer *trainer, bool begins, eg_error *err)
{
    const eg_trainer_calls *calls = &trainer->with.calls;
    return !calls->phase || calls->phase(calls->context, trainer, phase_of(trainer), begins, err);
}

static bool train_phase(eg_trainer *trainer, eg_error *err)
{
    eg_progress *at = &trainer->progress;
    if (!tell_phase(trainer, true, err)) return false;
    while (!at->over && at->epoch < phase_of(trainer)->epochs) {
        double start = now();
        if (!train_epoch(trainer, err) || !end_epoch(trainer, now() - start, err) ||
            !save(trainer, false, err))
            return false;
    }
    at->stopped = at->over && trainer->with.section->stopping.scope == EG_SCOPE_RUN;
    return tell_phase(trainer, false, err);
}

/* On to the next phase; false when there is none. */
static bool next_phase(eg_trainer *trainer)
{
    eg_progress *at = &trainer->progress;
    if (at->stopped || (size_t)at->phase + 1 >= trainer->with.phases->count) return false;
    at->phase++;
    at->epoch = 0;
    at->over = false;
    at->plateau = (eg_plateau){0};
    if (trainer->with.section->stopping.scope == EG_SCOPE_PHASE) at->stopping = (eg_watch){0};
    return true;
}

bool eg_trainer_run(eg_trainer *trainer, eg_error *err)
{
    bool ok = train_phase(trainer, err);
    while (ok && next_phase(trainer)) ok = compile(trainer, err) && train_phase(trainer, err);
    eg_log_progress_end();
    return ok;
}

/* ---- saving and continuing ---- */

eg_trainer_state eg_trainer_state_of(eg_trainer *trainer)
{
    eg_trainer_state state = {.progress = &trainer->progress,
                              .weights = trainer->with.weights,
                              .average = trainer->ema.decay > 0 ? &trainer->ema.average : NULL,
                              .confusion = trainer->best_confusion,
                              .confusion_count = (size_t)(trainer->classes * trainer->classes),
                              .optimizer = trainer->optimizer};
    for (int i = 0; i < EG_WEIGHTS_COUNT; i++)
        state.best[i] = trainer->best[i].block ? &trainer->best[i] : NULL;
    return state;
}

bool eg_trainer_continue(eg_trainer *trainer, const eg_progress *progress, eg_error *err)
{
    const eg_phases *phases = trainer->with.phases;
    bool known = progress->phase >= 0 && (size_t)progress->phase < phases->count && progress->epoch >= 0 &&
                 progress->epoch <= phases->items[progress->phase].epochs && progress->step >= 0 &&
                 progress->step <= trainer->steps_per_epoch;
    if (!known)
        return eg_fail(err, EG_MALFORMED, "the saved training is at a place that this one does not have");
    trainer->progress = *progress;
    for (int64_t i = 0; trainer->ema.decay > 0 && i < progress->phase; i++)
        eg_ema_begin(&trainer->ema, phases->items[i].frozen);
    if (!compile(trainer, err)) return false;
    if (progress->step > 0) set_rates(trainer, progress->step - 1); /* an epoch's end tells its last step's */
    return true;
}

/* ---- results ---- */

const eg_weights *eg_trainer_best(const eg_trainer *trainer, eg_weights_kind kind)
{
    return trainer->best[kind].block ? &trainer->best[kind] : NULL;
}

const int64_t *eg_trainer_confusion(const eg_trainer *trainer)
{
    return trainer->best_confusion;
}

const eg_weights *eg_trainer_average(const eg_trainer *trainer)
{
    return trainer->ema.decay > 0 ? &trainer->ema.average : NULL;
}

const eg_progress *eg_trainer_progress(const eg_trainer *trainer)
{
    return &trainer->progress;
}

size_t eg_trainer_bytes(const eg_trainer *trainer)
{
    size_t copies = trainer->ema.average.size;
    for (int i = 0; i < EG_WEIGHTS_COUNT; i++) copies += trainer->best[i].size;
    copies += eg_feed_bytes(trainer->train) + (trainer->val ? eg_feed_bytes(trainer->val) : 0);
    return eg_exec_bytes(trainer->exec) + trainer->sums.size + eg_optimizer_bytes(trainer->optimizer) +
           copies;
}
