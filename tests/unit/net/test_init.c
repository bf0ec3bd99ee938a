/* Distributions: moments and bounds as torch.nn.init states them, draws that depend on seed and name alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "make_net.h"

enum { COUNT = 40000 };

typedef struct moments {
    double mean, std, low, high;
} moments;

static float values[COUNT];

/* A (200, 200) tensor of a layer with fan_in 50 and fan_out 150. */
static moments fill(eg_init init)
{
    static const int64_t dims[] = {200, 200};
    eg_param param = {
        .name = "layer.weight", .shape = {2, dims}, .dtype = EG_F32, .fan_in = 50, .fan_out = 150};
    moments m = {.low = INFINITY, .high = -INFINITY};
    double squares = 0;
    assert_true(eg_init_check(&param, &init, NULL));
    eg_init_fill(&param, &init, 9, values);
    for (int i = 0; i < COUNT; i++) {
        m.mean += (double)values[i] / COUNT;
        m.low = fmin(m.low, (double)values[i]);
        m.high = fmax(m.high, (double)values[i]);
    }
    for (int i = 0; i < COUNT; i++) squares += ((double)values[i] - m.mean) * ((double)values[i] - m.mean);
    m.std = sqrt(squares / COUNT);
    return m;
}

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) fail_msg("%g is not %g", got, want);
}

/* The mean of 40000 draws is off by std / 200, the standard deviation by about half of that: five of these.
 */
static void expect(eg_init init, double mean, double std)
{
    moments m = fill(init);
    near(m.mean, mean, std / 40 + 1e-7);
    near(m.std, std, std / 50 + 1e-7);
}

static void expect_uniform(eg_init init, double low, double high)
{
    moments m = fill(init);
    expect(init, (low + high) / 2, (high - low) / sqrt(12.0));
    assert_true(m.low >= low && m.high <= high);
    near(m.low, low, (high - low) / 1000);
    near(m.high, high, (high - low) / 1000);
}

static void test_constants(void **state)
{
    (void)state;
    expect((eg_init){.kind = EG_INIT_ZEROS}, 0, 0);
    expect((eg_init){.kind = EG_INIT_ONES}, 1, 0);
    expect((eg_init){.kind = EG_INIT_CONSTANT, .value = 0.25}, 0.25, 0);
}

static void test_normal(void **state)
{
    (void)state;
    expect((eg_init){.kind = EG_INIT_NORMAL, .mean = 2, .std = 0.5}, 2, 0.5);
    double fan = 2.0 / (50 + 150);
    expect((eg_init){.kind = EG_INIT_XAVIER_NORMAL, .gain = 3}, 0, 3 * sqrt(fan));
    expect((eg_init){.kind = EG_INIT_KAIMING_NORMAL, .gain = 1}, 0, sqrt(2.0 / 50));
    expect((eg_init){.kind = EG_INIT_KAIMING_NORMAL, .a = 0.5, .fan_out = true}, 0, sqrt(2.0 / 1.25 / 150));
}

static void test_uniform(void **state)
{
    (void)state;
    expect_uniform((eg_init){.kind = EG_INIT_UNIFORM, .low = -1, .high = 3}, -1, 3);
    double bound = sqrt(6.0 / (50 + 150));
    expect_uniform((eg_init){.kind = EG_INIT_XAVIER_UNIFORM, .gain = 1}, -bound, bound);
    bound = sqrt(6.0 / 50);
    expect_uniform((eg_init){.kind = EG_INIT_KAIMING_UNIFORM}, -bound, bound);
    bound = 1 / sqrt(50.0); /* a = sqrt(5): PyTorch's default of linear and convolution */
    expect_uniform((eg_init){.kind = EG_INIT_KAIMING_UNIFORM, .a = sqrt(5.0)}, -bound, bound);
}

/* A standard normal cut at +-2 has the standard deviation 0.87963. */
static void test_truncated(void **state)
{
    (void)state;
    moments m = fill((eg_init){.kind = EG_INIT_TRUNC_NORMAL, .mean = 1, .std = 0.02});
    near(m.mean, 1, 0.02 / 40);
    near(m.std, 0.02 * 0.87963, 0.02 / 50);
    assert_true(m.low >= 1 - 0.04 - 1e-7 && m.high <= 1 + 0.04 + 1e-7);
    near(m.low, 1 - 0.04, 2e-4);
    int inside = 0; /* of a normal cut at 2, 71.5 % lie within one std */
    for (int i = 0; i < COUNT; i++) inside += fabsf(values[i] - 1) < 0.02F;
    near((double)inside / COUNT, 0.71524, 0.012);
}

static void draw(const char *name, uint64_t seed, int64_t count, float *out)
{
    eg_param param = {.name = name, .shape = {1, &count}, .dtype = EG_F32};
    eg_init_fill(&param, &(eg_init){.kind = EG_INIT_NORMAL, .std = 1}, seed, out);
}

static void test_streams(void **state)
{
    (void)state;
    float a[64], b[64], longer[128];
    draw("a.weight", 1, 64, a);
    draw("a.weight", 1, 128, longer);
    assert_memory_equal(a, longer, sizeof a); /* element i is draw i */
    draw("b.weight", 1, 64, b);
    assert_memory_not_equal(a, b, sizeof a);
    draw("a.weight", 2, 64, b);
    assert_memory_not_equal(a, b, sizeof a);
    draw("a.weight", 1, 64, b);
    assert_memory_equal(a, b, sizeof a);
}

static void test_counter(void **state)
{
    (void)state;
    eg_param param = {.name = "n", .shape = {0, NULL}, .dtype = EG_I64, .buffer = true};
    int64_t count = 77;
    eg_init_fill(&param, &(eg_init){.kind = EG_INIT_ZEROS}, 1, &count);
    assert_int_equal(count, 0);
}

/* A batch norm's weight has no fan. */
static void test_no_fan(void **state)
{
    (void)state;
    int64_t dim = 8;
    eg_error err = {0};
    eg_param param = {.name = "bn1.weight", .shape = {1, &dim}, .dtype = EG_F32};
    assert_false(eg_init_check(&param, &(eg_init){.kind = EG_INIT_KAIMING_NORMAL}, &err));
    assert_int_equal(err.code, EG_RECIPE);
    assert_non_null(strstr(err.text, "bn1.weight"));
    assert_true(eg_init_check(&param, &(eg_init){.kind = EG_INIT_NORMAL}, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constants), cmocka_unit_test(test_normal),  cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_truncated), cmocka_unit_test(test_streams), cmocka_unit_test(test_counter),
        cmocka_unit_test(test_no_fan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
