#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "../allocations.h"
#include "task.h"
#include "train/trainer.h"

enum { SAMPLES = 50, MOST = 64 };

/* What the reports said. */
typedef struct history {
    int64_t steps, epochs, best;
    double loss[MOST], accuracy[MOST], lr[MOST];
    int64_t batch[MOST];
    int stop_at;
} history;

static bool note(void *context, const eg_metrics *metrics, eg_error *err)
{
    history *h = context;
    assert_true(metrics->seconds >= 0);
    if (metrics->epoch_end) {
        assert_int_equal(metrics->epoch, h->epochs + 1);
        h->accuracy[h->epochs++] = metrics->val ? eg_score_accuracy(metrics->val) : -1;
        if (metrics->best) h->best = metrics->epoch;
    } else {
        assert_int_equal(metrics->step, h->steps + 1);
        h->lr[h->steps] = metrics->lr[0];
        h->batch[h->steps] = metrics->train.samples;
        h->loss[h->steps++] = eg_score_loss(&metrics->train);
        if (h->steps == h->stop_at) return eg_fail(err, EG_SYSTEM, "enough");
    }
    return true;
}

typedef struct toy_setup {
    toy_task task;
    bool trainable[16];
    eg_bn_mode *batch_norm;
    eg_train_section section;
    eg_pool *pool;
    history history;
    eg_trainer_options options;
} toy_setup;

static void open_setup(toy_setup *setup, int samples, int threads, const char *arch)
{
    *setup = (toy_setup){0};
    task_open(&setup->task, samples, arch);
    const eg_net *net = setup->task.net;
    for (int32_t p = 0; p < net->param_count; p++) setup->trainable[p] = !net->params[p].buffer;
    setup->batch_norm = EG_NEW_ARRAY(&setup->task.arena, eg_bn_mode, (size_t)net->node_count);
    setup->pool = eg_pool_new(threads, NULL);
    setup->section = (eg_train_section){
        .given = true,
        .epochs = 3,
        .batch_size = 16,
        .lr = 0.05,
        .seed = 3,
        .label_smoothing = 0.05,
        .optimizer = {.kind = EG_SGD, .momentum = 0.9, .weight_decay = 1e-4},
        .scheduler = {.kind = EG_SCHEDULE_COSINE, .warmup_epochs = 1},
    };
    setup->options = (eg_trainer_options){
        .net = net,
        .weights = &setup->task.weights,
        .trainable = setup->trainable,
        .batch_norm = setup->batch_norm,
        .section = &setup->section,
        .train = setup->task.data,
        .val = setup->task.data,
        .train_pipeline = &setup->task.pipeline,
        .val_pipeline = &setup->task.pipeline,
        .pool = setup->pool,
        .report = note,
        .context = &setup->history,
    };
}

static void close_setup(toy_setup *setup)
{
    eg_pool_free(setup->pool);
    task_close(&setup->task);
}

static bool train(toy_setup *setup, eg_error *err)
{
    eg_trainer *trainer = eg_trainer_new(&setup->options, err);
    bool ok = trainer && eg_trainer_run(trainer, err);
    eg_trainer_free(trainer);
    return ok;
}

static void it_learns_and_reports(void **state)
{
    (void)state;
    toy_setup setup;
    open_setup(&setup, SAMPLES, 2, architecture);
    setup.section.epochs = 8;
    eg_error err = {0};
    eg_trainer *trainer = eg_trainer_new(&setup.options, &err);
    assert_non_null(trainer);
    assert_true(eg_trainer_run(trainer, &err));
    const history *h = &setup.history;
    assert_int_equal(h->epochs, 8);
    assert_int_equal(h->steps, 32);
    assert_int_equal(h->batch[2], 16);
    assert_int_equal(h->batch[3], 2); /* the last smaller batch is used */
    assert_true(h->lr[0] == 0 && h->lr[2] == 0.025 && h->lr[4] == 0.05);
    assert_true(h->accuracy[7] == 1);
    /* The best epoch is the first of the most accurate, and its parameters were kept. */
    int64_t best = 1;
    for (int64_t e = 1; e < 8; e++)
        if (h->accuracy[e] > h->accuracy[best - 1]) best = e + 1;
    assert_int_equal(eg_trainer_best_epoch(trainer), best);
    assert_int_equal(h->best, best);
    eg_loss score = eg_trainer_best_score(trainer);
    assert_true(eg_score_accuracy(&score) == h->accuracy[best - 1]);
    assert_true(best == 8 || memcmp(eg_trainer_best(trainer)->block, setup.task.weights.block,
                                    setup.task.weights.size) != 0);
    eg_trainer_free(trainer);
    close_setup(&setup);
}

