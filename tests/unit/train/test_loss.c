#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "reference.h"
#include "train/loss.h"

enum { SAMPLES = 6, CLASSES = 8 };

static const eg_criterion plain = {.kind = EG_LOSS_CROSS_ENTROPY};
static const eg_criterion smooth = {.kind = EG_LOSS_CROSS_ENTROPY, .smoothing = 0.1};

/* Logits, labels and the reference's results for three smoothings. */
static void equals_pytorch(void **state)
{
    (void)state;
    static const double weights[CLASSES] = {0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2};
    static const struct {
        eg_criterion criterion;
        const char *loss, *gradient;
    } cases[] = {
        {{.kind = EG_LOSS_CROSS_ENTROPY}, "loss_0.0", "gradient_0.0"},
        {{.kind = EG_LOSS_CROSS_ENTROPY, .smoothing = 0.1}, "loss_0.1", "gradient_0.1"},
        {{.kind = EG_LOSS_CROSS_ENTROPY, .smoothing = 1}, "loss_1.0", "gradient_1.0"},
        {{.kind = EG_LOSS_CROSS_ENTROPY, .weights = weights}, "loss_weighted", "gradient_weighted"},
        {{.kind = EG_LOSS_CROSS_ENTROPY, .smoothing = 0.1, .weights = weights},
         "loss_weighted_smooth",
         "gradient_weighted_smooth"},
        {{.kind = EG_LOSS_FOCAL, .gamma = 2, .weights = weights}, "loss_focal", "gradient_focal"},
        {{.kind = EG_LOSS_FOCAL, .gamma = 0.5}, "loss_focal_0.5", "gradient_focal_0.5"},
        {{.kind = EG_LOSS_BCE}, "loss_bce", "gradient_bce"},
    };
    eg_arena arena = {0};
    size_t count;
    const float *logits = read_reference_f32(&arena, "logits", &count);
    assert_int_equal(count, SAMPLES * CLASSES);
    const double *numbers = read_reference(&arena, "labels", &count);
    int32_t labels[SAMPLES];
    for (int i = 0; i < SAMPLES; i++) labels[i] = (int32_t)numbers[i];
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        float grad[SAMPLES * CLASSES];
        eg_loss loss;
        double weight = 0;
        for (int i = 0; i < SAMPLES; i++) weight += eg_loss_weight(&cases[c].criterion, labels[i]);
        eg_loss_compute(&cases[c].criterion, logits, labels, SAMPLES, CLASSES, weight, grad, &loss);
        assert_true(loss.weight == weight);
        double expected = *read_reference(&arena, cases[c].loss, &count);
        assert_true(fabs(loss.sum / loss.weight - expected) < 1e-6 * expected);
        const double *gradient = read_reference(&arena, cases[c].gradient, &count);
        for (size_t i = 0; i < SAMPLES * CLASSES; i++) assert_true(fabs(grad[i] - gradient[i]) < 1e-7);
        assert_int_equal(loss.correct, (int)*read_reference(&arena, "correct", &count));
        assert_int_equal(loss.top5, (int)*read_reference(&arena, "top5", &count));
    }
    eg_arena_clear(&arena);
}

/* exp(1000) is infinite in any float: only the shifted form survives. */
static void large_logits_stay_finite(void **state)
{
    (void)state;
    const float logits[3] = {1000, 0, -1000};
    const int32_t right = 0, wrong = 2;
    float grad[3];
    eg_loss loss;
    eg_loss_compute(&plain, logits, &right, 1, 3, 1, grad, &loss);
    assert_true(loss.sum == 0 && grad[0] == 0 && grad[2] == 0);
    eg_loss_compute(&plain, logits, &wrong, 1, 3, 1, grad, &loss);
    assert_true(fabs(loss.sum - 2000) < 1e-9 && grad[0] == 1 && grad[2] == -1);
}

static void a_logit_that_is_not_finite_shows(void **state)
{
    (void)state;
    const int32_t label = 0;
    const float bad[3] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 2; i++) {
        float logits[3] = {0, bad[i], 0};
        eg_loss loss;
        eg_loss_compute(&smooth, logits, &label, 1, 3, 1, NULL, &loss);
        assert_false(isfinite(loss.sum));
    }
}

/* Like torch.argmax, the first of equal logits wins; with five classes or fewer everything is among the five
 * best. */
static void equal_logits_rank_by_index(void **state)
{
    (void)state;
    const float logits[2][4] = {{1, 1, 1, 1}, {1, 1, 1, 1}};
    const int32_t labels[2] = {0, 3};
    eg_loss loss;
    double probability;
    eg_loss_compute(&plain, logits[0], labels, 2, 4, 2, NULL, &loss);
    assert_int_equal(loss.correct, 1);
    assert_int_equal(loss.top5, 2);
    assert_int_equal(eg_loss_predict(logits[0], 4, &probability), 0);
    assert_true(fabs(probability - 0.25) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_pytorch),
        cmocka_unit_test(large_logits_stay_finite),
        cmocka_unit_test(a_logit_that_is_not_finite_shows),
        cmocka_unit_test(equal_logits_rank_by_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
