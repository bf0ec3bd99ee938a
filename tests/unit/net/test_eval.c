/* Evaluation: each result equals Python's; every wrong use says what, and where; evaluation always ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"
#include "net/eval.h"

static eg_arena arena;

static int clear(void **state)
{
    (void)state;
    eg_arena_clear(&arena);
    return 0;
}

/* The value as it is written, or "column: message". a = 7, b = 2.5, s = 'abc', l = [1, 2, 3], n = none. */
static const char *run(const char *text)
{
    const eg_datum numbers[] = {eg_datum_int(1), eg_datum_int(2), eg_datum_int(3)};
    eg_problems problems = {.arena = &arena};
    eg_eval eval = {.arena = &arena, .problems = &problems, .path = "", .steps = EG_EVAL_STEPS};
    eg_scope *scope = eg_scope_new(&arena, NULL);
    eg_origin *origin = EG_NEW(&arena, eg_origin);
    eg_error err = {0};
    eg_datum datum;
    *origin = (eg_origin){.text = text, .place = {"f.yaml", 1, 1}};
    eg_scope_set(scope, &arena, "a", eg_datum_int(7));
    eg_scope_set(scope, &arena, "b", eg_datum_real(2.5));
    eg_scope_set(scope, &arena, "s", eg_datum_text("abc"));
    eg_scope_set(scope, &arena, "n", (eg_datum){.kind = EG_DATUM_NONE});
    eg_scope_set(scope, &arena, "l", (eg_datum){.kind = EG_DATUM_LIST, .items = numbers, .count = 3});
    const eg_expr *expr = eg_expr_parse_all(&arena, origin, &err);
    assert_non_null(expr);
    if (eg_eval_run(&eval, scope, expr, &datum)) {
        assert_int_equal(problems.count, 0);
        return eg_datum_write(&arena, &datum);
    }
    assert_int_equal(problems.errors, 1);
    return eg_arena_printf(&arena, "%u: %s", problems.items[0].place.column, problems.items[0].message);
}

static void check(const char *const cases[][2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *found = run(cases[i][0]);
        if (strcmp(found, cases[i][1]) != 0) print_error("%s\n", cases[i][0]);
        assert_string_equal(found, cases[i][1]);
    }
}

#define CHECK(cases) check(cases, sizeof(cases) / sizeof *(cases))

static void test_numbers(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"7 // 2", "3"},
        {"-7 // 2", "-4"},
        {"7 // -2", "-4"},
        {"-7 // -2", "3"},
        {"-7 % 2", "1"},
        {"7 % -2", "-1"},
        {"7 / 2", "3.5"},
        {"6 / 2", "3.0"},
        {"-7.5 // 2", "-4.0"},
        {"-7.5 % 2", "0.5"},
        {"7.5 % -2", "-0.5"},
        {"0.0 % -2", "-0.0"},
        {"1 // 0.1", "9.0"},
        {"2 * 2.5", "5.0"},
        {"true + 1", "2"},
        {"-true", "-1"},
        {"1 - 0.9", "0.09999999999999998"},
        {"64 * 4 // 64 * 32", "128"},
        {"-(-3)", "3"},
        {"-9223372036854775807 - 1", "-9223372036854775808"},
        {"(-9223372036854775807 - 1) % -1", "0"},
        {"1e-6", "1e-06"},
        {"1e16", "1e+16"},
        {"100000.0", "100000.0"},
        {"0.0001", "0.0001"},
        {"12345.678 * 1", "12345.678"},
    };
    CHECK(cases);
}

static void test_logic(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"1 == 1.0", "true"},
        {"true == 1", "true"},
        {"'a' == 1", "false"},
        {"none == 0", "false"},
        {"n is none", "true"},
        {"9007199254740993 == 9007199254740992.0", "false"},
        {"9007199254740993 > 9007199254740992.0", "true"},
        {"1 < 2 < 3", "true"},
        {"1 < 3 < 2", "false"},
        {"3 > 2 == 2", "true"},
        {"'a' < 'b'", "true"},
        {"0 or 'x'", "'x'"},
        {"1 and 0", "0"},
        {"[] or none", "none"},
        {"not []", "true"},
        {"not 'a'", "false"},
        {"false and 1 // 0", "false"},
        {"true or 1 // 0", "true"},
        {"1 if l else 1 // 0", "1"},
        {"2 in l", "true"},
        {"5 not in l", "true"},
        {"[1, [2.0]] == [1.0, [2]]", "true"},
        {"'k' in {'k': 1}", "true"},
        {"{} == {}", "true"},
    };
    CHECK(cases);
}

static void test_lists(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"l[0]", "1"},
        {"l[-1]", "3"},
        {"l[1:]", "[2, 3]"},
        {"l[:-1]", "[1, 2]"},
        {"l[::2]", "[1, 3]"},
        {"l[5:]", "[]"},
        {"l[-9:2]", "[1, 2]"},
        {"l + [4]", "[1, 2, 3, 4]"},
        {"[0, 1] * 2", "[0, 1, 0, 1]"},
        {"2 * [0]", "[0, 0]"},
        {"[1] * -1", "[]"},
        {"{18: 'a', 50: 'b'}[50]", "'b'"},
        {"{1: 2, 1: 3}[1]", "3"},
        {"{1: 2}[1.0]", "2"},
        {"'ab' + 'c'", "'abc'"},
        {"'it\\'s'", "'it''s'"},
        {"[1, 2.0, none, true, 'x']", "[1, 2.0, none, true, 'x']"},
    };
    CHECK(cases);
}

