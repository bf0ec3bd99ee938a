#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "engraft/checkpoint.h"
#include "engraft/run.h"
#include "format/json.h"

/* Runs of the digits recipes in a temporary folder, shortened to two epochs. */
typedef struct place {
    eg_arena arena;
    eg_problems problems;
    char folder[40];
    const char *overrides[16];
    size_t override_count;
    eg_error err;
    char *output; /* of the last command */
} place;

static void place_open(place *at)
{
    *at = (place){.folder = "/tmp/engraft-run-XXXXXX"};
    assert_non_null(mkdtemp(at->folder));
    at->problems.arena = &at->arena;
}

static void remove_folder(eg_arena *arena, const char *folder)
{
    const char *const *names;
    size_t count;
    assert_true(eg_folder_list(arena, folder, &names, &count, NULL));
    for (size_t i = 0; i < count; i++) {
        const char *path = eg_path_join(arena, folder, names[i]);
        if (eg_path_is_folder(path))
            remove_folder(arena, path); // NOLINT(misc-no-recursion): two levels
        else
            unlink(path);
    }
    rmdir(folder);
}

static void place_close(place *at)
{
    remove_folder(&at->arena, at->folder);
    eg_arena_clear(&at->arena);
}

static const char *inside(place *at, const char *name)
{
    return eg_path_join(&at->arena, at->folder, name);
}

static void set(place *at, const char *key, const char *value)
{
    at->overrides[at->override_count++] = eg_arena_printf(&at->arena, "%s=%s", key, value);
}

static eg_run_options options(place *at, const char *recipe, const char *out)
{
    const char *root = getenv("ENGRAFT_TEST_ROOT");
    at->err = (eg_error){0};
    at->problems = (eg_problems){.arena = &at->arena};
    return (eg_run_options){
        .recipe = eg_arena_printf(&at->arena, "%s/configs/recipes/%s.yaml", root, recipe),
        .overrides = at->overrides,
        .override_count = at->override_count,
        .threads = 1,
        .out = out,
        .json = true,
        .problems = &at->problems,
    };
}

/* Runs a command with its standard output kept in at->output. */
static bool run(place *at, bool (*command)(const eg_run_options *, eg_error *), const eg_run_options *with)
{
    const char *path = inside(at, "stdout");
    fflush(stdout);
    int keep = dup(STDOUT_FILENO);
    assert_non_null(freopen(path, "w", stdout));
    bool ok = command(with, &at->err);
    fflush(stdout);
    dup2(keep, STDOUT_FILENO);
    close(keep);
    at->output = eg_file_read(&at->arena, path, 1 << 20, NULL, NULL);
    return ok;
}

static void assert_same_file(place *at, const char *a, const char *b)
{
    size_t na, nb;
    const char *x = eg_file_read(&at->arena, inside(at, a), 1 << 24, &na, NULL);
    const char *y = eg_file_read(&at->arena, inside(at, b), 1 << 24, &nb, NULL);
    assert_non_null(x);
    assert_non_null(y);
    assert_int_equal(na, nb);
    assert_memory_equal(x, y, na);
}

static void pretrain(place *at, const char *out, int threads)
{
    eg_run_options with = options(at, "digits-pretrain", inside(at, out));
    with.threads = threads;
    if (!run(at, eg_run, &with)) print_error("%s\n", at->err.text);
    assert_int_equal(at->err.code, EG_OK);
}

static void threads_change_no_bit_of_the_models(void **state)
{
    (void)state;
    place at;
    place_open(&at);
    set(&at, "train.epochs", "2");
    set(&at, "output.checkpoint", inside(&at, "a/final.pth"));
    pretrain(&at, "a", 1);
    at.overrides[1] = eg_arena_printf(&at.arena, "output.checkpoint=%s", inside(&at, "b/final.pth"));
    pretrain(&at, "b", 2);
    assert_same_file(&at, "a/best.pth", "b/best.pth");
    assert_same_file(&at, "a/last.pth", "b/last.pth");
    assert_same_file(&at, "a/final.pth", "b/final.pth");
    assert_same_file(&at, "a/plan.json", "b/plan.json");
    place_close(&at);
}

static double number_in(const char *json, const char *key)
{
    const char *at = strstr(json, key);
    assert_non_null(at);
    return strtod(at + strlen(key), NULL);
}

/* Pretraining under a prefix, transfer with everything but the head frozen, evaluation of what was written.
 */