static long counts[MOST];

static bool count_step(void *context, const eg_metrics *metrics, eg_error *err)
{
    (void)err;
    if (!metrics->epoch_end) counts[(*(int *)context)++] = allocation_count();
    return true;
}

/* Loading, forward, loss, backward and optimizer, with images and with kept features: after the first steps
 * have made room, no step asks the system for memory. */
static void steps_allocate_nothing(void **state)
{
    (void)state;
    for (int cache = EG_CACHE_MEMORY; cache <= EG_CACHE_OFF; cache++) {
        toy_setup setup;
        eg_error err = {0};
        int steps = 0;
        if (cache == EG_CACHE_DISK) continue;         /* its files are made in the first epoch */
        open_setup(&setup, SAMPLES, 1, architecture); /* whose scratch has room after the first samples */
        setup.section.cache = (eg_cache_kind)cache;
        setup.options.val = NULL;
        setup.options.report = count_step;
        setup.options.context = &steps;
        setup.section.epochs = 5;
        if (cache == EG_CACHE_MEMORY) { /* the linear layer alone trains */
            for (int32_t p = 0; p < setup.task.net->param_count; p++)
                setup.trainable[p] = strncmp(setup.task.net->params[p].name, "fc", 2) == 0;
            for (int32_t i = 0; i < setup.task.net->node_count; i++) setup.batch_norm[i] = EG_BN_EVAL;
        }
        assert_true(train(&setup, &err));
        assert_int_equal(steps, 20);
        for (int step = 9; step < steps; step++) assert_int_equal(counts[step], counts[8]);
        close_setup(&setup);
    }
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    uint8_t *expected = NULL;
    history first = {0};
    for (int threads = 1; threads <= 3; threads++) {
        toy_setup setup;
        eg_error err = {0};
        open_setup(&setup, SAMPLES, threads, architecture);
        assert_true(train(&setup, &err));
        size_t size = setup.task.weights.size;
        if (threads == 1) {
            expected = malloc(size);
            memcpy(expected, setup.task.weights.block, size);
            first = setup.history;
        }
        assert_memory_equal(setup.task.weights.block, expected, size);
        assert_memory_equal(setup.history.loss, first.loss, sizeof first.loss);
        close_setup(&setup);
    }
    free(expected);
}

/* Another seed is another order: the test above could fail. */
static void the_seed_decides(void **state)
{
    (void)state;
    toy_setup a, b;
    open_setup(&a, SAMPLES, 1, architecture);
    open_setup(&b, SAMPLES, 1, architecture);
    b.section.seed = 4;
    assert_true(train(&a, NULL) && train(&b, NULL));
    assert_true(memcmp(a.task.weights.block, b.task.weights.block, a.task.weights.size) != 0);
    close_setup(&a);
    close_setup(&b);
}

static void frozen_parameters_stay(void **state)
{
    (void)state;
    toy_setup setup;
    open_setup(&setup, SAMPLES, 2, architecture);
    const eg_net *net = setup.task.net;
    for (int32_t p = 0; p < net->param_count; p++)
        setup.trainable[p] = strncmp(net->params[p].name, "fc.", 3) == 0;
    for (int32_t n = 0; n < net->node_count; n++) setup.batch_norm[n] = EG_BN_EVAL;
    uint8_t *before = malloc(setup.task.weights.size);
    memcpy(before, setup.task.weights.block, setup.task.weights.size);
    assert_true(train(&setup, NULL));
    for (int32_t p = 0; p < net->param_count; p++) {
        uint64_t numel;
        const uint8_t *now = setup.task.weights.data[p];
        assert_true(eg_shape_numel(net->params[p].shape, &numel));
        const uint8_t *was = before + (now - (const uint8_t *)setup.task.weights.block);
        bool same = memcmp(now, was, numel * eg_dtype_size(net->params[p].dtype)) == 0;
        assert_true(same == !setup.trainable[p]);
    }
    free(before);
    close_setup(&setup);
}

