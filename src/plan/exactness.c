#include "plan/exactness.h"

#include "base/memory.h"
#include "net/weights.h"
#include "tensor/convert.h"

static bool may_round(eg_dtype dtype)
{
    return dtype == EG_F64 || dtype == EG_I64 || dtype == EG_U64 || dtype == EG_I32 || dtype == EG_U32;
}

static bool measure_one(const eg_entry *entry, const float *weights, eg_exactness *out, eg_error *err)
{
    uint64_t numel = 0, rounded = 0;
    if (!eg_shape_numel(entry->shape, &numel) || !numel) return true;
    size_t bytes = eg_size_product((size_t)numel, eg_dtype_size(entry->dtype));
    size_t wide = eg_size_product((size_t)numel, sizeof(double));
    void *raw = eg_block_new(bytes, "a cast", err);
    double *values = raw ? eg_block_new(wide, "a cast", err) : NULL;
    bool ok = values && eg_entry_read(entry, raw, err);
    if (ok) eg_convert_f64(raw, entry->dtype, values, numel);
    for (uint64_t i = 0; ok && i < numel; i++)
        rounded += (double)weights[i] != values[i] && values[i] == values[i]; /* NaN stays NaN */
    if (rounded && !out->first) out->first = entry->name;
    out->rounded += rounded;
    out->values += numel;
    out->tensors++;
    eg_block_free(values, wide);
    eg_block_free(raw, bytes);
    return ok;
}

bool eg_exactness_measure(const eg_plan *plan, const struct eg_weights *weights, eg_exactness *out,
                          eg_error *err)
{
    *out = (eg_exactness){0};
    for (size_t i = 0; i < plan->step_count; i++) {
        const eg_step *step = &plan->steps[i];
        bool narrowed = step->action == EG_ACTION_CAST && plan->net->params[step->param].dtype == EG_F32 &&
                        may_round(step->source->dtype);
        if (narrowed && !measure_one(step->source, weights->data[step->param], out, err)) return false;
    }
    return true;
}
