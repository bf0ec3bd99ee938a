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
    refused(&p, "", "empty_match", 2, 9, "the source holds no tensors");
    done(&p);
}

/* ---- every cause, and that its lines mend it when they are pasted ---- */

static void set_shape(planned *p, const char *name, uint32_t rank, const int64_t *dims)
{
    p->entries[source_at(p, name)].shape = eg_shape_copy(&p->arena, dims, rank);
}

/* Names that start with `from` start with `to`. */
static void rename_all(planned *p, const char *from, const char *to)
{
    for (size_t i = 0; i < p->source.count; i++)
        if (strncmp(p->entries[i].name, from, strlen(from)) == 0)
            p->entries[i].name = eg_arena_printf(&p->arena, "%s%s", to, p->entries[i].name + strlen(from));
}

static void change_endings(planned *p, const char *module, const char *const *pairs)
{
    for (size_t i = 0; i < p->source.count; i++) {
        const char *name = p->entries[i].name, *dot = strrchr(name, '.');
        if (!strstr(name, module)) continue;
        for (size_t k = 0; pairs[k]; k += 2)
            if (strcmp(dot + 1, pairs[k]) == 0)
                p->entries[i].name =
                    eg_arena_printf(&p->arena, "%.*s%s", (int)(dot - name) + 1, name, pairs[k + 1]);
    }
}

/* Faults that files have; each changes the source of the tiny network. */
static void fault_wrapped(planned *p)
{
    rename_all(p, "", "module.");
}
static void fault_wrapped_twice(planned *p)
{
    rename_all(p, "", "_orig_mod.module.");
}
static void fault_partly_wrapped(planned *p)
{
    rename_all(p, "layer1.", "backbone.layer1.");
}
static void fault_module_renamed(planned *p)
{
    rename_all(p, "layer1.", "stage.");
}
static void fault_head_renamed(planned *p)
{
    rename_all(p, "fc.", "head.classifier.");
}
static void fault_leaves_of_tensorflow(planned *p)
{
    static const char *const pairs[] = {"weight",      "gamma",           "bias",
                                        "beta",        "running_mean",    "moving_mean",
                                        "running_var", "moving_variance", NULL};
    change_endings(p, "bn1", pairs);
}
static void fault_other_names_in_the_same_order(planned *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->source.count; i++) {
        if (strstr(p->entries[i].name, "num_batches")) continue;
        p->entries[kept] = p->entries[i];
        p->entries[kept].name = eg_arena_printf(&p->arena, "arr_%zu", kept);
        kept++;
    }
    p->source.count = kept;
}
static void fault_linear_as_convolution(planned *p)
{
    set_shape(p, "fc.weight", 4, (int64_t[]){3, 4, 1, 1});
}
static void fault_transposed(planned *p)
{
    set_shape(p, "fc.weight", 2, (int64_t[]){4, 3});
}
static void fault_channels_last(planned *p)
{
    set_shape(p, "conv1.weight", 4, (int64_t[]){3, 3, 3, 4});
}
static void fault_another_head(planned *p)
{
    set_shape(p, "fc.weight", 2, (int64_t[]){1000, 4});
    set_shape(p, "fc.bias", 1, (int64_t[]){1000});
}
static void fault_grey_input(planned *p)
{
    set_shape(p, "conv1.weight", 4, (int64_t[]){4, 1, 3, 3});
}
static void fault_something_beside(planned *p)
{
    add_vector(p, "criterion.weight", 3);
}
static void fault_something_lacks(planned *p)
{
    remove_source(p, "fc.bias");
}

