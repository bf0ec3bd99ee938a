/* At sizes that make many tasks: the same bits on 1, 2, 3 and 7 threads, outputs and all gradients; the same
 * outputs with and without a backward to follow; and what is drawn in training. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "make_net.h"
#include "net/exec.h"

enum { SAMPLES = 5 };

/* An image op between two convolutions, so that it has gradients of all kinds. */
static const char *const image_cases[][2] = {
    {"gelu", ""},
    {"silu", ""},
    {"hardswish", ""},
    {"prelu", "num_parameters=24"},
    {"prelu", ""},
    {"softmax", ""},
    {"scale", "factor=3"},
    {"layer_norm", ""},
    {"group_norm", "num_groups=3"},
    {"channel_shuffle", "groups=4"},
    {"chunk", "chunks=5 piece=2"},
    {"pad", "padding=3,0,1,2"},
    {"mean", "keepdim=true"},
    {"adaptive_max_pool2d", "output_size=7,5"},
    {"stochastic_depth", "p=0.5"},
    {"shifted_window_attention", "window_size=7 shift_size=3 heads=4"},
    {"shifted_window_attention", "window_size=3,2 shift_size=1,0 heads=2"},
};

static const char *const token_cases[][2] = {
    {"multi_head_attention", "heads=3"},
    {"layer_norm", ""},
    {"transpose", ""},
    {"linear", "out_features=300"},
    {"chunk", "chunks=4 piece=3"},
};

static void build_image(maker *m, const char *op, const char *args)
{
    make_image(m, 31, 26, 3);
    int32_t x = make_node(m, "conv2d", "first", "out_channels=24 kernel_size=3", 0);
    x = make_node(m, op, "op", args, x);
    make_node(m, "conv2d", "last", "out_channels=3 kernel_size=1", x);
}

static void build_tokens(maker *m, const char *op, const char *args)
{
    eg_error err = {0};
    make_image(m, 31, 26, 3);
    int32_t x = make_node(m, "tokens", "tokens", "",
                          make_node(m, "conv2d", "first", "out_channels=24 kernel_size=3", 0));
    int32_t place = make_try(m, eg_op_find("learned"), "place", "shape=1,696,24 skip=1", NULL, 0, &err);
    x = make_pair(m, "add", "sum", x, place);
    x = make_node(m, op, "op", args, x);
    make_node(m, "linear", "last", "out_features=3", x);
}

/* Outputs of training and of inference, and every gradient, one after the other. */
static float *run(maker *m, int threads, size_t *count)
{
    eg_weights weights;
    eg_net *net = &m->net;
    eg_pool *pool = eg_pool_new(threads, NULL);
    size_t inputs = SAMPLES * (size_t)eg_value_numel(&net->values[0]);
    size_t outputs = SAMPLES * (size_t)eg_value_numel(&net->values[net->output]);
    make_weights(m, &weights, 3);
    eg_exec_options options = {.batch = SAMPLES, .trainable = make_trainable(m), .seed = 5, .pool = pool};
    eg_exec_options plain = {.batch = SAMPLES, .pool = pool};
    eg_exec *train = eg_exec_new(net, &weights, &options, NULL),
            *infer = eg_exec_new(net, &weights, &plain, NULL);
    *count = 3 * outputs;
    for (int32_t i = 0; i < net->param_count; i++) *count += weights.size / sizeof(float);
    float *out = EG_NEW_ARRAY(&m->arena, float, *count), *to = out;
    make_numbers(eg_exec_input(train), inputs, 11);
    make_numbers(eg_exec_input(infer), inputs, 11);
    eg_exec_forward(infer, SAMPLES, false, 1);
    memcpy(to, eg_exec_output(infer), outputs * sizeof *to);
    eg_exec_forward(train, SAMPLES, false, 1);
    memcpy(to + outputs, eg_exec_output(train), outputs * sizeof *to);
    assert_memory_equal(to, to + outputs, outputs * sizeof *to);
    eg_exec_forward(train, SAMPLES, true, 1);
    memcpy(to + 2 * outputs, eg_exec_output(train), outputs * sizeof *to);
    make_numbers(eg_exec_output_grad(train), outputs, 12);
    eg_exec_backward(train);
    to += 3 * outputs;
    for (int32_t i = 0; i < net->param_count; i++) {
        uint64_t numel = 0;
        eg_shape_numel(net->params[i].shape, &numel);
        if (!net->params[i].buffer) memcpy(to, eg_exec_grad(train, i), numel * sizeof *to);
        to += numel;
    }
    eg_exec_free(train);
    eg_exec_free(infer);
    eg_weights_clear(&weights);
    eg_pool_free(pool);
    return out;
}

