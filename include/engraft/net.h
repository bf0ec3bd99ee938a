/* The network: a graph of operators over activations, with named parameters. Built from an architecture file;
 * const afterwards. The state dict's names, order, shapes and dtypes are PyTorch's. */
#ifndef ENGRAFT_NET_H
#define ENGRAFT_NET_H

#include "engraft/problem.h"
#include "engraft/recipe.h"
#include "engraft/tensor.h"

#define EG_VALUE_RANK  4
#define EG_NODE_PARAMS 8

/* The shape of an activation of ONE sample, channels last: images are (height, width, channels), vectors
 * (features), token sequences (tokens, features). */
typedef struct eg_value {
    uint32_t rank;
    int64_t dims[EG_VALUE_RANK];
} eg_value;

/* A parameter or buffer: one entry of the state dict. */
typedef struct eg_param {
    const char *name;        /* "layer1.0.conv1.weight" */
    eg_shape shape;          /* PyTorch's */
    eg_dtype dtype;          /* F32, or I64 for num_batches_tracked */
    bool buffer;             /* not trained: running statistics, counters */
    eg_init init;            /* the layer's default, with all numbers filled in (never EG_INIT_DEFAULT) */
    int64_t fan_in, fan_out; /* of the layer, for kaiming and xavier */
    int32_t node;            /* a node that uses it; -1: the result does not depend on it */
    const int64_t *content;  /* of an I64 buffer that is constant (an index table); NULL: made by init */
} eg_param;

/* One step of the data flow. */
typedef struct eg_node {
    const struct eg_op *op;
    const char
        *path; /* of the module that made it, "layer1.0.conv1"; for functions the calling module's path */
    eg_place place;   /* in the architecture file */
    const void *attr; /* the operator's own struct (conv2d's stride, …), in the net's arena */
    int32_t *inputs;  /* values */
    int32_t input_count;
    int32_t output;                 /* value */
    int32_t params[EG_NODE_PARAMS]; /* indices into the net's params, -1: absent; the operator says which is
                                       which */
    int32_t param_count;
} eg_node;

/* A module of the tree, for `_metadata`, and for showing the tree. Parents come before children, in file
 * order. */
typedef struct eg_module {
    const char *path; /* "" for the root */
    const char *type; /* "conv2d", the block's name, "Sequential", "Module" */
    int64_t version;  /* PyTorch's state-dict version: batch_norm2d 2, others 1 */
} eg_module;

typedef struct eg_net {
    const char *arch; /* family name */
    const char *text; /* the architecture file's text */
    const char *args; /* the arguments in force as a flow mapping: "{num_classes: 2, width: 0.25}" */
    eg_value *values; /* value 0 is the input */
    int32_t value_count;
    eg_node *nodes; /* topological order */
    int32_t node_count;
    eg_param *params; /* state-dict order */
    int32_t param_count;
    eg_module *modules;
    int32_t module_count;
    int32_t output; /* value of the result */
} eg_net;

/* Reads an architecture (a path, or a shipped name) and builds the network with the given arguments: a
 * mapping document, or NULL; its keys `arch`, `classes` and `manifest` are ignored. Problems as for recipes.
 * The arena owns the result. */
const eg_net *eg_net_read(eg_arena *arena, const char *arch, const struct eg_doc *args, eg_problems *problems,
                          eg_error *err);
/* The same from a text (a model's card); name is used in messages. */
const eg_net *eg_net_parse(eg_arena *arena, const char *name, const char *text, const struct eg_doc *args,
                           eg_problems *problems, eg_error *err);
/* "(56, 56, 64)", in the arena. */
const char *eg_value_text(eg_arena *arena, const eg_value *value);
/* Elements of one sample. */
int64_t eg_value_numel(const eg_value *value);
/* Multiply-adds of one sample's forward pass, summed over the nodes, times two. */
double eg_net_flops(const eg_net *net);
/* The position of the parameter of that name, or -1. */
int32_t eg_net_param_find(const eg_net *net, const char *name);

#endif
