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
} variant;

static const variant variants[] = {
    {"sgd", 0.1, {.kind = EG_SGD}},
    {"sgd_decay", 0.1, {.kind = EG_SGD, .weight_decay = 0.01}},
    {"sgd_momentum", 0.05, {.kind = EG_SGD, .momentum = 0.9, .weight_decay = 5e-4}},
    {"sgd_dampening", 0.05, {.kind = EG_SGD, .momentum = 0.8, .dampening = 0.3}},
    {"sgd_nesterov", 0.05, {.kind = EG_SGD, .momentum = 0.9, .nesterov = true, .weight_decay = 5e-4}},
    {"adamw", 0.01, {.kind = EG_ADAMW, .betas = {0.9, 0.999}, .eps = 1e-8, .weight_decay = 1e-2}},
    {"adamw_betas", 0.02, {.kind = EG_ADAMW, .betas = {0.8, 0.95}, .eps = 1e-6, .weight_decay = 0.1}},
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
    eg_optimizer *optimizer = eg_optimizer_new(&with->section, &item, 1, NULL);
    assert_non_null(optimizer);
    for (size_t step = 0; step < STEPS; step++) {
        memcpy(grad, gradients + step * SIZE, sizeof grad);
        eg_optimizer_step(optimizer, &with->lr, pool);
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
        {.weight = weight, .grad = grad, .numel = BIG, .group = 0, .weight_decay = 0.1},
        {.weight = small, .grad = grad + 5, .numel = 1, .group = 1, .weight_decay = 0},
    };
    const double lr[2] = {0.1, 0};
    eg_optimizer *optimizer = eg_optimizer_new(section, items, 2, NULL);
    for (int step = 0; step < 3; step++) eg_optimizer_step(optimizer, lr, pool);
    eg_optimizer_free(optimizer);
    eg_pool_free(pool);
}

static void threads_change_no_bit_and_groups_have_their_rate(void **state)
{
    (void)state;
    static float one[BIG], many[BIG];
    float small;
    for (size_t v = 2; v < 7; v++) {
        train_big(&variants[v].section, 1, one, &small);
        assert_true(small == 1); /* its group's rate is 0, and so is its decay */
        for (int threads = 2; threads <= 3; threads++) {
            train_big(&variants[v].section, threads, many, &small);
            assert_memory_equal(one, many, sizeof one);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_steps_equal_pytorch),
        cmocka_unit_test(threads_change_no_bit_and_groups_have_their_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
