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

bool eg_proof_init(eg_proof *proof, const eg_net *net, const bool *frozen, const eg_weights *weights,
                   eg_error *err)
{
    *proof = (eg_proof){.net = net, .frozen = frozen};
    for (int32_t p = 0; p < net->param_count; p++)
        if (frozen[p]) proof->size += param_bytes(&net->params[p]);
    proof->copy = eg_block_new(proof->size, "the copy of the frozen tensors", err);
    if (!proof->copy) return false;
    uint8_t *at = proof->copy;
    for (int32_t p = 0; p < net->param_count; p++) {
        size_t bytes = param_bytes(&net->params[p]);
        if (!frozen[p]) continue;
        memcpy(at, weights->data[p], bytes);
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
    const uint8_t *at = proof->copy;
    for (int32_t p = 0; p < proof->net->param_count; p++) {
        const eg_param *param = &proof->net->params[p];
        if (!proof->frozen[p]) continue;
        if (memcmp(at, weights->data[p], param_bytes(param)) != 0)
            return changed(param, at, weights->data[p], err);
        at += param_bytes(param);
    }
    return true;
}

void eg_proof_clear(eg_proof *proof)
{
    eg_block_free(proof->copy, proof->size);
    *proof = (eg_proof){0};
}
