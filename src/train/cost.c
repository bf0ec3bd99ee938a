#include "train/cost.h"

#include "train/optimizer.h"

size_t eg_phase_cost_bytes(const eg_phase_cost *cost)
{
    return cost->parameters + cost->activations + cost->gradients + cost->optimizer + cost->copies;
}

size_t eg_training_copies(const eg_train_section *section, size_t kinds)
{
    return (kinds ? kinds : 1) + (section->ema_decay > 0);
}

/* Elements that train in this phase and did not before. */
static uint64_t new_elements(const eg_net *net, const eg_phase *phase, bool *seen)
{
    uint64_t sum = 0, numel;
    for (int32_t p = 0; p < net->param_count; p++) {
        if (!phase->trainable[p] || seen[p] || !eg_shape_numel(net->params[p].shape, &numel)) continue;
        seen[p] = true;
        sum += numel;
    }
    return sum;
}

static bool measure(const eg_net *net, const eg_train_section *section, const eg_phase *phase, eg_pool *pool,
                    eg_phase_cost *cost, eg_error *err)
{
    eg_exec_options options = {.batch = section->batch_size,
                               .trainable = phase->trainable,
                               .batch_norm = phase->batch_norm,
                               .pool = pool,
                               .dry = true};
    eg_exec *exec = eg_exec_new(net, NULL, &options, err);
    if (!exec) return false;
    int32_t stop = eg_exec_backward_stop(exec);
    cost->batch = section->batch_size;
    cost->activations = eg_exec_bytes(exec) - eg_exec_grad_bytes(exec);
    cost->gradients = eg_exec_grad_bytes(exec) * (section->accumulate > 1 ? 2 : 1);
    cost->forward = eg_net_flops(net);
    cost->backward = eg_exec_backward_flops(exec);
    cost->stop = stop < net->node_count ? net->nodes[stop].path : "";
    eg_exec_free(exec);
    return true;
}

const eg_phase_cost *eg_phases_cost(eg_arena *arena, const eg_net *net, const eg_train_section *section,
                                    const eg_phases *phases, size_t copies, eg_pool *pool, eg_error *err)
{
    eg_phase_cost *costs = EG_NEW_ARRAY(arena, eg_phase_cost, phases->count);
    bool *seen = EG_NEW_ARRAY(arena, bool, (size_t)net->param_count);
    size_t weights, state = 0;
    if (!eg_weights_bytes(net, &weights, err)) return NULL;
    for (size_t i = 0; i < phases->count; i++) {
        if (!measure(net, section, &phases->items[i], pool, &costs[i], err)) return NULL;
        state += (size_t)new_elements(net, &phases->items[i], seen) * sizeof(float) *
                 (size_t)eg_optimizer_states(&section->optimizer);
        costs[i].parameters = weights;
        costs[i].copies = copies * weights;
        costs[i].optimizer = state;
    }
    return costs;
}
