/* engraft eval: a model's accuracy on a recipe's validation set, or on a folder of images. */
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "engraft/run.h"
#include "run/interrupt.h"
#include "run/model.h"
#include "run/outputs.h"
#include "run/prediction_json.h"
#include "run/samples.h"
#include "run/target.h"
#include "run/transfer.h"

enum { STANDARD_BATCH = 32 };

typedef struct job {
    const eg_run_options *options;
    eg_arena arena;
    const eg_recipe *recipe;
    eg_transfer transfer; /* open when the plan's weights are evaluated */
    eg_model model;
    eg_samples samples;
    eg_pool *pool;
    eg_exec *exec;
    eg_evaluation result;
} job;

/* The model that a run of the recipe wrote. */
static const char *trained_model(job *eval, eg_error *err)
{
    const eg_output_section *output = &eval->recipe->output;
    const char *path =
        output->checkpoint && !eval->options->out
            ? output->checkpoint
            : eg_outputs_best(&eval->arena, eval->recipe, eg_outputs_dir(eval->recipe, eval->options));
    if (eg_path_exists(path)) return path;
    eg_fail(err, EG_SYSTEM,
            "this recipe's trained model does not exist yet; run `engraft run %s` first, or name a model "
            "with --model",
            eval->recipe->path);
    eg_error_in(err, path);
    return NULL;
}

/* The model as the recipe describes it, for files without a card. */
static void describe(job *eval, const eg_net *net)
{
    eval->model.net = net;
    eval->model.classes = eval->recipe->target.classes;
    eval->model.class_count = eval->recipe->target.class_count;
    eval->model.preprocess = eval->recipe->data.preprocess;
}

static bool read_model(job *eval, const char *path, eg_error *err)
{
    const eg_target_section *target = &eval->recipe->target;
    const eg_net *net = eg_target_runs(eval->recipe, err)
                            ? eg_target_read(&eval->arena, target, eval->options->problems, err)
                            : NULL;
    if (!net) return false;
    describe(eval, net);
    return eg_model_read(&eval->model, &eval->arena, path, eval->options->problems, err);
}

/* --model, else what the recipe trains, else the weights as its plan makes them. */
static bool open_model(job *eval, eg_error *err)
{
    const char *path = eval->options->model;
    if (!path && eval->recipe->train.given) {
        path = trained_model(eval, err);
        if (!path) return false;
    }
    if (path) return read_model(eval, path, err);
    if (!eg_target_runs(eval->recipe, err) ||
        !eg_transfer_open(&eval->transfer, &eval->arena, eval->options, err))
        return false;
    describe(eval, eval->transfer.net);
    return eg_transfer_apply(&eval->transfer, &eval->arena, &eval->model.weights, err);
}

static bool open_data(job *eval, eg_error *err)
{
    const eg_data_set folder = {.kind = EG_DATA_FOLDER, .folder = eval->options->data};
    const eg_data_set *set =
        eval->options->data ? eg_arena_copy(&eval->arena, &folder, sizeof folder) : &eval->recipe->data.val;
    if (set->kind == EG_DATA_NONE)
        return eg_fail_at(err, EG_RECIPE, (eg_place){.file = eval->recipe->path},
                          "the recipe has no data.val to evaluate on; add one, or name a folder with --data");
    return eg_samples_open_val(&eval->samples, &eval->arena, set, eval->model.classes,
                               eval->model.class_count, eval->model.preprocess, eval->model.net,
                               eval->recipe->target.place, err);
}

static bool evaluate(job *eval, eg_error *err)
{
    const eg_train_section *train = &eval->recipe->train;
    const eg_dataset *val = eval->samples.val;
    int64_t batch = train->given ? train->batch_size : STANDARD_BATCH;
    int64_t classes = eval->model.net->values[eval->model.net->output].dims[0];
    if (batch > (int64_t)val->count) batch = (int64_t)val->count;
    eval->pool = eg_pool_new(eval->options->threads ? eval->options->threads : (int)train->threads, err);
    if (!eval->pool) return false;
    eg_exec_options options = {.batch = batch, .pool = eval->pool};
    eval->exec = eg_exec_new(eval->model.net, &eval->model.weights, &options, err);
    if (!eval->exec) return false;
    eval->result.confusion = EG_NEW_ARRAY(&eval->arena, int64_t, (size_t)(classes * classes));
    eval->result.predictions = EG_NEW_ARRAY(&eval->arena, eg_prediction, val->count);
    eg_evaluator evaluator = {.exec = eval->exec,
                              .batch = batch,
                              .classes = classes,
                              .pool = eval->pool,
                              .label = "evaluating",
                              .stop = eg_interrupt_check};
    return eg_evaluate(&evaluator, val, &eval->samples.val_pipeline, &eval->result, err);
}

