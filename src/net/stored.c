#include "net/stored.h"

#include "base/str.h"

static bool is_statistic(const char *name)
{
    return eg_ends_with(name, "running_mean") || eg_ends_with(name, "running_var") ||
           eg_ends_with(name, "num_batches_tracked");
}

/* Sizes behind the first two are the kernel's. */
static void find_fans(eg_param *param)
{
    int64_t field = 1;
    if (param->shape.rank < 2) return;
    for (uint32_t d = 2; d < param->shape.rank; d++) field *= param->shape.dims[d];
    param->fan_in = param->shape.dims[1] * field;
    param->fan_out = param->shape.dims[0] * field;
}

static eg_param stored_param(eg_arena *arena, const eg_entry *entry)
{
    eg_param param = {
        .name = eg_arena_string(arena, entry->name),
        .shape = eg_shape_copy(arena, entry->shape.dims, entry->shape.rank),
        .dtype = entry->dtype,
        .buffer = entry->dtype != EG_F32 || is_statistic(entry->name),
        .node = -1,
    };
    if (eg_ends_with(entry->name, "running_var"))
        param.init.kind = entry->dtype == EG_F32 ? EG_INIT_ONES : EG_INIT_DEFAULT;
    else if (is_statistic(entry->name))
        param.init.kind = EG_INIT_ZEROS;
    find_fans(&param);
    return param;
}

const eg_net *eg_net_stored(eg_arena *arena, const char *name, const eg_store *store)
{
    eg_net *net = EG_NEW(arena, eg_net);
    *net = (eg_net){
        .arch = eg_arena_string(arena, name),
        .values = EG_NEW(arena, eg_value),
        .value_count = 1,
        .params = EG_NEW_ARRAY(arena, eg_param, store->count),
        .param_count = (int32_t)store->count,
    };
    for (size_t i = 0; i < store->count; i++) net->params[i] = stored_param(arena, &store->entries[i]);
    return net;
}

bool eg_net_runs(const eg_net *net)
{
    return net->node_count > 0;
}
