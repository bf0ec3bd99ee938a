#include "run/proof.h"

#include <inttypes.h>
#include <string.h>

#include "base/memory.h"

static size_t param_bytes(const eg_param *param)
{
    uint64_t numel = 0;
    eg_shape_numel(param->shape, &numel);
    return (size_t)numel * eg_dtype_size(param->dtype);
}

bool eg_proof_init(eg_proof *proof, const eg_plan *plan, const eg_weights *weights, eg_error *err)
{
    *proof = (eg_proof){.plan = plan};
    for (size_t i = 0; i < plan->step_count; i++)
        if (plan->steps[i].frozen) proof->size += param_bytes(&plan->net->params[plan->steps[i].param]);
    proof->copy = eg_block_new(proof->size, "the copy of the frozen tensors", err);
    if (!proof->copy) return false;
    uint8_t *at = proof->copy;
    for (size_t i = 0; i < plan->step_count; i++) {
        int32_t param = plan->steps[i].param;
        size_t bytes = param_bytes(&plan->net->params[param]);
        if (!plan->steps[i].frozen) continue;
        memcpy(at, weights->data[param], bytes);
        at += bytes;
        proof->tensors++;
    }
    return true;
}

static bool changed(const eg_param *param, const uint8_t *before, const uint8_t *after, eg_error *err)
{
    size_t size = eg_dtype_size(param->dtype), at = 0;
    while (memcmp(before + at * size, after + at * size, size) == 0) at++;
    return eg_fail(
        err, EG_MISMATCH,
        "internal error: '%s' is frozen, and training changed its element %zu; nothing was written, please "
        "report this with the recipe",
        param->name, at);
}

bool eg_proof_check(const eg_proof *proof, const eg_weights *weights, eg_error *err)
{
    const eg_plan *plan = proof->plan;
    const uint8_t *at = proof->copy;
    for (size_t i = 0; i < plan->step_count; i++) {
        const eg_param *param = &plan->net->params[plan->steps[i].param];
        const uint8_t *now = weights->data[plan->steps[i].param];
        if (!plan->steps[i].frozen) continue;
        if (memcmp(at, now, param_bytes(param)) != 0) return changed(param, at, now, err);
        at += param_bytes(param);
    }
    return true;
}

void eg_proof_clear(eg_proof *proof)
{
    eg_block_free(proof->copy, proof->size);
    *proof = (eg_proof){0};
}
