#include "net/cut.h"

#include "net/norm.h"
#include "net/op_table.h"

static bool trains(const eg_node *node, const bool *trainable)
{
    for (int32_t i = 0; trainable && i < node->param_count; i++)
        if (node->params[i] >= 0 && trainable[node->params[i]]) return true;
    return false;
}

/* Of the batch: what a sample gives depends on the others. Without running statistics that is so in
 * inference, too. */
static bool takes_statistics(const eg_node *node, eg_bn_mode mode)
{
    return node->op == &eg_op_batch_norm2d && (mode != EG_BN_EVAL || node->params[EG_NORM_MEAN] < 0);
}

static bool draws(const eg_node *node)
{
    return node->op->draws && node->op->draws(node->attr);
}

static eg_side *find_sides(eg_arena *arena, const eg_net *net, const bool *trainable,
                           const eg_bn_mode *batch_norm, int32_t *first)
{
    eg_side *of = EG_NEW_ARRAY(arena, eg_side, (size_t)net->value_count);
    eg_side *side = EG_NEW_ARRAY(arena, eg_side, (size_t)net->node_count);
    *first = net->node_count;
    of[0] = EG_SIDE_BEFORE;
    for (int32_t i = 0; i < net->node_count; i++) {
        const eg_node *node = &net->nodes[i];
        eg_side at = EG_SIDE_CONSTANT;
        for (int32_t k = 0; k < node->input_count; k++)
            if (of[node->inputs[k]] > at) at = of[node->inputs[k]];
        if (trains(node, trainable) || draws(node) ||
            takes_statistics(node, batch_norm ? batch_norm[i] : EG_BN_EVAL)) {
            if (at != EG_SIDE_BEHIND && *first == net->node_count) *first = i;
            at = EG_SIDE_BEHIND;
        }
        side[i] = of[node->output] = at;
    }
    return side;
}

/* Where a value's memory is, and the side of the node that wrote it. */
typedef struct origin {
    int32_t root;
    eg_side side;
} origin;

static origin *find_origins(eg_arena *arena, const eg_net *net, const eg_side *side)
{
    origin *of = EG_NEW_ARRAY(arena, origin, (size_t)net->value_count);
    of[0] = (origin){0, EG_SIDE_BEFORE};
    for (int32_t i = 0; i < net->node_count; i++) {
        const eg_node *node = &net->nodes[i];
        of[node->output] = node->op->view ? of[node->inputs[0]] : (origin){node->output, side[i]};
    }
    return of;
}

eg_cut eg_cut_find(eg_arena *arena, const eg_net *net, const bool *trainable, const eg_bn_mode *batch_norm)
{
    eg_cut cut = {0};
    cut.side = find_sides(arena, net, trainable, batch_norm, &cut.first);
    const origin *of = find_origins(arena, net, cut.side);
    bool *read = EG_NEW_ARRAY(arena, bool, (size_t)net->value_count);
    int32_t *values = EG_NEW_ARRAY(arena, int32_t, (size_t)net->value_count);
    for (int32_t i = 0; i < net->node_count; i++) {
        const eg_node *node = &net->nodes[i];
        if (cut.side[i] == EG_SIDE_BEFORE && node->op->flops) cut.flops += node->op->flops(net, node);
        for (int32_t k = 0; cut.side[i] == EG_SIDE_BEHIND && k < node->input_count; k++)
            read[of[node->inputs[k]].root] |= of[node->inputs[k]].side == EG_SIDE_BEFORE;
    }
    for (int32_t v = 0; v < net->value_count; v++) {
        if (!read[v]) continue;
        values[cut.value_count++] = v;
        cut.numel += eg_value_numel(&net->values[v]);
    }
    cut.values = values;
    return cut;
}

const char *eg_cut_reason(eg_arena *arena, const eg_net *net, const bool *trainable, const eg_cut *cut)
{
    if (cut->first == net->node_count) return "";
    const eg_node *node = &net->nodes[cut->first];
    const char *what = trains(node, trainable) ? "trains"
                       : draws(node)           ? "draws at random"
                                               : "takes the statistics of the batch";
    return eg_arena_printf(arena, "'%s' %s", node->path, what);
}
