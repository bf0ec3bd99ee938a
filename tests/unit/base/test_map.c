#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"

static void thousands_of_names_are_found_again(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_map *map = eg_map_new(&arena);
    for (int i = 0; i < 5000; i++)
        assert_true(eg_map_add(map, eg_arena_printf(&arena, "layer%d.weight", i), i));
    assert_int_equal(eg_map_count(map), 5000);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(eg_map_find(map, eg_arena_printf(&arena, "layer%d.weight", i)), i);
    assert_int_equal(eg_map_find(map, "layer5000.weight"), -1);
    eg_arena_clear(&arena);
}

static void adding_keeps_and_setting_replaces(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_map *map = eg_map_new(&arena);
    assert_true(eg_map_add(map, "", 1));
    assert_false(eg_map_add(map, "", 2));
    assert_int_equal(eg_map_find(map, ""), 1);
    eg_map_set(map, "", 3);
    assert_int_equal(eg_map_find(map, ""), 3);
    assert_int_equal(eg_map_count(map), 1);
    eg_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_of_names_are_found_again),
        cmocka_unit_test(adding_keeps_and_setting_replaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