static void transfer_freezes_and_eval_agrees(void **state)
{
    (void)state;
    place at;
    place_open(&at);
    set(&at, "train.epochs", "2");
    set(&at, "output.checkpoint", inside(&at, "source.pth"));
    pretrain(&at, "source", 1);
    set(&at, "source.checkpoint", inside(&at, "source.pth"));
    at.overrides[1] = eg_arena_printf(&at.arena, "output.checkpoint=%s", inside(&at, "target.pth"));
    eg_run_options with = options(&at, "digits-transfer", inside(&at, "target"));
    assert_true(run(&at, eg_run, &with));
    double accuracy = number_in(at.output, "\"accuracy\": "), loss = number_in(at.output, "\"loss\": ");
    double frozen = number_in(at.output, "\"frozen_unchanged\": ");

    eg_checkpoint *source = eg_checkpoint_open(inside(&at, "source.pth"), NULL, &at.err);
    eg_checkpoint *target = eg_checkpoint_open(inside(&at, "target.pth"), NULL, &at.err);
    assert_non_null(source);
    assert_non_null(target);
    size_t same = 0;
    for (size_t i = 0; i < target->store.count; i++) {
        static uint8_t a[1 << 20], b[1 << 20];
        const eg_entry *entry = &target->store.entries[i];
        const eg_entry *from =
            eg_store_find(&source->store, eg_arena_printf(&at.arena, "module.%s", entry->name));
        uint64_t numel = 0;
        assert_non_null(from);
        assert_true(eg_shape_numel(entry->shape, &numel) && numel * eg_dtype_size(entry->dtype) < sizeof a);
        assert_true(eg_entry_read(entry, a, &at.err) && eg_entry_read(from, b, &at.err));
        bool equal = memcmp(a, b, numel * eg_dtype_size(entry->dtype)) == 0;
        assert_true(equal == (strncmp(entry->name, "fc.", 3) != 0));
        same += equal;
    }
    assert_true(frozen == (double)same);
    eg_checkpoint_close(source);
    eg_checkpoint_close(target);

    with = options(&at, "digits-transfer", NULL);
    assert_true(run(&at, eg_run_eval, &with));
    assert_true(number_in(at.output, "\"accuracy\": ") == accuracy);
    /* Inference folds BatchNorm into the convolutions: other roundings. */
    assert_true(fabs(number_in(at.output, "\"loss\": ") - loss) < 1e-5 * loss);
    place_close(&at);
}

/* Every line is a JSON object; steps count up; an epoch's line follows its steps. */
static void metrics_are_lines_of_json(void **state)
{
    (void)state;
    place at;
    place_open(&at);
    set(&at, "train.epochs", "2");
    set(&at, "output.checkpoint", inside(&at, "a.pth"));
    pretrain(&at, "a", 2);
    char *text = eg_file_read(&at.arena, inside(&at, "a/metrics.jsonl"), 1 << 24, NULL, NULL);
    assert_non_null(text);
    size_t steps = 0, epochs = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        eg_json *json = eg_json_parse(line, &at.err);
        assert_non_null(json);
        const char *event = eg_json_get_string(json, "event");
        if (strcmp(event, "epoch") == 0) {
            epochs++;
            assert_non_null(eg_json_get(json, "val_accuracy"));
        } else {
            assert_string_equal(event, "step");
            assert_true(number_in(line, "\"step\": ") == (double)++steps);
        }
        assert_int_equal(eg_json_count(eg_json_get(json, "lr")), 1);
        assert_string_equal(eg_json_get_string(json, "phase"), "train");
        eg_json_free(json);
    }
    assert_int_equal(epochs, 2);
    assert_true(steps > 2 && steps % 2 == 0);
    place_close(&at);
}

/* A run that must fail with that code and those words, and leave no file in its folder. */
static void fails(place *at, const char *recipe, eg_code code, const char *words)
{
    const char *const *names;
    size_t count = 0;
    eg_run_options with = options(at, recipe, inside(at, "failed"));
    assert_false(run(at, eg_run, &with));
    if (at->err.code != code || !strstr(at->err.text, words))
        print_error("%d: %s\n", at->err.code, at->err.text);
    assert_int_equal(at->err.code, code);
    assert_non_null(strstr(at->err.text, words));
    if (!eg_path_is_folder(inside(at, "failed"))) return;
    assert_true(eg_folder_list(&at->arena, inside(at, "failed"), &names, &count, NULL));
    assert_int_equal(count, 0);
}

static void what_is_wrong_is_found_first(void **state)
{
    (void)state;
    place at;
    place_open(&at);
    set(&at, "train.epochs", "1000000");
    set(&at, "output.checkpoint", inside(&at, "a.pth"));
    set(&at, "target.num_classes", "7");
    fails(&at, "digits-pretrain", EG_RECIPE, "the data has 5 classes");
    at.override_count = 2;
    set(&at, "data.preprocess", "[{resize: [9, 9]}]");
    fails(&at, "digits-pretrain", EG_RECIPE, "9 x 9");
    at.override_count = 1;
    set(&at, "output.checkpoint", "/dev/null/a.pth");
    fails(&at, "digits-pretrain", EG_SYSTEM, "");
    at.override_count = 1;
    set(&at, "output.checkpoint", inside(&at, "a.pth"));
    set(&at, "train.lr", "1e8");
    fails(&at, "digits-pretrain", EG_DIVERGED, "training diverged");
    assert_false(eg_path_exists(inside(&at, "a.pth")));
    place_close(&at);
}

static void another_source_file_is_refused(void **state)
{
    (void)state;
    place at;
    place_open(&at);
    set(&at, "train.epochs", "1");
    set(&at, "output.checkpoint", inside(&at, "source.pth"));
    pretrain(&at, "source", 1);
    set(&at, "source.checkpoint", inside(&at, "source.pth"));
    set(&at, "source.sha256", "0000000000000000000000000000000000000000000000000000000000000000");
    fails(&at, "digits-transfer", EG_MISMATCH, "SHA-256");
    place_close(&at);
}

static void eval_before_run_says_so(void **state)
{
    (void)state;
    place at;
    place_open(&at);
    set(&at, "output.checkpoint", inside(&at, "a.pth"));
    eg_run_options with = options(&at, "digits-pretrain", NULL);
    assert_false(run(&at, eg_run_eval, &with));
    assert_int_equal(at.err.code, EG_SYSTEM);
    assert_non_null(strstr(at.err.text, "first"));
    place_close(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_no_bit_of_the_models),
        cmocka_unit_test(transfer_freezes_and_eval_agrees),
        cmocka_unit_test(metrics_are_lines_of_json),
        cmocka_unit_test(what_is_wrong_is_found_first),
        cmocka_unit_test(another_source_file_is_refused),
        cmocka_unit_test(eval_before_run_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
