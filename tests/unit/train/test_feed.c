/* Kept features: a training gives the same bits with and without them, in memory and on disk; they are
 * proved, shared by later runs, and left alone where they would not be the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "task.h"
#include "train/feature_store.h"
#include "train/feed.h"
#include "train/trainer.h"

enum { SAMPLES = 37, EPOCHS = 4, MOST = 64 };

typedef struct outcome {
    double loss[MOST];
    int64_t correct[MOST];
    int steps;
    uint8_t weights[1 << 14];
    bool ok;
    eg_error err;
} outcome;

/* What a training is told. */
typedef struct setting {
    eg_cache_kind cache;
    const char *folder;
    int threads;
    int64_t batch, pool;
    bool flip, all; /* augmentation; everything trains */
} setting;

static bool note(void *context, const eg_metrics *metrics, eg_error *err)
{
    (void)err;
    outcome *out = context;
    out->loss[out->steps] = metrics->val ? metrics->val->sum : metrics->train.sum;
    out->correct[out->steps++] = metrics->train.correct;
    return true;
}

static void train(const setting *with, outcome *out)
{
    toy_task task;
    *out = (outcome){0};
    task_open(&task, SAMPLES, architecture);
    const eg_net *net = task.net;
    eg_pipeline flipped = task.pipeline;
    eg_transform steps[] = {{.kind = EG_TRANSFORM_HORIZONTAL_FLIP, .p = 0.5},
                            task.pipeline.transforms.items[0]};
    flipped.transforms = (eg_transform_list){steps, 2};
    bool frozen[16] = {0};
    for (int32_t p = 0; p < net->param_count; p++)
        frozen[p] = !with->all && strncmp(net->params[p].name, "fc", 2) != 0;
    eg_bn_mode *modes = EG_NEW_ARRAY(&task.arena, eg_bn_mode, (size_t)net->node_count);
    for (int32_t i = 0; i < net->node_count; i++) modes[i] = with->all ? EG_BN_DEFAULT : EG_BN_EVAL;
    eg_train_section section = {
        .given = true,
        .epochs = EPOCHS,
        .batch_size = with->batch ? with->batch : 8,
        .lr = 0.05,
        .seed = 3,
        .cache = with->cache,
        .cache_dir = with->folder,
        .optimizer = {.kind = EG_SGD, .momentum = 0.9},
        .scheduler = {.kind = EG_SCHEDULE_CONSTANT},
    };
    eg_trainer_options options = {
        .net = net,
        .weights = &task.weights,
        .section = &section,
        .train = task.data,
        .val = task.data,
        .train_pipeline = with->flip ? &flipped : &task.pipeline,
        .val_pipeline = &task.pipeline,
        .augment_pool = with->pool,
        .pool = eg_pool_new(with->threads ? with->threads : 1, NULL),
        .calls = {.context = out, .report = note},
    };
    eg_problems problems = {.arena = &task.arena};
    const eg_phase_options phases = {.net = net, .section = &section, .frozen = frozen, .batch_norm = modes};
    options.phases = eg_phases_build(&task.arena, &phases, &problems, &out->err);
    assert_non_null(options.phases);
    eg_trainer *trainer = eg_trainer_new(&options, &out->err);
    out->ok = trainer && eg_trainer_run(trainer, &out->err);
    assert_true(task.weights.size <= sizeof out->weights);
    memcpy(out->weights, task.weights.block, task.weights.size);
    eg_trainer_free(trainer);
    eg_pool_free((eg_pool *)options.pool);
    task_close(&task);
}

static bool same(const outcome *a, const outcome *b)
{
    return a->ok && b->ok && a->steps == b->steps && memcmp(a->loss, b->loss, sizeof a->loss) == 0 &&
           memcmp(a->correct, b->correct, sizeof a->correct) == 0 &&
           memcmp(a->weights, b->weights, sizeof a->weights) == 0;
}

/* ---- the folder ---- */

static char folder[64];

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/engraft-features-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static size_t list_files(eg_arena *arena, const char *const **names)
{
    size_t count = 0;
    assert_true(eg_folder_list(arena, folder, names, &count, NULL));
    return count;
}

