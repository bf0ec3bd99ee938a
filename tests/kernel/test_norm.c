/* Column statistics and maps against double arithmetic, with means far from zero. */
#include "kernel_cases.h"

#include "kernel/norm.h"
#include "kernel/norm_grad.h"

static const int64_t sizes[][2] = {{1, 1},    {3, 5},   {64, 8},   {65, 17},
                                   {131, 24}, {200, 3}, {70, 530}, {3, 1040}}; /* rows, channels */
enum { MOST_CHANNELS = 1040, SIZES = sizeof sizes / sizeof *sizes };

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
        double mean[MOST_CHANNELS], squares[MOST_CHANNELS], sum[MOST_CHANNELS];
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
        float *x = make_values(rows, c), *dy = random_array(rows * c, 2), mean[MOST_CHANNELS];
        double sum[MOST_CHANNELS], product[MOST_CHANNELS];
        for (int64_t k = 0; k < c; k++) mean[k] = 40 + (float)(k % 24) / 50;
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

/* dy before the activation, told by what it gave. */
static double before(eg_activation activation, float y, float dy)
{
    bool off = (activation != EG_ACTIVATION_NONE && y <= 0) || (activation == EG_ACTIVATION_RELU6 && y >= 6);
    return off ? activation == EG_ACTIVATION_LEAKY ? 0.25 * (double)dy : 0 : (double)dy;
}

static void check_norm_grad(int64_t rows, int64_t c, eg_activation activation, bool residual, bool add)
{
    float *x = random_array(rows * c, 1), *dy = random_array(rows * c, 2), *y = random_array(rows * c, 3),
          *mean = random_array(c, 4), *given = random_array(rows * c, 5), *old = random_array(rows * c, 5);
    for (int64_t i = 0; i < rows * c; i++) y[i] *= 9;
    float *ones = array(c), *zeros = array(c);
    for (int64_t i = 0; i < c; i++) ones[i] = 1, zeros[i] = 0;
    double sum[MOST_CHANNELS], product[MOST_CHANNELS];
    eg_norm_grad n = {.x = residual ? x : y,
                      .dy = dy,
                      .y = residual ? y : NULL,
                      .mean = mean,
                      .scale = ones,
                      .shift = zeros,
                      .activation = activation,
                      .slope = 0.25F};
    eg_norm_grad_sums(rows, c, &n, residual ? given : NULL, add, sum, product);
    for (int64_t k = 0; k < c; k++) {
        double want = 0, want_product = 0;
        for (int64_t i = k; i < rows * c; i += c) {
            double grad = before(activation, y[i], dy[i]);
            want += grad;
            want_product += grad * ((double)n.x[i] - (double)mean[k]);
            double share = add ? (double)old[i] + grad : grad;
            expect_near(given[i], residual ? share : (double)old[i], 2);
        }
        expect_near((float)sum[k], want, 64);
        expect_near((float)product[k], want_product, 640);
    }
    expect_guard(given, rows * c);
    if (residual && !add) {
        eg_norm_grad_sums(rows, c, &n, dy, false, sum, product);
        assert_memory_equal(dy, given, (size_t)(rows * c) * sizeof *dy);
    }
    float *all[] = {x, dy, y, mean, given, old, ones, zeros};
    for (int i = 0; i < 8; i++) free(all[i]);
}

static void test_norm_grad_sums(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES * EG_ACTIVATION_COUNT * 4; i++)
        check_norm_grad(sizes[i % SIZES][0], sizes[i % SIZES][1],
                        (eg_activation)(i / SIZES % EG_ACTIVATION_COUNT), i / SIZES / EG_ACTIVATION_COUNT & 1,
                        i / SIZES / EG_ACTIVATION_COUNT & 2);
}

/* form: 1 the activation is told by y, 2 batch statistics, 4 added to what is there, 8 written over dy. */
static void check_input_grad(int64_t rows, int64_t c, eg_activation activation, int form)
{
    float *x = random_array(rows * c, 1), *dy = random_array(rows * c, 2), *y = random_array(rows * c, 3),
          *mean = random_array(c, 4), *scale = random_array(c, 5), *shift = random_array(c, 6),
          *a = random_array(c, 7), *b = random_array(c, 8), *k = random_array(c, 9), *want = array(rows * c),
          *dx = form & 8 ? dy : random_array(rows * c, 10);
    eg_norm_grad n = {.x = x,
                      .dy = dy,
                      .y = form & 1 ? y : NULL,
                      .mean = mean,
                      .scale = scale,
                      .shift = shift,
                      .activation = activation,
                      .slope = 0.25F};
    for (int64_t i = 0; i < rows * c; i++) {
        int64_t j = i % c;
        y[i] *= 9;
        scale[j] = 9 * x[j];
        float out = form & 1 ? y[i] : x[i] * scale[j] + shift[j];
        float own = (float)before(activation, out, dy[i]);
        if (form & 2) own = own - b[j] - (x[i] - mean[j]) * k[j];
        own *= a[j];
        want[i] = form & 4 ? own + dx[i] : own;
    }
    eg_norm_grad_input(rows, c, &n, a, form & 2 ? b : NULL, form & 2 ? k : NULL, form & 4, dx);
    for (int64_t i = 0; i < rows * c; i++) assert_true(dx[i] == want[i]);
    expect_guard(dx, rows * c);
    float *all[] = {x, dy, y, mean, scale, shift, a, b, k, want, form & 8 ? NULL : dx};
    for (int i = 0; i < 11; i++) free(all[i]);
}

static void input_grads_have_the_bits_of_their_steps(void **state)
{
    (void)state;
    for (int i = 0; i < SIZES; i++)
        for (int form = 0; form < 16; form++)
            for (int activation = 0; activation < EG_ACTIVATION_COUNT; activation++)
                if ((form & 12) != 12)
                    check_input_grad(sizes[i][0], sizes[i][1], (eg_activation)activation, form);
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
        cmocka_unit_test(test_moments),        cmocka_unit_test(test_grad_sums),
        cmocka_unit_test(test_norm_grad_sums), cmocka_unit_test(input_grads_have_the_bits_of_their_steps),
        cmocka_unit_test(test_maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
