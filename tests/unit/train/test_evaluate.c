#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "task.h"
#include "train/evaluate.h"

enum { SAMPLES = 50 };

/* Evaluates with a batch size; predictions and logits are freed with the arena. */
static eg_evaluation evaluate(toy_task *task, int64_t batch, int threads)
{
    eg_error err = {0};
    eg_pool *pool = eg_pool_new(threads, NULL);
    eg_exec_options options = {.batch = batch, .pool = pool};
    eg_exec *exec = eg_exec_new(task->net, &task->weights, &options, &err);
    assert_non_null(exec);
    eg_evaluator evaluator = {
        .exec = exec, .batch = batch, .classes = TASK_CLASSES, .pool = pool, .label = "test"};
    eg_evaluation out = {
        .confusion = EG_NEW_ARRAY(&task->arena, int64_t, TASK_CLASSES * TASK_CLASSES),
        .predictions = EG_NEW_ARRAY(&task->arena, eg_prediction, SAMPLES),
        .logits = EG_NEW_ARRAY(&task->arena, float, SAMPLES *TASK_CLASSES),
    };
    assert_true(eg_evaluate(&evaluator, task->data, &task->pipeline, &out, &err));
    eg_exec_free(exec);
    eg_pool_free(pool);
    return out;
}

/* Everything is recomputed from the logits. */
static void sums_agree_with_the_logits(void **state)
{
    (void)state;
    toy_task task;
    task_open(&task, SAMPLES, architecture);
    eg_evaluation out = evaluate(&task, 16, 2);
    int64_t correct = 0, counted = 0;
    double loss = 0;
    for (int s = 0; s < SAMPLES; s++) {
        const float *row = out.logits + (int64_t)s * TASK_CLASSES;
        int label = s % TASK_CLASSES, best = 0;
        double sum = 0;
        for (int c = 0; c < TASK_CLASSES; c++) {
            if (row[c] > row[best]) best = c;
            sum += exp(row[c]);
        }
        loss += log(sum) - row[label];
        correct += best == label;
        assert_int_equal(out.predictions[s].label, label);
        assert_int_equal(out.predictions[s].predicted, best);
        assert_true(fabs(out.predictions[s].probability - exp(row[best]) / sum) < 1e-9);
    }
    assert_int_equal(out.score.samples, SAMPLES);
    assert_int_equal(out.score.correct, correct);
    assert_int_equal(out.score.top5, SAMPLES);
    assert_true(fabs(eg_score_loss(&out.score) - loss / SAMPLES) < 1e-9);
    for (int i = 0; i < TASK_CLASSES * TASK_CLASSES; i++) counted += out.confusion[i];
    assert_int_equal(counted, SAMPLES);
    int64_t diagonal = out.confusion[0] + out.confusion[4] + out.confusion[8];
    assert_int_equal(diagonal, correct);
    task_close(&task);
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    toy_task task;
    task_open(&task, SAMPLES, architecture);
    eg_evaluation one = evaluate(&task, 16, 1);
    for (int threads = 2; threads <= 3; threads++) {
        eg_evaluation many = evaluate(&task, 16, threads);
        assert_memory_equal(one.logits, many.logits, SAMPLES * TASK_CLASSES * sizeof(float));
        assert_true(one.score.sum == many.score.sum);
    }
    task_close(&task);
}

/* Unknown labels are predicted and not scored; an output that is not finite is named. */
static void unknown_labels_and_bad_outputs(void **state)
{
    (void)state;
    toy_task task;
    task_open(&task, SAMPLES, architecture);
    for (int s = 0; s < SAMPLES; s++) task.data->samples[s].label = -1;
    eg_evaluation out = evaluate(&task, 16, 1);
    assert_int_equal(out.score.samples, 0);
    assert_true(eg_score_loss(&out.score) == 0 && out.predictions[7].label == -1);

    eg_error err = {0};
    eg_pool *pool = eg_pool_new(1, NULL);
    int32_t bias = eg_net_param_find(task.net, "fc.bias");
    ((float *)task.weights.data[bias])[1] = NAN;
    eg_exec_options options = {.batch = 4, .pool = pool};
    eg_exec *exec = eg_exec_new(task.net, &task.weights, &options, &err);
    eg_evaluator evaluator = {
        .exec = exec, .batch = 4, .classes = TASK_CLASSES, .pool = pool, .label = "test"};
    eg_evaluation bad = {0};
    assert_false(eg_evaluate(&evaluator, task.data, &task.pipeline, &bad, &err));
    assert_int_equal(err.code, EG_DIVERGED);
    assert_non_null(strstr(err.text, "#0"));
    eg_exec_free(exec);
    eg_pool_free(pool);
    task_close(&task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_agree_with_the_logits),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(unknown_labels_and_bad_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
