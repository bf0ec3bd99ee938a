/* The plan accounts for every target and every source tensor, by the table in engraft/plan.h. */
#include <time.h>

#include "helper.h"

static void equal_names_are_copied(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    const eg_plan *plan = accepts(&p, "");
    assert_int_equal(plan->step_count, 20);
    assert_int_equal(plan->loaded, 20);
    assert_int_equal(plan->used, 20);
    assert_int_equal(step_of(&p, "fc.bias")->action, EG_ACTION_COPY);
    assert_string_equal(step_of(&p, "fc.bias")->reason, "equal name and shape");
    assert_ptr_equal(step_of(&p, "fc.bias")->source, &p.entries[source_at(&p, "fc.bias")]);
    assert_true(plan->params_total == 108 + 8 + 2 * (144 + 8) + 15);
    assert_true(plan->params_trainable == plan->params_total);
    done(&p);
}

static void skip_settles_both_sides(void **state)
{
    (void)state;
    planned p;
    begin(&p, "module.");
    int64_t dims[] = {1000, 4};
    p.entries[source_at(&p, "module.fc.weight")].shape = eg_shape_copy(&p.arena, dims, 2);
    const eg_plan *plan = accepts(&p, "transfer:\n  mapping: [strip_prefix: module.]\n  skip: ['fc\\..*']\n"
                                      "  expect: {loaded: 18, initialized: 2, min_loaded: 0.9}\n"
                                      "init: [{match: 'fc\\.weight', init: normal, std: 0.01}]\n");
    assert_int_equal(plan->skipped, 2);
    assert_int_equal(plan->used, 18);
    const eg_step *weight = step_of(&p, "fc.weight"), *bias = step_of(&p, "fc.bias");
    assert_int_equal(weight->action, EG_ACTION_INIT);
    assert_int_equal(weight->init.kind, EG_INIT_NORMAL);
    assert_string_equal(weight->rule, "skip: 'fc\\..*'");
    assert_int_equal(bias->init.kind, p.net->params[bias->param].init.kind);
    assert_int_not_equal(bias->init.kind, EG_INIT_DEFAULT);
    assert_string_equal(step_of(&p, "conv1.weight")->rule, "strip_prefix: module.");
    assert_string_equal(step_of(&p, "conv1.weight")->reason, "equal shape, rule 1");
    assert_int_equal(plan->sources[source_at(&p, "module.fc.weight")].fate, EG_FATE_SKIPPED);
    assert_int_equal(plan->rules[0].changed, 20);
    done(&p);
}

static void s2_03_collisions_name_both(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    add_vector(&p, "fc.beta", 3);
    const eg_problem *problem = refused(
        &p, "transfer:\n  mapping:\n    - rename: {match: 'fc\\.beta', to: fc.bias}\n", "collision", 6, 7,
        "two source tensors become 'fc.bias': 'fc.bias' [3] by no rule, and 'fc.beta' [3] by rule 1 (rename: "
        "'fc\\.beta' -> 'fc.bias'); their bytes differ");
    assert_non_null(problem->suggestion);
    done(&p);
    begin(&p, "");
    eg_entry same = p.entries[source_at(&p, "fc.bias")];
    same.name = "fc.beta";
    p.entries[p.source.count++] = same;
    refused(&p, "transfer:\n  mapping:\n    - rename: {match: 'fc\\.beta', to: fc.bias}\n", "collision", 6, 7,
            "-> 'fc.bias'); their bytes are equal");
    done(&p);
}

static void s2_31_old_files_lack_counters(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    remove_source(&p, "bn1.num_batches_tracked");
    const eg_plan *plan = accepts(&p, "transfer: {expect: {loaded: 19, initialized: 0}}\n");
    assert_int_equal(plan->defaulted, 1);
    assert_int_equal(step_of(&p, "bn1.num_batches_tracked")->action, EG_ACTION_DEFAULT);
    assert_int_equal(step_of(&p, "bn1.num_batches_tracked")->init.kind, EG_INIT_ZEROS);
    done(&p);
}

static void s2_18_counters_may_have_one_element(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    int64_t one = 1;
    p.entries[source_at(&p, "bn1.num_batches_tracked")].shape = eg_shape_copy(&p.arena, &one, 1);
    assert_int_equal(accepts(&p, "")->loaded, 20);
    done(&p);
}

static void missing_is_refused_or_drawn(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    remove_source(&p, "fc.bias");
    const eg_problem *problem = refused(&p, "", "missing", 2, 9, "1 target tensor has no source: fc.bias");
    assert_string_equal(problem->suggestion, "transfer:\n  skip: ['fc\\..*']");
    done(&p);
    begin(&p, "");
    remove_source(&p, "fc.bias");
    const eg_plan *plan = accepts(&p, "transfer: {missing: init}\n");
    assert_int_equal(plan->initialized, 1);
    assert_string_equal(step_of(&p, "fc.bias")->rule, "missing: init");
    done(&p);
}

