/* Kernels that work row by row against plain loops in double, at awkward sizes: softmax, layer and group
 * normalisation, prelu, the largest pixel of a rectangle. What lies beside the result is not touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "kernel/norm.h"
#include "kernel/pooling.h"
#include "kernel/prelu.h"
#include "kernel/row_norm.h"
#include "kernel/smooth.h"

enum { MOST = 150 * 19 };

static const struct {
    int64_t rows, c;
} sizes[] = {{1, 1}, {1, 2}, {3, 7}, {2, 8}, {5, 9}, {4, 16}, {150, 3}, {130, 19}, {1, 67}};

static float x[MOST + 1], dy[MOST + 1], y[MOST + 1], dx[MOST + 1], weight[MOST], bias[MOST];
static const float guard = 4321;

static void fill(void)
{
    for (int i = 0; i <= MOST; i++) {
        x[i] = (float)((i * 7919) % 1009) / 100 - 3;
        dy[i] = (float)((i * 104729) % 997) / 300 - 1.5F;
        y[i] = dx[i] = guard;
    }
    for (int i = 0; i < MOST; i++) {
        weight[i] = (float)(i % 13) / 7 - 0.5F;
        bias[i] = (float)(i % 5) / 3;
    }
}

static void near(float got, double want)
{
    if (!(fabs((double)got - want) <= 2e-5 * (1 + fabs(want))))
        fail_msg("%.9g instead of %.9g", (double)got, want);
}

static void test_softmax(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t rows = sizes[s].rows, c = sizes[s].c;
        fill();
        eg_softmax_forward(rows, c, x, y);
        eg_softmax_backward(rows, c, y, dy, dx);
        assert_true(y[rows * c] == guard && dx[rows * c] == guard);
        for (int64_t row = 0; row < rows; row++) {
            double sum = 0, mean = 0;
            for (int64_t i = row * c; i < (row + 1) * c; i++) sum += exp((double)x[i]);
            for (int64_t i = row * c; i < (row + 1) * c; i++) mean += exp((double)x[i]) / sum * (double)dy[i];
            for (int64_t i = row * c; i < (row + 1) * c; i++) {
                near(y[i], exp((double)x[i]) / sum);
                near(dx[i], exp((double)x[i]) / sum * ((double)dy[i] - mean));
            }
        }
    }
    float bad[3] = {1, NAN, 2}, large[3] = {1e30F, -1e30F, 1e30F}, out[3];
    eg_softmax_forward(1, 3, bad, out);
    assert_true(isnan(out[0]) && isnan(out[1]) && isnan(out[2]));
    eg_softmax_forward(1, 3, large, out);
    assert_true(out[0] == 0.5F && out[1] == 0 && out[2] == 0.5F);
}

static void test_row_norm(void **state)
{
    (void)state;
    static eg_row_stats stats[150];
    static double product[MOST], sum[MOST];
    for (size_t s = 0; s < 2 * (sizeof sizes / sizeof *sizes); s++) {
        int64_t rows = sizes[s / 2].rows, c = sizes[s / 2].c;
        const float *w = s % 2 ? weight : NULL, *b = s % 2 ? bias : NULL;
        double products[MOST] = {0}, sums[MOST] = {0};
        fill();
        eg_row_norm_forward(rows, c, x, w, b, 0.5, y, stats);
        eg_row_norm_input_grad(rows, c, x, dy, w, stats, dx);
        eg_row_norm_param_sums(rows, c, x, dy, stats, product, sum);
        assert_true(y[rows * c] == guard && dx[rows * c] == guard);
        for (int64_t row = 0; row < rows; row++) {
            const float *in = x + row * c, *grad = dy + row * c;
            double mean = 0, var = 0, shift = 0, slope = 0;
            for (int64_t i = 0; i < c; i++) mean += (double)in[i] / (double)c;
            for (int64_t i = 0; i < c; i++) var += pow((double)in[i] - mean, 2) / (double)c;
            double inverse = 1 / sqrt(var + 0.5);
            for (int64_t i = 0; i < c; i++) {
                double g = (double)grad[i] * (w ? (double)w[i] : 1), hat = ((double)in[i] - mean) * inverse;
                shift += g / (double)c;
                slope += g * hat / (double)c;
                products[i] += (double)grad[i] * hat;
                sums[i] += (double)grad[i];
                near(y[row * c + i], hat * (w ? (double)w[i] : 1) + (b ? (double)b[i] : 0));
            }
            for (int64_t i = 0; i < c; i++) {
                double g = (double)grad[i] * (w ? (double)w[i] : 1), hat = ((double)in[i] - mean) * inverse;
                near(dx[row * c + i], inverse * (g - shift - hat * slope));
            }
        }
        for (int64_t i = 0; i < c; i++) {
            near((float)product[i], products[i]);
            near((float)sum[i], sums[i]);
        }
    }
}

static void test_prelu(void **state)
{
    (void)state;
    static double sum[MOST];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t rows = sizes[s].rows, c = sizes[s].c;
        double sums[MOST] = {0};
        fill();
        x[0] = 0; /* not above 0: the slope's side */
        eg_prelu_forward(rows, c, x, weight, y);
        eg_prelu_input_grad(rows, c, x, dy, weight, dx);
        eg_prelu_slope_sums(rows, c, x, dy, sum);
        assert_true(y[rows * c] == guard && dx[rows * c] == guard);
        for (int64_t i = 0; i < rows * c; i++) {
            double slope = x[i] > 0 ? 1 : (double)weight[i % c];
            near(y[i], slope * (double)x[i]);
            near(dx[i], slope * (double)dy[i]);
            if (!(x[i] > 0)) sums[i % c] += (double)x[i] * (double)dy[i];
        }
        for (int64_t i = 0; i < c; i++) near((float)sum[i], sums[i]);
    }
}

static void test_group_grad(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t rows = sizes[s].rows, c = sizes[s].c;
        fill();
        eg_group_input_grad(rows, c, x, dy, bias, weight, bias, weight, dx);
        assert_true(dx[rows * c] == guard);
        for (int64_t i = 0; i < rows * c; i++) {
            double a = (double)weight[i % c], b = (double)bias[i % c];
            near(dx[i], a * (double)dy[i] + b * ((double)x[i] - b) + a);
        }
    }
}

static void test_area_max(void **state)
{
    (void)state;
    enum { H = 5, W = 4, C = 9 };
    int32_t pixel[C];
    fill();
    for (int64_t row = 0; row < H; row++)
        for (int64_t column = 0; column < W; column++) {
            eg_area_max(x, W, C, row, H, column, W, y, pixel);
            eg_area_max(x, W, C, row, H, column, W, dx, NULL);
            assert_memory_equal(y, dx, C * sizeof *y);
            for (int i = 0; i < C; i++) {
                float largest = -INFINITY;
                for (int64_t r = row; r < H; r++)
                    for (int64_t q = column; q < W; q++) largest = fmaxf(largest, x[(r * W + q) * C + i]);
                assert_true(y[i] == largest && x[pixel[i] * C + i] == largest);
            }
        }
    x[7 * C] = NAN;
    eg_area_max(x, W, C, 0, H, 0, W, y, pixel);
    assert_true(isnan(y[0]) && pixel[0] == 7 && !isnan(y[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_softmax),    cmocka_unit_test(test_row_norm), cmocka_unit_test(test_prelu),
        cmocka_unit_test(test_group_grad), cmocka_unit_test(test_area_max),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
