#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"

/* The known answers of the authors' Random123 (kat_vectors): philox4x32-10 of counter 0 and key 0. */
static void words_are_philox(void **state)
{
    (void)state;
    static const uint32_t expected[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    eg_stream stream = {{0, 0}, {0, 0}};
    for (uint64_t i = 0; i < 4; i++) assert_int_equal(eg_draw_bits(stream, i), expected[i]);
}

static void draws_have_their_moments(void **state)
{
    (void)state;
    enum { N = 200000 };
    eg_stream stream = eg_stream_make(17, EG_DRAW_INIT, eg_name_key("fc.weight"), 0);
    double u = 0, u2 = 0, n = 0, n2 = 0, n4 = 0;
    for (uint64_t i = 0; i < N; i++) {
        double uniform = eg_draw_uniform(stream, i), normal = eg_draw_normal(stream, i);
        assert_true(uniform >= 0 && uniform < 1);
        u += uniform;
        u2 += uniform * uniform;
        n += normal;
        n2 += normal * normal;
        n4 += normal * normal * normal * normal;
    }
    /* Five standard errors of each mean. */
    assert_true(fabs(u / N - 0.5) < 5 * 0.2887 / sqrt(N));
    assert_true(fabs(u2 / N - 1.0 / 3) < 5 * 0.2981 / sqrt(N));
    assert_true(fabs(n / N) < 5 / sqrt(N));
    assert_true(fabs(n2 / N - 1) < 5 * 1.4142 / sqrt(N));
    assert_true(fabs(n4 / N - 3) < 5 * 9.798 / sqrt(N));
}

static void integers_are_even(void **state)
{
    (void)state;
    enum { N = 70000, SIDES = 7 };
    int hits[SIDES] = {0};
    eg_stream stream = eg_stream_make(1, EG_DRAW_SHUFFLE, 3, 0);
    for (uint64_t i = 0; i < N; i++) hits[eg_draw_below(stream, i, SIDES)]++;
    double chi = 0;
    for (int i = 0; i < SIDES; i++) chi += (hits[i] - 10000.0) * (hits[i] - 10000.0) / 10000.0;
    assert_true(chi < 22.5); /* 6 degrees of freedom, p = 0.001 */
}

static void streams_differ_by_every_part_of_their_key(void **state)
{
    (void)state;
    uint32_t base = eg_draw_bits(eg_stream_make(1, EG_DRAW_INIT, 2, 3), 0);
    assert_int_not_equal(base, eg_draw_bits(eg_stream_make(2, EG_DRAW_INIT, 2, 3), 0));
    assert_int_not_equal(base, eg_draw_bits(eg_stream_make(1, EG_DRAW_AUGMENT, 2, 3), 0));
    assert_int_not_equal(base, eg_draw_bits(eg_stream_make(1, EG_DRAW_INIT, 3, 2), 0));
    assert_int_not_equal(base, eg_draw_bits(eg_stream_make(1, EG_DRAW_INIT, 2, 4), 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_philox),
        cmocka_unit_test(draws_have_their_moments),
        cmocka_unit_test(integers_are_even),
        cmocka_unit_test(streams_differ_by_every_part_of_their_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
