/* The cut: what stands before it, what crosses it, and that a network run in parts, with features taken from
 * other batches, gives the bits of one run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "make_net.h"
#include "net/exec.h"

enum { BATCH = 6, SIDE = 9 };

/* stem, norm, relu, then two ways that meet, and a classifier behind a dropout; a constant is added on one
 * way.
 */
static void make_network(maker *m)
{
    make_image(m, SIDE, SIDE, 3);
    int32_t x = make_node(m, "conv2d", "stem", "out_channels=24 kernel_size=3 padding=1 bias=false", 0);
    x = make_node(m, "relu", "relu", "", make_node(m, "batch_norm2d", "norm", "", x));
    int32_t wide = make_node(m, "conv2d", "wide", "out_channels=24 kernel_size=3 padding=1", x);
    int32_t slim = make_node(m, "conv2d", "slim", "out_channels=24 kernel_size=1", x);
    x = make_node(m, "relu", "out", "", make_pair(m, "add", "sum", wide, slim));
    x = make_node(m, "conv2d", "grouped", "out_channels=24 kernel_size=3 padding=1 groups=3", x);
    x = make_node(m, "flatten", "flatten", "",
                  make_node(m, "adaptive_avg_pool2d", "pool", "output_size=1", x));
    x = make_node(m, "linear", "hidden", "out_features=40", x);
    make_node(m, "linear", "fc", "out_features=5", make_node(m, "dropout", "dropout", "p=0.5", x));
}

static int32_t node_at(const maker *m, const char *path)
{
    for (int32_t i = 0; i < m->net.node_count; i++)
        if (strcmp(m->net.nodes[i].path, path) == 0) return i;
    fail_msg("no node %s", path);
    return -1;
}

/* Only the parameters of these paths train. */
static bool *training(maker *m, const char *const *paths)
{
    bool *trainable = EG_NEW_ARRAY(&m->arena, bool, (size_t)m->net.param_count);
    for (; *paths; paths++) {
        const eg_node *node = &m->net.nodes[node_at(m, *paths)];
        for (int32_t k = 0; k < node->param_count; k++)
            if (node->params[k] >= 0) trainable[node->params[k]] = !m->net.params[node->params[k]].buffer;
    }
    return trainable;
}

static eg_cut cut_of(maker *m, const char *const *paths, eg_bn_mode mode)
{
    eg_bn_mode *modes = EG_NEW_ARRAY(&m->arena, eg_bn_mode, (size_t)m->net.node_count);
    for (int32_t i = 0; i < m->net.node_count; i++) modes[i] = mode;
    return eg_cut_find(&m->arena, &m->net, training(m, paths), modes);
}

static void assert_cut(maker *m, const eg_cut *cut, const char *first, int64_t numel, int32_t values)
{
    assert_int_equal(cut->first, node_at(m, first));
    assert_int_equal(cut->numel, numel);
    assert_int_equal(cut->value_count, values);
}

static void test_where(void **state)
{
    (void)state;
    enum { MAP = SIDE * SIDE * 24 };
    maker m;
    make_network(&m);
    eg_cut cut = cut_of(&m, (const char *const[]){"fc", NULL}, EG_BN_EVAL);
    assert_cut(&m, &cut, "dropout", 40, 1);
    assert_string_equal(eg_cut_reason(&m.arena, &m.net, NULL, &cut), "'dropout' draws at random");
    cut = cut_of(&m, (const char *const[]){"hidden", NULL}, EG_BN_EVAL);
    assert_cut(&m, &cut, "hidden", 24, 1); /* what flatten shows is the pool's */
    cut = cut_of(&m, (const char *const[]){"wide", NULL}, EG_BN_EVAL);
    assert_cut(&m, &cut, "wide", 2 * MAP, 2); /* relu's value, and slim's */
    assert_true(cut.side[node_at(&m, "slim")] == EG_SIDE_BEFORE);
    assert_true(cut.side[node_at(&m, "sum")] == EG_SIDE_BEHIND);
    cut = cut_of(&m, (const char *const[]){"fc", NULL}, EG_BN_TRAIN_STATS);
    assert_cut(&m, &cut, "norm", MAP, 1);
    assert_string_equal(eg_cut_reason(&m.arena, &m.net, NULL, &cut),
                        "'norm' takes the statistics of the batch");
    bool *all = training(&m, (const char *const[]){"stem", NULL});
    cut = eg_cut_find(&m.arena, &m.net, all, NULL);
    assert_cut(&m, &cut, "stem", SIDE * SIDE * 3, 1); /* the image itself */
    assert_string_equal(eg_cut_reason(&m.arena, &m.net, all, &cut), "'stem' trains");
    assert_true(cut.flops == 0);
    make_clear(&m);
}

static void test_constants(void **state)
{
    (void)state;
    eg_error err = {0};
    maker m;
    make_image(&m, SIDE, SIDE, 3);
    int32_t x = make_node(&m, "tokens", "tokens", "", 0);
    int32_t place = make_try(&m, eg_op_find("learned"), "place", "shape=1,81,3 skip=1", NULL, 0, &err);
    x = make_pair(&m, "add", "sum", x, place);
    make_node(&m, "linear", "fc", "out_features=5", x);
    eg_cut cut = cut_of(&m, (const char *const[]){"fc", NULL}, EG_BN_EVAL);
    assert_true(cut.side[node_at(&m, "place")] == EG_SIDE_CONSTANT);
    assert_cut(&m, &cut, "fc", SIDE * SIDE * 3, 1);
    make_clear(&m);
}

/* Output of all samples in order: in one run; then each sample's features from a batch of another size, at
 * another place. */
static void test_parts(void **state)
{
    (void)state;
    static float whole[BATCH * 5], x[BATCH * SIDE * SIDE * 3], features[BATCH][SIDE * SIDE * 24];
    enum { PIXELS = SIDE * SIDE * 3 };
    maker m;
    eg_weights weights;
    make_network(&m);
    make_weights(&m, &weights, 4);
    make_numbers(x, BATCH * PIXELS, 8);
    for (int threads = 1; threads <= 3; threads++) {
        eg_exec_options options = {.batch = BATCH,
                                   .trainable = training(&m, (const char *const[]){"fc", NULL}),
                                   .pool = eg_pool_new(threads, NULL),
                                   .apart = true};
        eg_exec *exec = eg_exec_new(&m.net, &weights, &options, NULL);
        memcpy(eg_exec_input(exec), x, sizeof x);
        eg_exec_forward(exec, BATCH, true, 7);
        memcpy(whole, eg_exec_output(exec), sizeof whole);
        for (int n = 1; n <= BATCH; n++) {
            for (int first = 0; first < BATCH; first += n) {
                int count = first + n < BATCH ? n : BATCH - first;
                for (int i = 0; i < count; i++) /* backwards */
                    memcpy(eg_exec_input(exec) + i * PIXELS, x + (first + count - 1 - i) * PIXELS,
                           PIXELS * sizeof *x);
                eg_exec_begin(exec, count);
                eg_exec_before(exec);
                for (int i = 0; i < count; i++)
                    eg_exec_get_features(exec, i, features[first + count - 1 - i]);
            }
            eg_exec_begin(exec, BATCH);
            for (int i = 0; i < BATCH; i++) eg_exec_put_features(exec, i, features[i]);
            eg_exec_behind(exec, true, 7);
            assert_memory_equal(whole, eg_exec_output(exec), sizeof whole);
        }
        eg_exec_free(exec);
        eg_pool_free(options.pool);
    }
    eg_weights_clear(&weights);
    make_clear(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_where),
        cmocka_unit_test(test_constants),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
