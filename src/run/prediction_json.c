#include "run/prediction_json.h"

static void add_class(eg_json *in, const char *key, const eg_dataset *dataset, int32_t label)
{
    if (label < 0)
        eg_json_null(in, key);
    else if ((size_t)label < dataset->class_count)
        eg_json_string(in, key, dataset->classes[label]);
    else
        eg_json_int(in, key, label);
}

static eg_json *prediction_json(const eg_dataset *dataset, const eg_evaluation *evaluation, size_t i)
{
    const eg_prediction *prediction = &evaluation->predictions[i];
    eg_json *json = eg_json_object();
    eg_json_string(json, "file", dataset->samples[i].file);
    add_class(json, "label", dataset, prediction->label);
    add_class(json, "pred", dataset, prediction->predicted);
    eg_json_real(json, "prob", prediction->probability);
    if (!evaluation->logits) return json;
    eg_json *logits = eg_json_array();
    for (int64_t c = 0; c < evaluation->classes; c++)
        eg_json_real(logits, NULL, evaluation->logits[(int64_t)i * evaluation->classes + c]);
    eg_json_add(json, "logits", logits);
    return json;
}

eg_json *eg_predictions_json(const eg_dataset *dataset, const eg_evaluation *evaluation)
{
    eg_json *list = eg_json_array();
    for (size_t i = 0; i < dataset->count; i++)
        eg_json_add(list, NULL, prediction_json(dataset, evaluation, i));
    return list;
}
