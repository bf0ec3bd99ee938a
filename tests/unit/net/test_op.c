/* The operators' table, shapes, parameters and refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "make_net.h"

static void test_table(void **state)
{
    (void)state;
    size_t count;
    const eg_op *const *ops = eg_op_list(&count);
    assert_true(count >= 16);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(eg_op_find(ops[i]->name), ops[i]);
        assert_non_null(ops[i]->infer);
        assert_true(ops[i]->view || (ops[i]->forward && ops[i]->backward));
        assert_true((ops[i]->min_inputs >= 1 || ops[i]->max_inputs == 0) &&
                    ops[i]->max_inputs <= EG_OP_INPUTS);
        for (const eg_arg *arg = ops[i]->args; arg && arg->name; arg++)
            assert_true(arg->offset < ops[i]->attr_size);
    }
    assert_null(eg_op_find("conv3d"));
    assert_int_equal(eg_op_find("batch_norm2d")->version, 2);
    assert_int_equal(eg_op_find("conv2d")->version, 1);
}

typedef struct shape_case {
    const char *op, *args;
    int64_t h, w, c;
    const char *output; /* the shape, or a part of the refusal */
} shape_case;

static void check(const shape_case *s, bool refused)
{
    maker m;
    eg_error err = {0};
    int32_t input = 0;
    if (s->h)
        make_image(&m, s->h, s->w, s->c);
    else
        make_start(&m, &(eg_value){1, {s->c}});
    int32_t value = make_try(&m, eg_op_find(s->op), "op", s->args, &input, 1, &err);
    if (refused != (value < 0)) fail_msg("%s %s: %s", s->op, s->args, err.text);
    if (refused) {
        assert_int_equal(err.code, EG_RECIPE);
        if (!strstr(err.text, s->output)) fail_msg("'%s' does not say '%s'", err.text, s->output);
    } else {
        assert_string_equal(eg_value_text(&m.arena, &m.net.values[value]), s->output);
    }
    make_clear(&m);
}

