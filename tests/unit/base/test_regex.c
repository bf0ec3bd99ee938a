#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/regex.h"

static eg_arena arena;

static eg_regex *compile(const char *pattern, bool full)
{
    return eg_regex_compile(&arena, pattern, full, (eg_place){0}, NULL);
}

static eg_matched match(const eg_regex *regex, const char *name)
{
    return eg_regex_match(regex, name, strlen(name), NULL);
}

static void selectors_match_whole_names(void **state)
{
    (void)state;
    eg_regex *regex = compile("fc\\..*|head", true);
    assert_int_equal(match(regex, "fc.weight"), EG_MATCH);
    assert_int_equal(match(regex, "head"), EG_MATCH);
    assert_int_equal(match(regex, "head.fc.weight"), EG_NO_MATCH);
    assert_int_equal(match(regex, "xfc.weight"), EG_NO_MATCH);
}

static void templates_expand_groups(void **state)
{
    (void)state;
    eg_regex *regex = compile("(?P<block>block\\d+)\\.(a)?(.*)", true);
    eg_buf out = {0};
    assert_int_equal(match(regex, "block7.weight"), EG_MATCH);
    assert_true(eg_template_check(regex, "\\g<block>.\\2x\\g<3>0\\\\", (eg_place){0}, NULL));
    eg_template_expand(regex, "\\g<block>.\\2x\\g<3>0\\\\", &out);
    assert_string_equal(out.data, "block7.xweight0\\");
    eg_buf_clear(&out);
}

static void bad_templates_are_refused_with_a_hint(void **state)
{
    (void)state;
    eg_regex *regex = compile("(a)b", true);
    eg_error err = {0};
    assert_false(eg_template_check(regex, "$1", (eg_place){"r", 1, 2}, &err));
    assert_string_equal(err.text, "'$1' refers to a group with '$'; write \\1 or \\g<name>");
    err = (eg_error){0};
    assert_false(eg_template_check(regex, "\\2", (eg_place){0}, &err));
    assert_non_null(strstr(err.text, "refers to group '2', but pattern '(a)b' has 1 group"));
    err = (eg_error){0};
    assert_false(eg_template_check(regex, "\\q", (eg_place){0}, &err));
    assert_non_null(strstr(err.text, "unknown escape"));
}

static void replace_changes_every_occurrence(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *subject, *to, *expected;
        bool changed;
    } cases[] = {
        {"\\.gamma$", "bn.gamma.x.gamma", ".weight", "bn.gamma.x.weight", true},
        {"a", "banana", "o", "bonono", true},
        {"x", "banana", "o", "banana", false},
        {"(n)", "banana", "<\\1>", "ba<n>a<n>a", true},
        {"^", "abc", "x.", "x.abc", true},
        {"a", "", "o", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eg_buf out = {0};
        bool changed;
        assert_true(eg_regex_replace(compile(cases[i].pattern, false), cases[i].subject, cases[i].to, &out,
                                     &changed, NULL));
        assert_string_equal(out.data, cases[i].expected);
        assert_int_equal(changed, cases[i].changed);
        eg_buf_clear(&out);
    }
}

static void catastrophic_patterns_end_in_an_error(void **state)
{
    (void)state;
    eg_regex *regex = eg_regex_compile(&arena, "((a|aa)+)+[bc]x?", true, (eg_place){"r.yaml", 4, 9}, NULL);
    eg_error err = {0};
    char name[60] = "";
    memset(name, 'a', sizeof name - 2);
    name[sizeof name - 2] = 'd';
    assert_int_equal(eg_regex_match(regex, name, strlen(name), &err), EG_MATCH_FAILED);
    assert_int_equal(err.line, 4);
    assert_non_null(strstr(err.text, "needs too many steps"));
}

static void bad_patterns_name_the_character(void **state)
{
    (void)state;
    eg_error err = {0};
    assert_null(eg_regex_compile(&arena, "fc(", true, (eg_place){"r.yaml", 4, 9}, &err));
    assert_non_null(
        strstr(err.text, "pattern 'fc(' is not a regular expression: missing closing parenthesis"));
    assert_int_equal(err.code, EG_RECIPE);
    assert_int_equal(err.line, 4);
}

static void escaped_names_match_themselves(void **state)
{
    (void)state;
    const char *name = "a.b[0]{x}(y)*+?|^$\\z";
    eg_buf out = {0};
    eg_regex_escape(name, &out);
    assert_int_equal(match(compile(out.data, true), name), EG_MATCH);
    eg_buf_clear(&out);
}

static int clear(void **state)
{
    (void)state;
    eg_arena_clear(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selectors_match_whole_names),
        cmocka_unit_test(templates_expand_groups),
        cmocka_unit_test(bad_templates_are_refused_with_a_hint),
        cmocka_unit_test(replace_changes_every_occurrence),
        cmocka_unit_test(catastrophic_patterns_end_in_an_error),
        cmocka_unit_test(bad_patterns_name_the_character),
        cmocka_unit_test(escaped_names_match_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, clear);
}
