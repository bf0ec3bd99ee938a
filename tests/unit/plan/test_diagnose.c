/* An empty or poor match is refused with its cause and lines to paste. */
#include "helper.h"

static void data_parallel_keys_propose_strip_prefix(void **state)
{
    (void)state;
    planned p;
    begin(&p, "module.");
    const eg_problem *problem =
        refused(&p, "", "empty_match", 2, 9,
                "only 0 of 17 target tensors find a source tensor: the source's names start with "
                "'module.'");
    assert_string_equal(
        problem->suggestion,
        "transfer:\n  mapping:\n    - strip_prefix: module.   # 17 of 17 target tensors then meet");
    done(&p);
    /* `missing: init` must not hide it */
    begin(&p, "module.");
    refused(&p, "transfer: {missing: init, unexpected: ignore}\n", "empty_match", 4, 11, "'module.'");
    done(&p);
}

static void what_follows_from_an_empty_match_is_not_told(void **state)
{
    (void)state;
    planned p;
    begin(&p, "module.");
    refused(&p, "transfer: {expect: {loaded: 20}}\nfreeze: ['layer1\\..*']\n", "empty_match", 4, 11,
            "'module.'");
    done(&p);
}

static void double_wrapping_is_one_prefix(void **state)
{
    (void)state;
    planned p;
    begin(&p, "module.module.");
    const eg_problem *problem = refused(&p, "", "empty_match", 2, 9, "start with 'module.module.'");
    assert_non_null(strstr(problem->suggestion, "- strip_prefix: module. "));
    done(&p);
    begin(&p, "state.model.");
    problem = refused(&p, "", "empty_match", 2, 9, "start with 'state.model.'");
    assert_non_null(strstr(problem->suggestion, "- strip_prefix: state.model. "));
    done(&p);
}

static void a_prefix_that_some_lack_says_any(void **state)
{
    (void)state;
    planned p;
    begin(&p, "module.");
    rename_source(&p, "module.fc.bias", "fc.bias");
    const eg_problem *problem = refused(&p, "", "poor_match", 2, 9, "only 1 of 17");
    assert_non_null(strstr(problem->suggestion, "- strip_prefix: module.\n      any: true   # 17 of 17"));
    done(&p);
}

static void the_target_may_have_the_prefix(void **state)
{
    (void)state;
    planned p;
    begin(&p, NULL);
    int64_t four = 4;
    eg_param params[] = {
        {.name = "backbone.a.weight"}, {.name = "backbone.b.weight"}, {.name = "backbone.c.weight"}};
    eg_net net = {.arch = "x", .params = params, .param_count = 3};
    for (int i = 0; i < 3; i++) {
        params[i].shape = eg_shape_copy(&p.arena, &four, 1);
        params[i].init.kind = EG_INIT_ZEROS;
        add_vector(&p, params[i].name + strlen("backbone."), 4);
    }
    p.net = &net;
    const eg_problem *problem =
        refused(&p, "", "empty_match", 2, 9, "the target's names start with 'backbone.'");
    assert_non_null(strstr(problem->suggestion, "- add_prefix: backbone.   # 3 of 3"));
    done(&p);
}

static void a_renamed_module_proposes_rename(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    for (size_t i = 0; i < p.source.count; i++)
        if (strncmp(p.entries[i].name, "layer1.", 7) == 0)
            p.entries[i].name = eg_arena_printf(&p.arena, "stage.%s", p.entries[i].name + 7);
    plan_lines(&p, "");
    assert_false(p.plan->ok);
    const char *line = "- rename: {match: 'stage\\.(.*)', to: 'layer1.\\1'}   # 17 of 17";
    if (!strstr(p.problems.items[0].suggestion, line)) eg_problems_print(&p.problems, stdout, false);
    assert_non_null(strstr(p.problems.items[0].suggestion, line));
    assert_non_null(
        strstr(p.problems.items[0].message, "what is 'stage.' in the source is 'layer1.' in the target"));
    done(&p);
}

static void another_number_of_classes_proposes_exactly_skip(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    int64_t dims[] = {1000, 4};
    p.entries[source_at(&p, "fc.weight")].shape = eg_shape_copy(&p.arena, dims, 2);
    p.entries[source_at(&p, "fc.bias")].shape = eg_shape_copy(&p.arena, dims, 1);
    const eg_problem *problem = refused(
        &p, "", "size_mismatch", 2, 9,
        "2 tensors have another shape than the source: fc.weight (source [1000, 4] is not target [3, 4]), "
        "fc.bias (source [1000] is not target [3])");
    assert_string_equal(problem->suggestion, "transfer:\n  skip: ['fc\\..*']");
    done(&p);
}

static void another_network_is_told_by_its_names(void **state)
{
    (void)state;
    planned p;
    begin(&p, NULL);
    add_vector(&p, "encoder.q", 5);
    add_vector(&p, "encoder.k", 5);
    refused(&p, "", "empty_match", 2, 9,
            "the source has names such as 'encoder.q', the target 'conv1.weight'; is 'tiny' the network");
    done(&p);
    begin(&p, NULL);
    refused(&p, "", "empty_match", 2, 9, "the source has names such as '(none)'");
    done(&p);
}

static void the_proposal_is_accepted_when_pasted(void **state)
{
    (void)state;
    planned p, again;
    begin(&p, "module.model.");
    plan_lines(&p, "");
    begin(&again, "module.model.");
    assert_int_equal(
        accepts(&again, eg_arena_printf(&again.arena, "%s\n", p.problems.items[0].suggestion))->loaded, 20);
    done(&p);
    done(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_parallel_keys_propose_strip_prefix),
        cmocka_unit_test(what_follows_from_an_empty_match_is_not_told),
        cmocka_unit_test(double_wrapping_is_one_prefix),
        cmocka_unit_test(a_prefix_that_some_lack_says_any),
        cmocka_unit_test(the_target_may_have_the_prefix),
        cmocka_unit_test(a_renamed_module_proposes_rename),
        cmocka_unit_test(another_number_of_classes_proposes_exactly_skip),
        cmocka_unit_test(another_network_is_told_by_its_names),
        cmocka_unit_test(the_proposal_is_accepted_when_pasted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