static size_t count_files(void)
{
    eg_arena arena = {0};
    const char *const *names;
    size_t count = list_files(&arena, &names);
    eg_arena_clear(&arena);
    return count;
}

static int tear_down(void **state)
{
    (void)state;
    eg_arena arena = {0};
    const char *const *names;
    for (size_t i = list_files(&arena, &names); i-- > 0;) unlink(eg_path_join(&arena, folder, names[i]));
    eg_arena_clear(&arena);
    return rmdir(folder);
}

/* Writes every file anew with other features, in all rows or in the last one. */
static void falsify(bool all)
{
    enum { WIDTH = 6 * 4 * 4 };
    eg_arena arena = {0};
    const char *const *names;
    for (size_t i = list_files(&arena, &names); i-- > 0;) {
        float rows[SAMPLES][WIDTH];
        const char *key = eg_arena_substring(&arena, names[i], 64);
        eg_feature_store *store = eg_feature_store_open(folder, key, SAMPLES, WIDTH, NULL);
        assert_true(eg_feature_store_found(store));
        for (int r = 0; r < SAMPLES; r++) assert_true(eg_feature_store_read(store, r, rows[r]));
        assert_true(eg_feature_store_reset(store, NULL));
        for (int r = 0; r < SAMPLES; r++) {
            if (all || r == SAMPLES - 1) rows[r][5] += 1;
            assert_true(eg_feature_store_write(store, r, rows[r], NULL));
        }
        eg_feature_store_close(store);
    }
    eg_arena_clear(&arena);
}

static void damage(void)
{
    eg_arena arena = {0};
    const char *const *names;
    for (size_t i = list_files(&arena, &names); i-- > 0;) {
        FILE *file = fopen(eg_path_join(&arena, folder, names[i]), "r+b");
        assert_non_null(file);
        fseek(file, -3, SEEK_END);
        fputc(0x5A, file);
        fclose(file);
    }
    eg_arena_clear(&arena);
}

/* ---- tests ---- */

static void kept_features_change_no_bit(void **state)
{
    (void)state;
    static outcome off, out;
    for (int64_t batch = 5; batch <= 20; batch += 5) {
        train(&(setting){.cache = EG_CACHE_OFF, .batch = batch}, &off);
        for (int threads = 1; threads <= 3; threads++) {
            train(&(setting){.cache = EG_CACHE_AUTO, .batch = batch, .threads = threads}, &out);
            assert_true(same(&off, &out));
            train(&(setting){.cache = EG_CACHE_MEMORY, .batch = batch, .threads = threads}, &out);
            assert_true(same(&off, &out));
            train(&(setting){.cache = EG_CACHE_DISK, .folder = folder, .batch = batch, .threads = threads},
                  &out);
            assert_true(same(&off, &out));
        }
    }
    assert_int_equal(count_files(), 1); /* the same samples train and validate, in batches of any size */
}

static void a_pool_of_draws_is_kept_whole(void **state)
{
    (void)state;
    static outcome off, out, free_draws;
    train(&(setting){.cache = EG_CACHE_OFF, .flip = true, .pool = 2}, &off);
    train(&(setting){.cache = EG_CACHE_DISK, .folder = folder, .flip = true, .pool = 2}, &out);
    assert_true(same(&off, &out));
    assert_int_equal(count_files(), 2);
    train(&(setting){.cache = EG_CACHE_DISK, .folder = folder, .flip = true, .pool = 2}, &out);
    assert_true(same(&off, &out));
    train(&(setting){.cache = EG_CACHE_AUTO, .flip = true}, &free_draws);
    assert_true(free_draws.ok && !same(&off, &free_draws));
}

/* Batches of the validation set are always the same, so that its features are kept where training's cannot
 * be. */
static void free_draws_leave_training_alone(void **state)
{
    (void)state;
    static outcome off, out;
    train(&(setting){.cache = EG_CACHE_OFF, .flip = true}, &off);
    train(&(setting){.cache = EG_CACHE_DISK, .folder = folder, .flip = true}, &out);
    assert_true(same(&off, &out));
    assert_int_equal(count_files(), 1);
}

