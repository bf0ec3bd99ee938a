/* The gradients of every operator, of values read several times and of shared parameters, against differences
 * of the forward pass; and that the check itself sees a wrong gradient. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "make_net.h"
#include "net/gradcheck.h"

static eg_gradcheck run_check(maker *m, int64_t n, bool training, eg_bn_mode mode)
{
    eg_weights weights;
    eg_gradcheck worst;
    eg_pool *pool = eg_pool_new(2, NULL);
    size_t count = (size_t)(n * eg_value_numel(&m->net.values[0]));
    float *input = EG_NEW_ARRAY(&m->arena, float, count);
    eg_bn_mode *modes = EG_NEW_ARRAY(&m->arena, eg_bn_mode, (size_t)m->net.node_count);
    for (int32_t i = 0; i < m->net.node_count; i++) modes[i] = mode;
    make_weights(m, &weights, 3);
    for (int32_t i = 0; i < m->net.param_count; i++) { /* away from ones and zeros */
        uint64_t numel = 0;
        eg_shape_numel(m->net.params[i].shape, &numel);
        if (m->net.params[i].shape.rank != 1) continue;
        float *values = weights.data[i];
        make_numbers(values, numel, (uint64_t)i);
        for (size_t k = 0; k < numel; k++) values[k] = 1 + values[k] / 2;
    }
    uint8_t *before = eg_arena_copy(&m->arena, weights.block, weights.size);
    make_numbers(input, count, 11);
    eg_exec_options options = {
        .batch = n + 1, .trainable = make_trainable(m), .batch_norm = modes, .seed = 5, .pool = pool};
    assert_true(eg_gradcheck_run(&m->net, &weights, &options, input, n, training, 1e-2, &worst, NULL));
    assert_memory_equal(before, weights.block, weights.size);
    eg_weights_clear(&weights);
    eg_pool_free(pool);
    make_clear(m);
    return worst;
}

/* The operators here are smooth (or linear) around the test's point: what differs is rounding and curvature.
 */
static void expect_right(maker *m, int64_t n, bool training, eg_bn_mode mode, double tolerance)
{
    eg_gradcheck worst = run_check(m, n, training, mode);
    assert_non_null(worst.param);
    if (!(worst.error < tolerance))
        fail_msg("%s: numeric %g, analytic %g, error %g", worst.param, worst.numeric, worst.analytic,
                 worst.error);
}

/* A convolution first: the operator under test must pass a gradient down. */
static int32_t start(maker *m, int64_t h, int64_t w, int64_t c)
{
    make_image(m, h, w, 3);
    char args[64];
    snprintf(args, sizeof args, "out_channels=%d kernel_size=3 padding=1", (int)c);
    return make_node(m, "conv2d", "first", args, 0);
}

static void test_convolutions(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "out_channels=5 kernel_size=1",
        "out_channels=5 kernel_size=1 stride=2",
        "out_channels=4 kernel_size=3 padding=1",
        "out_channels=6 kernel_size=3,2 stride=2,1 padding=0,1 dilation=1,2",
        "out_channels=8 kernel_size=3 padding=1 groups=2",
        "out_channels=4 kernel_size=3 padding=1 groups=4",
        "out_channels=4 kernel_size=5,3 stride=2 padding=2,1 groups=4",
        "out_channels=8 kernel_size=3 groups=4",
        "out_channels=300 kernel_size=1",
        "out_channels=140 kernel_size=3",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        maker m;
        int32_t x = start(&m, 7, 5, 4);
        make_node(&m, "conv2d", "op", cases[i], x);
        expect_right(&m, 3, true, EG_BN_DEFAULT, 2e-3);
    }
}

static void test_wide_convolution(void **state)
{
    (void)state;
    maker m;
    make_image(&m, 3, 4, 3);
    int32_t x = make_node(&m, "conv2d", "first", "out_channels=300 kernel_size=1", 0);
    x = make_node(&m, "conv2d", "op", "out_channels=4 kernel_size=3 padding=1", x);
    make_node(&m, "conv2d", "point", "out_channels=2 kernel_size=1", x);
    expect_right(&m, 2, true, EG_BN_DEFAULT, 2e-3);
}

static void test_linear(void **state)
{
    (void)state;
    maker m;
    int32_t x = make_node(&m, "flatten", "flatten", "", start(&m, 3, 2, 3));
    x = make_node(&m, "linear", "one", "out_features=300", x);
    make_node(&m, "linear", "two", "out_features=7 bias=false", x);
    expect_right(&m, 4, true, EG_BN_DEFAULT, 2e-3);
}

