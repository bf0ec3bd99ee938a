/* Predictions as JSON, the same for `eval --predictions` and `predict`. */
#ifndef ENGRAFT_RUN_PREDICTION_JSON_H
#define ENGRAFT_RUN_PREDICTION_JSON_H

#include "format/json.h"
#include "train/evaluate.h"

/* [{"file", "label", "pred", "prob", "logits"}]: class names where they are known, else positions; label null
 * where it is unknown; logits where the evaluation holds them. The caller frees the result. */
eg_json *eg_predictions_json(const eg_dataset *dataset, const eg_evaluation *evaluation);

#endif
