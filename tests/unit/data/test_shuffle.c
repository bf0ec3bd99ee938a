/* eg_shuffle is a permutation, depends on seed and epoch alone, and is fair: every element is equally often
 * everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/pipeline.h"

static void test_permutation(void **state)
{
    (void)state;
    enum { MOST = 300 };
    int64_t order[MOST];
    for (int64_t n = 0; n < MOST; n++) {
        bool seen[MOST] = {false};
        eg_shuffle(1, (uint64_t)n, n, order);
        for (int64_t i = 0; i < n; i++) {
            assert_in_range(order[i], 0, n - 1);
            assert_false(seen[order[i]]);
            seen[order[i]] = true;
        }
    }
}

/* Pinned: a run must shuffle alike in all versions. */
static void test_pinned(void **state)
{
    (void)state;
    static const int64_t expected[10] = {8, 4, 3, 5, 0, 7, 9, 6, 1, 2};
    int64_t order[10], again[10];
    eg_shuffle(17, 3, 10, order);
    assert_memory_equal(order, expected, sizeof order);
    eg_shuffle(17, 4, 10, again);
    assert_memory_not_equal(order, again, sizeof order);
    eg_shuffle(18, 3, 10, again);
    assert_memory_not_equal(order, again, sizeof order);
}

/* 6000 shuffles of 6: each of 36 cells is hit 1000 times on average, with a deviation of 29; 5 deviations are
 * allowed. */
static void test_fair(void **state)
{
    (void)state;
    int hits[6][6] = {{0}};
    int64_t order[6];
    for (uint64_t epoch = 0; epoch < 6000; epoch++) {
        eg_shuffle(5, epoch, 6, order);
        for (int i = 0; i < 6; i++) hits[i][order[i]]++;
    }
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) assert_in_range(hits[i][j], 1000 - 145, 1000 + 145);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_permutation),
        cmocka_unit_test(test_pinned),
        cmocka_unit_test(test_fair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
