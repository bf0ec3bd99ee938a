/* Nodes that run as one against the same network node by node: the same bits in training; within rounding
 * where batch norms are folded into convolutions (inference, and below the lowest trainable layer). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "make_net.h"
#include "net/exec.h"
#include "net/fuse.h"

enum { SIDE = 13, CHANNELS = 16, BATCH = 5, CLASSES = 7, OUTPUTS = BATCH * CLASSES };

static int32_t conv_norm(maker *m, const char *path, const char *args, int32_t x)
{
    x = make_node(m, "conv2d", path, args, x);
    return make_node(m, "batch_norm2d", eg_arena_printf(&m->arena, "%s.norm", path), "", x);
}

/* Each way of a convolution before a batch norm, each activation, residuals on either side, a value that is
 * read twice, an activation behind a bare convolution, and before a maximum; batch norms before pointwise
 * convolutions, with an activation and without. */
static void make_network(maker *m)
{
    make_image(m, SIDE, SIDE, CHANNELS);
    int32_t x =
        make_node(m, "relu", "r1", "", conv_norm(m, "c1", "out_channels=24 kernel_size=3 padding=1", 0));
    int32_t y = make_node(m, "leaky_relu", "r2", "negative_slope=0.2",
                          conv_norm(m, "c2", "out_channels=40 kernel_size=1", x));
    y = conv_norm(m, "c3", "out_channels=32 kernel_size=3 stride=2 padding=1 bias=false", y);
    int32_t down = conv_norm(m, "down", "out_channels=32 kernel_size=1 stride=2", x);
    x = make_node(m, "relu", "r3", "", make_pair(m, "add", "a3", y, down));
    y = make_node(m, "relu6", "r4", "",
                  conv_norm(m, "c4", "out_channels=32 kernel_size=3 padding=1 groups=32 bias=false", x));
    y = conv_norm(m, "c5", "out_channels=32 kernel_size=3 padding=1 bias=false", y);
    x = make_pair(m, "add", "a5", x, y); /* no activation; read twice */
    y = make_node(m, "leaky_relu", "r6", "",
                  make_node(m, "conv2d", "c6", "out_channels=32 kernel_size=3 padding=1", x));
    y = make_node(m, "relu6", "r7", "",
                  make_pair(m, "add", "a7", x, conv_norm(m, "c7", "out_channels=32 kernel_size=1", y)));
    y = make_node(m, "relu", "r8", "",
                  make_node(m, "conv2d", "c8", "out_channels=32 kernel_size=3 padding=1", y));
    y = make_node(m, "max_pool2d", "m8", "kernel_size=3 stride=1 padding=1", y); /* windows overlap */
    y = make_node(m, "relu6", "r10", "", make_node(m, "batch_norm2d", "n10", "", y));
    y = make_node(m, "conv2d", "c10", "out_channels=70 kernel_size=1", y);
    y = make_node(m, "batch_norm2d", "n11", "",
                  make_node(m, "max_pool2d", "m10", "kernel_size=2 stride=1", y));
    y = make_node(m, "conv2d", "c11", "out_channels=32 kernel_size=1 groups=2 bias=false", y);
    y = make_node(m, "relu6", "r9", "", make_node(m, "conv2d", "c9", "out_channels=32 kernel_size=1", y));
    y = make_node(m, "max_pool2d", "m9", "kernel_size=2 ceil_mode=true", y);
    y = make_node(m, "flatten", "flatten", "",
                  make_node(m, "adaptive_avg_pool2d", "pool", "output_size=1", y));
    make_node(m, "linear", "fc", eg_arena_printf(&m->arena, "out_features=%d", CLASSES), y);
}

typedef struct trial {
    maker m;
    eg_weights weights;
    eg_pool *pool;
    eg_exec *exec;
} trial;

static void draw_weights(trial *t)
{
    for (int32_t p = 0; p < t->m.net.param_count; p++) {
        const eg_param *param = &t->m.net.params[p];
        uint64_t numel = 0;
        float *w = t->weights.data[p];
        if (param->dtype != EG_F32 || !eg_shape_numel(param->shape, &numel) || numel > 64) continue;
        make_numbers(w, numel, (uint64_t)p);
        for (uint64_t i = 0; strstr(param->name, "running_var") && i < numel; i++) w[i] = 1.5F + w[i];
    }
}

