#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "net/op.h"
#include "train/feed.h"
#include "train/optimizer.h"
#include "train/schedule.h"

struct eg_trainer {
    eg_arena arena;
    eg_trainer_options with;
    const eg_groups *groups;
    eg_exec *exec;
    eg_feed *train, *val;
    eg_optimizer *optimizer;
    eg_weights best;
    int64_t best_epoch;
    eg_loss best_score;
    int64_t samples, batch, classes, steps_per_epoch;
    int64_t *order;  /* of the epoch's samples */
    int32_t *labels; /* of the batch */
    double *lr;      /* per group */
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* ---- checks ---- */

static bool check_labels(const eg_dataset *dataset, int64_t classes, eg_error *err)
{
    for (size_t i = 0; i < dataset->count; i++) {
        const eg_sample *sample = &dataset->samples[i];
        if (sample->label < 0 || sample->label >= classes)
            return eg_fail(err, EG_RECIPE,
                           "'%s' has label %" PRId32 ", and the network has %" PRId64 " outputs",
                           sample->file, sample->label, classes);
    }
    return true;
}

/* A variance needs two values per channel: a single sample has them only where maps are larger than 1x1. */
static bool check_batch_norm(const eg_trainer_options *with, int64_t last, eg_error *err)
{
    const eg_net *net = with->net;
    for (int32_t i = 0; last == 1 && i < net->node_count; i++) {
        const eg_node *node = &net->nodes[i];
        bool batch_statistics =
            with->batch_norm[i] == EG_BN_DEFAULT || with->batch_norm[i] == EG_BN_TRAIN_STATS;
        if (strncmp(node->op->name, "batch_norm", strlen("batch_norm")) != 0 || !batch_statistics) continue;
        const eg_value *x = eg_node_input(net, node, 0);
        if (eg_value_numel(x) > x->dims[x->rank - 1]) continue;
        return eg_fail(
            err, EG_RECIPE,
            "with %zu samples and batch_size %" PRId64 " an epoch's last batch is a single sample, of which "
            "BatchNorm '%s' sees one value per channel, too few for a variance; choose another batch_size",
            with->train->count, with->section->batch_size, node->path);
    }
    return true;
}

static bool check(eg_trainer *trainer, eg_error *err)
{
    const eg_trainer_options *with = &trainer->with;
    const eg_value *output = &with->net->values[with->net->output];
    if (output->rank != 1)
        return eg_fail(err, EG_RECIPE, "the network's output %s is not a vector of class scores",
                       eg_value_text(&trainer->arena, output));
    trainer->classes = output->dims[0];
    return check_labels(with->train, trainer->classes, err) &&
           (!with->val || check_labels(with->val, trainer->classes, err)) &&
           check_batch_norm(with, (trainer->samples - 1) % trainer->batch + 1, err);
}

/* ---- memory ---- */

static eg_optimizer *make_optimizer(eg_trainer *trainer, eg_error *err)
{
    const eg_net *net = trainer->with.net;
    eg_optimizer_item *items = EG_NEW_ARRAY(&trainer->arena, eg_optimizer_item, (size_t)net->param_count);
    size_t count = 0;
    for (int32_t p = 0; p < net->param_count; p++) {
        uint64_t numel;
        float *grad = eg_exec_grad(trainer->exec, p);
        if (!grad || !eg_shape_numel(net->params[p].shape, &numel)) continue;
        items[count++] = (eg_optimizer_item){
            .weight = trainer->with.weights->data[p],
            .grad = grad,
            .numel = (int64_t)numel,
            .group = trainer->groups->of[p],
            .weight_decay = trainer->groups->weight_decay[p],
        };
    }
    return eg_optimizer_new(&trainer->with.section->optimizer, items, count, err);
}

static bool open_feeds(eg_trainer *trainer, bool apart, eg_error *err)
{
    const eg_trainer_options *with = &trainer->with;
    eg_feed_options options = {
        .name = "training",
        .exec = trainer->exec,
        .net = with->net,
        .weights = with->weights,
        .trainable = with->trainable,
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
    if (!trainer->train || !with->val) return trainer->train != NULL;
    options.name = "validation";
    options.dataset = with->val;
    options.pipeline = with->val_pipeline;
    trainer->val = eg_feed_new(&options, err);
    return trainer->val != NULL;
}

static bool allocate(eg_trainer *trainer, eg_error *err)
{
    const eg_trainer_options *with = &trainer->with;
    trainer->order = EG_NEW_ARRAY(&trainer->arena, int64_t, (size_t)trainer->samples);
    trainer->labels = EG_NEW_ARRAY(&trainer->arena, int32_t, (size_t)trainer->batch);
    trainer->lr = EG_NEW_ARRAY(&trainer->arena, double, trainer->groups->count);
    eg_exec_options options = {
        .batch = trainer->batch,
        .trainable = with->trainable,
        .batch_norm = with->batch_norm,
        .seed = with->section->seed,
        .pool = with->pool,
        .recompute = with->section->recompute,
        .apart = eg_feed_repeats(with->train_pipeline, with->augment_pool),
    };
    trainer->exec = eg_exec_new(with->net, with->weights, &options, err);
    if (!trainer->exec) return false;
    trainer->optimizer = make_optimizer(trainer, err);
    return trainer->optimizer && open_feeds(trainer, options.apart, err) &&
           eg_weights_init(&trainer->best, &trainer->arena, with->net, err);
}

eg_trainer *eg_trainer_new(const eg_trainer_options *options, eg_error *err)
{
    eg_arena arena = {0};
    eg_trainer *trainer = EG_NEW(&arena, eg_trainer);
    trainer->arena = arena;
    trainer->with = *options;
    trainer->samples = (int64_t)options->train->count;
    trainer->batch =
        options->section->batch_size < trainer->samples ? options->section->batch_size : trainer->samples;
    trainer->steps_per_epoch = (trainer->samples + trainer->batch - 1) / trainer->batch;
    trainer->groups = eg_groups_build(&trainer->arena, options->net, options->trainable, options->groups,
                                      options->group_count, options->section, err);
    if (trainer->groups && check(trainer, err) && allocate(trainer, err)) return trainer;
    eg_trainer_free(trainer);
    return NULL;
}

void eg_trainer_free(eg_trainer *trainer)
{
    if (!trainer) return;
    eg_feed_free(trainer->train);
    eg_feed_free(trainer->val);
    eg_optimizer_free(trainer->optimizer);
    eg_exec_free(trainer->exec);
    eg_weights_clear(&trainer->best);
    eg_arena arena = trainer->arena; /* it holds the trainer itself */
    eg_arena_clear(&arena);
}

/* ---- the loop ---- */

static void set_rates(eg_trainer *trainer, int64_t epoch, int64_t step)
{
    const eg_train_section *section = trainer->with.section;
    double part = (double)step / (double)trainer->steps_per_epoch;
    for (size_t g = 0; g < trainer->groups->count; g++)
        trainer->lr[g] =
            eg_schedule_lr(&section->scheduler, trainer->groups->lr[g], section->epochs, epoch, part);
}

static bool diverged(const eg_trainer *trainer, int64_t epoch, int64_t step, const char *what, eg_error *err)
{
    double lr = 0;
    for (size_t g = 0; g < trainer->groups->count; g++) lr = fmax(lr, trainer->lr[g]);
    return eg_fail(err, EG_DIVERGED,
                   "training diverged: %s in epoch %" PRId64 ", step %" PRId64 " of %" PRId64
                   " (learning rate %g); lower "
                   "train.lr, or check the data's normalisation",
                   what, epoch + 1, step + 1, trainer->steps_per_epoch, lr);
}

/* One batch: samples order[at … at+n-1]. Nothing here allocates. */
static bool take_step(eg_trainer *trainer, int64_t epoch, int64_t step, eg_loss *loss, eg_error *err)
{
    const eg_trainer_options *with = &trainer->with;
    eg_exec *exec = trainer->exec;
    int64_t at = step * trainer->batch, left = trainer->samples - at;
    int64_t n = left < trainer->batch ? left : trainer->batch;
    if (!eg_feed_forward(trainer->train, trainer->order + at, n, (uint64_t)epoch, true,
                         (uint64_t)(epoch * trainer->steps_per_epoch + step), trainer->labels, err))
        return false;
    eg_loss_cross_entropy(eg_exec_output(exec), trainer->labels, n, trainer->classes,
                          with->section->label_smoothing, eg_exec_output_grad(exec), loss);
    if (!isfinite(loss->sum))
        return diverged(trainer, epoch, step, isnan(loss->sum) ? "the loss is NaN" : "the loss is infinite",
                        err);
    eg_exec_backward(exec);
    eg_optimizer_step(trainer->optimizer, trainer->lr, with->pool);
    return true;
}

static bool report(eg_trainer *trainer, eg_metrics *metrics, eg_error *err)
{
    const eg_train_section *section = trainer->with.section;
    metrics->epochs = section->epochs;
    metrics->steps = section->epochs * trainer->steps_per_epoch;
    metrics->groups = trainer->groups;
    metrics->lr = trainer->lr;
    return !trainer->with.report || trainer->with.report(trainer->with.context, metrics, err);
}

static bool train_epoch(eg_trainer *trainer, int64_t epoch, eg_loss *total, eg_error *err)
{
    const eg_trainer_options *with = &trainer->with;
    char label[64], text[64];
    snprintf(label, sizeof label, "epoch %" PRId64 "/%" PRId64, epoch + 1, with->section->epochs);
    eg_shuffle(with->section->seed, (uint64_t)epoch, trainer->samples, trainer->order);
    for (int64_t step = 0; step < trainer->steps_per_epoch; step++) {
        if (with->stop && with->stop(err)) return false;
        double start = now();
        eg_loss loss;
        set_rates(trainer, epoch, step);
        if (!take_step(trainer, epoch, step, &loss, err)) return false;
        eg_loss_add(total, &loss);
        eg_metrics metrics = {
            .epoch = epoch + 1, .step = epoch * trainer->steps_per_epoch + step + 1, .train = loss};
        metrics.seconds = now() - start;
        if (!report(trainer, &metrics, err)) return false;
        snprintf(text, sizeof text, "loss %.4f", eg_score_loss(total));
        eg_log_progress(label, (uint64_t)step + 1, (uint64_t)trainer->steps_per_epoch, text);
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
        .stop = with->stop,
    };
    eg_evaluation out = {0};
    if (!eg_evaluate(&evaluator, with->val, with->val_pipeline, &out, err)) return false;
    *score = out.score;
    return true;
}

/* Keeps the parameters when they are the best so far: the first epoch's, a greater share of right answers,
 * or, with no validation set, always. */
static bool keep_best(eg_trainer *trainer, int64_t epoch, const eg_loss *score)
{
    if (trainer->with.val && epoch > 0 && score->correct <= trainer->best_score.correct) return false;
    memcpy(trainer->best.block, trainer->with.weights->block, trainer->best.size);
    trainer->best_epoch = epoch + 1;
    trainer->best_score = *score;
    return true;
}

bool eg_trainer_run(eg_trainer *trainer, eg_error *err)
{
    const eg_trainer_options *with = &trainer->with;
    bool ok = true;
    for (int64_t epoch = 0; ok && epoch < with->section->epochs; epoch++) {
        double start = now();
        eg_metrics metrics = {
            .epoch_end = true, .epoch = epoch + 1, .step = (epoch + 1) * trainer->steps_per_epoch};
        eg_loss score = {0};
        ok = train_epoch(trainer, epoch, &metrics.train, err);
        if (!ok) break;
        metrics.seconds = now() - start;
        if (!all_finite(with->net, with->weights))
            ok = diverged(trainer, epoch, trainer->steps_per_epoch - 1, "a parameter is not finite after it",
                          err);
        if (ok && with->val) ok = validate(trainer, &score, err);
        if (!ok) break;
        metrics.val = with->val ? &score : NULL;
        metrics.best = keep_best(trainer, epoch, &score);
        ok = report(trainer, &metrics, err);
    }
    eg_log_progress_end();
    return ok;
}

const eg_weights *eg_trainer_best(const eg_trainer *trainer)
{
    return &trainer->best;
}

int64_t eg_trainer_best_epoch(const eg_trainer *trainer)
{
    return trainer->best_epoch;
}

eg_loss eg_trainer_best_score(const eg_trainer *trainer)
{
    return trainer->best_score;
}

size_t eg_trainer_bytes(const eg_trainer *trainer)
{
    return eg_exec_bytes(trainer->exec) + eg_optimizer_bytes(trainer->optimizer) + trainer->best.size +
           eg_feed_bytes(trainer->train) + (trainer->val ? eg_feed_bytes(trainer->val) : 0);
}
