/* Column statistics and maps against double arithmetic, with means far from zero. */
#include "kernel_cases.h"

#include "kernel/norm.h"
#include "kernel/norm_grad.h"

static const int64_t sizes[][2] = {{1, 1},   {3, 5},   {64, 8},
                                   {65, 17}, {200, 3}, {131, 24}}; /* rows, channels */
enum { SIZES = sizeof sizes / sizeof *sizes };

/* The rows' values lie around 40: a one-pass variance in float would lose half its digits. */
static float *make_values(int64_t rows, int64_t c)
{
    float *x = random_array(rows * c, 1);
    for (int64_t i = 0; i < rows * c; i++) x[i] += 40;
    return x;
}

static void test_moments(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++) {
        int64_t rows = sizes[i][0], c = sizes[i][1];
        float *x = make_values(rows, c);
        double mean[24], squares[24], sum[24];
        eg_column_moments(rows, c, x, mean, squares);
        eg_column_sum(rows, c, x, sum);
        for (int64_t k = 0; k < c; k++) {
            double want = 0, want_squares = 0;
            for (int64_t r = 0; r < rows; r++) want += (double)x[r * c + k] / (double)rows;
            for (int64_t r = 0; r < rows; r++)
                want_squares += ((double)x[r * c + k] - want) * ((double)x[r * c + k] - want);
            assert_true(fabs(mean[k] - want) < 3e-6 * 40);
            assert_true(fabs(sum[k] - want * (double)rows) < 3e-6 * 40 * (double)rows);
            assert_true(fabs(squares[k] - want_squares) <= 1e-5 * (want_squares + 1e-3));
        }
        free(x);
    }
}

static void test_grad_sums(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++) {
        int64_t rows = sizes[i][0], c = sizes[i][1];
        float *x = make_values(rows, c), *dy = random_array(rows * c, 2), mean[24];
        double sum[24], product[24];
        for (int64_t k = 0; k < c; k++) mean[k] = 40 + (float)k / 50;
        eg_column_grad_sums(rows, c, x, dy, mean, sum, product);
        for (int64_t k = 0; k < c; k++) {
            double want = 0, want_product = 0;
            for (int64_t r = 0; r < rows; r++) {
                want += (double)dy[r * c + k];
                want_product += (double)dy[r * c + k] * ((double)x[r * c + k] - (double)mean[k]);
            }
            expect_near((float)sum[k], want, 64);
            expect_near((float)product[k], want_product, 64);
        }
        free(x);
        free(dy);
    }
}

static void test_maps(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++) {
        int64_t rows = sizes[i][0], c = sizes[i][1];
        float *x = random_array(rows * c, 1), *dy = random_array(rows * c, 2), *out = array(rows * c);
        float *mean = random_array(c, 3), *a = random_array(c, 4), *b = random_array(c, 5),
              *k = random_array(c, 6);
        eg_column_affine(rows, c, x, a, b, out);
        for (int64_t j = 0; j < rows * c; j++)
            expect_near(out[j], (double)x[j] * (double)a[j % c] + (double)b[j % c], 2);
        eg_norm_grad n = {.x = x, .dy = dy, .mean = mean, .scale = a, .shift = b};
        eg_norm_grad_input(rows, c, &n, a, b, k, false, out);
        for (int64_t j = 0; j < rows * c; j++) {
            double inner =
                (double)dy[j] - (double)b[j % c] - ((double)x[j] - (double)mean[j % c]) * (double)k[j % c];
            expect_near(out[j], (double)a[j % c] * inner, 8);
        }
        eg_norm_grad_input(rows, c, &n, a, NULL, NULL, false, out);
        for (int64_t j = 0; j < rows * c; j++) expect_near(out[j], (double)dy[j] * (double)a[j % c], 1);
        expect_guard(out, rows * c);
        float *all[] = {x, dy, out, mean, a, b, k};
        for (int j = 0; j < 7; j++) free(all[j]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_grad_sums),
        cmocka_unit_test(test_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