/* from: the first parameter's name part that trains; "": all; NULL: none. */
static void set_up(trial *t, bool plain, const char *from, eg_bn_mode mode, int threads)
{
    make_network(&t->m);
    make_weights(&t->m, &t->weights, 1);
    draw_weights(t);
    bool *trainable = make_trainable(&t->m), found = false;
    eg_bn_mode *modes = EG_NEW_ARRAY(&t->m.arena, eg_bn_mode, MAKE_NODES);
    for (int32_t p = 0; from && p < t->m.net.param_count; p++) {
        found = found || strstr(t->m.net.params[p].name, from);
        trainable[p] = trainable[p] && found;
    }
    for (int i = 0; i < MAKE_NODES; i++) modes[i] = mode;
    t->pool = eg_pool_new(threads, NULL);
    eg_exec_options options = {.batch = BATCH,
                               .trainable = from ? trainable : NULL,
                               .batch_norm = modes,
                               .pool = t->pool,
                               .plain = plain};
    t->exec = eg_exec_new(&t->m.net, &t->weights, &options, NULL);
    assert_non_null(t->exec);
    make_numbers(eg_exec_input(t->exec), (size_t)BATCH * SIDE * SIDE * CHANNELS, 5);
    eg_exec_forward(t->exec, BATCH, from != NULL, 0);
    if (!from) return;
    make_numbers(eg_exec_output_grad(t->exec), OUTPUTS, 6);
    eg_exec_backward(t->exec);
}

static void tear_down(trial *t)
{
    eg_exec_free(t->exec);
    eg_weights_clear(&t->weights);
    eg_pool_free(t->pool);
    make_clear(&t->m);
}

static void compare(const char *what, const float *got, const float *want, size_t count, double tolerance)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++) squares += (double)want[i] * (double)want[i];
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= tolerance * sqrt(squares / (double)count)))
            fail_msg("%s[%zu] is %.9g, node by node %.9g", what, i, (double)got[i], (double)want[i]);
}

static void compare_trials(trial *fused, trial *plain, double tolerance)
{
    compare("y", eg_exec_output(fused->exec), eg_exec_output(plain->exec), OUTPUTS, tolerance);
    for (int32_t p = 0; p < plain->m.net.param_count; p++) {
        uint64_t numel = 0;
        const float *want = eg_exec_grad(plain->exec, p), *got = eg_exec_grad(fused->exec, p);
        assert_true((want == NULL) == (got == NULL));
        if (!want || !eg_shape_numel(plain->m.net.params[p].shape, &numel)) continue;
        compare(plain->m.net.params[p].name, got, want, numel, tolerance);
    }
    assert_memory_equal(fused->weights.block, plain->weights.block, plain->weights.size); /* statistics */
}

static void check(const char *from, eg_bn_mode mode, double tolerance)
{
    trial plain = {0};
    set_up(&plain, true, from, mode, 1);
    for (int threads = 1; threads <= 3; threads++) {
        trial fused = {0};
        set_up(&fused, false, from, mode, threads);
        compare_trials(&fused, &plain, tolerance);
        tear_down(&fused);
    }
    tear_down(&plain);
}

static void test_training(void **state)
{
    (void)state;
    check("", EG_BN_DEFAULT, 0);
    check("", EG_BN_EVAL, 0);
    check("c3", EG_BN_DEFAULT, 0); /* the residual's side is frozen */
}

/* A dozen layers, each off by a few roundings. */
static void test_folded(void **state)
{
    (void)state;
    check(NULL, EG_BN_EVAL, 2e-5);
    check("c5", EG_BN_EVAL, 2e-4);
    check("fc", EG_BN_EVAL, 2e-5);
}

/* Nodes that run within others, and batch norms that are not made. */
typedef struct counts {
    int absorbed, unmade;
} counts;

static counts count(const maker *m, const bool *trainable, const eg_bn_mode *modes)
{
    eg_arena arena = {0};
    eg_fused *fused = EG_NEW_ARRAY(&arena, eg_fused, MAKE_NODES);
    counts n = {0};
    eg_cut cut = eg_cut_find(&arena, &m->net, trainable, modes);
    eg_fuse(&arena, &m->net, trainable, modes, &cut, false, fused);
    for (int32_t i = 0; i < m->net.node_count; i++) {
        n.absorbed += fused[i].absorbed;
        n.unmade += fused[i].unmade;
        if (fused[i].mapped >= 0) assert_true(fused[fused[i].mapped].unmade);
    }
    eg_arena_clear(&arena);
    return n;
}

static void expect(counts got, int absorbed, int unmade)
{
    assert_int_equal(got.absorbed, absorbed);
    assert_int_equal(got.unmade, unmade);
}

/* Nine activations and three sums go into what is before them; seven batch norms too, where nothing trains.
 * The two batch norms before pointwise convolutions are made on the way in. */
static void test_what_is_fused(void **state)
{
    (void)state;
    maker m;
    make_network(&m);
    eg_bn_mode *eval = EG_NEW_ARRAY(&m.arena, eg_bn_mode, MAKE_NODES),
               *batch = EG_NEW_ARRAY(&m.arena, eg_bn_mode, MAKE_NODES);
    for (int i = 0; i < MAKE_NODES; i++) eval[i] = EG_BN_EVAL;
    expect(count(&m, make_trainable(&m), batch), 12, 2);
    expect(count(&m, NULL, eval), 19, 2);
    expect(count(&m, NULL, NULL), 19, 2);
    make_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_training), cmocka_unit_test(test_folded),
                                       cmocka_unit_test(test_what_is_fused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
