/* Expressions: precedence as Python's, every form of the language, and errors with the place of the exact
 * character, also inside quoted and folded YAML scalars. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "net/expr.h"

static eg_arena arena;

static int clear(void **state)
{
    (void)state;
    eg_arena_clear(&arena);
    return 0;
}

static eg_origin *make_origin(const char *text)
{
    eg_origin *origin = EG_NEW(&arena, eg_origin);
    *origin = (eg_origin){.text = text, .place = {"f.yaml", 1, 1}};
    return origin;
}

/* The tree as an S-expression. */
static void draw(eg_buf *buf, const eg_expr *e)
{
    static const char *const heads[] = {
        [EG_EXPR_LIST] = "list",   [EG_EXPR_DICT] = "dict",     [EG_EXPR_INDEX] = "index",
        [EG_EXPR_SLICE] = "slice", [EG_EXPR_CALL] = "call",     [EG_EXPR_NEGATE] = "neg",
        [EG_EXPR_NOT] = "not",     [EG_EXPR_COMPARE] = "cmp",   [EG_EXPR_IF] = "if",
        [EG_EXPR_BINARY] = "",     [EG_EXPR_ATTRIBUTE] = "dot",
    };
    if (!e) {
        eg_buf_puts(buf, "_");
        return;
    }
    switch (e->kind) {
    case EG_EXPR_NONE: eg_buf_puts(buf, "none"); return;
    case EG_EXPR_BOOL: eg_buf_puts(buf, e->integer ? "true" : "false"); return;
    case EG_EXPR_INT: eg_buf_printf(buf, "%lld", (long long)e->integer); return;
    case EG_EXPR_REAL: eg_buf_printf(buf, "%g", e->real); return;
    case EG_EXPR_TEXT: eg_buf_printf(buf, "'%s'", e->text); return;
    case EG_EXPR_NAME: eg_buf_puts(buf, e->text); return;
    default: break;
    }
    eg_buf_printf(buf, "(%s", e->kind == EG_EXPR_BINARY ? eg_operator_name(e->op) : heads[e->kind]);
    for (size_t i = 0; i < e->count; i++) {
        if (e->kind == EG_EXPR_COMPARE && i) eg_buf_printf(buf, " %s", eg_operator_name(e->ops[i - 1]));
        eg_buf_puts(buf, " ");
        if (e->kind == EG_EXPR_CALL && e->names[i]) eg_buf_printf(buf, "%s=", e->names[i]);
        draw(buf, e->items[i]);
    }
    if (e->kind == EG_EXPR_ATTRIBUTE) eg_buf_printf(buf, " %s", e->text);
    eg_buf_puts(buf, ")");
}

static const char *parse(const char *text)
{
    eg_error err = {0};
    eg_buf buf = {0};
    const eg_expr *expr = eg_expr_parse_all(&arena, make_origin(text), &err);
    if (!expr) return eg_arena_printf(&arena, "%u: %s", err.column, err.text);
    draw(&buf, expr);
    return eg_buf_take(&buf, &arena);
}

static void test_trees(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"1 + 2 * 3 - 4", "(- (+ 1 (* 2 3)) 4)"},
        {"planes * w // 64 * g", "(* (// (* planes w) 64) g)"},
        {"(1 + 2) * 3", "(* (+ 1 2) 3)"},
        {"-a * b % c", "(% (* (neg a) b) c)"},
        {"--+1", "(neg (neg 1))"},
        {"a or b and not c == d", "(or a (and b (not (cmp c == d))))"},
        {"1 < a <= 3", "(cmp 1 < a <= 3)"},
        {"a is not none", "(cmp a != none)"},
        {"a is None or a not in [1]", "(or (cmp a == none) (cmp a not in (list 1)))"},
        {"a if b else c if d else e", "(if a b (if c d e))"},
        {"f(1, x.channels, bias=false, k=[1, 2,],)", "(call f 1 (dot x channels) bias=false k=(list 1 2))"},
        {"{18: [2, 2], 'a': none}[depth]", "(index (dict 18 (list 2 2) 'a' none) depth)"},
        {"x[:, ::2, 1:-1]", "(index x (slice _ _ _) (slice _ _ 2) (slice 1 (neg 1) _))"},
        {"x[:]", "(index x (slice _ _ _))"},
        {"a.b(c)[0](d)", "(call (index (call (dot a b) c) 0) d)"},
        {"[(1, 2), ()[0:1]]", "11: expected a value, found ')'"},
        {"((1, 2), 3)", "(list (list 1 2) 3)"},
        {"1_000 + .5 + 1e-6 + 2.", "(+ (+ (+ 1000 0.5) 1e-06) 2)"},
        {"'it\\'s' + \"\\\"\"", "(+ 'it's' '\"')"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(parse(cases[i][0]), cases[i][1]);
}

static void test_errors(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "1: expected a value, but the expression ends"},
        {"1 +", "4: expected a value, but the expression ends"},
        {"1 2", "3: expected the end of the expression, found '2'"},
        {"f(1", "4: expected ')', but the expression ends (inside [ ] or { } of YAML, an expression with "
                "commas needs quotes)"},
        {"f(a=1, 2)", "8: an argument without a name stands after one with a name"},
        {"f(a=1, a=2)", "8: the argument 'a' stands twice"},
        {"[1, 2", "6: expected ']', but the expression ends"},
        {"{1: 2, 3}", "9: expected ':', found '}'"},
        {"a if b", "7: expected 'else', but the expression ends"},
        {"a = 1", "3: expected the end of the expression, found '='"},
        {"x.3", "2: expected the end of the expression, found '.3'"},
        {"x. 3", "4: expected a name after '.', found '3'"},
        {"not", "4: expected a value, but the expression ends"},
        {"a if", "5: expected a value, but the expression ends"},
        {"for + 1", "1: expected a value, found 'for'"},
        {"a ? b", "3: the character '?' has no meaning here"},
        {"ä", "1: the character 'ä' has no meaning here"},
        {"'abc", "1: the text that starts here has no closing quote"},
        {"'a\\n'", "3: a backslash stands before \\, ' or \" alone"},
        {"12345678901234567890", "1: the number is too large"},
        {"1e999", "1: the number is too large"},
        {"3x", "2: a number ends here, expected an operator before the next word"},
        {"x[]", "3: expected a value, found ']'"},
        {"2 ** 3", "4: expected a value, found '*'"},
        {"[i for i in r]", "4: expected ']', found 'for'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(parse(cases[i][0]), cases[i][1]);
}

