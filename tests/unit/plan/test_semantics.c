/* The recipe's semantics, numbers that no other file has; tests/house/semantics says where each number is. */
#include "helper.h"

static void set_shape(planned *p, const char *name, uint32_t rank, const int64_t *dims)
{
    p->entries[source_at(p, name)].shape = eg_shape_copy(&p->arena, dims, rank);
}

static const eg_problem *find_problem(const planned *p, const char *code)
{
    for (size_t i = 0; i < p->problems.count; i++)
        if (strcmp(p->problems.items[i].code, code) == 0) return &p->problems.items[i];
    return NULL;
}

/* A plan that is accepted with this one warning. */
static void warned(planned *p, const char *lines, const char *code, const char *words)
{
    plan_lines(p, lines);
    assert_non_null(p->plan);
    const eg_problem *problem = find_problem(p, code);
    bool right = p->plan->ok && p->problems.count == 1 && problem && problem->warning &&
                 strstr(problem->message, words);
    if (!right) eg_problems_print(&p->problems, stdout, false);
    assert_true(right);
}

static void s2_04_a_name_that_is_there_already(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    add_vector(&p, "bn1.gamma", 4);
    const eg_problem *problem = refused(
        &p, "transfer: {mapping: [{rename: {match: '(.*)\\.gamma', to: '\\1.weight'}}]}\n", "collision", 4,
        22,
        "two source tensors become 'bn1.weight': 'bn1.weight' [4] by no rule, and 'bn1.gamma' [4] by rule 1");
    assert_non_null(strstr(problem->suggestion, "on_conflict: equal"));
    done(&p);
}

static void s2_15_names_that_differ_in_case_alone(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    add_vector(&p, "Conv1.weight", 1);
    warned(&p, "transfer: {mapping: [{drop: 'Conv1\\..*'}]}\n", "case_twin",
           "'conv1.weight' and 'Conv1.weight' of the source differ only in the case of letters");
    done(&p);
}

static void s2_16_names_that_cannot_be_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *names[2], *code, *words;
    } rows[] = {
        {{"caf\xC3\xA9.w", "cafe\xCC\x81.w"}, "accent_twin", "'caf\\xc3\\xa9.w' and 'cafe\\xcc\\x81.w'"},
        {{"x.w", "x\xE2\x80\x8B.w"},
         "hidden_character",
         "'x\\xe2\\x80\\x8b.w' holds a character that is not seen"},
        {{"x.w", "x\n.w"}, "hidden_character", "'x\\x0a.w'"},
        {{"x.w", "x\xFF.w"}, "not_utf8", "'x\\xff.w' is not UTF-8"},
        {{"caf\xC3\xA9.w", "caf\xC3\xA8.w"}, NULL, NULL}, /* other letters altogether */
        {{"\xE5\xB1\x82.w", "\xE5\xB1\x83.w"}, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        planned p;
        begin(&p, "");
        add_vector(&p, rows[i].names[0], 1);
        add_vector(&p, rows[i].names[1], 1);
        if (rows[i].code)
            warned(&p, "transfer: {unexpected: ignore}\n", rows[i].code, rows[i].words);
        else
            accepts(&p, "transfer: {unexpected: ignore}\n");
        if (!rows[i].code) assert_int_equal(p.problems.count, 0);
        done(&p);
    }
}

static void s2_24_what_a_pattern_hits_is_counted_and_named(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    const eg_plan *plan = accepts(&p, "transfer: {skip: ['.*bn1.*']}\n");
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    eg_plan_print(plan, out, false);
    fclose(out);
    assert_non_null(strstr(text, "init  skip: '.*bn1.*': skipped  (15)"));
    assert_non_null(strstr(text, "  bn1.weight "));
    assert_non_null(strstr(text, "  layer1.[0-1].bn1.num_batches_tracked "));
    free(text);
    done(&p);
    begin(&p, "");
    refused(&p, "transfer: {skip: ['.*bn1.*'], expect: {loaded: 18}}\n", "expect", 4, 39,
            "expect.loaded is 18, but 5 tensors would be loaded");
    done(&p);
}

static void s2_25_no_shape_becomes_another_by_itself(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t rank;
        int64_t dims[4];
    } rows[] = {
        {"fc.weight", 2, {1000, 4}},       /* another number of classes */
        {"conv1.weight", 4, {4, 1, 3, 3}}, /* other channels of the input */
        {"fc.weight", 4, {3, 4, 1, 1}},    /* a linear layer as a convolution */
        {"fc.weight", 2, {4, 3}},          /* transposed */
        {"fc.bias", 1, {1}},               /* would broadcast */
        {"fc.bias", 2, {1, 3}},            /* as many elements */
        {"fc.weight", 1, {12}},            /* as many elements */
        {"fc.bias", 0, {0}},               /* a scalar */
        {"fc.bias", 1, {0}},               /* nothing at all */
        {"bn1.num_batches_tracked", 1, {2}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        planned p;
        begin(&p, "");
        set_shape(&p, rows[i].name, rows[i].rank, rows[i].dims);
        refused(&p, "", "size_mismatch", 2, 9, "1 tensor has another shape than the source");
        done(&p);
    }
}