static void test_shapes(void **state)
{
    (void)state;
    static const shape_case cases[] = {
        {"conv2d", "out_channels=64 kernel_size=7 stride=2 padding=3", 224, 224, 3, "(112, 112, 64)"},
        {"conv2d", "out_channels=2 kernel_size=3,1 stride=2,3 padding=1,0 dilation=2,1", 9, 8, 3,
         "(4, 3, 2)"},
        {"conv2d", "out_channels=4 kernel_size=4 padding=same dilation=3", 5, 6, 3, "(5, 6, 4)"},
        {"max_pool2d", "kernel_size=3 stride=2 padding=1", 112, 112, 64, "(56, 56, 64)"},
        {"max_pool2d", "kernel_size=3 stride=2 ceil_mode=true", 2, 4, 1, "(1, 2, 1)"},
        {"max_pool2d", "kernel_size=2", 7, 7, 1, "(3, 3, 1)"},
        {"avg_pool2d", "kernel_size=2 stride=2 padding=1 ceil_mode=true", 4, 5, 1, "(3, 3, 1)"},
        {"adaptive_avg_pool2d", "output_size=7,2", 3, 3, 5, "(7, 2, 5)"},
        {"flatten", "", 3, 4, 5, "(60)"},
        {"flatten", "", 0, 0, 5, "(5)"},
        {"linear", "out_features=9", 0, 0, 5, "(9)"},
        {"pad_channels", "before=1 after=0", 3, 4, 5, "(3, 4, 6)"},
        {"slice", "step=2", 5, 4, 3, "(3, 2, 3)"},
        {"slice", "channel_start=1 channel_stop=2", 5, 4, 3, "(5, 4, 1)"},
        {"batch_norm2d", "momentum=none", 5, 4, 3, "(5, 4, 3)"},
        {"dropout", "p=1", 5, 4, 3, "(5, 4, 3)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check(&cases[i], false);
}

static void test_refusals(void **state)
{
    (void)state;
    static const shape_case cases[] = {
        {"conv2d", "out_channels=64 kernel_size=1 groups=32", 8, 8, 100,
         "groups=32 does not divide 100 input channels"},
        {"conv2d", "out_channels=5 kernel_size=1 groups=2", 8, 8, 4,
         "groups=2 does not divide 5 output channels"},
        {"conv2d", "out_channels=5 kernel_size=7", 3, 3, 4, "the 7x7 window does not fit a 3x3 input"},
        {"conv2d", "out_channels=5 kernel_size=3 dilation=4 padding=1", 6, 9, 4,
         "the 9x9 window does not fit a 6x9 input with padding 1x1"},
        {"conv2d", "out_channels=0 kernel_size=3", 6, 9, 4, "out_channels must be at least 1, not 0"},
        {"conv2d", "out_channels=1 kernel_size=3 stride=0", 6, 9, 4, "stride must be at least 1, not 0"},
        {"conv2d", "out_channels=1 kernel_size=3 groups=0", 6, 9, 4, "groups must be at least 1, not 0"},
        {"conv2d", "out_channels=1 kernel_size=3 padding=-2", 6, 9, 4, "padding must be at least 0, not -2"},
        {"conv2d", "out_channels=1 kernel_size=3 padding=same stride=2", 6, 9, 4,
         "padding='same' needs stride 1, not 2x2"},
        {"conv2d", "out_channels=1 kernel_size=1", 0, 0, 4,
         "the input must be an image (height, width, channels), not (4)"},
        {"conv2d", "out_channels=16000000 kernel_size=16000000 padding=16000000", 8, 8, 4, "more than"},
        {"conv2d", "out_channels=99999999999 kernel_size=1", 8, 8, 4,
         "more than the 16777216 that are supported"},
        {"linear", "out_features=9", 3, 4, 5, "not an image (3, 4, 5); flatten it first"},
        {"max_pool2d", "kernel_size=3 padding=2", 6, 6, 1, "padding 2x2 is more than half of the 3x3 window"},
        {"max_pool2d", "kernel_size=7", 3, 3, 1, "the 7x7 window does not fit a 3x3 input"},
        {"avg_pool2d", "kernel_size=0", 3, 3, 1, "kernel_size must be at least 1, not 0"},
        {"adaptive_avg_pool2d", "output_size=0", 3, 3, 1, "output_size must be at least 1, not 0"},
        {"dropout", "p=1.5", 3, 3, 1, "p must be between 0 and 1, not 1.5"},
        {"leaky_relu", "negative_slope=-1", 3, 3, 1, "negative_slope must be at least 0, not -1"},
        {"batch_norm2d", "eps=0", 3, 3, 1, "eps must be above 0, not 0"},
        {"batch_norm2d", "momentum=2", 3, 3, 1, "momentum must be none or between 0 and 1, not 2"},
        {"pad_channels", "before=-1 after=0", 3, 3, 1, "before must be at least 0, not -1"},
        {"slice", "start=3", 3, 3, 1, "the slice 3:3 of the height is empty"},
        {"slice", "step=0", 3, 3, 1, "the step must be at least 1, not 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check(&cases[i], true);
}

static void test_pairs(void **state)
{
    (void)state;
    maker m;
    eg_error err = {0};
    make_image(&m, 4, 5, 6);
    int32_t pooled = make_node(&m, "adaptive_avg_pool2d", "pool", "output_size=1", 0);
    int32_t small = make_node(&m, "slice", "slice", "step=2", 0);
    int32_t flat = make_node(&m, "flatten", "flatten", "", 0);
    assert_string_equal(eg_value_text(&m.arena, &m.net.values[make_pair(&m, "mul", "mul", pooled, 0)]),
                        "(4, 5, 6)");
    assert_string_equal(eg_value_text(&m.arena, &m.net.values[make_pair(&m, "cat", "cat", 0, 0)]),
                        "(4, 5, 12)");
    assert_true(make_try(&m, eg_op_find("add"), "add", "", (int32_t[]){0, small}, 2, &err) < 0);
    assert_string_equal(err.text, "the shapes (4, 5, 6) and (2, 3, 6) do not go together");
    err = (eg_error){0};
    assert_true(make_try(&m, eg_op_find("add"), "add", "", (int32_t[]){0, flat}, 2, &err) < 0);
    err = (eg_error){0};
    assert_true(make_try(&m, eg_op_find("cat"), "cat", "", (int32_t[]){0, small}, 2, &err) < 0);
    assert_string_equal(err.text, "cannot join (4, 5, 6) and (2, 3, 6): they may differ in channels alone");
    make_clear(&m);
}

/* Names, shapes, PyTorch's default initialisation, absent parameters keeping their places. */
static void test_params(void **state)
{
    (void)state;
    maker m;
    make_image(&m, 8, 8, 6);
    int32_t x = make_node(&m, "conv2d", "conv", "out_channels=4 kernel_size=3 groups=2", 0);
    make_node(&m, "batch_norm2d", "plain", "affine=false", x);
    make_node(&m, "conv2d", "bare", "out_channels=4 kernel_size=3 bias=false", x);
    const eg_param *weight = &m.net.params[0], *bias = &m.net.params[1];
    assert_string_equal(eg_shape_text(&m.arena, weight->shape), "[4, 3, 3, 3]");
    assert_string_equal(eg_shape_text(&m.arena, bias->shape), "[4]");
    assert_int_equal(weight->fan_in, 27);
    assert_int_equal(weight->fan_out, 36);
    assert_int_equal(bias->fan_in, 27);
    assert_int_equal(weight->init.kind, EG_INIT_KAIMING_UNIFORM);
    assert_true(fabs(weight->init.a - sqrt(5.0)) < 1e-12);
    assert_int_equal(bias->init.kind, EG_INIT_UNIFORM);
    assert_true(fabs(bias->init.high - 1 / sqrt(27.0)) < 1e-12 && bias->init.low == -bias->init.high);
    const eg_node *norm = &m.net.nodes[1];
    assert_int_equal(norm->params[0], -1);
    assert_int_equal(norm->params[1], -1);
    assert_string_equal(m.net.params[norm->params[2]].name, "plain.running_mean");
    assert_true(m.net.params[norm->params[4]].buffer && m.net.params[norm->params[4]].dtype == EG_I64);
    assert_int_equal(m.net.nodes[2].params[1], -1);
    make_clear(&m);
}

static void test_flops(void **state)
{
    (void)state;
    maker m;
    make_image(&m, 10, 10, 6);
    make_node(&m, "conv2d", "conv", "out_channels=4 kernel_size=3 groups=2 padding=1", 0);
    int32_t x = make_node(&m, "flatten", "flatten", "", 0);
    make_node(&m, "linear", "fc", "out_features=7", x);
    assert_true(m.net.nodes[0].op->flops(&m.net, &m.net.nodes[0]) == 2.0 * 27 * 400);
    assert_true(m.net.nodes[2].op->flops(&m.net, &m.net.nodes[2]) == 2.0 * 600 * 7);
    assert_null(m.net.nodes[1].op->flops);
    make_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table), cmocka_unit_test(test_shapes), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_pairs), cmocka_unit_test(test_params), cmocka_unit_test(test_flops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