/* Nesting and length are bounded, whatever is nested. */
static void test_bounds(void **state)
{
    (void)state;
    static const char *const units[] = {"(", "[", "-", "not ", "f(", "x[", "{1:", "a if b else "};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        eg_buf buf = {0};
        for (int k = 0; k < 500; k++) eg_buf_puts(&buf, units[i]);
        assert_non_null(
            strstr(parse(eg_buf_take(&buf, &arena)), "the expression nests deeper than 64 levels"));
    }
    eg_buf sum = {0}, calls = {0};
    eg_buf_puts(&sum, "1");
    eg_buf_puts(&calls, "f");
    for (int k = 0; k < 500; k++) eg_buf_puts(&sum, "+1"), eg_buf_puts(&calls, "()");
    assert_non_null(strstr(parse(eg_buf_take(&sum, &arena)), "nests deeper than 64 levels"));
    assert_non_null(strstr(parse(eg_buf_take(&calls, &arena)), "nests deeper than 64 levels"));
    char *spaces = eg_arena_alloc(&arena, 9001);
    memset(spaces, ' ', 9000);
    assert_string_equal(parse(spaces), "1: the expression has 9000 bytes, expected at most 8192");
}

static void test_assignments(void **state)
{
    (void)state;
    eg_assignment a;
    eg_error err = {0};
    assert_true(eg_assignment_parse(&arena, make_origin("y = f(x)"), &a, &err));
    assert_int_equal(a.targets.count, 1);
    assert_true(eg_assignment_parse(&arena, make_origin("a, b = f(x)"), &a, &err));
    assert_int_equal(a.targets.count, 2);
    assert_string_equal(a.targets.items[1], "b");
    assert_true(eg_assignment_parse(&arena, make_origin("a == b"), &a, &err));
    assert_int_equal(a.targets.count, 0);
    assert_true(eg_for_parse(&arena, make_origin("for t, c, n in [[1, 2, 3]]"), &a, &err));
    assert_int_equal(a.targets.count, 3);
    assert_false(eg_for_parse(&arena, make_origin("for t c in x"), &a, &err));
    assert_string_equal(err.text, "expected 'in', found 'c'");
    assert_int_equal(err.column, 7);
}

static void test_signatures(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"basic", "6: expected '(', but the expression ends"},
        {"basic(", "7: expected a parameter's name, but the expression ends"},
        {"basic(a, a)", "10: expected a name that does not stand twice, found 'a'"},
        {"basic(a=1, b)", "13: expected a default (as the parameter before it has), found ')'"},
        {"basic(a) x", "10: expected the end of the block's head, found 'x'"},
        {"3(a)", "1: expected a block's head such as basic(planes, stride=1), found '3'"},
        {"basic(a) ?", "10: the character '?' has no meaning here"},
    };
    eg_signature s;
    eg_error err = {0};
    assert_true(eg_signature_parse(&arena, make_origin("basic(planes, stride=1 + 1)"), &s, &err));
    assert_string_equal(s.name, "basic");
    assert_int_equal(s.params.count, 2);
    assert_null(s.defaults[0]);
    assert_non_null(s.defaults[1]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        err = (eg_error){0};
        assert_false(eg_signature_parse(&arena, make_origin(wrong[i][0]), &s, &err));
        assert_string_equal(eg_arena_printf(&arena, "%u: %s", err.column, err.text), wrong[i][1]);
    }
}

/* The '?' of each document is found where it stands in the file. */
static void test_places(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        unsigned line, column;
    } cases[] = {
        {"a: x + ?", 1, 8},
        {"a: 'x + ?'", 1, 9},
        {"a: \"x + ?\"", 1, 9},
        {"a: 'f(''k'') + ?'", 1, 16},
        {"a: \"f(\\\"k\\\") + ?\"", 1, 16},
        {"a: x +\n   y +   z + ?", 2, 14},
        {"a: 'x +\n     y + ?'", 2, 10},
        {"b: 1\na: |\n    x +\n    y + ?\n", 4, 9},
        {"b: 1\na: >-\n  x +\n  y + ?\n", 4, 7},
        {"a: f(ää) + ?", 1, 12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eg_error err = {0};
        const eg_doc *doc = eg_doc_parse(&arena, "f.yaml", cases[i].yaml, strlen(cases[i].yaml), &err);
        assert_non_null(doc);
        eg_lines lines = eg_lines_find(&arena, cases[i].yaml);
        const eg_origin *origin = eg_origin_new(&arena, eg_doc_find(doc, "a"), &lines);
        eg_place place = eg_origin_place(origin, strcspn(origin->text, "?"));
        assert_int_equal(place.line, cases[i].line);
        assert_int_equal(place.column, cases[i].column);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_trees, clear),      cmocka_unit_test_teardown(test_errors, clear),
        cmocka_unit_test_teardown(test_bounds, clear),     cmocka_unit_test_teardown(test_assignments, clear),
        cmocka_unit_test_teardown(test_signatures, clear), cmocka_unit_test_teardown(test_places, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