static void s2_25_policies_by_name_leave_the_rest_refused(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    set_shape(&p, "conv1.weight", 4, (int64_t[]){4, 6, 3, 3}); /* six channels become three */
    set_shape(&p, "fc.weight", 2, (int64_t[]){1000, 4});
    refused(&p, "transfer: {size_mismatch: [{match: 'conv1\\.weight', policy: adapt_input}]}\n",
            "size_mismatch", 4, 11, "fc.weight (source [1000, 4] is not target [3, 4])");
    assert_int_equal(step_of(&p, "conv1.weight")->action, EG_ACTION_TRANSFORM);
    done(&p);
}

static void s2_26_all_squares_transposed_is_no_warning(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    add_source(&p, "a.weight", EG_F32, eg_shape_copy(&p.arena, (int64_t[]){5, 5}, 2));
    add_source(&p, "b.weight", EG_F32, eg_shape_copy(&p.arena, (int64_t[]){5, 5}, 2));
    accepts(&p, "transfer:\n  unexpected: ignore\n  mapping:\n"
                "    - transform: {match: '[ab]\\.weight', ops: [{transpose: [0, 1]}]}\n");
    assert_int_equal(p.problems.count, 0);
    done(&p);
}

static void s2_27_what_a_float_cannot_stand_for_is_refused(void **state)
{
    (void)state;
    static const eg_dtype none[] = {EG_C64, EG_C128, EG_F8_E4M3, EG_F8_E5M2};
    static const eg_dtype some[] = {EG_F16, EG_BF16, EG_F64, EG_I32, EG_BOOL};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        planned p;
        begin(&p, "");
        p.entries[source_at(&p, "fc.bias")].dtype = none[i];
        refused(&p, "", "dtype", 2, 9, eg_dtype_name(none[i]));
        done(&p);
    }
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        planned p;
        begin(&p, "");
        p.entries[source_at(&p, "fc.bias")].dtype = some[i];
        accepts(&p, "");
        assert_int_equal(step_of(&p, "fc.bias")->action, EG_ACTION_CAST);
        assert_int_equal(step_of(&p, "bn1.num_batches_tracked")->action,
                         EG_ACTION_COPY); /* integers stay integers */
        done(&p);
    }
}

static void s2_32_buffers_that_the_target_computes(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    add_vector(&p, "embeddings.position_ids", 512);
    const eg_problem *problem =
        refused(&p, "", "unexpected", 2, 9, "1 source tensor goes nowhere: embeddings.position_ids");
    const char *lines = eg_arena_printf(&p.arena, "%s\n", problem->suggestion);
    planned again;
    begin(&again, "");
    add_vector(&again, "embeddings.position_ids", 512);
    assert_int_equal(accepts(&again, lines)->dropped, 1);
    done(&p);
    done(&again);
}

static void s2_35_patterns_as_python_writes_them(void **state)
{
    (void)state;
    static const char *const patterns[] = {
        "\\Afc\\.bias\\Z",  "(?P<head>fc)\\.bias", "(?:fc)\\.bi(?=as)as",
        "(?i:FC)\\.bias",   "fc\\.\\w+?s",         "(?s)fc.bias",
        "(f)c\\.bias(?!x)", "fc\\.[^\\W\\d_]+s",   "(?P<a>f)c\\.bias(?<!x)",
    };
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        planned p;
        begin(&p, "");
        accepts(&p, eg_arena_printf(&p.arena, "transfer: {skip: ['%s']}\n", patterns[i]));
        assert_int_equal(p.plan->initialized, 1);
        done(&p);
    }
}

static void s2_42_more_blocks_are_copied_or_drawn(void **state)
{
    (void)state;
    planned p;
    begin(&p, "");
    for (size_t i = 0; i < p.source.count;)
        if (strncmp(p.entries[i].name, "layer1.1.", 9) == 0)
            remove_source(&p, p.entries[i].name);
        else
            i++;
    const char *lines = "transfer:\n  mapping:\n"
                        "    - copy: {match: 'layer1\\.0\\.(.*)', to: ['layer1.0.\\1', 'layer1.1.\\1']}\n";
    const eg_plan *plan = accepts(&p, lines);
    assert_int_equal(plan->loaded, 20);
    assert_ptr_equal(step_of(&p, "layer1.1.bn1.bias")->source, step_of(&p, "layer1.0.bn1.bias")->source);
    plan_lines(&p, "");
    assert_false(p.plan->ok);
    assert_string_equal(p.problems.items[0].code, "missing");
    accepts(&p, "transfer: {skip: ['layer1\\.1\\..*']}\n");
    done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s2_04_a_name_that_is_there_already),
        cmocka_unit_test(s2_15_names_that_differ_in_case_alone),
        cmocka_unit_test(s2_16_names_that_cannot_be_told_apart),
        cmocka_unit_test(s2_24_what_a_pattern_hits_is_counted_and_named),
        cmocka_unit_test(s2_25_no_shape_becomes_another_by_itself),
        cmocka_unit_test(s2_25_policies_by_name_leave_the_rest_refused),
        cmocka_unit_test(s2_26_all_squares_transposed_is_no_warning),
        cmocka_unit_test(s2_27_what_a_float_cannot_stand_for_is_refused),
        cmocka_unit_test(s2_32_buffers_that_the_target_computes),
        cmocka_unit_test(s2_35_patterns_as_python_writes_them),
        cmocka_unit_test(s2_42_more_blocks_are_copied_or_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