static void test_batch_norm(void **state)
{
    (void)state;
    static const struct {
        bool training;
        eg_bn_mode mode;
        const char *args;
    } cases[] = {
        {true, EG_BN_DEFAULT, ""},
        {true, EG_BN_TRAIN_STATS, ""},
        {true, EG_BN_TRAIN_AFFINE, ""},
        {true, EG_BN_EVAL, "affine=false"},
        {false, EG_BN_DEFAULT, ""},
        {true, EG_BN_DEFAULT, "affine=false"},
        {false, EG_BN_EVAL, "track_running_stats=false"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        maker m;
        make_image(&m, 5, 3, 3); /* no bias below: batch statistics take it away */
        int32_t x = make_node(&m, "conv2d", "first", "out_channels=9 kernel_size=3 padding=1 bias=false", 0);
        x = make_node(&m, "batch_norm2d", "norm", cases[i].args, x);
        x = make_pair(&m, "mul", "square", x, x); /* else L would be linear in what the norm makes constant */
        make_node(&m, "conv2d", "last", "out_channels=2 kernel_size=1", x);
        expect_right(&m, 4, cases[i].training, cases[i].mode, 1e-2);
    }
}

static void test_pooling_and_shapes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"avg_pool2d", "kernel_size=3 stride=2 padding=1 ceil_mode=true"},
        {"avg_pool2d", "kernel_size=2,3 stride=1,2 padding=1,0 count_include_pad=false"},
        {"adaptive_avg_pool2d", "output_size=4,2"},
        {"adaptive_avg_pool2d", "output_size=1"},
        {"flatten", ""},
        {"pad_channels", "before=1 after=2"},
        {"slice", "step=2"},
        {"slice", "start=1,0 stop=6,3 step=2 channel_start=1 channel_step=2"},
        {"dropout", "p=0.4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        maker m;
        make_node(&m, cases[i][0], "op", cases[i][1], start(&m, 7, 5, 4));
        expect_right(&m, 3, true, EG_BN_DEFAULT, 2e-3);
    }
}

/* A kink between the two points adds to the difference; few elements of many have one. */
static void test_kinked(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"relu", ""},
        {"leaky_relu", "negative_slope=0.1"},
        {"relu6", ""},
        {"max_pool2d", "kernel_size=3 stride=2 padding=1"},
        {"leaky_relu", "negative_slope=0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        maker m;
        make_node(&m, cases[i][0], "op", cases[i][1], start(&m, 9, 8, 4));
        expect_right(&m, 3, true, EG_BN_DEFAULT, 3e-2);
    }
}

/* Values read several times, the same value twice by one node, broadcasting, a parameter used by two nodes.
 */
static void test_graphs(void **state)
{
    (void)state;
    maker m;
    int32_t x = start(&m, 5, 4, 6);
    int32_t y = make_node(&m, "conv2d", "shared", "out_channels=6 kernel_size=3 padding=1", x);
    y = make_node(&m, "conv2d", "shared", "out_channels=6 kernel_size=3 padding=1", y);
    int32_t gate = make_node(&m, "adaptive_avg_pool2d", "pool", "output_size=1", y);
    gate = make_node(&m, "conv2d", "gate", "out_channels=6 kernel_size=1", gate);
    y = make_pair(&m, "mul", "scale", y, gate);
    y = make_pair(&m, "add", "residual", x, y);
    int32_t square = make_pair(&m, "mul", "square", y, y);
    int32_t all = make_pair(&m, "cat", "cat", square, x);
    all = make_pair(&m, "cat", "again", all, square);
    make_node(&m, "conv2d", "last", "out_channels=2 kernel_size=1", all);
    expect_right(&m, 3, true, EG_BN_DEFAULT, 5e-3);
}

/* The check must be able to fail: an operator whose gradient is 2 % too large. */
static void wrong_backward(const eg_call *call)
{
    int64_t count = call->batch * eg_value_numel(eg_node_output(call->net, call->node));
    for (int64_t i = 0; i < count; i++) call->dx[0][i] = 1.02F * call->dy[i];
}

static void test_wrong_gradient(void **state)
{
    (void)state;
    maker m;
    eg_op wrong = *eg_op_find("dropout");
    wrong.backward = wrong_backward;
    int32_t x = start(&m, 5, 4, 3);
    assert_true(make_try(&m, &wrong, "op", "p=0", &x, 1, NULL) > 0);
    eg_gradcheck worst = run_check(&m, 2, true, EG_BN_DEFAULT);
    assert_true(worst.error > 5e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_convolutions),
        cmocka_unit_test(test_wide_convolution),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_batch_norm),
        cmocka_unit_test(test_pooling_and_shapes),
        cmocka_unit_test(test_kinked),
        cmocka_unit_test(test_graphs),
        cmocka_unit_test(test_wrong_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
