#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "data/sampler.h"

enum { SAMPLES = 23, CLASSES = 4 };

/* 15, 6 and 2 samples of three classes; the fourth has none. */
static void every_class_comes_equally_often(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_sample samples[SAMPLES];
    const eg_dataset set = {.samples = samples, .count = SAMPLES, .class_count = CLASSES};
    for (int i = 0; i < SAMPLES; i++) samples[i] = (eg_sample){"x", i < 15 ? 2 : i < 21 ? 0 : 1};
    eg_order order;
    int64_t first[SAMPLES];
    eg_order_init(&order, &arena, &set, EG_SAMPLER_CLASS_BALANCED);
    for (uint64_t epoch = 0; epoch < 20; epoch++) {
        int classes[CLASSES] = {0}, times[SAMPLES] = {0};
        eg_order_draw(&order, 5, epoch);
        for (int i = 0; i < SAMPLES; i++) {
            int64_t sample = order.samples[i] % SAMPLES;
            /* Each time of a sample has a number of its own. */
            for (int k = 0; k < i; k++) assert_true(order.samples[k] != order.samples[i]);
            classes[samples[sample].label]++;
            times[sample]++;
        }
        for (int c = 0; c < 3; c++) assert_in_range(classes[c], 7, 8);
        assert_int_equal(classes[3], 0);
        for (int i = 0; i < SAMPLES; i++) /* a class's samples take turns */
            assert_in_range(times[i], i < 15 ? 0 : i < 21 ? 1 : 3, i < 15 ? 1 : i < 21 ? 2 : 4);
        if (epoch == 0) memcpy(first, order.samples, sizeof first);
        assert_true(epoch == 0 || memcmp(first, order.samples, sizeof first) != 0);
    }
    eg_order_draw(&order, 5, 0);
    assert_memory_equal(first, order.samples, sizeof first);
    eg_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_class_comes_equally_often)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
