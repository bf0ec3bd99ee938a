#include "net/graph.h"

#include <string.h>

static void *grow(eg_arena *arena, void *items, int32_t count, int32_t capacity, size_t size)
{
    void *larger = eg_arena_array(arena, (size_t)capacity, size);
    if (count) memcpy(larger, items, (size_t)count * size);
    return larger;
}

int32_t eg_graph_value(eg_graph *graph, const eg_value *shape)
{
    if (graph->value_count == graph->value_capacity) {
        graph->value_capacity = graph->value_capacity ? graph->value_capacity * 2 : 64;
        graph->values =
            grow(graph->arena, graph->values, graph->value_count, graph->value_capacity, sizeof *shape);
    }
    graph->values[graph->value_count] = *shape;
    return graph->value_count++;
}

static eg_node *add_node(eg_graph *graph, eg_layer *layer)
{
    if (graph->node_count == graph->node_capacity) {
        graph->node_capacity = graph->node_capacity ? graph->node_capacity * 2 : 64;
        graph->nodes =
            grow(graph->arena, graph->nodes, graph->node_count, graph->node_capacity, sizeof *graph->nodes);
        graph->layers =
            grow(graph->arena, graph->layers, graph->node_count, graph->node_capacity, sizeof(void *));
    }
    graph->layers[graph->node_count] = layer;
    return &graph->nodes[graph->node_count++];
}

/* Runs the operator's infer on a copy of the attributes. */
static bool infer_op(eg_arena *arena, const eg_op *op, const void *attr, const eg_value *inputs,
                     int32_t input_count, eg_infer *out, eg_error *err)
{
    *out = (eg_infer){.arena = arena, .inputs = inputs, .input_count = input_count};
    if (op->attr_size) out->attr = eg_arena_copy(arena, attr, op->attr_size);
    return op->infer(out, err);
}

/* The layer's parameters are those of its first use; later uses must agree. */
static bool join_layer(eg_graph *graph, eg_layer *layer, const eg_infer *infer, eg_error *err)
{
    if (!layer->applied) {
        layer->applied = true;
        layer->node = graph->node_count;
        layer->param_count = infer->param_count;
        layer->params =
            eg_arena_copy(graph->arena, infer->params, (size_t)infer->param_count * sizeof *infer->params);
        return true;
    }
    for (int32_t i = 0; i < layer->param_count; i++) {
        const eg_param *a = &layer->params[i], *b = &infer->params[i];
        if (a->name && !eg_shape_equal(a->shape, b->shape))
            return eg_fail(err, EG_RECIPE, "called again with another shape: its %s would be %s, and is %s",
                           a->name, eg_shape_text(graph->arena, b->shape),
                           eg_shape_text(graph->arena, a->shape));
    }
    return true;
}

static bool has_params(const eg_infer *infer)
{
    for (int32_t i = 0; i < infer->param_count; i++)
        if (infer->params[i].name) return true;
    return false;
}

static bool check_inputs(const eg_op *op, int32_t count, eg_error *err)
{
    if (count >= op->min_inputs && count <= op->max_inputs) return true;
    if (op->min_inputs == op->max_inputs)
        return eg_fail(err, EG_RECIPE, "%s takes %d value%s, not %d", op->name, op->min_inputs,
                       op->min_inputs == 1 ? "" : "s", count);
    return eg_fail(err, EG_RECIPE, "%s takes %d to %d values, not %d", op->name, op->min_inputs,
                   op->max_inputs, count);
}

bool eg_graph_apply(eg_graph *graph, const eg_op *op, const void *attr, eg_layer *layer,
                    const int32_t *inputs, int32_t input_count, const char *path, eg_place place,
                    int32_t *output, eg_error *err)
{
    eg_value shapes[EG_OP_INPUTS];
    eg_infer infer;
    if (!check_inputs(op, input_count, err)) return false;
    for (int32_t i = 0; i < input_count; i++) shapes[i] = graph->values[inputs[i]];
    if (!infer_op(graph->arena, op, attr, shapes, input_count, &infer, err)) return false;
    if (!layer && has_params(&infer))
        return eg_fail(err, EG_RECIPE, "%s has parameters, which need a name: make it a child and call that",
                       op->name);
    if (layer && !join_layer(graph, layer, &infer, err)) return false;
    eg_node *node = add_node(graph, layer);
    *node = (eg_node){.op = op, .path = path, .place = place, .attr = infer.attr};
    node->inputs = eg_arena_copy(graph->arena, inputs, (size_t)input_count * sizeof *inputs);
    node->input_count = input_count;
    node->output = *output = eg_graph_value(graph, &infer.output);
    node->param_count = infer.param_count;
    for (int i = 0; i < EG_NODE_PARAMS; i++) node->params[i] = -1;
    return true;
}

/* Marks values that are needed, from the last node up, and gives them their new numbers: the input keeps 0.
 */
static int32_t *number_values(const eg_graph *graph, int32_t output)
{
    int32_t *numbers = EG_NEW_ARRAY(graph->arena, int32_t, (size_t)graph->value_count), count = 1;
    numbers[output] = 1;
    for (int32_t i = graph->node_count; i-- > 0;)
        for (int32_t k = 0; numbers[graph->nodes[i].output] && k < graph->nodes[i].input_count; k++)
            numbers[graph->nodes[i].inputs[k]] = 1;
    numbers[0] = 0;
    for (int32_t v = 1; v < graph->value_count; v++) numbers[v] = numbers[v] ? count++ : -1;
    return numbers;
}

void eg_graph_prune(eg_graph *graph, int32_t *output)
{
    const int32_t *numbers = number_values(graph, *output);
    int32_t count = 0;
    for (int32_t i = 0; i < graph->node_count; i++)
        if (graph->layers[i]) graph->layers[i]->node = -1;
    for (int32_t i = 0; i < graph->node_count; i++) {
        eg_node node = graph->nodes[i];
        eg_layer *layer = graph->layers[i];
        if (numbers[node.output] < 0) continue;
        for (int32_t k = 0; k < node.input_count; k++) node.inputs[k] = numbers[node.inputs[k]];
        node.output = numbers[node.output];
        if (layer && layer->node < 0) layer->node = count;
        graph->layers[count] = layer;
        graph->nodes[count++] = node;
    }
    graph->node_count = count;
    count = 0;
    for (int32_t v = 0; v < graph->value_count; v++)
        if (numbers[v] >= 0) graph->values[count++] = graph->values[v];
    graph->value_count = count;
    *output = numbers[*output];
}

bool eg_graph_is_bare(eg_arena *arena, const eg_layer *layer)
{
    /* Tried on an image, tokens and features, large and divisible enough for any window and any grouping. */
    static const eg_value samples[] = {{3, {1024, 1024, 4096}}, {2, {4096, 4096}}, {1, {4096}}};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        eg_value inputs[EG_OP_INPUTS];
        eg_infer infer;
        for (int k = 0; k < EG_OP_INPUTS; k++) inputs[k] = samples[i];
        eg_error ignored = {0};
        int32_t count = layer->op->min_inputs;
        if (infer_op(arena, layer->op, layer->attr, inputs, count, &infer, &ignored))
            return !has_params(&infer);
    }
    return false;
}