static void check(void (*build)(maker *, const char *, const char *), const char *const *one)
{
    static const int threads[] = {1, 2, 3, 7};
    float *first = NULL;
    maker m;
    build(&m, one[0], one[1]);
    for (int i = 0; i < 4; i++) {
        size_t count;
        float *out = run(&m, threads[i], &count);
        if (!first) first = out;
        if (memcmp(first, out, count * sizeof *out) != 0)
            fail_msg("%s %s: other bits on %d threads than on 1", one[0], one[1], threads[i]);
        for (size_t k = 0; k < count; k++) assert_true(isfinite(out[k]));
    }
    make_clear(&m);
}

static void test_images(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof image_cases / sizeof *image_cases; i++) check(build_image, image_cases[i]);
}

static void test_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof token_cases / sizeof *token_cases; i++) check(build_tokens, token_cases[i]);
}

/* One sample's factor: 0 or 1 / (1 - p), the same for all its elements and for its gradient. */
static void test_stochastic_depth(void **state)
{
    (void)state;
    enum { N = 200, SIZE = 12 };
    static float x[N * SIZE], y[N * SIZE], dx[N * SIZE];
    eg_pool *pool = eg_pool_new(2, NULL);
    for (int mode = 0; mode < 2; mode++) {
        maker m;
        make_image(&m, 2, 3, 2);
        make_node(&m, "stochastic_depth", "op", mode ? "p=0.25 mode=batch" : "p=0.25 mode=row", 0);
        int dropped = 0;
        for (int i = 0; i < N * SIZE; i++) x[i] = (float)(i + 1);
        for (uint64_t step = 0; step < 20; step++) {
            eg_call call = {
                .net = &m.net, .node = &m.net.nodes[0], .pool = pool, .batch = N, .training = true};
            call.stream = eg_stream_make(9, EG_DRAW_DROPOUT, step, 0);
            call.x[0] = call.dy = x;
            call.y = y;
            call.dx[0] = dx;
            m.net.nodes[0].op->forward(&call);
            m.net.nodes[0].op->backward(&call);
            assert_memory_equal(y, dx, sizeof y);
            for (int n = 0; n < N; n++) {
                float factor = y[n * SIZE] / x[n * SIZE];
                assert_true(factor == 0 || fabsf(factor - 4.0F / 3.0F) < 1e-6F);
                for (int i = 0; i < SIZE; i++)
                    assert_float_equal(y[n * SIZE + i], factor * x[n * SIZE + i], 1e-2F);
                if (mode == 1) assert_true((y[n * SIZE] == 0) == (y[0] == 0));
                dropped += factor == 0;
            }
        }
        /* Rows: 4000 draws, 1000 +- 6 deviations of 27; batches: 20 draws, not all alike. */
        if (mode == 0) assert_in_range(dropped, 836, 1164);
        if (mode == 1) assert_true(dropped > 0 && dropped < 20 * N);
        make_clear(&m);
    }
    eg_pool_free(pool);
}

/* Piece by piece, chunk gives what there is; infer tells of one piece more. */
static void test_pieces(void **state)
{
    (void)state;
    static const struct {
        const char *args;
        int64_t pieces;
    } cases[] = {{"chunks=3 piece=%d", 3},
                 {"chunks=5 piece=%d", 4},
                 {"chunks=1 piece=%d", 1},
                 {"chunks=99 piece=%d", 8}};
    const eg_op *op = eg_op_find("chunk");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        maker m;
        int64_t sum = 0;
        int32_t x = 0;
        make_image(&m, 2, 3, 8);
        for (int piece = 0; piece <= cases[i].pieces; piece++) {
            char args[64];
            eg_error err = {0};
            snprintf(args, sizeof args, "chunks=%d piece=%d", atoi(cases[i].args + 7), piece);
            assert_int_equal(op->pieces(make_attr(&m, op, args), &m.net.values[0]), cases[i].pieces);
            int32_t y = make_try(&m, op, "op", args, &x, 1, &err);
            assert_true((y < 0) == (piece == cases[i].pieces));
            if (y < 0) assert_int_equal(err.code, EG_RECIPE);
            if (y >= 0) sum += m.net.values[y].dims[2];
        }
        assert_int_equal(sum, 8);
        make_clear(&m);
    }
}

