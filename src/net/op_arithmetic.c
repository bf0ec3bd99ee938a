/* a + b and a * b. Inputs have the same rank; a size of 1 is repeated to match the other's, as PyTorch
 * broadcasts. */
#include "net/infer.h"
#include "net/op_table.h"

static bool infer(eg_infer *infer, eg_error *err)
{
    const eg_value *a = &infer->inputs[0], *b = &infer->inputs[1];
    int64_t dims[EG_VALUE_RANK];
    bool fit = a->rank == b->rank;
    for (uint32_t i = 0; fit && i < a->rank; i++) {
        fit = a->dims[i] == b->dims[i] || a->dims[i] == 1 || b->dims[i] == 1;
        dims[i] = a->dims[i] == 1 ? b->dims[i] : a->dims[i];
    }
    if (!fit)
        return eg_fail(err, EG_RECIPE, "the shapes %s and %s do not go together",
                       eg_value_text(infer->arena, a), eg_value_text(infer->arena, b));
    return eg_infer_output(infer, dims, a->rank, err);
}

const eg_op eg_op_add = {
    .name = "add",
    .type = "Add",
    .min_inputs = 2,
    .max_inputs = 2,
    .version = 1,
    .infer = infer,
};

const eg_op eg_op_mul = {
    .name = "mul",
    .type = "Mul",
    .min_inputs = 2,
    .max_inputs = 2,
    .version = 1,
    .backward_reads_x = true,
    .infer = infer,
};
