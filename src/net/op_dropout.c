/* torch.nn.Dropout: in training each element is zeroed with probability p, the others are scaled by 1 / (1 -
 * p). */
#include <stddef.h>

#include "net/infer.h"
#include "net/op_table.h"

typedef struct attr {
    double p;
} attr;

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    if (!(a->p >= 0 && a->p <= 1)) return eg_fail(err, EG_RECIPE, "p must be between 0 and 1, not %g", a->p);
    return eg_infer_same(infer, err);
}

static const eg_arg args[] = {
    {"p", EG_ARG_NUMBER, offsetof(attr, p), "0.5"},
    {0},
};

const eg_op eg_op_dropout = {
    .name = "dropout",
    .type = "Dropout",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .infer = infer,
};
