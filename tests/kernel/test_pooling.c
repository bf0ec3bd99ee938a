/* Pooling against its definition; ties, NaN and -infinity. */
#include "kernel_cases.h"

#include "kernel/pooling.h"

static void check_max(const eg_grid *g)
{
    int64_t in = g->h * g->w * g->c, out = g->p * g->q * g->c;
    float *x = array(in), *y = array(out), *bare = array(out), *dy = random_array(out, 2), *dx = array(in);
    int32_t *tap = malloc((size_t)out * sizeof *tap);
    double *want = calloc((size_t)in, sizeof *want);
    uint64_t seed = 9;
    for (int64_t i = 0; i < in; i++) x[i] = floorf(4 * number(&seed)); /* many equal ones */
    eg_max_pool_forward(g, x, 0, g->p / 2, y, tap);
    eg_max_pool_forward(g, x, g->p / 2, g->p, y, tap);
    eg_max_pool_forward(g, x, 0, g->p, bare, NULL);
    eg_max_pool_backward(g, dy, tap, dx);
    for (int64_t i = 0; i < out; i++) {
        int64_t p = i / g->c / g->q, q = i / g->c % g->q, c = i % g->c, best = -1, best_tap = -1;
        for (int64_t t = 0; t < g->r * g->s; t++) {
            int64_t at = pixel_under(g, p, q, t / g->s, t % g->s);
            if (at < 0 || (best >= 0 && x[at + c] <= x[best])) continue;
            best = at + c;
            best_tap = t;
        }
        if (best < 0) continue; /* a window in the padding alone: infer refuses these */
        assert_true(y[i] == x[best] && bare[i] == x[best]);
        assert_int_equal(tap[i], best_tap);
        want[best] += (double)dy[i];
    }
    for (int64_t i = 0; i < in; i++) expect_near(dx[i], want[i], g->r * g->s);
    expect_guard(y, out);
    expect_guard(dx, in);
    free(x);
    free(y);
    free(bare);
    free(dy);
    free(dx);
    free(tap);
    free(want);
}

static void test_max(void **state)
{
    (void)state;
    for (int i = 0; i < GRIDS; i++) {
        eg_grid g = grid_at(i);
        check_max(&g);
    }
}

static void test_max_special(void **state)
{
    (void)state;
    eg_grid g = {
        .h = 1, .w = 3, .c = 3, .p = 1, .q = 1, .r = 1, .s = 3, .stride = {1, 1}, .dilation = {1, 1}};
    const float x[9] = {1, -INFINITY, 1, NAN, -INFINITY, 2, 5, -INFINITY, NAN};
    float y[3];
    int32_t tap[3];
    eg_max_pool_forward(&g, x, 0, 1, y, tap);
    assert_true(isnan(y[0]) && tap[0] == 1); /* NaN wins, whatever comes after it */
    assert_true(isinf(y[1]) && tap[1] == 0);
    assert_true(isnan(y[2]) && tap[2] == 2);
}

static void test_windows(void **state)
{
    (void)state;
    static const int64_t cases[][3] = {
        {1, 1, 1}, {3, 2, 5}, {7, 7, 8}, {2, 9, 19}}; /* rows, columns, channels */
    for (size_t i = 0; i < 4; i++) {
        int64_t rows = cases[i][0], columns = cases[i][1], c = cases[i][2], pitch = (columns + 2) * c;
        float *x = random_array(rows * pitch, 1), *y = array(c), *dx = random_array(rows * pitch, 2);
        float *before = random_array(rows * pitch, 2);
        eg_window_sum(x, pitch, rows, columns, c, 0.25F, y);
        for (int64_t k = 0; k < c; k++) {
            double sum = 0;
            for (int64_t r = 0; r < rows; r++)
                for (int64_t s = 0; s < columns; s++) sum += (double)x[r * pitch + s * c + k];
            expect_near(y[k], sum / 4, rows * columns);
        }
        expect_guard(y, c);
        eg_window_spread(y, pitch, rows, columns, c, 2, dx);
        for (int64_t k = 0; k < rows * pitch; k++) {
            bool inside = k % pitch < columns * c;
            expect_near(dx[k], (double)before[k] + (inside ? 2 * (double)y[k % pitch % c] : 0), 2);
        }
        free(x);
        free(y);
        free(dx);
        free(before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_max),
        cmocka_unit_test(test_max_special),
        cmocka_unit_test(test_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
