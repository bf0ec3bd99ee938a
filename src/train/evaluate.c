#include "train/evaluate.h"

#include <math.h>
#include <string.h>

#include "base/log.h"

static double mean(double sum, const eg_loss *score)
{
    return score->samples ? sum / (double)score->samples : 0;
}

double eg_score_loss(const eg_loss *score)
{
    return score->weight > 0 ? score->sum / score->weight : 0;
}

double eg_score_accuracy(const eg_loss *score)
{
    return mean((double)score->correct, score);
}

double eg_score_macro_f1(const int64_t *confusion, int64_t classes)
{
    double sum = 0;
    int64_t present = 0;
    for (int64_t c = 0; c < classes; c++) {
        int64_t labelled = 0, predicted = 0, right = confusion[c * classes + c];
        for (int64_t k = 0; k < classes; k++) {
            labelled += confusion[c * classes + k];
            predicted += confusion[k * classes + c];
        }
        if (labelled + predicted == 0) continue;
        present++;
        sum += 2.0 * (double)right / (double)(labelled + predicted);
    }
    return present ? sum / (double)present : 0;
}

double eg_score_top5(const eg_loss *score)
{
    return mean((double)score->top5, score);
}

static bool finite_row(const float *logits, int64_t classes)
{
    for (int64_t c = 0; c < classes; c++)
        if (!isfinite(logits[c])) return false;
    return true;
}

static bool score_batch(const eg_evaluator *evaluator, const eg_dataset *dataset, int64_t at, int64_t n,
                        eg_evaluation *out, eg_error *err)
{
    const float *logits = eg_exec_output(evaluator->exec);
    for (int64_t i = 0; i < n; i++, logits += evaluator->classes) {
        const eg_sample *sample = &dataset->samples[at + i];
        eg_prediction prediction = {.label = sample->label};
        if (!finite_row(logits, evaluator->classes))
            return eg_fail(err, EG_DIVERGED, "the network's output for '%s' is not finite (NaN or infinity)",
                           sample->file);
        prediction.predicted = eg_loss_predict(logits, evaluator->classes, &prediction.probability);
        if (out->predictions) out->predictions[at + i] = prediction;
        if (out->logits)
            memcpy(out->logits + (at + i) * evaluator->classes, logits,
                   (size_t)evaluator->classes * sizeof *logits);
        if (sample->label < 0) continue;
        const eg_criterion plain = {.kind = EG_LOSS_CROSS_ENTROPY};
        eg_loss loss;
        eg_loss_compute(&plain, logits, &sample->label, 1, evaluator->classes, 1, NULL, &loss);
        eg_loss_add(&out->score, &loss);
        if (out->confusion) out->confusion[sample->label * evaluator->classes + prediction.predicted]++;
    }
    return true;
}

bool eg_evaluate(const eg_evaluator *evaluator, const eg_dataset *dataset, const eg_pipeline *pipeline,
                 eg_evaluation *out, eg_error *err)
{
    eg_arena arena = {0};
    int64_t count = (int64_t)dataset->count;
    int64_t *order = EG_NEW_ARRAY(&arena, int64_t, dataset->count);
    for (int64_t i = 0; i < count; i++) order[i] = i;
    out->score = (eg_loss){0};
    out->classes = evaluator->classes;
    bool ok = true;
    for (int64_t at = 0; ok && at < count; at += evaluator->batch) {
        int64_t n = count - at < evaluator->batch ? count - at : evaluator->batch;
        ok = !(evaluator->stop && evaluator->stop(err)) &&
             eg_batch_load(pipeline, dataset, order + at, n, 0, 0, evaluator->pool,
                           eg_exec_input(evaluator->exec), NULL, err);
        if (!ok) break;
        eg_exec_forward(evaluator->exec, n, false, 0);
        ok = score_batch(evaluator, dataset, at, n, out, err);
        eg_log_progress(evaluator->label, (uint64_t)(at + n), dataset->count, "");
    }
    eg_log_progress_end();
    eg_arena_clear(&arena);
    return ok;
}
