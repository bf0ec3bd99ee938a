/* Execution: the same bits on any number of threads, no allocation in a step, freezing, batch statistics
 * modes, dropout, views, dead branches, and batches smaller than planned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../allocations.h"
#include "make_net.h"
#include "net/exec_state.h"

/* ---- a network with every operator ---- */
enum { SIDE = 19, CLASSES = 5, BATCH = 6 };

static int32_t unit(maker *m, const char *path, const char *args, int32_t x)
{
    const char *norm = eg_arena_printf(&m->arena, "%s.norm", path);
    x = make_node(m, "conv2d", path, args, x);
    x = make_node(m, "batch_norm2d", norm, "", x);
    return make_node(m, "leaky_relu", path, "negative_slope=0.1", x);
}

static void make_network(maker *m)
{
    make_image(m, SIDE, SIDE, 3);
    int32_t x = unit(m, "stem", "out_channels=8 kernel_size=3 stride=2 padding=1 bias=false", 0);
    x = make_node(m, "max_pool2d", "pool", "kernel_size=3 stride=1 padding=1", x);
    int32_t y = unit(m, "depthwise", "out_channels=8 kernel_size=3 padding=1 groups=8 bias=false", x);
    y = unit(m, "grouped", "out_channels=8 kernel_size=3 padding=1 groups=2", y);
    int32_t gate = make_node(m, "adaptive_avg_pool2d", "squeeze", "output_size=1", y);
    gate = make_node(m, "relu6", "gate", "",
                     make_node(m, "conv2d", "excite", "out_channels=8 kernel_size=1", gate));
    y = make_pair(m, "add", "residual", x, make_pair(m, "mul", "scale", y, gate));
    int32_t skip =
        make_node(m, "pad_channels", "pad", "before=2 after=2", make_node(m, "slice", "slice", "step=2", x));
    y = make_node(m, "relu", "down", "",
                  make_node(m, "conv2d", "down", "out_channels=12 kernel_size=3 stride=2 padding=1", y));
    y = make_pair(m, "cat", "cat", make_pair(m, "add", "shortcut", y, skip), y);
    y = make_node(m, "avg_pool2d", "mean", "kernel_size=2 stride=2 ceil_mode=true", y);
    y = make_node(m, "dropout", "dropout", "p=0.25", make_node(m, "flatten", "flatten", "", y));
    make_node(m, "linear", "fc", eg_arena_printf(&m->arena, "out_features=%d", CLASSES), y);
}

typedef struct trial {
    maker m;
    eg_weights weights;
    eg_pool *pool;
    bool *trainable;
    eg_bn_mode *modes;
    float *input;
    eg_exec *exec;
} trial;

static void set_up(trial *t, int threads)
{
    make_network(&t->m);
    make_weights(&t->m, &t->weights, 1);
    t->pool = eg_pool_new(threads, NULL);
    t->trainable = make_trainable(&t->m);
    t->modes = EG_NEW_ARRAY(&t->m.arena, eg_bn_mode, MAKE_NODES);
    t->input = EG_NEW_ARRAY(&t->m.arena, float, (size_t)BATCH *SIDE *SIDE * 3);
    make_numbers(t->input, (size_t)BATCH * SIDE * SIDE * 3, 99);
    t->exec = NULL;
}

static eg_exec *make_exec(trial *t, const bool *trainable)
{
    eg_exec_free(t->exec);
    eg_exec_options options = {
        .batch = BATCH, .trainable = trainable, .batch_norm = t->modes, .seed = 4, .pool = t->pool};
    t->exec = eg_exec_new(&t->m.net, &t->weights, &options, NULL);
    assert_non_null(t->exec);
    return t->exec;
}

static void tear_down(trial *t)
{
    eg_exec_free(t->exec);
    eg_weights_clear(&t->weights);
    eg_pool_free(t->pool);
    make_clear(&t->m);
}

static uint64_t numel_of(const trial *t, int32_t param)
{
    uint64_t numel = 0;
    eg_shape_numel(t->m.net.params[param].shape, &numel);
    return numel;
}

static void forward(trial *t, int64_t n, bool training, uint64_t step)
{
    memcpy(eg_exec_input(t->exec), t->input, (size_t)(n * SIDE * SIDE * 3) * sizeof(float));
    eg_exec_forward(t->exec, n, training, step);
}