static eg_json *confusion_json(const eg_evaluation *result)
{
    eg_json *rows = eg_json_array();
    for (int64_t i = 0; i < result->classes; i++) {
        eg_json *row = eg_json_array();
        for (int64_t j = 0; j < result->classes; j++)
            eg_json_int(row, NULL, result->confusion[i * result->classes + j]);
        eg_json_add(rows, NULL, row);
    }
    return rows;
}

static bool print_json(const job *eval, eg_error *err)
{
    const eg_dataset *val = eval->samples.val;
    const eg_loss *score = &eval->result.score;
    eg_json *json = eg_json_object(), *classes = eg_json_array();
    eg_json_int(json, "samples", score->samples);
    eg_json_real(json, "loss", eg_score_loss(score));
    eg_json_real(json, "accuracy", eg_score_accuracy(score));
    eg_json_real(json, "top5", eg_score_top5(score));
    for (size_t i = 0; i < val->class_count; i++) eg_json_string(classes, NULL, val->classes[i]);
    eg_json_add(json, "classes", classes);
    eg_json_add(json, "confusion", confusion_json(&eval->result));
    if (eval->options->predictions) eg_json_add(json, "predictions", eg_predictions_json(val, &eval->result));
    bool ok = eg_json_print(json, stdout, err);
    eg_json_free(json);
    return ok;
}

/* Columns (UTF-8 characters) that a name takes. */
static int columns(const char *name)
{
    int width = 0;
    for (; *name; name++) width += ((unsigned char)*name & 0xC0) != 0x80;
    return width;
}

static void print_confusion(const job *eval)
{
    enum { MOST = 12 };
    const eg_dataset *val = eval->samples.val;
    int64_t classes = eval->result.classes;
    int width = 6;
    if (classes > MOST) return;
    for (int64_t i = 0; i < classes; i++)
        if (columns(val->classes[i]) > width) width = columns(val->classes[i]);
    printf("confusion  %*s  as predicted\n", width, "true");
    printf("           %*s", width, "");
    for (int64_t j = 0; j < classes; j++)
        printf("  %*s%s", width - columns(val->classes[j]), "", val->classes[j]);
    for (int64_t i = 0; i < classes; i++) {
        printf("\n           %*s%s", width - columns(val->classes[i]), "", val->classes[i]);
        for (int64_t j = 0; j < classes; j++)
            printf("  %*" PRId64, width, eval->result.confusion[i * classes + j]);
    }
    printf("\n");
}

static void print_predictions(const job *eval)
{
    const eg_dataset *val = eval->samples.val;
    for (size_t i = 0; i < val->count; i++) {
        const eg_prediction *prediction = &eval->result.predictions[i];
        printf("%s  %s  %s  %.4f\n", val->samples[i].file, val->classes[prediction->label],
               val->classes[prediction->predicted], prediction->probability);
    }
}

static bool print_result(const job *eval, eg_error *err)
{
    const eg_loss *score = &eval->result.score;
    if (eval->options->json) return print_json(eval, err);
    if (eval->options->predictions) print_predictions(eval);
    printf("samples    %" PRId64 "\n", score->samples);
    printf("loss       %.4f\n", eg_score_loss(score));
    printf("accuracy   %.4f (%" PRId64 " of %" PRId64 ")\n", eg_score_accuracy(score), score->correct,
           score->samples);
    if (eval->result.classes > 5) printf("top-5      %.4f\n", eg_score_top5(score));
    print_confusion(eval);
    return true;
}

bool eg_run_eval(const eg_run_options *options, eg_error *err)
{
    job eval = {.options = options};
    eval.recipe = eg_recipe_read(&eval.arena, options->recipe, options->overrides, options->override_count,
                                 options->problems, err);
    bool ok = eval.recipe && open_model(&eval, err) && open_data(&eval, err) && evaluate(&eval, err) &&
              print_result(&eval, err);
    eg_exec_free(eval.exec);
    eg_pool_free(eval.pool);
    eg_model_clear(&eval.model);
    eg_transfer_close(&eval.transfer);
    eg_arena_clear(&eval.arena);
    return ok;
}
