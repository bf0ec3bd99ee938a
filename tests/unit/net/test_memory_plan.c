/* Placement: nothing that lives together overlaps, on any set of intervals; and memory is really reused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "net/memory_plan.h"

static void expect_sound(const eg_buffer *b, size_t count, size_t total)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(b[i].offset % EG_BUFFER_ALIGNMENT, 0);
        assert_true(b[i].offset + b[i].size <= total);
        for (size_t k = 0; k < i; k++) {
            bool together = b[i].first <= b[k].last && b[k].first <= b[i].last;
            bool apart = b[i].offset + b[i].size <= b[k].offset || b[k].offset + b[k].size <= b[i].offset;
            assert_true(!together || apart || b[i].size == 0 || b[k].size == 0);
        }
    }
}

/* The most that lives at one time: no plan can be smaller. */
static size_t lower_bound(const eg_buffer *b, size_t count)
{
    size_t most = 0;
    for (size_t at = 0; at < count; at++) {
        size_t sum = 0;
        for (size_t i = 0; i < count; i++)
            if (b[i].first <= b[at].first && b[at].first <= b[i].last) sum += b[i].size;
        if (sum > most) most = sum;
    }
    return most;
}

static void test_random_sets(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++) {
        eg_arena arena = {0};
        eg_stream stream = eg_stream_make(seed, EG_DRAW_SPLIT, 0, 0);
        eg_buffer b[120];
        size_t count = 1 + eg_draw_below(stream, 0, 120), total;
        for (size_t i = 0; i < count; i++) {
            int64_t first = (int64_t)eg_draw_below(stream, 3 * i + 1, 50);
            b[i] = (eg_buffer){first, first + (int64_t)eg_draw_below(stream, 3 * i + 2, 20),
                               eg_draw_below(stream, 3 * i + 3, 5000), 0};
        }
        assert_true(eg_memory_plan(&arena, b, count, &total));
        expect_sound(b, count, total);
        assert_true((double)total < 1.35 * (double)lower_bound(b, count) + 64.0 * (double)count);
        eg_arena_clear(&arena);
    }
}

/* A chain of equal layers needs two buffers, whatever its length. */
static void test_chain(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_buffer b[20];
    size_t total;
    for (int i = 0; i < 20; i++) b[i] = (eg_buffer){i, i + 1, 1000, 0};
    assert_true(eg_memory_plan(&arena, b, 20, &total));
    assert_int_equal(total, 1024 + 1000);
    expect_sound(b, 20, total);
    eg_arena_clear(&arena);
}

static void test_empty(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_buffer none = {0, 3, 0, 9};
    size_t total = 7;
    assert_true(eg_memory_plan(&arena, NULL, 0, &total));
    assert_int_equal(total, 0);
    assert_true(eg_memory_plan(&arena, &none, 1, &total));
    assert_int_equal(total, 0);
    assert_int_equal(none.offset, 0);
    eg_arena_clear(&arena);
}

static void test_overflow(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_buffer b[] = {{0, 1, SIZE_MAX - 10, 0}, {1, 2, SIZE_MAX / 2, 0}};
    size_t total;
    assert_false(eg_memory_plan(&arena, b, 2, &total));
    eg_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_sets),
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