/* L = the sum of the squared outputs' halves. */
static void train_step(trial *t, int64_t n, uint64_t step)
{
    forward(t, n, true, step);
    const float *y = eg_exec_output(t->exec);
    float *dy = eg_exec_output_grad(t->exec);
    for (int64_t i = 0; i < n * CLASSES; i++) dy[i] = y[i];
    eg_exec_backward(t->exec);
    for (int32_t p = 0; p < t->m.net.param_count; p++) {
        float *w = t->weights.data[p];
        const float *grad = eg_exec_grad(t->exec, p);
        for (uint64_t i = 0; grad && i < numel_of(t, p); i++) w[i] -= 2e-4F * grad[i];
    }
}

static void test_same_bits_on_any_threads(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 3, 7};
    static const int64_t sizes[] = {BATCH, BATCH, 1, 4, BATCH};
    trial first = {0};
    for (int i = 0; i < 4; i++) {
        trial t = {0};
        set_up(&t, threads[i]);
        make_exec(&t, t.trainable);
        void *start = eg_arena_copy(&t.m.arena, t.weights.block, t.weights.size);
        for (uint64_t step = 0; step < 5; step++) train_step(&t, sizes[step], step);
        assert_memory_not_equal(start, t.weights.block, t.weights.size);
        forward(&t, BATCH, false, 0);
        for (int k = 0; k < BATCH * CLASSES; k++) assert_true(isfinite(eg_exec_output(t.exec)[k]));
        if (i == 0) {
            first = t;
            continue;
        }
        assert_memory_equal(first.weights.block, t.weights.block, t.weights.size);
        assert_memory_equal(eg_exec_output(first.exec), eg_exec_output(t.exec),
                            sizeof(float) * BATCH * CLASSES);
        tear_down(&t);
    }
    tear_down(&first);
}

static void test_steps_allocate_nothing(void **state)
{
    (void)state;
    trial t = {0};
    set_up(&t, 2);
    make_exec(&t, t.trainable);
    train_step(&t, BATCH, 0); /* the first product makes BLAS's own buffers */
    long before = allocation_count();
    for (uint64_t step = 1; step < 4; step++) train_step(&t, BATCH, step);
    forward(&t, 3, false, 0);
    assert_int_equal(allocation_count(), before);
    tear_down(&t);
}

/* Results made again for backward, in a network with every operator. */
static void test_recompute_gives_the_same_bits(void **state)
{
    (void)state;
    static uint8_t kept[1 << 16];
    for (int how = EG_RECOMPUTE_AUTO; how <= EG_RECOMPUTE_NEVER; how++) {
        trial t = {0};
        set_up(&t, 2);
        eg_exec_options options = {.batch = BATCH,
                                   .trainable = t.trainable,
                                   .batch_norm = t.modes,
                                   .seed = 4,
                                   .pool = t.pool,
                                   .recompute = (eg_recompute)how};
        t.exec = eg_exec_new(&t.m.net, &t.weights, &options, NULL);
        for (uint64_t step = 0; step < 4; step++) train_step(&t, step == 2 ? 1 : BATCH, step);
        assert_true(t.weights.size <= sizeof kept);
        if (how > 0) assert_memory_equal(kept, t.weights.block, t.weights.size);
        memcpy(kept, t.weights.block, t.weights.size);
        tear_down(&t);
    }
}

/* Of twelve normalised convolutions every second value is made again. */
static void test_recompute_takes_less_memory(void **state)
{
    (void)state;
    size_t bytes[3];
    trial t = {0};
    int32_t x = 0;
    make_image(&t.m, SIDE, SIDE, 3);
    for (int i = 0; i < 12; i++)
        x = unit(&t.m, eg_arena_printf(&t.m.arena, "unit%d", i), "out_channels=8 kernel_size=3 padding=1", x);
    make_weights(&t.m, &t.weights, 1);
    t.pool = eg_pool_new(1, NULL);
    for (int how = EG_RECOMPUTE_AUTO; how <= EG_RECOMPUTE_NEVER; how++) {
        eg_exec_options options = {.batch = BATCH,
                                   .trainable = make_trainable(&t.m),
                                   .pool = t.pool,
                                   .recompute = (eg_recompute)how};
        t.exec = eg_exec_new(&t.m.net, &t.weights, &options, NULL);
        bytes[how] = eg_exec_bytes(t.exec);
        eg_exec_free(t.exec);
    }
    t.exec = NULL;
    assert_true(bytes[EG_RECOMPUTE_ALWAYS] * 10 < bytes[EG_RECOMPUTE_NEVER] * 7);
    assert_int_equal(bytes[EG_RECOMPUTE_AUTO], bytes[EG_RECOMPUTE_NEVER]); /* a small network */
    tear_down(&t);
}