static void unexpected_is_refused_or_ignored(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    add_vector(&p, "aux.weight", 7);
    const eg_problem *problem =
        refused(&p, "transfer: {}\n", "unexpected", 4, 11, "1 source tensor goes nowhere: aux.weight");
    assert_string_equal(problem->suggestion, "transfer:\n  mapping:\n    - drop: ['aux\\..*']");
    done(&p);
    begin(&p, "");
    add_vector(&p, "aux.weight", 7);
    assert_int_equal(accepts(&p, "transfer: {unexpected: ignore}\n")->unexpected, 1);
    done(&p);
    begin(&p, "");
    add_vector(&p, "aux.weight", 7);
    assert_int_equal(accepts(&p, "transfer: {mapping: [drop: 'aux\\..*']}\n")->dropped, 1);
    done(&p);
    /* a skip pattern may also speak of names that the target does not have */
    begin(&p, "");
    add_vector(&p, "aux.weight", 7);
    assert_int_equal(accepts(&p, "transfer: {skip: ['aux\\..*'], unused_rule: ignore}\n")->skipped, 1);
    done(&p);
}

static void s2_25_shapes_are_never_bent(void **state)
{
    (void)state;
    planned p;
    int64_t dims[] = {1, 4};
    begin(&p, "");
    p.entries[source_at(&p, "bn1.bias")].shape = eg_shape_copy(&p.arena, dims, 2);
    refused(&p, "", "size_mismatch", 2, 9, "bn1.bias (source [1, 4] is not target [4])");
    done(&p);
    begin(&p, "");
    p.entries[source_at(&p, "bn1.bias")].shape = eg_shape_copy(&p.arena, dims, 2);
    const eg_plan *plan = accepts(&p, "transfer: {size_mismatch: skip}\n");
    assert_int_equal(plan->skipped, 1);
    assert_string_equal(step_of(&p, "bn1.bias")->rule, "size_mismatch: skip");
    done(&p);
}

static void s2_27_dtypes_are_cast_or_refused(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    p.entries[source_at(&p, "fc.bias")].dtype = EG_F16;
    p.entries[source_at(&p, "bn1.num_batches_tracked")].dtype = EG_F32;
    accepts(&p, "");
    assert_int_equal(step_of(&p, "fc.bias")->action, EG_ACTION_CAST);
    assert_int_equal(step_of(&p, "bn1.num_batches_tracked")->action, EG_ACTION_CAST);
    done(&p);
    begin(&p, "");
    p.entries[source_at(&p, "fc.bias")].dtype = EG_F8_E4M3;
    refused(&p, "", "dtype", 2, 9,
            "'fc.bias' is F8_E4M3 in the source, which has no conversion to the target's F32");
    done(&p);
}

static void expectations_are_contracts(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    refused(&p, "transfer: {expect: {loaded: 19}}\n", "expect", 4, 20,
            "expect.loaded is 19, but 20 tensors would be");
    done(&p);
    begin(&p, "");
    refused(&p, "transfer: {expect: {initialized: 1}}\n", "expect", 4, 20,
            "expect.initialized is 1, but 0 tensors");
    done(&p);
    begin(&p, "");
    refused(&p, "transfer: {skip: ['fc\\..*'], expect: {min_loaded: 1.0}}\n", "expect", 4, 38,
            "expect.min_loaded is 1, but only 18 of 20");
    done(&p);
}

static void s2_23_patterns_without_effect(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    const eg_problem *problem = refused(&p, "transfer: {skip: ['fcc\\..*']}\n", "unused_rule", 4, 19,
                                        "skip 'fcc\\..*' matches no target tensor");
    assert_string_equal(problem->suggestion, "skip: ['fc\\..*']");
    done(&p);
    begin(&p, "");
    refused(&p, "transfer: {skip: ['fc\\..*', 'fc\\.bias']}\n", "shadowed_rule", 4, 29,
            "earlier items match all");
    done(&p);
    begin(&p, "");
    problem = refused(&p, "freeze: ['layer2\\..*']\n", "unused_rule", 4, 10, "the nearest is 'layer1'");
    assert_string_equal(problem->suggestion, "freeze: ['layer1\\..*']");
    done(&p);
    begin(&p, "");
    problem = refused(&p, "freeze: ['conv1']\n", "unused_rule", 4, 10, "patterns match whole names");
    assert_string_equal(problem->suggestion, "freeze: ['conv1\\..*']");
    done(&p);
    begin(&p, "");
    refused(&p, "init: [{match: 'fc\\..*', init: zeros}]\n", "unused_rule", 4, 16,
            "none of the 2 parameters");
    done(&p);
    begin(&p, "");
    accepts(&p, "transfer: {skip: ['fcc\\..*'], unused_rule: ignore}\n");
    done(&p);
}

