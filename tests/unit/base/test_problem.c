#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "engraft/problem.h"

static void problems_show_line_caret_and_proposal(void **state)
{
    (void)state;
    char path[] = "/tmp/engraft-problem-XXXXXX", *text = NULL;
    size_t size = 0;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(eg_file_write(path, "recipe: 1\ntarge: {}\n", 20, NULL));
    eg_arena arena = {0};
    eg_problems problems = {.arena = &arena};
    eg_problem_add(&problems, "unknown_key", (eg_place){path, 2, 1}, "unknown key '%s'", "targe");
    eg_problem_suggest(&problems, "target:");
    eg_problem_warn(&problems, "old", (eg_place){0}, "just so you know");
    FILE *out = open_memstream(&text, &size);
    eg_problems_print(&problems, out, false);
    fclose(out);
    char expected[512];
    snprintf(expected, sizeof expected,
             "%s:2:1: error: unknown key 'targe'\n  targe: {}\n  ^\n  > target:\nwarning: just so you know\n",
             path);
    assert_string_equal(text, expected);
    eg_error err = {0};
    assert_false(eg_problems_check(&problems, EG_RECIPE, &err));
    assert_string_equal(err.text, "unknown key 'targe'");
    assert_int_equal(err.line, 2);
    free(text);
    remove(path);
    eg_arena_clear(&arena);
}

static void warnings_alone_refuse_nothing(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_problems problems = {.arena = &arena};
    for (int i = 0; i < 40; i++) eg_problem_warn(&problems, "w", (eg_place){0}, "number %d", i);
    assert_int_equal(problems.count, 40);
    assert_string_equal(problems.items[39].message, "number 39");
    assert_true(eg_problems_check(&problems, EG_RECIPE, NULL));
    eg_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(problems_show_line_caret_and_proposal),
        cmocka_unit_test(warnings_alone_refuse_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