/* Planning for 6 samples and running 4 is running 4 as planned. */
static void test_smaller_batch(void **state)
{
    (void)state;
    trial large = {0}, small = {0};
    set_up(&large, 2);
    set_up(&small, 2);
    make_exec(&large, large.trainable);
    eg_exec_options options = {
        .batch = 4, .trainable = small.trainable, .batch_norm = small.modes, .seed = 4, .pool = small.pool};
    small.exec = eg_exec_new(&small.m.net, &small.weights, &options, NULL);
    for (uint64_t step = 0; step < 3; step++) {
        train_step(&large, 4, step);
        train_step(&small, 4, step);
    }
    assert_memory_equal(large.weights.block, small.weights.block, large.weights.size);
    assert_true(eg_exec_bytes(small.exec) < eg_exec_bytes(large.exec));
    tear_down(&large);
    tear_down(&small);
}

static void freeze_before(trial *t, const char *path)
{
    for (int32_t p = 0; strncmp(t->m.net.params[p].name, path, strlen(path)) != 0; p++)
        t->trainable[p] = false;
}

/* Frozen parameters: no gradient, no backward below, less memory; the others' gradients are what they were.
 */
static void test_freezing(void **state)
{
    (void)state;
    trial all = {0}, part = {0};
    set_up(&all, 2);
    set_up(&part, 2);
    make_exec(&all, all.trainable);
    freeze_before(&part, "down.");
    make_exec(&part, part.trainable);
    trial *both[] = {&all, &part};
    for (int i = 0; i < 2; i++) {
        forward(both[i], BATCH, true, 0);
        for (int k = 0; k < BATCH * CLASSES; k++) eg_exec_output_grad(both[i]->exec)[k] = (float)k / 7;
        eg_exec_backward(both[i]->exec);
    }
    for (int32_t p = 0; p < part.m.net.param_count; p++) {
        assert_int_equal(eg_exec_grad(part.exec, p) != NULL, part.trainable[p]);
        if (part.trainable[p])
            assert_memory_equal(eg_exec_grad(part.exec, p), eg_exec_grad(all.exec, p),
                                numel_of(&part, p) * sizeof(float));
    }
    int32_t stop = eg_exec_backward_stop(part.exec);
    assert_int_equal(eg_exec_backward_stop(all.exec), 0);
    assert_string_equal(part.m.net.nodes[stop].path, "down");
    assert_true(eg_exec_bytes(part.exec) < eg_exec_bytes(all.exec));
    tear_down(&all);
    tear_down(&part);
}

/* Nothing trainable: no backward at all, activations share memory, running forward twice gives the same. */
static void test_inference(void **state)
{
    (void)state;
    trial t = {0};
    set_up(&t, 2);
    make_exec(&t, t.trainable);
    size_t training = eg_exec_bytes(t.exec);
    forward(&t, BATCH, false, 0);
    float expected[BATCH * CLASSES];
    memcpy(expected, eg_exec_output(t.exec), sizeof expected);
    make_exec(&t, NULL);
    assert_true(eg_exec_bytes(t.exec) < training * 3 / 4); /* scratch weighs much in so small a network */
    assert_int_equal(eg_exec_backward_stop(t.exec), t.m.net.node_count);
    forward(&t, BATCH, false, 0);
    assert_memory_equal(expected, eg_exec_output(t.exec), sizeof expected);
    eg_exec_forward(t.exec, BATCH, false, 0); /* the input is still there */
    assert_memory_equal(expected, eg_exec_output(t.exec), sizeof expected);
    tear_down(&t);
}

