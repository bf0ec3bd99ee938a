#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "reference.h"
#include "train/optimizer.h"

enum { STEPS = 10, SIZE = 5 };

typedef struct variant {
    const char *name;
    double lr;
    eg_optimizer_section section;
    double clip; /* norm; 0: none */
} variant;

static const variant variants[] = {
    {"sgd", 0.1, {.kind = EG_SGD}, 0},
    {"sgd_decay", 0.1, {.kind = EG_SGD, .weight_decay = 0.01}, 0},
    {"sgd_momentum", 0.05, {.kind = EG_SGD, .momentum = 0.9, .weight_decay = 5e-4}, 0},
    {"sgd_dampening", 0.05, {.kind = EG_SGD, .momentum = 0.8, .dampening = 0.3}, 0},
    {"sgd_nesterov", 0.05, {.kind = EG_SGD, .momentum = 0.9, .nesterov = true, .weight_decay = 5e-4}, 0},
    {"adam", 0.01, {.kind = EG_ADAM, .betas = {0.9, 0.999}, .eps = 1e-8}, 0},
    {"adam_decay", 0.02, {.kind = EG_ADAM, .betas = {0.8, 0.95}, .eps = 1e-6, .weight_decay = 0.1}, 0},
    {"rmsprop", 0.01, {.kind = EG_RMSPROP, .alpha = 0.99, .eps = 1e-8}, 0},
    {"rmsprop_all",
     0.01,
     {.kind = EG_RMSPROP, .alpha = 0.9, .eps = 1e-6, .weight_decay = 0.1, .momentum = 0.8, .centered = true},
     0},
    {"rmsprop_centered", 0.01, {.kind = EG_RMSPROP, .alpha = 0.9, .eps = 1e-8, .centered = true}, 0},
    {"lamb", 0.02, {.kind = EG_LAMB, .betas = {0.9, 0.999}, .eps = 1e-6, .weight_decay = 0.1}, 0},
    {"lion", 0.01, {.kind = EG_LION, .betas = {0.9, 0.99}, .weight_decay = 0.1}, 0},
    {"sgd_clipped", 0.1, {.kind = EG_SGD}, 1.5},
    {"adamw", 0.01, {.kind = EG_ADAMW, .betas = {0.9, 0.999}, .eps = 1e-8, .weight_decay = 1e-2}, 0},
    {"adamw_betas", 0.02, {.kind = EG_ADAMW, .betas = {0.8, 0.95}, .eps = 1e-6, .weight_decay = 0.1}, 0},
};

static void check_variant(const variant *with, eg_arena *arena, eg_pool *pool)
{
    size_t count;
    float weight[SIZE], grad[SIZE];
    const float *start = read_reference_f32(arena, "weights", &count);
    const float *gradients = read_reference_f32(arena, "gradients", &count);
    const float *expected = read_reference_f32(arena, with->name, &count);
    assert_int_equal(count, STEPS * SIZE);
    memcpy(weight, start, sizeof weight);
    eg_optimizer_item item = {
        .weight = weight, .grad = grad, .numel = SIZE, .weight_decay = with->section.weight_decay};
    const eg_optimizer_pace pace = {&with->lr, NAN, with->clip};
    eg_optimizer *optimizer = eg_optimizer_new(&with->section, 1);
    assert_true(eg_optimizer_train(optimizer, &item, 1, NULL));
    for (size_t step = 0; step < STEPS; step++) {
        memcpy(grad, gradients + step * SIZE, sizeof grad);
        eg_optimizer_step(optimizer, &pace, pool);
        /* PyTorch's vector code may fuse a multiplication with an addition: one rounding less. */
        for (size_t i = 0; i < SIZE; i++) assert_true(fabsf(weight[i] - expected[step * SIZE + i]) < 1e-6f);
    }
    eg_optimizer_free(optimizer);
}

static void ten_steps_equal_pytorch(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_pool *pool = eg_pool_new(1, NULL);
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++) check_variant(&variants[v], &arena, pool);
    eg_pool_free(pool);
    eg_arena_clear(&arena);
}

