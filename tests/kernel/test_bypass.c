/* Results written past the caches are those written through them, at any size and place, and nothing more. */
#include "kernel_cases.h"

#include "kernel/bypass.h"

static const int64_t sizes[][2] = {{1, 1},   {300, 5},  {64, 8},   {67, 48}, {131, 24},
                                   {7, 530}, {2, 2048}, {3, 2050}, {0, 16}}; /* rows, channels */
enum { SIZES = sizeof sizes / sizeof *sizes };

static void expect_same(const float *got, const float *want, int64_t n)
{
    assert_true(n == 0 || memcmp(got, want, (size_t)n * sizeof *got) == 0);
    expect_guard(got, n);
}

static void copies_are_whole_at_any_place(void **state)
{
    (void)state;
    for (int64_t at = 0; at < 5; at++)
        for (int64_t n = 0; n < 40; n++) {
            float *x = random_array(n, 1), *y = array(at + n);
            eg_bypass_copy(n, x, y + at);
            eg_bypass_end();
            for (int64_t i = 0; i < at; i++) assert_true(y[i] == GUARD_VALUE);
            expect_same(y + at, x, n);
            free(x);
            free(y);
        }
}

static void epilogues_are_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * SIZES; i++) {
        int64_t rows = sizes[i / 2][0], c = sizes[i / 2][1];
        float *x = random_array(rows * c, 1), *residual = random_array(rows * c, 2),
              *scale = random_array(c, 3), *bias = random_array(c, 4), *want = array(rows * c),
              *got = array(rows * c);
        eg_epilogue e = {scale, bias, i % 2 ? residual : NULL, EG_ACTIVATION_LEAKY, 0.25F};
        eg_epilogue_apply(rows, c, c, x, &e, want);
        eg_bypass_epilogue(rows, c, x, &e, got);
        expect_same(got, want, rows * c);
        float *all[] = {x, residual, scale, bias, want, got};
        for (int k = 0; k < 6; k++) free(all[k]);
    }
}

static void input_grads_are_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * SIZES; i++) {
        int64_t rows = sizes[i / 2][0], c = sizes[i / 2][1];
        float *x = random_array(rows * c, 1), *dy = random_array(rows * c, 2), *y = random_array(rows * c, 3),
              *line = random_array(6 * c, 4), *want = array(rows * c), *got = array(rows * c);
        eg_norm_grad n = {x, dy, i % 2 ? y : NULL, line, line + c, line + 2 * c, EG_ACTIVATION_RELU, 0};
        eg_norm_grad_input(rows, c, &n, line + 3 * c, line + 4 * c, line + 5 * c, false, want);
        eg_bypass_input_grad(rows, c, &n, line + 3 * c, line + 4 * c, line + 5 * c, got);
        expect_same(got, want, rows * c);
        float *all[] = {x, dy, y, line, want, got};
        for (int k = 0; k < 6; k++) free(all[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_are_whole_at_any_place),
        cmocka_unit_test(epilogues_are_the_same),
        cmocka_unit_test(input_grads_are_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