static void divergence_names_epoch_and_step(void **state)
{
    (void)state;
    toy_setup setup;
    eg_error err = {0};
    open_setup(&setup, SAMPLES, 1, architecture);
    setup.section.lr = 1e30;
    setup.section.scheduler = (eg_scheduler_section){.kind = EG_SCHEDULE_CONSTANT};
    assert_false(train(&setup, &err));
    assert_int_equal(err.code, EG_DIVERGED);
    assert_non_null(strstr(err.text, "epoch 1, step 2 of 4"));
    close_setup(&setup);
}

/* With a single step there is no next loss to show it: the parameters are looked at. */
static void a_parameter_that_is_not_finite_is_divergence(void **state)
{
    (void)state;
    toy_setup setup;
    eg_error err = {0};
    open_setup(&setup, 16, 1, architecture);
    setup.section.lr = 3e38;
    setup.section.epochs = 1;
    setup.section.optimizer.weight_decay = 1e3;
    setup.section.scheduler = (eg_scheduler_section){.kind = EG_SCHEDULE_CONSTANT};
    setup.options.val = NULL;
    assert_false(train(&setup, &err));
    assert_int_equal(err.code, EG_DIVERGED);
    assert_non_null(strstr(err.text, "a parameter is not finite"));
    close_setup(&setup);
}

static void a_report_ends_the_training(void **state)
{
    (void)state;
    toy_setup setup;
    eg_error err = {0};
    open_setup(&setup, SAMPLES, 1, architecture);
    setup.history.stop_at = 5;
    assert_false(train(&setup, &err));
    assert_int_equal(err.code, EG_SYSTEM);
    assert_int_equal(setup.history.steps, 5);
    close_setup(&setup);
}

static const char *const single_values = "arch: pooled\n"
                                         "args: {num_classes: 3}\n"
                                         "input: [1, 8, 8]\n"
                                         "model:\n"
                                         "  conv: conv2d(4, 3)\n"
                                         "  pool: adaptive_avg_pool2d(1)\n"
                                         "  bn: batch_norm2d()\n"
                                         "  flatten: flatten()\n"
                                         "  fc: linear(num_classes)\n";

/* 49 = 3 * 16 + 1: the last batch gives BatchNorm one value per channel. In eval mode it does not matter. */
static void a_single_value_per_channel_is_refused(void **state)
{
    (void)state;
    toy_setup setup;
    eg_error err = {0};
    open_setup(&setup, 49, 1, single_values);
    assert_false(train(&setup, &err));
    assert_int_equal(err.code, EG_RECIPE);
    assert_non_null(strstr(err.text, "BatchNorm 'bn' sees one value per channel"));
    assert_int_equal(setup.history.steps, 0);
    eg_error none = {0};
    for (int32_t n = 0; n < setup.task.net->node_count; n++) setup.batch_norm[n] = EG_BN_TRAIN_AFFINE;
    assert_true(train(&setup, &none));
    close_setup(&setup);
}

static void labels_beyond_the_outputs_are_refused(void **state)
{
    (void)state;
    toy_setup setup;
    eg_error err = {0};
    open_setup(&setup, SAMPLES, 1, architecture);
    setup.task.data->samples[5].label = 3;
    assert_false(train(&setup, &err));
    assert_int_equal(err.code, EG_RECIPE);
    assert_non_null(strstr(err.text, "label 3"));
    close_setup(&setup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_learns_and_reports),
        cmocka_unit_test(steps_allocate_nothing),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(the_seed_decides),
        cmocka_unit_test(frozen_parameters_stay),
        cmocka_unit_test(divergence_names_epoch_and_step),
        cmocka_unit_test(a_parameter_that_is_not_finite_is_divergence),
        cmocka_unit_test(a_report_ends_the_training),
        cmocka_unit_test(a_single_value_per_channel_is_refused),
        cmocka_unit_test(labels_beyond_the_outputs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
