#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engraft/arena.h"

static void memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    eg_arena arena = {0};
    for (size_t size = 0; size < 300; size += 7) {
        unsigned char *memory = eg_arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)memory % 16, 0);
        for (size_t i = 0; i < size; i++) assert_int_equal(memory[i], 0);
        memset(memory, 0xAA, size);
    }
    eg_arena_clear(&arena);
}

static void large_objects_do_not_disturb_small_ones(void **state)
{
    (void)state;
    eg_arena arena = {0};
    char *small = eg_arena_string(&arena, "small");
    char *large = eg_arena_alloc(&arena, 1 << 20);
    memset(large, 1, 1 << 20);
    char *next = eg_arena_printf(&arena, "%s and %d", small, 7);
    assert_string_equal(small, "small");
    assert_string_equal(next, "small and 7");
    eg_arena_clear(&arena);
    assert_null(arena.chunks);
}

static void note(void *object)
{
    char **at = object;
    *(*at)++ = 'x';
}

static void cleanups_run_once(void **state)
{
    (void)state;
    char text[4] = "", *at = text;
    eg_arena arena = {0};
    eg_arena_defer(&arena, note, &at);
    eg_arena_defer(&arena, note, &at);
    eg_arena_clear(&arena);
    eg_arena_clear(&arena);
    assert_string_equal(text, "xx");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(large_objects_do_not_disturb_small_ones),
        cmocka_unit_test(cleanups_run_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
