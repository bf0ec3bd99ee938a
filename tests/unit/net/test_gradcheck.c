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
        eg_init_kind kind = m->net.params[i].init.kind;
        if (m->net.params[i].shape.rank != 1 && kind != EG_INIT_ZEROS && kind != EG_INIT_NORMAL) continue;
        if (m->net.params[i].dtype != EG_F32) continue;
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

/* What is added behind the operator may be what it reads. */
static void test_input_as_residual(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"batch_norm2d", ""},
                                           {"conv2d", "out_channels=9 kernel_size=1"},
                                           {"conv2d", "out_channels=9 kernel_size=3 padding=1"},
                                           {"conv2d", "out_channels=9 kernel_size=3 padding=1 groups=9"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        maker m;
        make_image(&m, 5, 3, 3);
        int32_t x = make_node(&m, "conv2d", "first", "out_channels=9 kernel_size=3 padding=1 bias=false", 0);
        int32_t y = make_node(&m, cases[i][0], "op", cases[i][1], x);
        y = make_pair(&m, "add", "sum", y, x);
        y = make_pair(&m, "mul", "square", y, y);
        make_node(&m, "conv2d", "last", "out_channels=2 kernel_size=1", y);
        expect_right(&m, 4, true, EG_BN_DEFAULT, 1e-2);
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

static void test_image_operators(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"gelu", ""},
        {"gelu", "approximate=tanh"},
        {"silu", ""},
        {"sigmoid", ""},
        {"tanh", ""},
        {"elu", "alpha=1"},
        {"softmax", ""},
        {"scale", "factor=-2 offset=3"},
        {"layer_norm", ""},
        {"layer_norm", "elementwise_affine=false eps=0.1"},
        {"layer_norm", "bias=false"},
        {"group_norm", "num_groups=2"},
        {"group_norm", "num_groups=4 affine=false"},
        {"channel_shuffle", "groups=2"},
        {"chunk", "chunks=3 piece=1"},
        {"pad", "padding=1,0,2,1"},
        {"mean", ""},
        {"mean", "keepdim=true"},
        {"stochastic_depth", "p=0.4"},
        {"stochastic_depth", "p=0.1 mode=batch"},
        {"identity", ""},
        {"tokens", ""},
        {"permute", "dims=0,2,3,1"},
        {"shifted_window_attention", "window_size=3 shift_size=1 heads=2"},
        {"shifted_window_attention", "window_size=4,2 shift_size=0 heads=4 qkv_bias=false proj_bias=false"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        maker m;
        make_image(&m, 7, 5, 3); /* no bias below: a norm of one channel takes it away */
        int32_t x = make_node(&m, "conv2d", "first", "out_channels=4 kernel_size=3 padding=1 bias=false", 0);
        x = make_node(&m, cases[i][0], "op", cases[i][1], x);
        make_pair(&m, "mul", "square", x, x); /* a norm's outputs alone have no slope along some directions */
        expect_right(&m, 3, true, EG_BN_DEFAULT, 1e-2);
    }
}

/* Away from the pole, with a divisor that is repeated over the image. */
static void test_quotient(void **state)
{
    (void)state;
    maker m;
    int32_t x = start(&m, 3, 5, 4);
    int32_t y = make_node(&m, "adaptive_avg_pool2d", "pool", "output_size=1", x);
    y = make_node(&m, "scale", "away", "factor=0.5 offset=3", y);
    make_pair(&m, "mul", "quotient", x, make_node(&m, "reciprocal", "one", "", y));
    expect_right(&m, 2, true, EG_BN_DEFAULT, 2e-3);
}

static void test_smallest(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"gelu", ""},
        {"elu", ""},
        {"softmax", ""},
        {"layer_norm", "eps=1"},
        {"group_norm", "num_groups=1 eps=1"},
        {"mean", "keepdim=true"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        maker m;
        make_node(&m, cases[i][0], "op", cases[i][1], start(&m, 1, 1, 2));
        expect_right(&m, 1, true, EG_BN_DEFAULT, 1e-2);
    }
}

static int32_t make_learned(maker *m, const char *path, const char *args)
{
    eg_error err = {0};
    int32_t value = make_try(m, eg_op_find("learned"), path, args, NULL, 0, &err);
    if (value < 0) fail_msg("%s: %s", path, err.text);
    return value;
}

/* A vision transformer's data flow: views, learned tensors with and without use of their own, tokens joined.
 */
static void test_transformer(void **state)
{
    (void)state;
    maker m;
    int32_t x = start(&m, 3, 5, 6);
    x = make_pair(&m, "mul", "scaled", x, make_learned(&m, "layer_scale", "shape=6,1,1"));
    x = make_node(&m, "tokens", "tokens", "", x);
    x = make_pair(&m, "cat", "cat", make_learned(&m, "class_token", "shape=1,1,6 skip=1"), x);
    x = make_pair(&m, "add", "place", x, make_learned(&m, "pos_embedding", "shape=1,16,6 skip=1"));
    int32_t y = make_node(&m, "layer_norm", "ln_1", "", x);
    y = make_node(&m, "multi_head_attention", "attention", "heads=3", y);
    x = make_pair(&m, "add", "first", x, y);
    y = make_node(&m, "layer_norm", "ln_2", "", x);
    y = make_node(&m, "linear", "up", "out_features=9", y);
    y = make_node(&m, "linear", "down", "out_features=6", make_node(&m, "gelu", "gelu", "", y));
    x = make_pair(&m, "sub", "second", x, y);
    x = make_pair(&m, "mul", "gamma", x, make_learned(&m, "gamma", "shape=6"));
    y = make_node(&m, "index", "class", "at=0", x);
    x = make_pair(&m, "add", "both", y, make_node(&m, "mean", "mean", "", x));
    make_node(&m, "linear", "head", "out_features=3", x);
    expect_right(&m, 3, true, EG_BN_DEFAULT, 1e-2);
}

/* Tokens turned about, as in a mixer, and an image made of them again. */
static void test_mixer(void **state)
{
    (void)state;
    maker m;
    int32_t x = make_node(&m, "tokens", "tokens", "", start(&m, 2, 3, 5));
    int32_t y = make_node(&m, "permute", "there", "dims=0,2,1", x);
    y = make_node(&m, "silu", "silu", "", make_node(&m, "linear", "mix", "out_features=6", y));
    x = make_pair(&m, "add", "sum", x, make_node(&m, "transpose", "back", "", y));
    x = make_node(&m, "image", "image", "height=2 width=3", x);
    x = make_node(&m, "layer_norm", "norm", "", x);
    x = make_node(&m, "slice", "part", "start=0,1 channel_start=1", x);
    make_node(&m, "conv2d", "last", "out_channels=2 kernel_size=2", x);
    expect_right(&m, 4, true, EG_BN_DEFAULT, 1e-2);
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
        {"prelu", ""},
        {"prelu", "num_parameters=4"},
        {"hardswish", ""},
        {"hardsigmoid", ""},
        {"adaptive_max_pool2d", "output_size=5,4"},
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
        cmocka_unit_test(test_input_as_residual),
        cmocka_unit_test(test_pooling_and_shapes),
        cmocka_unit_test(test_image_operators),
        cmocka_unit_test(test_quotient),
        cmocka_unit_test(test_smallest),
        cmocka_unit_test(test_transformer),
        cmocka_unit_test(test_mixer),
        cmocka_unit_test(test_kinked),
        cmocka_unit_test(test_graphs),
        cmocka_unit_test(test_wrong_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
