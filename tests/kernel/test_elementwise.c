/* Element-by-element kernels: values, kinks, NaN, repeated operands, lengths that fill no vector. */
#include "kernel_cases.h"

#include "kernel/elementwise.h"
#include "kernel/norm_grad.h"

enum { MOST = 77 };

static void test_activations(void **state)
{
    (void)state;
    const float x[] = {-2, -0.0F, 0, 0.5F, 6, 7, NAN, INFINITY, -INFINITY};
    const float relu[] = {0, 0, 0, 0.5F, 6, 7, NAN, INFINITY, 0}, relu6[] = {0, 0, 0, 0.5F, 6, 6, NAN, 6, 0};
    const float leaky[] = {-0.5F, 0, 0, 0.5F, 6, 7, NAN, INFINITY, -INFINITY};
    const float ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    const float relu_grad[] = {0, 0, 0, 1, 1, 1, 1, 1, 0}, relu6_grad[] = {0, 0, 0, 1, 0, 0, 1, 0, 0};
    const float leaky_grad[] = {0.25F, 0.25F, 0.25F, 1, 1, 1, 0.25F, 1, 0.25F};
    float y[3][9], dx[3][9];
    for (int k = 0; k < 3; k++) {
        eg_activation activation = (eg_activation)(EG_ACTIVATION_RELU + k);
        eg_epilogue epilogue = {.activation = activation, .slope = 0.25F};
        eg_epilogue_apply(1, 9, 9, x, &epilogue, y[k]);
        eg_activation_grad(9, y[k], ones, activation, 0.25F, dx[k]);
    }
    const float *values[] = {relu, relu6, leaky}, *grads[] = {relu_grad, relu6_grad, leaky_grad};
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < 9; i++) {
            assert_true(y[k][i] == values[k][i] || (isnan(y[k][i]) && isnan(values[k][i])));
            assert_true(dx[k][i] == grads[k][i]);
        }
}

/* What the epilogue states, step by step. */
static float follow(const eg_epilogue *e, int64_t i, int64_t at, float v)
{
    if (e->scale) v = v * e->scale[i];
    if (e->bias) v = v + e->bias[i];
    if (e->residual) v = v + e->residual[at];
    if (e->activation == EG_ACTIVATION_LEAKY) return v > 0 ? v : v * e->slope;
    if (e->activation != EG_ACTIVATION_NONE && v < 0) return 0;
    return e->activation == EG_ACTIVATION_RELU6 && v > 6 ? 6 : v;
}

/* Rows of c numbers, c + 3 apart; y is x where `inside`. */
static void check_epilogue(int64_t c, int parts, eg_activation activation, bool inside)
{
    enum { ROWS = 3 };
    int64_t ld = c + 3;
    float *x = random_array(ROWS * ld, 1), *residual = random_array(ROWS * ld, 2),
          *scale = random_array(c, 3), *bias = random_array(c, 4), *want = array(ROWS * ld),
          *y = inside ? x : array(ROWS * ld);
    for (int64_t i = 0; i < ROWS * ld; i++) x[i] = i % 5 == 4 ? NAN : i % 7 == 6 ? -0.0F : 20 * x[i];
    eg_epilogue e = {.scale = parts & 1 ? scale : NULL,
                     .bias = parts & 2 ? bias : NULL,
                     .residual = parts & 4 ? residual : NULL,
                     .activation = activation,
                     .slope = 0.25F};
    memcpy(want, y, (size_t)(ROWS * ld) * sizeof *y);
    for (int64_t row = 0; row < ROWS; row++)
        for (int64_t i = 0; i < c; i++) want[row * ld + i] = follow(&e, i, row * ld + i, x[row * ld + i]);
    eg_epilogue_apply(ROWS, c, ld, x, &e, y);
    for (int64_t i = 0; i < ROWS * ld; i++)
        assert_true(isnan(want[i]) ? isnan(y[i]) : memcmp(&y[i], &want[i], sizeof *y) == 0);
    expect_guard(y, ROWS * ld);
    float *all[] = {x, residual, scale, bias, want, inside ? NULL : y};
    for (int i = 0; i < 6; i++) free(all[i]);
}

static void epilogues_give_the_bits_of_their_steps(void **state)
{
    (void)state;
    for (int64_t c = 1; c <= MOST; c += 4)
        for (int parts = 0; parts < 8; parts++)
            for (int activation = 0; activation < EG_ACTIVATION_COUNT; activation++) {
                check_epilogue(c, parts, (eg_activation)activation, false);
                check_epilogue(c, parts, (eg_activation)activation, true);
            }
}

static void test_arithmetic(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= MOST; n += 19)
        for (int form = 0; form < 3; form++) { /* both along, a repeated, b repeated */
            int a_step = form != 1, b_step = form != 2;
            float *a = random_array(n, 1), *b = random_array(n, 2), *sum = array(n), *product = array(n);
            eg_add(n, a, a_step, b, b_step, sum);
            eg_multiply(n, a, a_step, b, b_step, product);
            for (int64_t i = 0; i < n; i++) {
                assert_true(sum[i] == a[i * a_step] + b[i * b_step]);
                assert_true(product[i] == a[i * a_step] * b[i * b_step]);
            }
            eg_accumulate(n, a, sum);
            eg_multiply_accumulate(n, a, a_step, b, product);
            for (int64_t i = 0; i < n; i++) {
                assert_true(sum[i] == a[i * a_step] + b[i * b_step] + a[i]);
                expect_near(
                    product[i],
                    (double)a[i * a_step] * (double)b[i * b_step] + (double)a[i * a_step] * (double)b[i], 2);
            }
            expect_guard(sum, n);
            expect_guard(product, n);
            free(a);
            free(b);
            free(sum);
            free(product);
        }
}

static void test_sums(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= MOST; n += 19) {
        float *x = random_array(n, 1), *y = random_array(n, 2);
        double sum = 0, product = 0;
        for (int64_t i = 0; i < n; i++) {
            sum += (double)x[i];
            product += (double)x[i] * (double)y[i];
        }
        expect_near(eg_sum(n, x, NULL), sum, n);
        expect_near(eg_sum(n, x, y), product, n);
        free(x);
        free(y);
    }
}

static void test_masks_and_rows(void **state)
{
    (void)state;
    float *x = random_array(MOST, 1), *y = array(MOST), *rows = array(4 * 10);
    uint8_t keep[MOST];
    for (int i = 0; i < MOST; i++) keep[i] = i % 3 != 0;
    x[0] = NAN; /* a dropped NaN is dropped */
    eg_mask_scale(MOST, x, keep, 2, y);
    for (int i = 0; i < MOST; i++) assert_true(y[i] == (keep[i] ? 2 * x[i] : 0));
    expect_guard(y, MOST);
    eg_fill_rows(4, 7, x + 1, rows, 10);
    for (int i = 0; i < 40; i++) assert_true(rows[i] == (i % 10 < 7 ? x[1 + i % 10] : GUARD_VALUE));
    free(x);
    free(y);
    free(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_activations),    cmocka_unit_test(epilogues_give_the_bits_of_their_steps),
        cmocka_unit_test(test_arithmetic),     cmocka_unit_test(test_sums),
        cmocka_unit_test(test_masks_and_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
