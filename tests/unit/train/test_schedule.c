#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "reference.h"
#include "train/schedule.h"

enum { EPOCHS = 12, BATCHES = 5 };

static void near(double a, double b)
{
    assert_true(fabs(a - b) <= 1e-12);
}

static void epochs_equal_pytorch(void **state)
{
    (void)state;
    static const int64_t milestones[] = {3, 8};
    static const struct {
        const char *name;
        eg_scheduler_section scheduler;
        int64_t from; /* the first epoch that is compared */
    } cases[] = {
        {"step", {.kind = EG_SCHEDULE_STEP, .step_size = 4, .gamma = 0.5}, 0},
        {"milestones",
         {.kind = EG_SCHEDULE_STEP, .milestones = milestones, .milestone_count = 2, .gamma = 0.1},
         0},
        {"cosine", {.kind = EG_SCHEDULE_COSINE, .min_lr = 1e-3}, 0},
        {"cosine_after_2",
         {.kind = EG_SCHEDULE_COSINE, .min_lr = 1e-3, .warmup_epochs = 2, .warmup_start = 0.25},
         2},
    };
    eg_arena arena = {0};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        size_t count;
        const double *rates = read_reference(&arena, cases[c].name, &count);
        assert_int_equal(count, EPOCHS);
        for (int64_t epoch = cases[c].from; epoch < EPOCHS; epoch++) {
            near(eg_schedule_lr(&cases[c].scheduler, 0.1, EPOCHS, epoch, 0), rates[epoch]);
            near(eg_schedule_lr(&cases[c].scheduler, 0.1, EPOCHS, epoch, 0.8), rates[epoch]);
        }
    }
    eg_arena_clear(&arena);
}

/* LinearLR stepped every batch over 7 batches: 1.4 epochs of 5. */
static void warmup_moves_with_every_step(void **state)
{
    (void)state;
    const eg_scheduler_section scheduler = {
        .kind = EG_SCHEDULE_CONSTANT, .warmup_epochs = 1.4, .warmup_start = 0.25};
    eg_arena arena = {0};
    size_t count;
    const double *rates = read_reference(&arena, "warmup_steps", &count);
    assert_int_equal(count, 2 * BATCHES);
    for (int64_t step = 0; step < 2 * BATCHES; step++) {
        double part = (double)(step % BATCHES) / BATCHES;
        near(eg_schedule_lr(&scheduler, 0.1, EPOCHS, step / BATCHES, part), rates[step]);
    }
    eg_arena_clear(&arena);
}

static void constant_stays_and_warmup_may_fill_everything(void **state)
{
    (void)state;
    const eg_scheduler_section constant = {.kind = EG_SCHEDULE_CONSTANT};
    const eg_scheduler_section all = {.kind = EG_SCHEDULE_COSINE, .warmup_epochs = 3};
    near(eg_schedule_lr(&constant, 0.1, 3, 2, 0.99), 0.1);
    near(eg_schedule_lr(&all, 0.1, 3, 0, 0), 0);
    near(eg_schedule_lr(&all, 0.1, 3, 2, 0.5), 0.1 * 2.5 / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(epochs_equal_pytorch),
        cmocka_unit_test(warmup_moves_with_every_step),
        cmocka_unit_test(constant_stays_and_warmup_may_fill_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
