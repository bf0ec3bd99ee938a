/* torch.cat over channels (of images) or features, the last dimension here. */
#include "net/infer.h"
#include "net/op_table.h"

static bool infer(eg_infer *infer, eg_error *err)
{
    eg_value sum = infer->inputs[0];
    uint32_t last = sum.rank - 1;
    for (int32_t i = 1; i < infer->input_count; i++) {
        const eg_value *x = &infer->inputs[i];
        bool fit = x->rank == sum.rank;
        for (uint32_t d = 0; fit && d < last; d++) fit = x->dims[d] == sum.dims[d];
        if (!fit)
            return eg_fail(err, EG_RECIPE, "cannot join %s and %s: they may differ in channels alone",
                           eg_value_text(infer->arena, &infer->inputs[0]), eg_value_text(infer->arena, x));
        sum.dims[last] += x->dims[last];
    }
    return eg_infer_output(infer, sum.dims, sum.rank, err);
}

const eg_op eg_op_cat = {
    .name = "cat",
    .type = "Cat",
    .min_inputs = 1,
    .max_inputs = EG_OP_INPUTS,
    .version = 1,
    .infer = infer,
};
