#include "net/exec_graph.h"

#include "net/op_table.h"

/* Each side of the cut in the network's order: nothing reads what a later side makes. */
static void find_order(eg_exec *exec)
{
    int32_t count = exec->net->node_count, at = 0;
    int32_t *ends[] = {&exec->begin_end, &exec->before_end, &at};
    exec->order = EG_NEW_ARRAY(&exec->arena, int32_t, (size_t)count);
    exec->place = EG_NEW_ARRAY(&exec->arena, int32_t, (size_t)count);
    for (int side = EG_SIDE_CONSTANT; side <= EG_SIDE_BEHIND; side++) {
        for (int32_t i = 0; i < count; i++) {
            if ((int)exec->cut.side[i] != side) continue;
            exec->place[i] = at;
            exec->order[at++] = i;
        }
        *ends[side] = at;
    }
}

bool eg_exec_trains(const eg_exec *exec, const eg_node *node)
{
    for (int32_t i = 0; exec->options.trainable && i < node->param_count; i++)
        if (node->params[i] >= 0 && exec->options.trainable[node->params[i]]) return true;
    return false;
}

static void find_roots(eg_exec *exec)
{
    const eg_net *net = exec->net;
    for (int32_t i = 0; i < net->value_count; i++) exec->root[i] = i;
    for (int32_t i = 0; i < net->node_count; i++) {
        int32_t y = net->nodes[i].output;
        if (net->nodes[i].op->view) exec->root[y] = exec->root[net->nodes[i].inputs[0]];
        if (exec->fused[i].output != y) exec->root[y] = exec->fused[i].output;
    }
}

/* Batch normalisation tells the activation from x, unless something
 * was added. */
bool eg_exec_reads_y(const eg_exec *exec, int32_t at)
{
    const eg_node *node = &exec->net->nodes[at];
    const eg_fused *f = &exec->fused[at];
    if (exec->runs[at].masked) return false;
    return node->op->backward_reads_y || exec->runs[at].masks >= 0 ||
           (f->activation != EG_ACTIVATION_NONE && (f->residual >= 0 || node->op != &eg_op_batch_norm2d));
}

/* Values that depend on a trainable parameter, upwards; values that the loss depends on, downwards; a node
 * has a backward when its output is both. */
static void find_backward(eg_exec *exec)
{
    const eg_net *net = exec->net;
    for (int32_t i = 0; i < net->node_count; i++) {
        if (exec->fused[i].absorbed) continue;
        bool wants = eg_exec_trains(exec, &net->nodes[i]);
        for (int32_t k = 0; k < eg_exec_inputs_of(exec, i); k++)
            wants = wants || exec->wants[eg_exec_input_of(exec, i, k)];
        if (wants) exec->wants[eg_exec_output_of(exec, i)] = true;
    }
    exec->reached[exec->root[net->output]] = true;
    exec->stop = net->node_count;
    for (int32_t i = net->node_count; i-- > 0;) {
        int32_t y = eg_exec_output_of(exec, i);
        if (eg_exec_is_idle(exec, i) || !exec->wants[y] || !exec->reached[y]) continue;
        exec->runs[i].backward = true;
        exec->stop = i;
        for (int32_t k = 0; k < eg_exec_inputs_of(exec, i); k++)
            exec->reached[eg_exec_input_of(exec, i, k)] = true;
    }
}

/* relu(conv(x)) under a maximum: the maximum's own result says which of its gradients pass, since a window's
 * gradient goes where its value came from, so that the larger map need not be kept. */
static void move_masks(eg_exec *exec)
{
    const eg_net *net = exec->net;
    eg_arena work = {0};
    int32_t *readers = EG_NEW_ARRAY(&work, int32_t, (size_t)net->value_count);
    int32_t *maker = EG_NEW_ARRAY(&work, int32_t, (size_t)net->value_count);
    readers[exec->root[net->output]]++;
    for (int32_t i = 0; i < net->node_count; i++) {
        exec->runs[i].masks = -1;
        if (eg_exec_is_idle(exec, i)) continue;
        maker[eg_exec_output_of(exec, i)] = i;
        for (int32_t k = 0; k < eg_exec_inputs_of(exec, i); k++) readers[eg_exec_input_of(exec, i, k)]++;
    }
    for (int32_t i = 0; i < net->node_count; i++) {
        if (net->nodes[i].op != &eg_op_max_pool2d || !exec->runs[i].backward) continue;
        int32_t x = eg_exec_input_of(exec, i, 0), from = maker[x];
        eg_activation activation = exec->fused[from].activation;
        bool passes_or_not = activation == EG_ACTIVATION_RELU || activation == EG_ACTIVATION_RELU6;
        if (x == 0 || readers[x] != 1 || !passes_or_not || net->nodes[from].op != &eg_op_conv2d) continue;
        exec->runs[i].masks = from;
        exec->runs[from].masked = true;
    }
    eg_arena_clear(&work);
}

void eg_exec_find_graph(eg_exec *exec)
{
    find_order(exec);
    find_roots(exec);
    find_backward(exec);
    move_masks(exec);
}