static const struct {
    void (*make)(planned *p);
    const char *words; /* of the suggestion when the fault is alone */
} faults[] = {
    /* Those that need the network's own names stand before those that change them. */
    {fault_linear_as_convolution,
     "- transform: {match: 'fc\\.weight', when: {rank: 4}, ops: [{flatten: 1}]}   # 17 of 17"},
    {fault_transposed,
     "- transform: {match: 'fc\\.weight', when: {rank: 2}, ops: [{transpose: [0, 1]}]}   # 17 of 17"},
    {fault_channels_last,
     "- transform: {match: 'conv1\\.weight', when: {rank: 4}, ops: [{permute: [3, 2, 0, 1]}]}   # 17 of 17"},
    {fault_another_head, "  skip: ['fc\\..*']"},
    {fault_grey_input, "  size_mismatch: [{match: 'conv1\\.weight', policy: adapt_input}]"},
    {fault_something_lacks, "  skip: ['fc\\..*']"},
    {fault_something_beside, "    - drop: ['criterion\\..*']"},
    {fault_leaves_of_tensorflow, "        - {pattern: '\\.moving_variance$', with: .running_var}"},
    {fault_partly_wrapped, "- strip_prefix: backbone.\n      any: true   # 17 of 17"},
    {fault_module_renamed, "- rename: {match: 'stage\\.(.*)', to: 'layer1.\\1'}   # 17 of 17"},
    {fault_head_renamed, "- rename: {match: 'head\\.classifier\\.(.*)', to: 'fc.\\1'}   # 17 of 17"},
    {fault_wrapped, "- strip_prefix: module.   # 17 of 17"},
    {fault_wrapped_twice, "- strip_prefix: _orig_mod.module.   # 17 of 17"},
    {fault_other_names_in_the_same_order, "- {match: 'arr_0', to: 'conv1.weight'}"},
};

enum { FAULTS = sizeof faults / sizeof *faults };

static void begin_with(planned *p, unsigned which)
{
    begin(p, "");
    for (size_t f = 0; f < FAULTS; f++)
        if (which >> f & 1) faults[f].make(p);
}

/* Every suggestion of lines to paste, pasted alone: the plan is accepted, or better. */
static void check_pasted(unsigned which)
{
    planned p, again;
    begin_with(&p, which);
    plan_lines(&p, "");
    assert_non_null(p.plan);
    size_t pasteable = 0;
    for (size_t i = 0; i < p.problems.count; i++) {
        const char *lines = p.problems.items[i].suggestion;
        if (!lines || strncmp(lines, "transfer:\n", 10) != 0) continue;
        begin_with(&again, which);
        plan_lines(&again, eg_arena_printf(&again.arena, "%s\n", lines));
        assert_non_null(again.plan);
        bool better = again.plan->ok || again.plan->loaded > p.plan->loaded ||
                      again.problems.errors < p.problems.errors;
        if (!better) {
            print_message("faults %x: pasting '%s' helps nothing\n", which, lines);
            eg_problems_print(&again.problems, stdout, false);
        }
        assert_true(better);
        done(&again);
        pasteable++;
    }
    if (!p.plan->ok && !pasteable) eg_problems_print(&p.problems, stdout, false);
    assert_true(p.plan->ok || pasteable);
    done(&p);
}

static void each_fault_is_told_with_lines_that_mend_it(void **state)
{
    (void)state;
    for (size_t f = 0; f < FAULTS; f++) {
        planned p, again;
        begin_with(&p, 1U << f);
        plan_lines(&p, "");
        assert_false(p.plan->ok);
        const char *lines = p.problems.items[0].suggestion;
        if (!lines || !strstr(lines, faults[f].words)) eg_problems_print(&p.problems, stdout, false);
        assert_non_null(lines);
        assert_non_null(strstr(lines, faults[f].words));
        begin_with(&again, 1U << f);
        accepts(&again, eg_arena_printf(&again.arena, "%s\n", lines));
        done(&p);
        done(&again);
    }
}

static void every_pair_of_faults_is_mended_or_lessened(void **state)
{
    (void)state;
    for (unsigned a = 0; a < FAULTS; a++)
        for (unsigned b = 0; b < a; b++) {
            unsigned layouts = 1U << 0 | 1U << 1 | 1U << 3 | 1U << 5, stems = 1U << 2 | 1U << 4;
            unsigned which = 1U << a | 1U << b;
            /* Two faults of one tensor are not two faults. */
            if ((which & layouts) == which || (which & stems) == which) continue;
            check_pasted(which);
        }
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
        cmocka_unit_test(each_fault_is_told_with_lines_that_mend_it),
        cmocka_unit_test(every_pair_of_faults_is_mended_or_lessened),
        cmocka_unit_test(the_proposal_is_accepted_when_pasted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
