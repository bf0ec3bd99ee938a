#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engraft/error.h"

static void the_first_error_is_kept(void **state)
{
    (void)state;
    eg_error err = {0};
    assert_false(eg_fail(&err, EG_MALFORMED, "first %d", 1));
    assert_false(eg_fail(&err, EG_SYSTEM, "second"));
    assert_int_equal(err.code, EG_MALFORMED);
    assert_string_equal(err.text, "first 1");
}

static void borders_add_the_file_once(void **state)
{
    (void)state;
    eg_error err = {0};
    char text[256];
    eg_fail_id(&err, EG_MALFORMED, "PKL-003", "needs %d bytes", 4);
    eg_error_in(&err, "a.pth");
    eg_error_in(&err, "b.pth");
    eg_error_format(&err, text, sizeof text);
    assert_string_equal(text, "a.pth: PKL-003: needs 4 bytes");
}

static void places_are_printed(void **state)
{
    (void)state;
    eg_error err = {0};
    char text[256];
    eg_fail_at(&err, EG_RECIPE, (eg_place){"r.yaml", 3, 7}, "unknown key");
    eg_error_format(&err, text, sizeof text);
    assert_string_equal(text, "r.yaml:3:7: unknown key");
}

static void no_error_object_is_fine(void **state)
{
    (void)state;
    assert_false(eg_fail(NULL, EG_USAGE, "nobody listens"));
    assert_false(eg_error_in(NULL, "file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_error_is_kept),
        cmocka_unit_test(borders_add_the_file_once),
        cmocka_unit_test(places_are_printed),
        cmocka_unit_test(no_error_object_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
