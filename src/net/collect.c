#include "net/collect.h"

#include <stdlib.h>
#include <string.h>

typedef struct collector {
    eg_builder *builder;
    eg_net *net;
    int32_t param_capacity, module_capacity;
} collector;

static void *grow(eg_arena *arena, void *items, int32_t count, int32_t *capacity, size_t size)
{
    if (count < *capacity) return items;
    *capacity = *capacity ? *capacity * 2 : 64;
    void *larger = eg_arena_array(arena, (size_t)*capacity, size);
    if (count) memcpy(larger, items, (size_t)count * size);
    return larger;
}

static const char *join(collector *c, const char *path, const char *name)
{
    return path[0] ? eg_arena_printf(c->builder->eval.arena, "%s.%s", path, name) : name;
}

static int32_t add_param(collector *c, const eg_param *param, const char *name, int32_t node)
{
    eg_net *net = c->net;
    net->params =
        grow(c->builder->eval.arena, net->params, net->param_count, &c->param_capacity, sizeof *param);
    net->params[net->param_count] = *param;
    net->params[net->param_count].name = name;
    net->params[net->param_count].node = node;
    return net->param_count++;
}

static void add_module(collector *c, const char *path, const char *type, int64_t version)
{
    eg_net *net = c->net;
    net->modules = grow(c->builder->eval.arena, net->modules, net->module_count, &c->module_capacity,
                        sizeof *net->modules);
    net->modules[net->module_count++] = (eg_module){path, type, version};
}

/* In PyTorch an attention layer's projections are modules of their own ("out_proj.weight"). */
static void add_inner_modules(collector *c, const eg_part *part)
{
    const char *last = part->path;
    for (int32_t i = 0; i < part->layer.param_count; i++) {
        const char *name = part->layer.params[i].name, *dot = name ? strrchr(name, '.') : NULL;
        if (!dot) continue;
        const char *inner = eg_arena_substring(c->builder->eval.arena, name, (size_t)(dot - name));
        const char *path = join(c, part->path, inner);
        if (strcmp(path, last) == 0) continue;
        add_module(c, path, "linear", 1);
        last = path;
    }
}

static bool collect_layer(collector *c, eg_part *part)
{
    eg_layer *layer = &part->layer;
    add_module(c, part->path, part->type, layer->op->version);
    add_inner_modules(c, part);
    for (int i = 0; i < EG_NODE_PARAMS; i++) layer->positions[i] = -1;
    if (!layer->applied && !eg_graph_is_bare(c->builder->eval.arena, layer))
        return eg_part_fail(c->builder, part, "never_called",
                            "this layer is never called, so that the shapes of its parameters are not known");
    /* In the order in which the operator lists them, which is the state dict's. */
    for (int32_t i = 0; i < layer->param_count; i++) {
        const eg_param *param = &layer->params[i];
        if (param->name)
            layer->positions[i] = add_param(c, param, join(c, part->path, param->name), layer->node);
    }
    return true;
}

static bool collect(collector *c, eg_part *part);

static bool collect_children(collector *c, eg_part *part)
{
    add_module(c, part->path, part->type, part->body ? part->body->version : 1);
    for (int buffer = 0; buffer < 2; buffer++) {
        for (size_t i = 0; i < part->child_count; i++) {
            eg_part *child = part->children[i].part;
            if (!child || child->kind != EG_PART_ENTRY || child->entry.buffer != (buffer == 1)) continue;
            child->layer.positions[0] =
                add_param(c, &child->entry, child->path, child->layer.applied ? child->layer.node : -1);
        }
    }
    for (size_t i = 0; i < part->child_count; i++) {
        eg_part *child = part->children[i].part;
        if (child && child->kind != EG_PART_ENTRY && !collect(c, child)) return false;
    }
    return true;
}

static bool collect(collector *c, eg_part *part)
{
    eg_eval *eval = &c->builder->eval;
    if (part->kind == EG_PART_LAYER) return collect_layer(c, part);
    if (eval->depth >= EG_EVAL_DEPTH)
        return eg_part_fail(c->builder, part, "limit",
                            "modules nest too deep here: does a block contain itself?");
    if (!eg_part_expand(c->builder, part, EG_NO_VALUE)) return false;
    eval->depth += 4;
    bool ok = true;
    eg_part *inner = part->alias ? part->children[0].part : NULL;
    if (!part->alias)
        ok = collect_children(c, part);
    else if (inner && inner->kind == EG_PART_ENTRY)
        ok = eg_part_fail(c->builder, part, "type",
                          "a block cannot stand for a parameter or buffer: make it a child itself");
    else if (inner)
        ok = collect(c, inner);
    eval->depth -= 4;
    return ok;
}

bool eg_collect(eg_builder *builder, eg_part *root, eg_net *net)
{
    const eg_graph *graph = &builder->graph;
    collector c = {.builder = builder, .net = net};
    if (!collect(&c, root)) return false;
    for (int32_t i = 0; i < graph->node_count; i++)
        for (int32_t k = 0; graph->layers[i] && k < graph->nodes[i].param_count; k++)
            graph->nodes[i].params[k] = graph->layers[i]->positions[k];
    return true;
}
