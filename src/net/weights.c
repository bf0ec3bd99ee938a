#include "net/weights.h"

#include "base/memory.h"
#include "net/memory_plan.h"

static bool param_size(const eg_param *param, size_t *size)
{
    uint64_t numel;
    return eg_shape_numel(param->shape, &numel) &&
           !__builtin_mul_overflow(numel, eg_dtype_size(param->dtype), size);
}

/* The parameters one after the other. */
static bool place(const eg_net *net, size_t *offsets, size_t *total)
{
    *total = 0;
    for (int32_t i = 0; i < net->param_count; i++) {
        size_t at, size;
        if (!param_size(&net->params[i], &size)) return false;
        if (__builtin_add_overflow(*total, (size_t)EG_BUFFER_ALIGNMENT - 1, &at)) return false;
        offsets[i] = at / EG_BUFFER_ALIGNMENT * EG_BUFFER_ALIGNMENT;
        if (__builtin_add_overflow(offsets[i], size, total)) return false;
    }
    return true;
}

bool eg_weights_init(eg_weights *weights, eg_arena *arena, const eg_net *net, eg_error *err)
{
    size_t *offsets = EG_NEW_ARRAY(arena, size_t, (size_t)net->param_count);
    *weights = (eg_weights){.net = net, .data = EG_NEW_ARRAY(arena, void *, (size_t)net->param_count)};
    if (!place(net, offsets, &weights->size))
        return eg_fail(err, EG_SYSTEM, "the parameters of %s are larger than any memory", net->arch);
    weights->block = eg_block_new(weights->size, "the parameters", err);
    if (!weights->block) return false;
    for (int32_t i = 0; i < net->param_count; i++) weights->data[i] = (uint8_t *)weights->block + offsets[i];
    return true;
}

bool eg_weights_bytes(const eg_net *net, size_t *bytes, eg_error *err)
{
    eg_arena arena = {0};
    bool ok = place(net, EG_NEW_ARRAY(&arena, size_t, (size_t)net->param_count), bytes);
    eg_arena_clear(&arena);
    return ok || eg_fail(err, EG_SYSTEM, "the parameters of %s are larger than any memory", net->arch);
}

void eg_weights_clear(eg_weights *weights)
{
    eg_block_free(weights->block, weights->size);
    *weights = (eg_weights){0};
}

eg_store eg_weights_store(eg_arena *arena, const eg_weights *weights, const char *prefix)
{
    const eg_net *net = weights->net;
    eg_entry *entries = EG_NEW_ARRAY(arena, eg_entry, (size_t)net->param_count);
    for (int32_t i = 0; i < net->param_count; i++) {
        const eg_param *param = &net->params[i];
        const char *name = eg_arena_printf(arena, "%s%s", prefix, param->name);
        entries[i] = eg_entry_in_memory(arena, name, param->dtype, param->shape, weights->data[i]);
    }
    eg_store store = {.entries = entries, .count = (size_t)net->param_count};
    eg_store_index(&store, arena);
    return store;
}
