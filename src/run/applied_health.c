#include "run/applied_health.h"

#include <inttypes.h>
#include <math.h>

#include "base/log.h"
#include "base/str.h"

static bool check_values(const eg_step *step, const eg_param *param, const float *values, uint64_t count,
                         eg_error *err)
{
    const char *name = step->source->name;
    bool variance = eg_ends_with(param->name, "running_var"), constant = count > 1 && param->shape.rank > 1;
    for (uint64_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            return eg_fail(err, EG_MALFORMED,
                           "tensor '%s' (element %" PRIu64
                           " of '%s') is %s; `engraft inspect --stats` shows all of them",
                           name, i, param->name, isnan(values[i]) ? "NaN" : "infinite");
        if (variance && values[i] < 0)
            return eg_fail(err, EG_MALFORMED, "tensor '%s' is a variance, and its element %" PRIu64 " is %g",
                           name, i, (double)values[i]);
        constant &= values[i] == values[0];
    }
    if (constant) eg_log("warning    every element of '%s' is %g", name, (double)values[0]);
    return true;
}

bool eg_applied_health_check(const eg_plan *plan, const eg_weights *weights, eg_error *err)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const eg_step *step = &plan->steps[i];
        const eg_param *param = &plan->net->params[step->param];
        uint64_t count = 0;
        if (!step->value || param->dtype != EG_F32 || !eg_shape_numel(param->shape, &count)) continue;
        if (!check_values(step, param, weights->data[step->param], count, err)) return false;
    }
    return true;
}
