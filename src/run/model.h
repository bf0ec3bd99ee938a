/* A network with its weights, ready to be used, read from one file. */
#ifndef ENGRAFT_RUN_MODEL_H
#define ENGRAFT_RUN_MODEL_H

#include "engraft/net.h"
#include "engraft/problem.h"
#include "net/weights.h"

typedef struct eg_model {
    const eg_net *net;
    eg_weights weights;
    const char *const *classes;
    size_t class_count; /* 0: unknown */
    eg_transform_list preprocess;
} eg_model;

/* Reads a model that engraft wrote; its card says what it is. A file without a card is fine when model->net,
 * classes and preprocess are set: then its tensors must be that network's. All names and shapes must fit. The
 * arena owns all but the weights' block, which eg_model_clear frees. */
bool eg_model_read(eg_model *model, eg_arena *arena, const char *path, eg_problems *problems, eg_error *err);
void eg_model_clear(eg_model *model);

#endif
