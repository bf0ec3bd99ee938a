#include "run/result.h"

#include <inttypes.h>
#include <stdio.h>

#include "format/json.h"
#include "train/evaluate.h"

static eg_json *best_json(const eg_result *result)
{
    eg_json *json = eg_json_object();
    eg_json_int(json, "epoch", result->epoch);
    eg_json_int(json, "samples", result->score.samples);
    eg_json_real(json, "loss", eg_score_loss(&result->score));
    eg_json_real(json, "accuracy", eg_score_accuracy(&result->score));
    eg_json_real(json, "top5", eg_score_top5(&result->score));
    return json;
}

/* Of the phase that freezes least: these never changed. */
static size_t least_frozen(const eg_result *result)
{
    size_t least = result->phase_count ? result->phases[0].frozen : 0;
    for (size_t i = 1; i < result->phase_count; i++)
        if (result->phases[i].frozen < least) least = result->phases[i].frozen;
    return least;
}

static eg_json *phases_json(const eg_result *result)
{
    eg_json *list = eg_json_array();
    for (size_t i = 0; i < result->phase_count; i++) {
        const eg_tuned_phase *phase = &result->phases[i];
        eg_json *json = eg_json_object();
        eg_json_string(json, "name", phase->name);
        eg_json_int(json, "epochs", phase->epochs);
        eg_json_int(json, "frozen_unchanged", (int64_t)phase->frozen);
        eg_json_int(json, "first_time", (int64_t)phase->first_time);
        eg_json_add(list, NULL, json);
    }
    return list;
}

static bool print_json(const eg_result *result, eg_error *err)
{
    eg_json *json = eg_json_object(), *files = eg_json_array();
    if (result->score.samples) eg_json_add(json, "best", best_json(result));
    if (result->trained) {
        eg_json_int(json, "frozen_unchanged", (int64_t)least_frozen(result));
        eg_json_add(json, "phases", phases_json(result));
    }
    for (size_t i = 0; i < result->file_count; i++) eg_json_string(files, NULL, result->files[i]);
    eg_json_add(json, "files", files);
    bool ok = eg_json_print(json, stdout, err);
    eg_json_free(json);
    return ok;
}

static void print_phase(const eg_tuned_phase *phase, bool named)
{
    if (named)
        printf("phase      %s: %" PRId64 " epochs; %zu tensors began with zero momentum\n", phase->name,
               phase->epochs, phase->first_time);
    if (phase->frozen)
        printf("frozen     %zu tensors proved unchanged%s%s, bit for bit\n", phase->frozen,
               named ? " by phase " : "", named ? phase->name : "");
}

static void print_text(const eg_result *result)
{
    const eg_loss *score = &result->score;
    if (score->samples)
        printf("best       epoch %" PRId64 ": validation accuracy %.4f (%" PRId64 " of %" PRId64
               "), loss %.4f\n",
               result->epoch, eg_score_accuracy(score), score->correct, score->samples, eg_score_loss(score));
    for (size_t i = 0; i < result->phase_count; i++) print_phase(&result->phases[i], result->phase_count > 1);
    for (size_t i = 0; i < result->file_count; i++) printf("%-11s%s\n", i ? "" : "written", result->files[i]);
}

bool eg_result_print(const eg_result *result, bool json, eg_error *err)
{
    if (json) return print_json(result, err);
    print_text(result);
    return true;
}
