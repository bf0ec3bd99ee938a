#include <assert.h>
#include <math.h>

#include "engraft/plan.h"
#include "net/weights.h"
#include "plan/mosaic.h"

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

static bool apply_step(const eg_step *step, const eg_param *param, uint64_t seed, void *out, eg_error *err)
{
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
        const eg_param *param = &plan->net->params[step->param];
        if (!apply_step(step, param, seed, weights->data[step->param], err)) return false;
        done[step->action]++;
    }
    assert(done[EG_ACTION_COPY] + done[EG_ACTION_CAST] + done[EG_ACTION_TRANSFORM] == plan->loaded);
    assert(done[EG_ACTION_INIT] == plan->initialized && done[EG_ACTION_DEFAULT] == plan->defaulted);
    return true;
}
