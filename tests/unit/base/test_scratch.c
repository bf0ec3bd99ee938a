/* Scratch memory: aligned pieces that do not overlap, given back at once, and no more from the system once
 * the largest task has fitted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../allocations.h"
#include "base/scratch.h"

static void take_pieces(eg_scratch *scratch, size_t size)
{
    uint8_t *pieces[20];
    for (int i = 0; i < 20; i++) {
        pieces[i] = eg_scratch_new(scratch, size + (size_t)i);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], i, size + (size_t)i);
    }
    for (int i = 0; i < 20; i++)
        for (size_t k = 0; k < size + (size_t)i; k++) assert_int_equal(pieces[i][k], i);
    eg_scratch_free(scratch, pieces[3]);
}

static void pieces_do_not_overlap(void **state)
{
    (void)state;
    eg_scratch scratch = {0};
    static const size_t sizes[] = {1, 100, 5000, 70000, 3, 200000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        take_pieces(&scratch, sizes[i]);
        eg_scratch_reset(&scratch);
    }
    eg_scratch_clear(&scratch);
}

static void what_has_fitted_asks_for_nothing(void **state)
{
    (void)state;
    eg_scratch scratch = {0};
    take_pieces(&scratch, 30000);
    eg_scratch_reset(&scratch);
    long before = allocation_count();
    for (size_t size = 30000; size > 3000; size -= 3000) {
        take_pieces(&scratch, size);
        eg_scratch_reset(&scratch);
    }
    assert_int_equal(allocation_count(), before);
    eg_scratch_clear(&scratch);
}

static void without_a_scratch_the_heap_serves(void **state)
{
    (void)state;
    void *piece = eg_scratch_new(NULL, 12);
    memset(piece, 1, 12);
    eg_scratch_free(NULL, piece);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(what_has_fitted_asks_for_nothing),
        cmocka_unit_test(without_a_scratch_the_heap_serves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