enum { BIG = 100003 };

/* Three steps over tensors that are cut into several tasks. */
static void train_big(const eg_optimizer_section *section, int threads, float *weight, float *small)
{
    static float grad[BIG];
    eg_pool *pool = eg_pool_new(threads, NULL);
    for (int i = 0; i < BIG; i++) {
        weight[i] = (float)(i % 977) / 977 - 0.5f;
        grad[i] = (float)(i % 1013) / 1013 - 0.5f;
    }
    small[0] = 1;
    eg_optimizer_item items[] = {
        {.slot = 0, .weight = weight, .grad = grad, .numel = BIG, .group = 0, .weight_decay = 0.1},
        {.slot = 1, .weight = small, .grad = grad + 5, .numel = 1, .group = 1, .weight_decay = 0},
    };
    const double lr[2] = {0.1, 0};
    const eg_optimizer_pace pace = {lr, NAN, 0.5};
    eg_optimizer *optimizer = eg_optimizer_new(section, 2);
    assert_true(eg_optimizer_train(optimizer, items, 2, NULL));
    for (int step = 0; step < 3; step++) eg_optimizer_step(optimizer, &pace, pool);
    eg_optimizer_free(optimizer);
    eg_pool_free(pool);
}

static void threads_change_no_bit_and_groups_have_their_rate(void **state)
{
    (void)state;
    static float one[BIG], many[BIG];
    float small;
    for (size_t v = 2; v < sizeof variants / sizeof *variants; v++) {
        train_big(&variants[v].section, 1, one, &small);
        assert_true(small == 1); /* its group's rate is 0, and so is its decay */
        for (int threads = 2; threads <= 3; threads++) {
            train_big(&variants[v].section, threads, many, &small);
            assert_memory_equal(one, many, sizeof one);
        }
    }
}

/* What rests keeps its state, and what trains for the first time starts like any other: the same bits as two
 * optimizers of their own. */
static void later_tensors_start_at_zero_and_resting_ones_keep_their_state(void **state)
{
    (void)state;
    const eg_optimizer_section section = {.kind = EG_ADAMW, .betas = {0.9, 0.999}, .eps = 1e-8};
    const double lr[1] = {0.1};
    const eg_optimizer_pace pace = {lr, NAN, 0};
    const float grad[1] = {0.25f};
    float a = 1, b = 1, alone = 1;
    eg_pool *pool = eg_pool_new(1, NULL);
    const eg_optimizer_item first = {.slot = 0, .weight = &a, .grad = grad, .numel = 1};
    const eg_optimizer_item second = {.slot = 1, .weight = &b, .grad = grad, .numel = 1};
    const eg_optimizer_item single = {.slot = 0, .weight = &alone, .grad = grad, .numel = 1};
    const eg_optimizer_item both[] = {first, second};
    eg_optimizer *optimizer = eg_optimizer_new(&section, 2), *other = eg_optimizer_new(&section, 1);
    assert_true(eg_optimizer_train(optimizer, &first, 1, NULL) &&
                eg_optimizer_train(other, &single, 1, NULL));
    assert_int_equal(eg_optimizer_bytes(optimizer), 2 * sizeof(float));
    eg_optimizer_step(optimizer, &pace, pool);
    assert_true(b == 1); /* it does not train yet */
    assert_true(eg_optimizer_train(optimizer, &second, 1, NULL));
    eg_optimizer_step(optimizer, &pace, pool);
    assert_true(eg_optimizer_train(optimizer, both, 2, NULL));
    eg_optimizer_step(optimizer, &pace, pool);
    eg_optimizer_step(other, &pace, pool);
    eg_optimizer_step(other, &pace, pool);
    assert_true(a == alone && b == alone);
    assert_int_equal(eg_optimizer_slot(optimizer, 1)->steps, 2);
    eg_optimizer_free(optimizer);
    eg_optimizer_free(other);
    eg_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_steps_equal_pytorch),
        cmocka_unit_test(later_tensors_start_at_zero_and_resting_ones_keep_their_state),
        cmocka_unit_test(threads_change_no_bit_and_groups_have_their_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