static void init_rules_leave_buffers_alone(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    accepts(&p, "transfer: {skip: ['bn1\\..*']}\ninit: [{match: '.*\\.bias', init: constant, value: 3}, "
                "{match: '.*', "
                "init: normal}]\n");
    assert_int_equal(step_of(&p, "bn1.bias")->init.kind, EG_INIT_CONSTANT);
    assert_int_equal(step_of(&p, "bn1.weight")->init.kind, EG_INIT_NORMAL);
    assert_int_equal(step_of(&p, "bn1.running_var")->init.kind, EG_INIT_ONES);
    assert_int_equal(step_of(&p, "bn1.num_batches_tracked")->init.kind, EG_INIT_ZEROS);
    done(&p);
}

static eg_bn_mode mode_of(const planned *p, const char *path)
{
    for (int32_t n = 0; n < p->net->node_count; n++)
        if (strcmp(p->net->nodes[n].path, path) == 0) return p->plan->batch_norm[n];
    fail();
    return EG_BN_COUNT;
}

static void s2_39_frozen_batch_norm(void **state)
{
    (void)state;
    static const struct {
        const char *lines;
        eg_bn_mode mode;
        bool weight, bias, mean;
    } rows[] = {
        {"freeze: ['bn1\\..*']\n", EG_BN_EVAL, true, true, true},
        {"freeze: ['bn1\\.(weight|bias)']\n", EG_BN_EVAL, true, true, true},
        {"freeze: [{match: 'bn1\\..*', batch_norm: eval}]\n", EG_BN_EVAL, true, true, true},
        {"freeze: [{match: 'bn1\\..*', batch_norm: train_stats}]\n", EG_BN_TRAIN_STATS, true, true, false},
        {"freeze: [{match: 'bn1\\..*', batch_norm: train_affine}]\n", EG_BN_TRAIN_AFFINE, false, false, true},
        {"freeze: ['bn1\\.weight']\n", EG_BN_DEFAULT, true, false, false},
        {"freeze: ['bn1\\.running_.*']\n", EG_BN_TRAIN_AFFINE, false, false, true},
        {"freeze: [{match: 'bn1\\.weight', batch_norm: eval}]\n", EG_BN_TRAIN_AFFINE, true, false, true},
        {"freeze: ['fc\\..*']\n", EG_BN_DEFAULT, false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        planned p;
        begin(&p, "");
        accepts(&p, rows[i].lines);
        assert_int_equal(mode_of(&p, "bn1"), rows[i].mode);
        assert_int_equal(mode_of(&p, "layer1.0.bn1"), EG_BN_DEFAULT);
        assert_int_equal(step_of(&p, "bn1.weight")->frozen, rows[i].weight);
        assert_int_equal(step_of(&p, "bn1.bias")->frozen, rows[i].bias);
        assert_int_equal(step_of(&p, "bn1.running_mean")->frozen, rows[i].mean);
        assert_int_equal(step_of(&p, "bn1.num_batches_tracked")->frozen, rows[i].mean);
        done(&p);
    }
}

static void frozen_parameters_do_not_count_as_trainable(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    const eg_plan *plan = accepts(&p, "freeze: ['(?!fc\\.).*']\n");
    assert_true(plan->params_trainable == 15);
    assert_true(step_of(&p, "layer1.1.bn1.running_var")->frozen);
    assert_false(step_of(&p, "fc.weight")->frozen);
    done(&p);
}

static void s2_38_noise_is_not_frozen(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    refused(&p, "transfer: {skip: ['fc\\..*']}\nfreeze: ['.*']\n", "frozen_init", 5, 10,
            "freeze '.*' freezes 2 tensors drawn afresh, which would never learn: fc.weight, fc.bias");
    done(&p);
    begin(&p, "");
    accepts(&p, "transfer: {skip: ['fc\\..*'], allow_frozen_init: true}\nfreeze: ['.*']\n");
    done(&p);
}

static void without_a_source_everything_is_drawn(void **state)
{
    (void)state;
    planned p;
    begin(&p, NULL);
    const char text[] = "recipe: 1\ntarget: {arch: tiny}\ninit: [{match: 'fc\\..*', init: zeros}]\n";
    const eg_doc *doc = eg_doc_parse(&p.arena, "r.yaml", text, strlen(text), &p.err);
    p.recipe = eg_recipe_check(&p.arena, "r.yaml", doc, NULL, 0, &p.problems, &p.err);
    assert_non_null(p.recipe);
    p.plan = eg_plan_build(&p.arena, p.recipe, p.net, NULL, &p.problems, &p.err);
    assert_true(p.plan->ok);
    assert_int_equal(p.plan->initialized, 20);
    assert_int_equal(p.plan->source_count, 0);
    assert_int_equal(step_of(&p, "fc.weight")->init.kind, EG_INIT_ZEROS);
    done(&p);
}

static void a_pattern_that_hits_its_limit_is_an_error(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    char name[200];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    add_vector(&p, name, 3);
    plan_lines(&p, "transfer: {mapping: [drop: '(a|aa)+[bc]']}\n");
    assert_null(p.plan);
    assert_int_equal(p.err.code, EG_RECIPE);
    assert_int_equal(p.err.line, 4);
    assert_non_null(strstr(p.err.text, "too many steps"));
    done(&p);
}

/* Names for a network of `count` parameters, planned against a hundred rules. */
/* Of this thread alone: OpenBLAS's own thread turns for a while after the start of every process. */
static double thread_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void s2_35_ten_thousand_keys_take_milliseconds(void **state)
{
    (void)state;
    enum { COUNT = 10000, RULES = 100 };
    eg_arena arena = {0};
    eg_problems problems = {.arena = &arena};
    eg_error err = {0};
    eg_net net = {.arch = "big", .param_count = COUNT};
    int64_t four = 4;
    eg_shape shape = {1, &four};
    net.params = EG_NEW_ARRAY(&arena, eg_param, COUNT);
    eg_entry *entries = EG_NEW_ARRAY(&arena, eg_entry, COUNT);
    for (int i = 0; i < COUNT; i++) {
        const char *name = eg_arena_printf(&arena, "layers.%d.mlp.w%d.weight", i / 4, i % 4);
        net.params[i] =
            (eg_param){.name = name, .shape = shape, .dtype = EG_F32, .init = {.kind = EG_INIT_ZEROS}};
        name = eg_arena_printf(&arena, "module.blocks%d.%d.mlp.w%d.weight", i / 100, i / 4, i % 4);
        entries[i] = eg_entry_in_memory(&arena, name, EG_F32, shape, "");
    }
    eg_store source = {entries, COUNT, NULL};
    char *text = eg_arena_alloc(&arena, 64 * RULES + 200), *at = text;
    at += sprintf(
        at,
        "recipe: 1\nsource: s\ntarget: {arch: big}\ntransfer:\n  mapping:\n    - strip_prefix: module.\n");
    for (int r = 0; r < RULES; r++)
        at += sprintf(at, "    - rename: {match: 'blocks%d\\.(.*)', to: 'layers.\\1'}\n", r);
    const eg_doc *doc = eg_doc_parse(&arena, "r.yaml", text, strlen(text), &err);
    const eg_recipe *recipe = eg_recipe_check(&arena, "r.yaml", doc, NULL, 0, &problems, &err);
    assert_non_null(recipe);
    double start = thread_seconds();
    const eg_plan *plan = eg_plan_build(&arena, recipe, &net, &source, &problems, &err);
    double seconds = thread_seconds() - start;
    if (!plan || !plan->ok) eg_problems_print(&problems, stdout, false);
    assert_true(plan && plan->ok);
    assert_int_equal(plan->loaded, COUNT);
    print_message("%d keys, %d rules: %.1f ms\n", COUNT, RULES, seconds * 1e3);
    assert_true(seconds < 5); /* generous: a quadratic scan takes far longer, even under sanitizers */
    eg_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_names_are_copied),
        cmocka_unit_test(skip_settles_both_sides),
        cmocka_unit_test(s2_03_collisions_name_both),
        cmocka_unit_test(s2_31_old_files_lack_counters),
        cmocka_unit_test(s2_18_counters_may_have_one_element),
        cmocka_unit_test(missing_is_refused_or_drawn),
        cmocka_unit_test(unexpected_is_refused_or_ignored),
        cmocka_unit_test(s2_25_shapes_are_never_bent),
        cmocka_unit_test(s2_27_dtypes_are_cast_or_refused),
        cmocka_unit_test(expectations_are_contracts),
        cmocka_unit_test(s2_23_patterns_without_effect),
        cmocka_unit_test(init_rules_leave_buffers_alone),
        cmocka_unit_test(s2_39_frozen_batch_norm),
        cmocka_unit_test(frozen_parameters_do_not_count_as_trainable),
        cmocka_unit_test(s2_38_noise_is_not_frozen),
        cmocka_unit_test(without_a_source_everything_is_drawn),
        cmocka_unit_test(a_pattern_that_hits_its_limit_is_an_error),
        cmocka_unit_test(s2_35_ten_thousand_keys_take_milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
