/* The plan for people: grouped, folded, counted. */
#include "helper.h"
#include "plan/fold.h"

static void check_fold(const char *const *names, size_t count, const char *const *expected, size_t lines)
{
    eg_arena arena = {0};
    const eg_fold *folds;
    size_t found = eg_fold_names(&arena, names, count, &folds), total = 0;
    for (size_t i = 0; i < found; i++) {
        if (i < lines && strcmp(folds[i].text, expected[i]) != 0) print_message("%s\n", folds[i].text);
        if (i < lines) assert_string_equal(folds[i].text, expected[i]);
        total += folds[i].count;
    }
    assert_int_equal(found, lines);
    assert_int_equal(total, count);
    eg_arena_clear(&arena);
}

#define N(list) (sizeof(list) / sizeof *(list))

static void names_fold_exactly(void **state)
{
    (void)state;
    const char *grid[] = {"stage1.1.0.w", "stage1.1.3.w", "stage1.2.0.w",
                          "stage1.2.3.w", "stage1.3.0.w", "stage1.3.3.w"};
    const char *grid_line[] = {"stage1.[1-3].{0,3}.w"};
    check_fold(grid, N(grid), grid_line, 1);
    const char *ragged[] = {"a.0.1", "a.0.2", "a.1.1"}, *ragged_lines[] = {"a.0.[1-2]", "a.1.1"};
    check_fold(ragged, N(ragged), ragged_lines, 2);
    const char *gaps[] = {"x1", "x2", "x3", "x7", "x10"}, *gap_lines[] = {"x{1-3,7,10}"};
    check_fold(gaps, N(gaps), gap_lines, 1);
    const char *one[] = {"fc.weight"};
    check_fold(one, 1, one, 1);
    check_fold(one, 0, one, 0);
    const char *unsorted[] = {"l10.w", "l9.w", "l8.w"}, *sorted[] = {"l[8-10].w"};
    check_fold(unsorted, N(unsorted), sorted, 1);
}

static void shapes_of_names(void **state)
{
    (void)state;
    eg_arena arena = {0};
    assert_string_equal(eg_fold_shape(&arena, "layer1.0.conv12.w"), "layer#.#.conv#.w");
    assert_string_equal(eg_fold_shape(&arena, "a01.b0"), "a01.b#");
    assert_string_equal(eg_fold_shape(&arena, "x12345678901"), "x12345678901");
    eg_arena_clear(&arena);
}

static char *printed(const planned *p, bool keys, bool colour)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (keys)
        eg_plan_print_keys(p->plan, out);
    else
        eg_plan_print(p->plan, out, colour);
    fclose(out);
    char *copy = strdup(text);
    free(text);
    return copy;
}

static void holds(const char *text, const char *words)
{
    if (!strstr(text, words)) print_message("no '%s' in\n%s", words, text);
    assert_non_null(strstr(text, words));
}

static void plans_are_grouped(void **state)
{
    (void)state;
    planned p;
    begin(&p, "module.");
    add_vector(&p, "module.aux.weight", 2);
    accepts(&p, "transfer:\n  mapping: [strip_prefix: module., drop: 'aux\\..*']\n  skip: ['fc\\..*']\n"
                "init: [{match: 'fc\\.weight', init: kaiming_uniform, a: 2.236}]\nfreeze: ['(?!fc\\.).*']\n");
    char *text = printed(&p, false, false);
    holds(text, "target  tiny: 20 tensors: 18 loaded, 2 initialized, 0 defaulted\n");
    holds(text, "source  21 tensors: 18 used, 2 skipped, 1 dropped, 0 unexpected\n");
    holds(text, "trains  15 of 435 parameters\n");
    holds(text, "  1. strip_prefix: module. ");
    holds(text, "21 names\n");
    holds(text, "1 name\n");
    holds(text, "copy  strip_prefix: module.: equal shape, rule 1  (18)\n");
    holds(text, "  layer1.[0-1].bn1.weight ");
    holds(text, "[4]  frozen  (2 tensors)\n");
    holds(text, "init  skip: 'fc\\..*': skipped  (2)\n");
    holds(text, "[3, 4]  trainable  kaiming_uniform (a 2.236)\n");
    holds(text, "dropped  rule 2 (drop: 'aux\\..*')  (1)\n");
    assert_null(strstr(text, "\033"));
    free(text);
    text = printed(&p, false, true);
    holds(text, "\033[1m");
    free(text);
    text = printed(&p, true, false);
    holds(text, "model (20 keys)\n  conv1.weight\n");
    holds(text, "pretrained (21 keys)\n  module.conv1.weight\n");
    holds(text, "transferred (18 keys)\n  module.conv1.weight -> conv1.weight\n");
    free(text);
    done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_fold_exactly),
        cmocka_unit_test(shapes_of_names),
        cmocka_unit_test(plans_are_grouped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
