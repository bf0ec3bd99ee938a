#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/str.h"

static void buffers_grow_and_stay_terminated(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_buf buf = {0};
    for (int i = 0; i < 100; i++) eg_buf_printf(&buf, "%d,", i);
    assert_int_equal(buf.length, 290);
    assert_int_equal(strlen(buf.data), 290);
    const char *text = eg_buf_take(&buf, &arena);
    assert_memory_equal(text, "0,1,2,3,", 8);
    assert_null(buf.data);
    assert_string_equal(eg_buf_take(&buf, &arena), "");
    eg_arena_clear(&arena);
}

static void the_nearest_name_is_proposed(void **state)
{
    (void)state;
    static const char *const keys[] = {"source", "target", "transfer", "freeze", "train", "momentum"};
    assert_string_equal(eg_nearest("trianfer", keys, 6), "transfer");
    assert_string_equal(eg_nearest("souce", keys, 6), "source");
    assert_string_equal(eg_nearest("freze", keys, 6), "freeze");
    assert_null(eg_nearest("optimizer", keys, 6));
    assert_null(eg_nearest("", keys, 6));
}

static void utf8_is_checked_strictly(void **state)
{
    (void)state;
    assert_true(eg_is_utf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 10));
    assert_false(eg_is_utf8("\xC0\x80", 2));         /* overlong */
    assert_false(eg_is_utf8("\xED\xA0\x80", 3));     /* surrogate */
    assert_false(eg_is_utf8("\xF4\x90\x80\x80", 4)); /* beyond U+10FFFF */
    assert_false(eg_is_utf8("\xE2\x82", 2));         /* cut */
    assert_false(eg_is_utf8("\x80", 1));
}

static void names_are_printable(void **state)
{
    (void)state;
    eg_arena arena = {0};
    assert_string_equal(eg_printable(&arena, "a\nb\xFF\xC3\xA9", 6), "a\\x0ab\\xff\xC3\xA9");
    eg_arena_clear(&arena);
}

static int compare(const void *a, const void *b)
{
    return eg_natural_compare(*(const char *const *)a, *(const char *const *)b);
}

static void names_sort_by_number(void **state)
{
    (void)state;
    const char *names[] = {"layer10.b", "layer9.b", "layer1.b", "layer1.a", "layer01.a", "layer"};
    qsort(names, 6, sizeof *names, compare);
    assert_string_equal(names[0], "layer");
    assert_string_equal(names[1], "layer01.a");
    assert_string_equal(names[2], "layer1.a");
    assert_string_equal(names[3], "layer1.b");
    assert_string_equal(names[4], "layer9.b");
    assert_string_equal(names[5], "layer10.b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffers_grow_and_stay_terminated),
        cmocka_unit_test(the_nearest_name_is_proposed),
        cmocka_unit_test(utf8_is_checked_strictly),
        cmocka_unit_test(names_are_printable),
        cmocka_unit_test(names_sort_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
