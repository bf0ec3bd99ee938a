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

static double rate(const eg_scheduler_section *scheduler, int64_t epochs, int64_t epoch, int64_t step)
{
    const eg_moment at = {.epoch = epoch, .epochs = epochs, .step = step, .steps = BATCHES};
    return eg_schedule_lr(scheduler, 0.1, &at);
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
         {.kind = EG_SCHEDULE_MULTISTEP, .milestones = milestones, .milestone_count = 2, .gamma = 0.1},
         0},
        {"exponential", {.kind = EG_SCHEDULE_EXPONENTIAL, .gamma = 0.8}, 0},
        {"restarts", {.kind = EG_SCHEDULE_COSINE_RESTARTS, .T_0 = 4, .T_mult = 1, .min_lr = 1e-3}, 0},
        {"restarts_longer", {.kind = EG_SCHEDULE_COSINE_RESTARTS, .T_0 = 2, .T_mult = 2, .min_lr = 1e-3}, 0},
        {"polynomial", {.kind = EG_SCHEDULE_POLYNOMIAL, .power = 2}, 0},
        {"polynomial_short", {.kind = EG_SCHEDULE_POLYNOMIAL, .power = 0.9, .total_iters = 5}, 0},
        {"linear",
         {.kind = EG_SCHEDULE_LINEAR, .start_factor = 1 / 3.0, .end_factor = 1, .total_iters = 5},
         0},
        {"linear_down", {.kind = EG_SCHEDULE_LINEAR, .start_factor = 1, .end_factor = 0.1}, 0},
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
            near(rate(&cases[c].scheduler, EPOCHS, epoch, 0), rates[epoch]);
            near(rate(&cases[c].scheduler, EPOCHS, epoch, 4), rates[epoch]);
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
    const eg_scheduler_section in_steps = {
        .kind = EG_SCHEDULE_CONSTANT, .warmup_steps = 7, .warmup_start = 0.25};
    eg_arena arena = {0};
    size_t count;
    const double *rates = read_reference(&arena, "warmup_steps", &count);
    assert_int_equal(count, 2 * BATCHES);
    for (int64_t step = 0; step < 2 * BATCHES; step++) {
        near(rate(&scheduler, EPOCHS, step / BATCHES, step % BATCHES), rates[step]);
        near(rate(&in_steps, EPOCHS, step / BATCHES, step % BATCHES), rates[step]);
    }
    eg_arena_clear(&arena);
}

static void constant_stays_and_warmup_may_fill_everything(void **state)
{
    (void)state;
    const eg_scheduler_section constant = {.kind = EG_SCHEDULE_CONSTANT};
    const eg_scheduler_section all = {.kind = EG_SCHEDULE_COSINE, .warmup_epochs = 3};
    near(rate(&constant, 3, 2, 4), 0.1);
    near(rate(&all, 3, 0, 0), 0);
    near(rate(&all, 3, 2, 2), 0.1 * 2.4 / 3);
}

static void cycles_equal_pytorch_step_by_step(void **state)
{
    (void)state;
    static const struct {
        const char *name, *momentum;
        eg_scheduler_section scheduler;
    } cases[] = {
        {"cycle",
         "cycle_momentum",
         {.pct_start = 0.3,
          .div_factor = 25,
          .final_div_factor = 1e4,
          .base_momentum = 0.85,
          .max_momentum = 0.95}},
        {"cycle_linear",
         "cycle_linear_momentum",
         {.pct_start = 0.99,
          .div_factor = 10,
          .final_div_factor = 100,
          .base_momentum = 0.85,
          .max_momentum = 0.95,
          .anneal = EG_ANNEAL_LINEAR}},
        {"cycle_three",
         "cycle_three_momentum",
         {.pct_start = 0.4,
          .div_factor = 25,
          .final_div_factor = 1e4,
          .base_momentum = 0.7,
          .max_momentum = 0.9,
          .three_phase = true}},
    };
    eg_arena arena = {0};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        eg_scheduler_section scheduler = cases[c].scheduler;
        size_t count;
        const double *rates = read_reference(&arena, cases[c].name, &count);
        const double *momenta = read_reference(&arena, cases[c].momentum, &count);
        assert_int_equal(count, EPOCHS * BATCHES);
        scheduler.kind = EG_SCHEDULE_ONE_CYCLE;
        scheduler.cycle_momentum = true;
        for (int64_t step = 0; step < EPOCHS * BATCHES; step++) {
            const eg_moment at = {step / BATCHES, EPOCHS, step % BATCHES, BATCHES, 0};
            near(rate(&scheduler, EPOCHS, at.epoch, at.step), rates[step]);
            near(eg_schedule_momentum(&scheduler, &at), momenta[step]);
        }
    }
    eg_arena_clear(&arena);
}

static void plateaus_equal_pytorch(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool smaller;
        eg_scheduler_section scheduler;
    } cases[] = {
        {"plateau", true, {.factor = 0.1, .patience = 2, .threshold = 1e-4, .eps = 1e-8}},
        {"plateau_abs",
         false,
         {.factor = 0.5,
          .patience = 1,
          .threshold = 0.05,
          .threshold_mode = EG_THRESHOLD_ABS,
          .cooldown = 2,
          .min_lr = 0.02,
          .eps = 1e-8}},
    };
    eg_arena arena = {0};
    size_t count;
    const double *values = read_reference(&arena, "plateau_values", &count);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        eg_scheduler_section scheduler = cases[c].scheduler;
        eg_plateau plateau = {0};
        const double *rates = read_reference(&arena, cases[c].name, &count);
        scheduler.kind = EG_SCHEDULE_PLATEAU;
        for (size_t i = 0; i < count; i++) {
            eg_plateau_step(&plateau, &scheduler, cases[c].smaller, values[i]);
            const eg_moment at = {.steps = 1, .reductions = plateau.reductions};
            near(eg_schedule_lr(&scheduler, 0.1, &at), rates[i]);
        }
        assert_true(plateau.reductions > 1);
    }
    eg_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(epochs_equal_pytorch),
        cmocka_unit_test(cycles_equal_pytorch_step_by_step),
        cmocka_unit_test(plateaus_equal_pytorch),
        cmocka_unit_test(warmup_moves_with_every_step),
        cmocka_unit_test(constant_stays_and_warmup_may_fill_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
