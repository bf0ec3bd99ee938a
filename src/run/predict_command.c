/* engraft predict: what a model says about images. */
#include <string.h>

#include "base/str.h"
#include "engraft/run.h"
#include "run/interrupt.h"
#include "run/model.h"
#include "run/prediction_json.h"
#include "run/samples.h"

enum { MOST_BATCH = 32 };

typedef struct job {
    const eg_predict_options *options;
    eg_arena arena;
    eg_model model;
    eg_data_set set;
    eg_dataset images; /* the files named, labels unknown */
    eg_pipeline pipeline;
    eg_pool *pool;
    eg_exec *exec;
    eg_evaluation result;
} job;

static const char **class_names(job *predict, int64_t classes)
{
    const char **names = EG_NEW_ARRAY(&predict->arena, const char *, (size_t)classes);
    bool known = predict->model.class_count == (size_t)classes;
    for (int64_t c = 0; c < classes; c++)
        names[c] = known ? predict->model.classes[c] : eg_arena_printf(&predict->arena, "%lld", (long long)c);
    return names;
}

static void list_images(job *predict, int64_t classes)
{
    const eg_predict_options *options = predict->options;
    eg_sample *samples = EG_NEW_ARRAY(&predict->arena, eg_sample, options->image_count);
    for (size_t i = 0; i < options->image_count; i++)
        samples[i] = (eg_sample){.file = options->images[i], .label = -1};
    predict->set = (eg_data_set){.kind = EG_DATA_FOLDER};
    predict->images = (eg_dataset){
        .spec = &predict->set,
        .samples = samples,
        .count = options->image_count,
        .classes = class_names(predict, classes),
        .class_count = (size_t)classes,
        .channels = (int)predict->model.net->values[0].dims[2],
    };
}

static bool open_all(job *predict, eg_error *err)
{
    const eg_predict_options *options = predict->options;
    eg_model *model = &predict->model;
    if (!eg_model_read(model, &predict->arena, options->model, options->problems, err)) return false;
    if (!eg_samples_check_net(&predict->arena, model->net, (eg_place){.file = options->model}, err) ||
        !eg_samples_pipeline(&predict->pipeline, &predict->arena, model->preprocess, (eg_transform_list){0},
                             model->net, err))
        return false;
    predict->pool = eg_pool_new(options->threads, err);
    return predict->pool != NULL;
}

static bool classify(job *predict, eg_error *err)
{
    const eg_net *net = predict->model.net;
    int64_t classes = net->values[net->output].dims[0], count = (int64_t)predict->options->image_count;
    int64_t batch = count < MOST_BATCH ? count : MOST_BATCH;
    list_images(predict, classes);
    eg_exec_options options = {.batch = batch, .pool = predict->pool};
    predict->exec = eg_exec_new(net, &predict->model.weights, &options, err);
    if (!predict->exec) return false;
    predict->result.predictions = EG_NEW_ARRAY(&predict->arena, eg_prediction, (size_t)count);
    predict->result.logits = EG_NEW_ARRAY(&predict->arena, float, (size_t)(count * classes));
    eg_evaluator evaluator = {.exec = predict->exec,
                              .batch = batch,
                              .classes = classes,
                              .pool = predict->pool,
                              .label = "predicting",
                              .stop = eg_interrupt_check};
    return eg_evaluate(&evaluator, &predict->images, &predict->pipeline, &predict->result, err);
}

static void print_text(const job *predict)
{
    int file_width = 0, class_width = 0;
    const eg_dataset *images = &predict->images;
    for (size_t i = 0; i < images->count; i++) {
        int file = (int)strlen(images->samples[i].file);
        int name = (int)strlen(images->classes[predict->result.predictions[i].predicted]);
        if (file > file_width) file_width = file;
        if (name > class_width) class_width = name;
    }
    for (size_t i = 0; i < images->count; i++) {
        const eg_prediction *prediction = &predict->result.predictions[i];
        printf("%-*s  %-*s  %.4f\n", file_width, images->samples[i].file, class_width,
               images->classes[prediction->predicted], prediction->probability);
    }
}

static bool print_result(const job *predict, eg_error *err)
{
    if (!predict->options->json) {
        print_text(predict);
        return true;
    }
    eg_json *json = eg_predictions_json(&predict->images, &predict->result);
    bool ok = eg_json_print(json, stdout, err);
    eg_json_free(json);
    return ok;
}

bool eg_run_predict(const eg_predict_options *options, eg_error *err)
{
    job predict = {.options = options};
    bool ok = open_all(&predict, err) && classify(&predict, err) && print_result(&predict, err);
    eg_exec_free(predict.exec);
    eg_pool_free(predict.pool);
    eg_model_clear(&predict.model);
    eg_arena_clear(&predict.arena);
    return ok;
}
