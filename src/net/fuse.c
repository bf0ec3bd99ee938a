#include "net/fuse.h"

#include "net/norm.h"
#include "net/op_table.h"

typedef struct graph {
    const eg_net *net;
    const eg_bn_mode *batch_norm;
    const eg_side *side;
    int32_t *readers;  /* per value; the network's result has one more */
    int32_t *reader;   /* per value: the last one */
    int32_t *producer; /* per value: -1 is the input's */
    bool *wants;       /* per value: it depends on a trainable parameter */
} graph;

static void find_links(graph *g, const bool *trainable)
{
    const eg_net *net = g->net;
    g->producer[0] = -1;
    for (int32_t i = 0; i < net->node_count; i++) {
        const eg_node *node = &net->nodes[i];
        bool wants = false;
        g->producer[node->output] = i;
        for (int32_t k = 0; k < node->input_count; k++) {
            g->readers[node->inputs[k]]++;
            g->reader[node->inputs[k]] = i;
            wants = wants || g->wants[node->inputs[k]];
        }
        for (int32_t k = 0; trainable && k < node->param_count; k++)
            wants = wants || (node->params[k] >= 0 && trainable[node->params[k]]);
        g->wants[node->output] = wants;
    }
    g->readers[net->output]++;
}

/* The only reader of what the head would write, on the same side of the cut, or NULL. */
static const eg_node *next(const graph *g, const eg_fused *fused, const eg_fused *head)
{
    int32_t reader = g->reader[head->output];
    if (g->readers[head->output] != 1 || g->side[reader] != g->side[head - fused]) return NULL;
    return &g->net->nodes[reader];
}

static void take_in(const graph *g, eg_fused *fused, eg_fused *head, const eg_node *node)
{
    fused[node - g->net->nodes].absorbed = true;
    head->output = node->output;
}

static void take_norm(const graph *g, eg_fused *fused, eg_fused *head)
{
    const eg_node *node = next(g, fused, head);
    if (!node || node->op != &eg_op_batch_norm2d || node->params[EG_NORM_MEAN] < 0 || g->wants[node->output])
        return;
    int32_t at = (int32_t)(node - g->net->nodes);
    if (g->batch_norm && g->batch_norm[at] != EG_BN_EVAL) return;
    take_in(g, fused, head, node);
    head->norm = at;
}

static bool same_shape(const eg_value *a, const eg_value *b)
{
    bool same = a->rank == b->rank;
    for (uint32_t i = 0; same && i < a->rank; i++) same = a->dims[i] == b->dims[i];
    return same;
}

static void take_add(const graph *g, eg_fused *fused, eg_fused *head)
{
    const eg_node *node = next(g, fused, head);
    if (!node || node->op != &eg_op_add) return;
    int32_t other = node->inputs[node->inputs[0] == head->output];
    if (!same_shape(&g->net->values[other], &g->net->values[head->output])) return;
    if (g->producer[other] >= head - fused) return;
    /* Backward writes the residual's gradient before the input's: they cannot be one. */
    if (g->wants[other] && other == g->net->nodes[head - fused].inputs[0]) return;
    head->residual = other;
    take_in(g, fused, head, node);
}

static void take_activation(const graph *g, eg_fused *fused, eg_fused *head)
{
    const eg_node *node = next(g, fused, head);
    if (!node || !node->op->activation) return;
    head->activation = node->op->activation(node->attr, &head->slope);
    take_in(g, fused, head, node);
}

/* A normalisation that its reader makes on the way in. */
static void leave_out(const graph *g, eg_fused *fused, eg_fused *norm)
{
    const eg_node *reader = next(g, fused, norm);
    if (!reader || norm->residual >= 0 || !reader->op->maps_x || !reader->op->maps_x(g->net, reader)) return;
    norm->unmade = true;
    fused[reader - g->net->nodes].mapped = (int32_t)(norm - fused);
}

void eg_fuse(eg_arena *work, const eg_net *net, const bool *trainable, const eg_bn_mode *batch_norm,
             const eg_cut *cut, bool plain, eg_fused *fused)
{
    size_t values = (size_t)net->value_count;
    graph g = {net,
               batch_norm,
               cut->side,
               EG_NEW_ARRAY(work, int32_t, values),
               EG_NEW_ARRAY(work, int32_t, values),
               EG_NEW_ARRAY(work, int32_t, values),
               EG_NEW_ARRAY(work, bool, values)};
    find_links(&g, trainable);
    for (int32_t i = 0; i < net->node_count; i++)
        fused[i] = (eg_fused){.output = net->nodes[i].output, .norm = -1, .residual = -1, .mapped = -1};
    for (int32_t i = 0; !plain && i < net->node_count; i++) {
        const eg_node *node = &net->nodes[i];
        bool norm = node->op == &eg_op_batch_norm2d, conv = node->op == &eg_op_conv2d;
        bool fixed = conv && !g.wants[node->output];
        if ((!norm && !conv) || fused[i].absorbed) continue;
        if (fixed) take_norm(&g, fused, &fused[i]);
        if (fixed || norm) take_add(&g, fused, &fused[i]);
        if (!conv || fixed || fused[i].output == node->output) take_activation(&g, fused, &fused[i]);
        if (norm) leave_out(&g, fused, &fused[i]);
    }
}