/* Buffers change with batch statistics alone, and only in training. */
static void test_batch_norm_modes(void **state)
{
    (void)state;
    static const struct {
        eg_bn_mode mode;
        bool training, changes;
    } cases[] = {
        {EG_BN_DEFAULT, true, true}, {EG_BN_TRAIN_STATS, true, true}, {EG_BN_TRAIN_AFFINE, true, false},
        {EG_BN_EVAL, true, false},   {EG_BN_DEFAULT, false, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trial t = {0};
        set_up(&t, 1);
        for (int k = 0; k < t.m.net.node_count; k++) t.modes[k] = cases[i].mode;
        make_exec(&t, NULL);
        void *before = eg_arena_copy(&t.m.arena, t.weights.block, t.weights.size);
        forward(&t, BATCH, cases[i].training, 0);
        assert_int_equal(memcmp(before, t.weights.block, t.weights.size) != 0, cases[i].changes);
        for (int32_t p = 0; cases[i].changes && p < t.m.net.param_count; p++)
            if (t.m.net.params[p].dtype == EG_I64) assert_int_equal(*(int64_t *)t.weights.data[p], 1);
        tear_down(&t);
    }
}

/* Another step draws other elements, the same step the same; one in four is dropped, the rest scaled;
 * inference keeps all. */
static void test_dropout(void **state)
{
    (void)state;
    enum { SIZE = 20000 };
    maker m;
    make_start(&m, &(eg_value){1, {SIZE}});
    make_node(&m, "dropout", "drop", "p=0.25", 0);
    eg_weights weights;
    make_weights(&m, &weights, 0);
    eg_pool *pool = eg_pool_new(2, NULL);
    eg_exec *exec =
        eg_exec_new(&m.net, &weights, &(eg_exec_options){.batch = 1, .seed = 8, .pool = pool}, NULL);
    float *kept = EG_NEW_ARRAY(&m.arena, float, SIZE);
    int dropped = 0, same = 0;
    for (int i = 0; i < SIZE; i++) eg_exec_input(exec)[i] = 3;
    eg_exec_forward(exec, 1, true, 1);
    memcpy(kept, eg_exec_output(exec), SIZE * sizeof(float));
    for (int i = 0; i < SIZE; i++) {
        assert_true(kept[i] == 0 || kept[i] == 4);
        dropped += kept[i] == 0;
    }
    assert_in_range(dropped, SIZE / 4 - 300, SIZE / 4 + 300); /* five standard deviations */
    eg_exec_forward(exec, 1, true, 1);
    assert_memory_equal(kept, eg_exec_output(exec), SIZE * sizeof(float));
    eg_exec_forward(exec, 1, true, 2);
    for (int i = 0; i < SIZE; i++) same += kept[i] == eg_exec_output(exec)[i];
    assert_in_range(same, (int)(0.6 * SIZE), (int)(0.65 * SIZE)); /* 0.75^2 + 0.25^2 = 0.625 */
    eg_exec_forward(exec, 1, false, 2);
    for (int i = 0; i < SIZE; i++) assert_true(eg_exec_output(exec)[i] == 3);
    eg_exec_free(exec);
    eg_pool_free(pool);
    eg_weights_clear(&weights);
    make_clear(&m);
}

/* A view shares its input's memory, forward and backward, also when the input has other readers. */
static bool infer_view(eg_infer *infer, eg_error *err)
{
    (void)err;
    infer->output = (eg_value){1, {eg_value_numel(&infer->inputs[0])}};
    return true;
}

static void build_viewed(maker *m, const char *op)
{
    static const eg_op view = {
        .name = "view", .min_inputs = 1, .max_inputs = 1, .view = true, .infer = infer_view};
    make_image(m, 1, 1, 6);
    int32_t x = make_node(m, "conv2d", "first", "out_channels=4 kernel_size=1", 0), y;
    if (strcmp(op, "view") == 0)
        y = make_try(m, &view, "view", "", &x, 1, NULL);
    else
        y = make_node(m, op, "flatten", "", x);
    int32_t twice = make_pair(m, "mul", "square", y, y);
    int32_t other = make_node(m, "flatten", "other", "", x);
    make_node(m, "linear", "fc", "out_features=3", make_pair(m, "add", "sum", twice, other));
}

static void test_views(void **state)
{
    (void)state;
    float output[2][6], grad[2][24];
    for (int i = 0; i < 2; i++) {
        maker m;
        eg_weights weights;
        build_viewed(&m, i == 0 ? "view" : "flatten");
        make_weights(&m, &weights, 2);
        eg_pool *pool = eg_pool_new(1, NULL);
        eg_exec_options options = {.batch = 2, .trainable = make_trainable(&m), .pool = pool};
        eg_exec *exec = eg_exec_new(&m.net, &weights, &options, NULL);
        make_numbers(eg_exec_input(exec), 12, 1);
        eg_exec_forward(exec, 2, true, 0);
        memcpy(output[i], eg_exec_output(exec), sizeof output[i]);
        for (int k = 0; k < 6; k++) eg_exec_output_grad(exec)[k] = (float)k - 2;
        eg_exec_backward(exec);
        memcpy(grad[i], eg_exec_grad(exec, 0), sizeof grad[i]);
        eg_exec_free(exec);
        eg_pool_free(pool);
        eg_weights_clear(&weights);
        make_clear(&m);
    }
    assert_memory_equal(output[0], output[1], sizeof output[0]);
    /* The sums of several readers' gradients run in another order. */
    for (int k = 0; k < 24; k++) assert_float_equal(grad[0][k], grad[1][k], 1e-5F);
}

/* Batch normalisation writes the gradient of what was added behind it over its own, else its input's; another
 * value's has its own memory. */
static void test_gradients_share_memory(void **state)
{
    (void)state;
    maker m;
    eg_weights weights;
    make_image(&m, 3, 3, 2);
    int32_t x = make_node(&m, "conv2d", "first", "out_channels=4 kernel_size=1", 0);
    int32_t a = make_node(&m, "batch_norm2d", "a", "", x);
    int32_t b = make_node(&m, "conv2d", "second", "out_channels=4 kernel_size=1", a);
    int32_t sum = make_pair(&m, "add", "sum", make_node(&m, "batch_norm2d", "b", "", b), a);
    int32_t top = make_node(&m, "batch_norm2d", "top", "", sum);
    make_node(&m, "linear", "fc", "out_features=3", make_node(&m, "flatten", "flatten", "", top));
    make_weights(&m, &weights, 2);
    eg_pool *pool = eg_pool_new(1, NULL);
    eg_exec_options options = {.batch = 2, .trainable = make_trainable(&m), .pool = pool};
    eg_exec *exec = eg_exec_new(&m.net, &weights, &options, NULL);
    assert_non_null(exec->grad[top]);
    assert_ptr_equal(exec->grad[sum], exec->grad[top]);
    assert_ptr_equal(exec->grad[a], exec->grad[sum]);
    assert_ptr_equal(exec->grad[x], exec->grad[a]);
    uint8_t *apart = exec->grad[b], *shared = exec->grad[a];
    size_t bytes = 2 * 3 * 3 * 4 * sizeof(float);
    assert_true(apart && (apart + bytes <= shared || shared + bytes <= apart));
    eg_exec_free(exec);
    eg_pool_free(pool);
    eg_weights_clear(&weights);
    make_clear(&m);
}

/* A branch that the output does not depend on has zero gradients and no backward. */
static void test_dead_branch(void **state)
{
    (void)state;
    maker m;
    eg_weights weights;
    make_image(&m, 3, 3, 2);
    int32_t x = make_node(&m, "conv2d", "first", "out_channels=2 kernel_size=1", 0);
    make_node(&m, "conv2d", "dead", "out_channels=3 kernel_size=3", x);
    make_node(&m, "flatten", "flatten", "", x);
    make_weights(&m, &weights, 2);
    eg_pool *pool = eg_pool_new(1, NULL);
    eg_exec_options options = {.batch = 2, .trainable = make_trainable(&m), .pool = pool};
    eg_exec *exec = eg_exec_new(&m.net, &weights, &options, NULL);
    make_numbers(eg_exec_input(exec), 36, 1);
    eg_exec_forward(exec, 2, true, 0);
    for (int k = 0; k < 36; k++) eg_exec_output_grad(exec)[k] = 1;
    eg_exec_backward(exec);
    const float *dead = eg_exec_grad(exec, eg_exec_backward_stop(exec) == 0 ? 2 : 0);
    assert_string_equal(m.net.params[2].name, "dead.weight");
    for (int i = 0; i < 54; i++) assert_true(dead[i] == 0);
    assert_true(fabsf(eg_exec_grad(exec, 1)[0] - 18) < 1e-4F); /* the bias: one for each pixel */
    eg_exec_free(exec);
    eg_pool_free(pool);
    eg_weights_clear(&weights);
    make_clear(&m);
}

static void test_too_large(void **state)
{
    (void)state;
    trial t = {0};
    eg_error err = {0};
    set_up(&t, 1);
    eg_exec_options options = {.batch = INT64_MAX / 2, .pool = t.pool};
    assert_null(eg_exec_new(&t.m.net, &t.weights, &options, &err));
    assert_int_equal(err.code, EG_SYSTEM);
    options.batch = 1 << 24;
    err = (eg_error){0};
    eg_exec *exec =
        eg_exec_new(&t.m.net, &t.weights, &options, &err); /* some 200 GB: address space may be there */
    assert_true(exec || err.code == EG_SYSTEM);
    eg_exec_free(exec);
    tear_down(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bits_on_any_threads),
        cmocka_unit_test(test_steps_allocate_nothing),
        cmocka_unit_test(test_recompute_gives_the_same_bits),
        cmocka_unit_test(test_recompute_takes_less_memory),
        cmocka_unit_test(test_smaller_batch),
        cmocka_unit_test(test_freezing),
        cmocka_unit_test(test_inference),
        cmocka_unit_test(test_batch_norm_modes),
        cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_gradients_share_memory),
        cmocka_unit_test(test_dead_branch),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
