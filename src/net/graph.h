/* The graph while it is traced: values, and nodes in the order in which they were applied. */
#ifndef ENGRAFT_NET_GRAPH_H
#define ENGRAFT_NET_GRAPH_H

#include "net/op.h"

/* What a layer has of its own: parameters that all its nodes share. */
typedef struct eg_layer {
    const eg_op *op;
    const void *attr; /* from the arguments alone; each node completes its own copy */
    bool applied;     /* then: */
    eg_param *params; /* as infer gave them; those with a NULL name are absent */
    int32_t param_count;
    int32_t positions[EG_NODE_PARAMS]; /* in the net's params, once they are collected; -1: absent */
    int32_t node;                      /* the first node; -1: none that the result depends on */
} eg_layer;

typedef struct eg_graph {
    eg_arena *arena;
    eg_value *values;
    int32_t value_count, value_capacity;
    eg_node *nodes;
    eg_layer **layers; /* of each node; NULL: a function */
    int32_t node_count, node_capacity;
} eg_graph;

/* A new value of that shape. */
int32_t eg_graph_value(eg_graph *graph, const eg_value *shape);
/* Applies an operator: of a layer, whose parameters it fills in or compares, or (layer NULL) a function with
 * attr, which may have no parameters. False and err (without path or place) when the inputs do not fit. */
bool eg_graph_apply(eg_graph *graph, const eg_op *op, const void *attr, eg_layer *layer,
                    const int32_t *inputs, int32_t input_count, const char *path, eg_place place,
                    int32_t *output, eg_error *err);
/* Drops the nodes on which *output does not depend, such as those of auxiliary classifiers, and their values;
 * *output gets its new number. */
void eg_graph_prune(eg_graph *graph, int32_t *output);
/* Whether a layer that was never applied has no parameters on any input that it accepts. */
bool eg_graph_is_bare(eg_arena *arena, const eg_layer *layer);

#endif
