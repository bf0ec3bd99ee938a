/* exp and its relatives against the C library's in double, over floats of all sizes: within the errors that
 * kernel/mathf.h states; what they give for infinities and NaN; and that the kernels made of them, whichever
 * instruction set they run on, give the bits of the functions themselves, at every length and offset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "kernel/mathf.h"
#include "kernel/smooth.h"

/* The distance of neighbouring floats at y. */
static double unit_at(double y)
{
    float a = fabsf((float)y);
    return (double)(nextafterf(a, INFINITY) - a);
}

typedef float function(float x);
typedef double reference(double x);

/* The largest error in units of the last place, where the right result is a normal number. */
static double largest_error(function *f, reference *right, float low, float high)
{
    double worst = 0;
    for (uint64_t bits = 0; bits < 0xff800000U; bits += 1999) {
        float x = eg_f32_from_bits((uint32_t)bits);
        if (!(x >= low && x <= high)) continue;
        double y = right((double)x);
        if (fabs(y) < 0x1p-126 || fabs(y) > 3.4e38) continue;
        worst = fmax(worst, fabs((double)f(x) - y) / unit_at(y));
    }
    return worst;
}

static float below(float x)
{
    return eg_normalf(x).below;
}

static float bell(float x)
{
    return eg_normalf(x).bell;
}

static float negative(float x)
{
    return eg_expm1f_negative(x);
}

static float exponential(float x)
{
    return eg_expf(x);
}

static float logistic(float x)
{
    return eg_sigmoidf(x);
}

static float tangent(float x)
{
    return eg_tanhf(x);
}

static double right_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static double right_below(double x)
{
    return 0.5 * erfc(-x / sqrt(2.0));
}

static double right_bell(double x)
{
    return exp(-x * x / 2);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        function *f;
        reference *right;
        float low, high;
        double most;
    } cases[] = {
        {"exp", exponential, exp, -INFINITY, INFINITY, 1.1},
        {"expm1", negative, expm1, -INFINITY, 0, 1.1},
        {"sigmoid", logistic, right_sigmoid, -87, INFINITY, 2.5},
        {"tanh", tangent, tanh, -INFINITY, INFINITY, 1.5},
        {"normal", below, right_below, -2, INFINITY, 7},
        {"normal's tail", below, right_below, -5, -2, 12},
        {"normal's far tail", below, right_below, -13, -5, 70},
        {"bell", bell, right_bell, -2, 2, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double error = largest_error(cases[i].f, cases[i].right, cases[i].low, cases[i].high);
        if (!(error > 0.1 && error <= cases[i].most))
            fail_msg("%s is off by %g units, at most %g are stated", cases[i].name, error, cases[i].most);
    }
}

static void test_ends(void **state)
{
    (void)state;
    assert_true(eg_expf(INFINITY) == INFINITY && eg_expf(-INFINITY) == 0 && eg_expf(0) == 1);
    assert_true(eg_expf(89) == INFINITY && eg_expf(-150) == 0 && eg_expf(-100) > 0);
    assert_true(eg_expm1f_negative(-INFINITY) == -1 && eg_expm1f_negative(0) == 0);
    assert_true(eg_sigmoidf(INFINITY) == 1 && eg_sigmoidf(-INFINITY) == 0 && eg_sigmoidf(0) == 0.5F);
    assert_true(eg_tanhf(INFINITY) == 1 && eg_tanhf(-INFINITY) == -1 && eg_tanhf(0) == 0);
    assert_true(signbit(eg_tanhf(-0.0F)));
    assert_true(below(INFINITY) == 1 && below(-INFINITY) == 0 && fabsf(below(0) - 0.5F) < 1e-6F);
    assert_true(isnan(eg_expf(NAN)) && isnan(eg_expm1f_negative(NAN)) && isnan(eg_sigmoidf(NAN)));
    assert_true(isnan(eg_tanhf(NAN)) && isnan(below(NAN)) && isnan(bell(NAN)));
}

enum { MOST = 67 };

static float gelu_of(float x)
{
    return x * eg_normalf(x).below;
}

static float silu_of(float x)
{
    return x * eg_sigmoidf(x);
}

static float elu_of(float x)
{
    return x > 0 ? x : 1.5F * eg_expm1f_negative(x);
}

static float hardswish_of(float x)
{
    float step = x + 3 < 0 ? 0 : x + 3 > 6 ? 6 : x + 3;
    return x * step / 6;
}

static void test_kernels(void **state)
{
    (void)state;
    static const struct {
        eg_smooth_forward *kernel;
        function *f;
    } cases[] = {{eg_gelu_forward, gelu_of}, {eg_silu_forward, silu_of},
                 {eg_elu_forward, elu_of},   {eg_sigmoid_forward, logistic},
                 {eg_tanh_forward, tangent}, {eg_hardswish_forward, hardswish_of}};
    float x[MOST + 8], y[MOST + 8];
    for (int i = 0; i < MOST + 8; i++) x[i] = (float)((i * 37) % 101 - 50) / 7;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int at = 0; at < 8; at++)
            for (int n = 0; n <= MOST - at; n++) {
                for (int i = 0; i < MOST + 8; i++) y[i] = -77;
                cases[k].kernel(n, x + at, 1.5F, y + at);
                for (int i = 0; i < n; i++) {
                    float right = cases[k].f(x[at + i]);
                    assert_memory_equal(&y[at + i], &right, sizeof right);
                }
                assert_true(y[at + n] == -77 && (at == 0 || y[at - 1] == -77));
            }
}

/* Each derivative against a difference of the forward kernel in double's place: a central one over 1e-2. */
static void test_slopes(void **state)
{
    (void)state;
    static const struct {
        eg_smooth_forward *forward;
        eg_smooth_backward *backward;
        bool from_y;
    } cases[] = {{eg_gelu_forward, eg_gelu_backward, false},
                 {eg_gelu_tanh_forward, eg_gelu_tanh_backward, false},
                 {eg_silu_forward, eg_silu_backward, false},
                 {eg_sigmoid_forward, eg_sigmoid_backward, true},
                 {eg_tanh_forward, eg_tanh_backward, true},
                 {eg_elu_forward, eg_elu_backward, true},
                 {eg_hardswish_forward, eg_hardswish_backward, false},
                 {eg_hardsigmoid_forward, eg_hardsigmoid_backward, true}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int i = -69; i < 70; i++) {
            const float h = 5e-3F, at = (float)i / 10.0F + 0.05F, two = 2;
            float x[3] = {at - h, at, at + h}, y[3], dx;
            cases[k].forward(3, x, 1, y);
            cases[k].backward(1, cases[k].from_y ? &y[1] : &x[1], &two, 1, &dx);
            assert_float_equal(dx, 2 * (y[2] - y[0]) / (x[2] - x[0]), 1e-3F);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_kernels),
        cmocka_unit_test(test_slopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