/* What does not fit is told in one sentence. */
static void test_sentences(void **state)
{
    (void)state;
    static const struct {
        const char *op, *args;
        eg_value input;
        const char *part; /* of the sentence */
    } cases[] = {
        {"group_norm", "num_groups=3", {3, {2, 2, 4}}, "num_groups=3 does not divide 4 input channels"},
        {"group_norm", "num_groups=0", {3, {2, 2, 4}}, "num_groups must be at least 1"},
        {"group_norm", "num_groups=2", {2, {2, 4}}, "not tokens (2, 4)"},
        {"layer_norm", "eps=0", {1, {4}}, "eps must be above 0"},
        {"prelu", "num_parameters=3", {3, {2, 2, 4}}, "1 or the 4 channels"},
        {"elu", "alpha=0", {1, {4}}, "alpha must be above 0"},
        {"channel_shuffle", "groups=3", {3, {2, 2, 4}}, "groups=3 does not divide 4"},
        {"channel_shuffle", "groups=2", {2, {2, 4}}, "must be an image"},
        {"stochastic_depth", "p=1.5", {1, {4}}, "p must be between 0 and 1"},
        {"multi_head_attention", "heads=3", {2, {2, 4}}, "heads=3 does not divide 4 features"},
        {"multi_head_attention", "heads=2", {3, {2, 2, 4}}, "must be tokens"},
        {"shifted_window_attention",
         "window_size=2 shift_size=2 heads=2",
         {3, {4, 4, 4}},
         "shift_size 2 must be below"},
        {"shifted_window_attention",
         "window_size=2 shift_size=0 heads=3",
         {3, {4, 4, 4}},
         "heads=3 does not divide 4"},
        {"shifted_window_attention",
         "window_size=900 shift_size=0 heads=2",
         {3, {4, 4, 4}},
         "more than the 1024 pixels"},
        {"index", "at=2", {2, {2, 4}}, "there is no token 2: the input has 2"},
        {"index", "at=0", {3, {2, 2, 4}}, "tokens alone"},
        {"image", "height=2 width=3", {2, {5, 4}}, "6 tokens for 2x3 pixels, not (5, 4)"},
        {"transpose", "", {3, {2, 2, 4}}, "must be tokens"},
        {"tokens", "", {2, {2, 4}}, "must be an image"},
        {"mean", "", {1, {4}}, "not features"},
        {"pad", "padding=1,2", {3, {2, 2, 4}}, "one number or [left, right, top, bottom]"},
        {"cat", "dim=2", {2, {2, 4}}, "dim must be between -2 and 1"},
        {"chunk", "chunks=0", {2, {2, 4}}, "chunks must be at least 1"},
        {"learned", "shape=2,3 skip=1", {1, {1}}, "only a dimension of size 1"},
        {"learned", "shape=1,1,1,1,2", {1, {1}}, "expected 1 to 3"},
        {"learned", "shape=0", {1, {1}}, "at least 1, not 0"},
        {"slice", "start=3", {2, {2, 4}}, "of the tokens is empty"},
        {"scale", "factor=inf", {1, {4}}, "must be finite"},
        {"adaptive_max_pool2d", "output_size=0", {3, {2, 2, 4}}, "output_size must be at least 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        maker m;
        eg_error err = {0};
        const eg_op *op = eg_op_find(cases[i].op);
        make_start(&m, &cases[i].input);
        assert_true(make_try(&m, op, "op", cases[i].args, (int32_t[]){0}, op->min_inputs, &err) < 0);
        assert_int_equal(err.code, EG_RECIPE);
        if (!strstr(err.text, cases[i].part)) fail_msg("%s %s: %s", cases[i].op, cases[i].args, err.text);
        make_clear(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images),           cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_stochastic_depth), cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
