#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "../allocations.h"
#include "base/regex.h"
#include "task.h"
#include "train/cost.h"
#include "train/trainer.h"

enum { SAMPLES = 50, MOST = 64 };

/* What the reports said. */
typedef struct history {
    int64_t steps, epochs, best;
    double loss[MOST], accuracy[MOST], lr[MOST];
    double end_lr[MOST]; /* of the epochs */
    int64_t batch[MOST];
    int stop_at;
} history;

static bool note(void *context, const eg_metrics *metrics, eg_error *err)
{
    history *h = context;
    assert_true(metrics->seconds >= 0);
    if (metrics->epoch_end) {
        assert_int_equal(metrics->epoch, h->epochs + 1);
        h->end_lr[h->epochs] = metrics->lr[0];
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
    eg_bn_mode *batch_norm;
    eg_train_section section;
    bool *frozen;
    eg_pool *pool;
    history history;
    eg_trainer_options options;
} toy_setup;

static void open_setup(toy_setup *setup, int samples, int threads, const char *arch)
{
    *setup = (toy_setup){0};
    task_open(&setup->task, samples, arch);
    const eg_net *net = setup->task.net;
    setup->frozen = EG_NEW_ARRAY(&setup->task.arena, bool, (size_t)net->param_count);
    setup->batch_norm = EG_NEW_ARRAY(&setup->task.arena, eg_bn_mode, (size_t)net->node_count);
    setup->pool = eg_pool_new(threads, NULL);
    setup->section = (eg_train_section){
        .given = true,
        .epochs = 3,
        .batch_size = 16,
        .lr = 0.05,
        .seed = 3,
        .loss = {.label_smoothing = 0.05},
        .optimizer = {.kind = EG_SGD, .momentum = 0.9, .weight_decay = 1e-4},
        .scheduler = {.kind = EG_SCHEDULE_COSINE, .warmup_epochs = 1},
    };
    setup->options = (eg_trainer_options){
        .net = net,
        .weights = &setup->task.weights,
        .section = &setup->section,
        .train = setup->task.data,
        .val = setup->task.data,
        .train_pipeline = &setup->task.pipeline,
        .val_pipeline = &setup->task.pipeline,
        .pool = setup->pool,
        .calls = {.context = &setup->history, .report = note},
    };
}

static void close_setup(toy_setup *setup)
{
    eg_pool_free(setup->pool);
    task_close(&setup->task);
}

/* The trainer of the section as it is now. */
static eg_trainer *make_trainer(toy_setup *setup, eg_error *err)
{
    const eg_phase_options options = {.net = setup->task.net,
                                      .section = &setup->section,
                                      .frozen = setup->frozen,
                                      .batch_norm = setup->batch_norm};
    eg_problems problems = {.arena = &setup->task.arena};
    setup->options.phases = eg_phases_build(&setup->task.arena, &options, &problems, err);
    if (problems.errors) eg_problems_print(&problems, stdout, false);
    return setup->options.phases ? eg_trainer_new(&setup->options, err) : NULL;
}

static bool train(toy_setup *setup, eg_error *err)
{
    eg_trainer *trainer = make_trainer(setup, err);
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
    eg_trainer *trainer = make_trainer(&setup, &err);
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
    assert_int_equal(eg_trainer_progress(trainer)->best_epoch, best);
    assert_int_equal(h->best, best);
    eg_loss score = eg_trainer_progress(trainer)->best_score;
    assert_true(eg_score_accuracy(&score) == h->accuracy[best - 1]);
    assert_true(best == 8 || memcmp(eg_trainer_best(trainer, EG_WEIGHTS_RAW)->block, setup.task.weights.block,
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
    for (int kept = 0; kept < 2; kept++) {
        toy_setup setup;
        eg_error err = {0};
        int steps = 0;
        open_setup(&setup, SAMPLES, 1, architecture); /* whose scratch has room after the first samples */
        setup.section.cache = kept ? EG_CACHE_MEMORY : EG_CACHE_OFF;
        setup.section.epochs = 5;
        setup.options.val = NULL;
        setup.options.calls = (eg_trainer_calls){.context = &steps, .report = count_step};
        for (int32_t p = 0; kept && p < setup.task.net->param_count; p++) /* the linear layer alone trains */
            setup.frozen[p] = strncmp(setup.task.net->params[p].name, "fc", 2) != 0;
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
        setup.frozen[p] = strncmp(net->params[p].name, "fc.", 3) != 0;
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
        assert_true(same == setup.frozen[p]);
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

/* An interruption while an epoch is validated: no step of that epoch is left to be taken. */
static void a_continued_epochs_end_tells_its_last_rate(void **state)
{
    (void)state;
    toy_setup setup;
    eg_error err = {0};
    open_setup(&setup, SAMPLES, 1, architecture);
    eg_trainer *trainer = make_trainer(&setup, &err);
    assert_true(eg_trainer_run(trainer, &err));
    const history whole = setup.history;
    eg_trainer_free(trainer);
    setup.history = (history){.epochs = 1, .steps = 8};
    trainer = make_trainer(&setup, &err);
    const eg_progress at = {.epoch = 1, .epochs = 1, .step = 4, .steps = 8};
    assert_true(eg_trainer_continue(trainer, &at, &err));
    assert_true(eg_trainer_run(trainer, &err));
    assert_true(setup.history.end_lr[1] == whole.end_lr[1] && setup.history.end_lr[1] > 0);
    assert_true(setup.history.end_lr[2] == whole.end_lr[2]);
    eg_trainer_free(trainer);
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

/* ---- phases ---- */

static eg_pattern_list pattern(toy_setup *setup, const char *text)
{
    eg_pattern *items = EG_NEW(&setup->task.arena, eg_pattern);
    const eg_place place = {"r.yaml", 5, 7};
    *items = (eg_pattern){text, place, eg_regex_compile(&setup->task.arena, text, true, place, NULL)};
    return (eg_pattern_list){items, 1};
}

static const char *const head_only[] = {"head"}, *const all[] = {"head", "body"};

/* The head first, then all. */
static void open_phases(toy_setup *setup, eg_named_group groups[2], eg_phase_section phases[2])
{
    open_setup(setup, SAMPLES, 2, architecture);
    groups[0] = (eg_named_group){.name = "head", .patterns = pattern(setup, "fc\\..*")};
    groups[1] = (eg_named_group){.name = "body", .patterns = pattern(setup, "(conv|bn)\\..*")};
    phases[0] = (eg_phase_section){.name = "first",
                                   .epochs = 2,
                                   .trainable = head_only,
                                   .trainable_count = 1,
                                   .lr = 0.05,
                                   .layer_decay = 1};
    phases[1] = (eg_phase_section){.name = "second",
                                   .epochs = 3,
                                   .trainable = all,
                                   .trainable_count = 2,
                                   .lr = 0.02,
                                   .layer_decay = 0.5};
    setup->section.groups = groups;
    setup->section.group_count = 2;
    setup->section.phases = phases;
    setup->section.phase_count = 2;
    setup->section.scheduler = (eg_scheduler_section){.kind = EG_SCHEDULE_CONSTANT};
}

/* What the phases were when they began and ended. */
typedef struct witness {
    toy_setup *setup;
    uint8_t before[2048];
    int begun, ended, changed[2];
    size_t bytes[2];
} witness;

static bool watch_phase(void *context, const eg_trainer *trainer, const eg_phase *phase, bool begins,
                        eg_error *err)
{
    witness *w = context;
    (void)err;
    const eg_weights *weights = &w->setup->task.weights;
    assert_true(weights->size <= sizeof w->before);
    if (begins) {
        memcpy(w->before, weights->block, weights->size);
        w->bytes[w->begun++] = eg_trainer_bytes(trainer);
        return true;
    }
    for (int32_t p = 0; p < weights->net->param_count; p++) {
        const eg_param *param = &weights->net->params[p];
        uint64_t numel = 0;
        eg_shape_numel(param->shape, &numel);
        size_t at = (size_t)((uint8_t *)weights->data[p] - (uint8_t *)weights->block);
        bool same = memcmp(w->before + at, weights->data[p], numel * eg_dtype_size(param->dtype)) == 0;
        assert_int_equal(same, phase->frozen[p]);
        w->changed[w->ended] += !same;
    }
    w->ended++;
    return true;
}

static void a_phase_changes_what_it_trains_and_nothing_else(void **state)
{
    (void)state;
    toy_setup setup;
    eg_named_group groups[2];
    eg_phase_section phases[2];
    open_phases(&setup, groups, phases);
    witness w = {.setup = &setup};
    setup.options.calls = (eg_trainer_calls){.context = &w, .phase = watch_phase};
    eg_error err = {0};
    eg_trainer *trainer = make_trainer(&setup, &err);
    assert_non_null(trainer);
    const eg_phase *first = &setup.options.phases->items[0], *second = &setup.options.phases->items[1];
    assert_true(first->tensors == 2 && first->frozen_tensors == 3 && first->first_time == 2);
    assert_true(second->tensors == 5 && second->first_time == 3);
    assert_true(second->groups->lr[0] == 0.02 && second->groups->lr[1] == 0.01); /* layer_decay */
    assert_true(eg_trainer_run(trainer, &err));
    assert_true(w.begun == 2 && w.ended == 2);
    assert_int_equal(w.changed[0], 2);
    assert_int_equal(w.changed[1], 8); /* the statistics, too */
    assert_int_equal(eg_trainer_progress(trainer)->epochs, 5);
    /* The plan's prediction is what was taken. */
    const eg_phase_cost *costs =
        eg_phases_cost(&setup.task.arena, setup.task.net, &setup.section, setup.options.phases,
                       eg_training_copies(&setup.section, 0), setup.pool, &err);
    for (int i = 0; i < 2; i++)
        assert_int_equal(eg_phase_cost_bytes(&costs[i]) - costs[i].parameters, w.bytes[i]);
    assert_string_equal(costs[0].stop, "fc");
    assert_string_equal(costs[1].stop, "conv");
    assert_int_equal(costs[0].optimizer, (96 + 1) * 3 * sizeof(float)); /* fc: 96 inputs, 3 outputs */
    eg_trainer_free(trainer);
    close_setup(&setup);
}

static void groups_must_cover_and_have_an_effect(void **state)
{
    (void)state;
    static const struct {
        const char *head, *body, *words;
        const char *frozen; /* prefix */
    } cases[] = {
        {"fc\\..*", "conv\\..*",
         "2 parameters are in no group of train.groups and not frozen: bn.weight, bn.bias", "-"},
        {"fc\\..*", "layer9\\..*", "'layer9\\..*' of group 'body' matches no target tensor", "-"},
        {".*", "fc\\..*", "'fc\\..*' of group 'body' has no effect", "-"},
        {"(conv|bn)\\..*", "fc\\..*", "group 'body' never trains: `freeze` freezes all 2", "fc"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        toy_setup setup;
        eg_named_group groups[2];
        eg_phase_section phases[2];
        eg_error err = {0};
        open_phases(&setup, groups, phases);
        groups[0].patterns = pattern(&setup, cases[c].head);
        groups[1].patterns = pattern(&setup, cases[c].body);
        for (int32_t p = 0; p < setup.task.net->param_count; p++)
            setup.frozen[p] = strncmp(setup.task.net->params[p].name, cases[c].frozen, 2) == 0;
        const eg_phase_options options = {.net = setup.task.net,
                                          .section = &setup.section,
                                          .frozen = setup.frozen,
                                          .batch_norm = setup.batch_norm};
        eg_problems problems = {.arena = &setup.task.arena};
        assert_null(eg_phases_build(&setup.task.arena, &options, &problems, &err));
        assert_int_equal(err.code, EG_REFUSED);
        assert_non_null(strstr(problems.items[0].message, cases[c].words));
        close_setup(&setup);
    }
}

/* One batch of 48 is three of 16: the same gradient, but for rounding. Without batch norm and dropout, whose
 * batches are what they are. */
static void accumulated_batches_are_one_large_batch(void **state)
{
    (void)state;
    static const char plain[] = "arch: plain\n"
                                "args: {num_classes: 3}\n"
                                "input: [1, 8, 8]\n"
                                "model:\n"
                                "  conv: conv2d(4, 3)\n"
                                "  relu: relu()\n"
                                "  flatten: flatten()\n"
                                "  fc: linear(num_classes)\n";
    float weights[2][64];
    static const double class_weights[] = {1, 2, 4};
    for (int i = 0; i < 2; i++) {
        toy_setup setup;
        open_setup(&setup, SAMPLES, 1, plain);
        setup.section.batch_size = i ? 16 : 48;
        setup.section.accumulate = i ? 3 : 1;
        setup.section.loss.weights = class_weights;
        setup.section.loss.weight_count = 3;
        assert_true(train(&setup, NULL));
        assert_int_equal(setup.history.steps, 6);
        memcpy(weights[i], setup.task.weights.data[2], sizeof weights[i]);
        close_setup(&setup);
    }
    for (int k = 0; k < 64; k++) assert_true(fabsf(weights[0][k] - weights[1][k]) < 1e-5f);
    assert_true(memcmp(weights[0], weights[1], sizeof weights[0]) != 0 || weights[0][0] != 0);
}

/* A rate of nothing changes nothing: no epoch is better than the first. */
static void it_stops_when_nothing_gets_better(void **state)
{
    (void)state;
    for (int phase = 0; phase < 2; phase++) {
        toy_setup setup;
        eg_named_group groups[2];
        eg_phase_section phases[2];
        open_phases(&setup, groups, phases);
        phases[0].epochs = phases[1].epochs = 9;
        phases[0].lr = phases[1].lr = 0;
        phases[0].batch_norm = phases[1].batch_norm = EG_BN_EVAL;
        setup.section.stopping = (eg_stopping_section){.given = true,
                                                       .monitor = EG_MONITOR_VAL_LOSS,
                                                       .patience = 2,
                                                       .scope = phase ? EG_SCOPE_PHASE : EG_SCOPE_RUN};
        eg_trainer *trainer = make_trainer(&setup, NULL);
        assert_true(eg_trainer_run(trainer, NULL));
        assert_int_equal(eg_trainer_progress(trainer)->epochs, phase ? 6 : 3);
        assert_int_equal(eg_trainer_progress(trainer)->best_epoch, 1);
        eg_trainer_free(trainer);
        close_setup(&setup);
    }
}

/* The average of one step is between the weights before and after it, and frozen tensors keep their bits. */
static void the_average_follows_what_trains(void **state)
{
    (void)state;
    toy_setup setup;
    open_setup(&setup, 16, 2, architecture);
    static const eg_weights_kind kinds[] = {EG_WEIGHTS_EMA, EG_WEIGHTS_RAW};
    setup.section.epochs = 1;
    setup.section.ema_decay = 0.75;
    setup.section.scheduler = (eg_scheduler_section){.kind = EG_SCHEDULE_CONSTANT};
    setup.options.kinds = kinds;
    setup.options.kind_count = 2;
    setup.frozen[0] = true;
    const eg_weights *now = &setup.task.weights;
    float first = ((float *)now->data[6])[0], conv = ((float *)now->data[0])[0];
    eg_trainer *trainer = make_trainer(&setup, NULL);
    assert_true(eg_trainer_run(trainer, NULL));
    const eg_weights *average = eg_trainer_best(trainer, EG_WEIGHTS_EMA);
    float last = ((float *)now->data[6])[0];
    assert_true(((float *)average->data[6])[0] == first * 0.75f + 0.25f * last && first != last);
    assert_true(((float *)average->data[0])[0] == conv);
    assert_true(((float *)eg_trainer_best(trainer, EG_WEIGHTS_RAW)->data[6])[0] == last);
    assert_int_equal(*(int64_t *)average->data[5], 1); /* the counter is copied */
    eg_trainer_free(trainer);
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
        cmocka_unit_test(a_phase_changes_what_it_trains_and_nothing_else),
        cmocka_unit_test(groups_must_cover_and_have_an_effect),
        cmocka_unit_test(accumulated_batches_are_one_large_batch),
        cmocka_unit_test(a_continued_epochs_end_tells_its_last_rate),
        cmocka_unit_test(it_stops_when_nothing_gets_better),
        cmocka_unit_test(the_average_follows_what_trains),
        cmocka_unit_test(a_single_value_per_channel_is_refused),
        cmocka_unit_test(labels_beyond_the_outputs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
