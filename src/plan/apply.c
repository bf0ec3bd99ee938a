#include <assert.h>
#include <math.h>

#include "base/memory.h"
#include "engraft/plan.h"
#include "net/weights.h"
#include "plan/mosaic.h"
#include "tensor/elements.h"

/* A counter saved as another type; exact far beyond any number of batches. */
static bool read_counter(const eg_entry *entry, int64_t *out, eg_error *err)
{
    float value;
    if (!eg_entry_read_f32(entry, &value, err)) return false;
    if (!(fabsf(value) < 0x1p62f))
        return eg_fail(err, EG_MALFORMED, "tensor '%s' is %g, expected a count of batches", entry->name,
                       (double)value);
    *out = (int64_t)value;
    return true;
}

bool eg_step_apply(const eg_plan *plan, const eg_step *step, uint64_t seed, void *out, eg_error *err)
{
    const eg_param *param = &plan->net->params[step->param];
    switch (step->action) {
    case EG_ACTION_COPY: return eg_entry_read(step->source, out, err);
    case EG_ACTION_CAST:
        return param->dtype == EG_F32 ? eg_entry_read_f32(step->source, out, err)
                                      : read_counter(step->source, out, err);
    case EG_ACTION_TRANSFORM:
        if (step->value->partial) eg_init_fill(param, &step->init, seed, out);
        return eg_mosaic_read(step->value, param->dtype, out, err);
    case EG_ACTION_INIT:
    case EG_ACTION_DEFAULT: eg_init_fill(param, &step->init, seed, out); return true;
    case EG_ACTION_COUNT: break;
    }
    assert(!"an action without a meaning");
    return false;
}

bool eg_plan_apply(const eg_plan *plan, uint64_t seed, struct eg_weights *weights, eg_error *err)
{
    size_t done[EG_ACTION_COUNT] = {0};
    assert(plan->ok && weights->net == plan->net);
    for (size_t i = 0; i < plan->step_count; i++) {
        const eg_step *step = &plan->steps[i];
        if (!eg_step_apply(plan, step, seed, weights->data[step->param], err)) return false;
        done[step->action]++;
    }
    assert(done[EG_ACTION_COPY] + done[EG_ACTION_CAST] + done[EG_ACTION_TRANSFORM] == plan->loaded);
    assert(done[EG_ACTION_INIT] == plan->initialized && done[EG_ACTION_DEFAULT] == plan->defaulted);
    return true;
}

/* ---- without a block ---- */

/* A tensor that is made when it is wanted. */
typedef struct made {
    const eg_plan *plan;
    const eg_step *step;
    uint64_t seed;
    void *block;
    size_t size;
} made;

static void clear_made(void *object)
{
    made *m = object;
    eg_block_free(m->block, m->size);
    m->block = NULL;
}

/* The sources' own memory is given back at once: they are wanted no more, or can be loaded again. */
static bool make(eg_storage *storage, eg_error *err)
{
    made *m = storage->context;
    const eg_mosaic *value = m->step->value;
    m->block = eg_block_new(m->size, storage->key, err);
    bool ok = m->block && eg_step_apply(m->plan, m->step, m->seed, m->block, err);
    for (size_t i = 0; value && i < value->count; i++) eg_storage_unload(value->pieces[i].source->storage);
    storage->bytes = m->block;
    if (ok) storage->load = NULL;
    return ok;
}

static void unmake(eg_storage *storage)
{
    clear_made(storage->context);
    storage->bytes = NULL;
    storage->load = make;
}

static eg_storage *make_later(eg_arena *arena, const eg_plan *plan, const eg_step *step, uint64_t seed)
{
    const eg_param *param = &plan->net->params[step->param];
    uint64_t numel = 0;
    bool fits = eg_shape_numel(param->shape, &numel);
    assert(fits);
    (void)fits;
    made *m = EG_NEW(arena, made);
    *m = (made){plan, step, seed, NULL, numel * eg_dtype_size(param->dtype)};
    eg_arena_defer(arena, clear_made, m);
    eg_storage *storage = EG_NEW(arena, eg_storage);
    *storage = (eg_storage){
        .key = param->name, .size = m->size, .fd = -1, .load = make, .unload = unmake, .context = m};
    return storage;
}

/* A storage of its own: what is tied in the source is not tied in the network. */
static eg_entry view(eg_arena *arena, const eg_entry *source)
{
    eg_entry entry = *source;
    entry.storage = EG_NEW(arena, eg_storage);
    *entry.storage = *source->storage;
    return entry;
}

eg_store eg_plan_store(eg_arena *arena, const eg_plan *plan, uint64_t seed, const char *prefix)
{
    eg_entry *entries = EG_NEW_ARRAY(arena, eg_entry, plan->step_count);
    assert(plan->ok);
    for (size_t i = 0; i < plan->step_count; i++) {
        const eg_step *step = &plan->steps[i];
        const eg_param *param = &plan->net->params[step->param];
        if (step->action == EG_ACTION_COPY && eg_entry_in_file(step->source))
            entries[i] = view(arena, step->source);
        else
            entries[i] = (eg_entry){
                .dtype = param->dtype, .shape = param->shape, .storage = make_later(arena, plan, step, seed)};
        entries[i].name = eg_arena_printf(arena, "%s%s", prefix, param->name);
    }
    eg_store store = {.entries = entries, .count = plan->step_count};
    eg_store_index(&store, arena);
    return store;
}
