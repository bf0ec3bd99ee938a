#include "plan/exactness.h"

#include <math.h>

#include "tensor/convert.h"
#include "tensor/elements.h"

static bool may_round(eg_dtype dtype)
{
    return dtype == EG_F64 || dtype == EG_I64 || dtype == EG_U64 || dtype == EG_I32 || dtype == EG_U32;
}

static bool measure_one(const eg_entry *entry, eg_exactness *out, eg_error *err)
{
    enum { PART = 4096 };
    uint64_t raw[PART], numel = 0, before = out->rounded;
    double values[PART];
    if (!eg_shape_numel(entry->shape, &numel) || !numel) return true;
    if (!eg_storage_load(entry->storage, err)) return false;
    for (uint64_t first = 0; first < numel; first += PART) {
        uint64_t count = numel - first < PART ? numel - first : PART;
        const void *part = eg_entry_part(entry, first, count, raw, err);
        if (!part) return false;
        eg_convert_f64(part, entry->dtype, values, count);
        for (uint64_t i = 0; i < count; i++)
            out->rounded += (double)(float)values[i] != values[i] && !isnan(values[i]);
    }
    if (out->rounded > before && !out->first) out->first = entry->name;
    out->values += numel;
    out->tensors++;
    return true;
}

bool eg_exactness_measure(const eg_plan *plan, eg_exactness *out, eg_error *err)
{
    *out = (eg_exactness){0};
    for (size_t i = 0; i < plan->step_count; i++) {
        const eg_step *step = &plan->steps[i];
        bool narrowed = step->action == EG_ACTION_CAST && plan->net->params[step->param].dtype == EG_F32 &&
                        may_round(step->source->dtype);
        if (narrowed && !measure_one(step->source, out, err)) return false;
    }
    return true;
}