static void test_helpers(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"range(3)", "[0, 1, 2]"},
        {"range(1, 6, 2)", "[1, 3, 5]"},
        {"range(3, 0, -1)", "[3, 2, 1]"},
        {"range(3, 0)", "[]"},
        {"range(0, step=2, stop=3)", "[0, 2]"},
        {"len(l)", "3"},
        {"len('abc')", "3"},
        {"len({1: 2})", "1"},
        {"min(3, 1.0, 1)", "1.0"},
        {"max(1, 1.0)", "1"},
        {"max(l)", "3"},
        {"min('b', 'a')", "'a'"},
        {"ceil(2.1)", "3"},
        {"ceil(-2.1)", "-2"},
        {"ceil(3)", "3"},
        {"sum([1, 2.5, true])", "4.5"},
        {"sum([1, 2, 3][:0])", "0"},
        {"round(0.5)", "0"},
        {"round(1.5)", "2"},
        {"round(2.5)", "2"},
        {"round(-2.5)", "-2"},
        {"round(2.6)", "3"},
        {"round(-2.6)", "-3"},
        {"int(-2.9)", "-2"},
        {"int(true)", "1"},
        /* torchvision's _make_divisible */
        {"divisible(32 * 0.75)", "24"},
        {"divisible(16 * 0.35)", "8"},
        {"divisible(24 * 0.35)", "8"},
        {"divisible(1)", "8"},
        {"divisible(11)", "16"},
        {"divisible(12)", "16"},
        {"divisible(18.9, 8)", "24"},
        {"divisible(18, 4)", "20"},
        {"divisible(96 * 1.4, d=8)", "136"},
        {"divisible(35, 32)", "32"},
        {"divisible(36, 32)", "64"},
    };
    CHECK(cases);
}

static void test_errors(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"1 + 2 // 0", "5: division by zero"},
        {"1 % 0.0", "1: division by zero"},
        {"9223372036854775807 + 1", "1: the result of '+' is too large a number"},
        {"1e300 * 1e300", "1: the result of '*' is too large a number"},
        {"1 + 'a'", "1: the number 1 cannot be put together by '+' with the text 'a'"},
        {"l < 3", "1: a list of 3 cannot be put together by '<' with the number 3"},
        {"1 in 2", "1: the number 1 cannot be put together by 'in' with the number 2"},
        {"lenn(l)",
         "1: 'lenn' is not an operator of this version, nor a block or child here (did you mean 'len'?)"},
        {"1 + widht", "5: there is no 'widht' here"},
        {"a(3)", "1: 'a' is the number 7, which cannot be called"},
        {"l[3]", "3: the index 3 is outside: there are 3 elements"},
        {"l['x']", "3: expected a whole number as index, found the text 'x'"},
        {"l[::0]", "3: the step of a slice must be a whole number of at least 1"},
        {"l[0, 1]", "1: a list of 3 cannot be indexed like this"},
        {"{18: 1, 34: 2}[50]", "16: the number 50 is not among the keys 18, 34"},
        {"a.b", "1: the number 7 has no 'b'"},
        {"-s", "1: the text 'abc' has no negative"},
        {"range(1.0)", "7: expected a whole number, found the number 1.0"},
        {"range(0, 3, 0)", "13: the step of a range must not be 0"},
        {"range()", "1: range needs 'start'"},
        {"len(1, 2)", "8: len takes at most 1 argument"},
        {"len(x=1)", "7: len takes no argument 'x'"},
        {"min()", "1: expected a list that is not empty, or several numbers"},
        {"int(1e30)", "5: the number is too large for an integer"},
        {"divisible(8, 0)", "14: expected a divisor between 1 and 16777216, found 0"},
        {"ceil('x')", "6: expected a number, found the text 'x'"},
        {"conv2d(3)", "1: the operator conv2d cannot be called here"},
    };
    CHECK(cases);
}

/* Huge ranges and lists are refused at once; so is work that doubles. */
static void test_bounds(void **state)
{
    (void)state;
    const char *limit = "1: this architecture takes more than 1000000 steps to build";
    assert_string_equal(run("range(1000000000)"), limit);
    assert_string_equal(run("[1, 2] * 4611686018427387904"), limit);
    assert_string_equal(run("range(0, 9000000000000000000, 1)"), limit);
    assert_string_equal(run("range(-9000000000000000000, 9000000000000000000)"), "1: the range is too long");
    assert_string_equal(run("range(9223372036854775807, -9223372036854775807, -9223372036854775807)"),
                        "1: the range is too long");
    assert_string_equal(run("len(range(1000) * 900)"), "900000");
    assert_non_null(strstr(run("[range(600000) == range(600000)]"), limit + 3));
    assert_non_null(strstr(run("range(400000) == range(400000)"), limit + 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_numbers, clear), cmocka_unit_test_teardown(test_logic, clear),
        cmocka_unit_test_teardown(test_lists, clear),   cmocka_unit_test_teardown(test_helpers, clear),
        cmocka_unit_test_teardown(test_errors, clear),  cmocka_unit_test_teardown(test_bounds, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