static void where_everything_trains_nothing_is_kept_by_itself(void **state)
{
    (void)state;
    static outcome off, out;
    train(&(setting){.cache = EG_CACHE_OFF, .all = true}, &off);
    train(&(setting){.cache = EG_CACHE_AUTO, .folder = folder, .all = true}, &out);
    assert_true(same(&off, &out));
    assert_int_equal(count_files(), 0);
    train(&(setting){.cache = EG_CACHE_DISK, .folder = folder, .all = true}, &out); /* images, then */
    assert_true(same(&off, &out));
    assert_int_equal(count_files(), 1);
}

static void wrong_and_damaged_files_are_computed_anew(void **state)
{
    (void)state;
    static outcome off, out;
    setting disk = {.cache = EG_CACHE_DISK, .folder = folder, .threads = 2};
    train(&(setting){.cache = EG_CACHE_OFF}, &off);
    train(&disk, &out);
    falsify(true);
    train(&disk, &out);
    assert_true(same(&off, &out));
    damage();
    train(&disk, &out);
    assert_true(same(&off, &out));
    train(&disk, &out);
    assert_true(same(&off, &out));
}

/* The proof looks at one batch: another row that is wrong shows that rows are what training reads. */
static void rows_are_what_is_trained_on(void **state)
{
    (void)state;
    static outcome off, out;
    setting disk = {.cache = EG_CACHE_DISK, .folder = folder};
    train(&(setting){.cache = EG_CACHE_OFF}, &off);
    train(&disk, &out);
    falsify(false);
    train(&disk, &out);
    assert_true(out.ok && !same(&off, &out));
}

/* Frozen parameters that change under the feed stand for a machine that computes other bits each time: wrong
 * once is computed anew, wrong again is the end. */
static void features_that_differ_twice_are_a_mismatch(void **state)
{
    (void)state;
    toy_task task;
    eg_error err = {0};
    int64_t order[SAMPLES];
    task_open(&task, SAMPLES, architecture);
    bool trainable[16] = {0};
    for (int32_t p = 0; p < task.net->param_count; p++)
        trainable[p] = strncmp(task.net->params[p].name, "fc", 2) == 0;
    for (int i = 0; i < SAMPLES; i++) order[i] = i;
    eg_pool *pool = eg_pool_new(1, NULL);
    eg_exec_options how = {.batch = SAMPLES, .trainable = trainable, .pool = pool, .apart = true};
    eg_exec *exec = eg_exec_new(task.net, &task.weights, &how, NULL);
    eg_feed_options options = {.name = "test",
                               .exec = exec,
                               .net = task.net,
                               .weights = &task.weights,
                               .trainable = trainable,
                               .dataset = task.data,
                               .pipeline = &task.pipeline,
                               .batch = SAMPLES,
                               .apart = true,
                               .cache = EG_CACHE_MEMORY,
                               .pool = pool};
    eg_feed *feed = eg_feed_new(&options, &err);
    float *frozen = task.weights.data[0];
    assert_non_null(feed);
    assert_true(eg_feed_forward(feed, order, SAMPLES, 0, true, 0, NULL, &err));
    frozen[0] += 1;
    assert_true(eg_feed_forward(feed, order, SAMPLES, 1, true, 1, NULL, &err));
    frozen[0] += 1;
    assert_false(eg_feed_forward(feed, order, SAMPLES, 2, true, 2, NULL, &err));
    assert_int_equal(err.code, EG_MISMATCH);
    eg_feed_free(feed);
    eg_exec_free(exec);
    eg_pool_free(pool);
    task_close(&task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(kept_features_change_no_bit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pool_of_draws_is_kept_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(free_draws_leave_training_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_everything_trains_nothing_is_kept_by_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_and_damaged_files_are_computed_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rows_are_what_is_trained_on, set_up, tear_down),
        cmocka_unit_test(features_that_differ_twice_are_a_mismatch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
