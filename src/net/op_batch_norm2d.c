/* torch.nn.BatchNorm2d. x, y (n, h, w, c); weight, bias, running_mean, running_var (c); num_batches_tracked
 * (). */
#include <math.h>
#include <stddef.h>

#include "net/infer.h"
#include "net/op_table.h"

typedef struct attr {
    double eps;
    double momentum; /* NaN: cumulative average */
    bool affine, track;
} attr;

enum { WEIGHT, BIAS, MEAN, VAR, COUNT, PARAMS };

static bool check_arguments(const attr *a, eg_error *err)
{
    if (!(a->eps > 0) || isinf(a->eps)) return eg_fail(err, EG_RECIPE, "eps must be above 0, not %g", a->eps);
    if (a->momentum < 0 || a->momentum > 1)
        return eg_fail(err, EG_RECIPE, "momentum must be none or between 0 and 1, not %g", a->momentum);
    return true;
}

static bool infer(eg_infer *infer, eg_error *err)
{
    const attr *a = infer->attr;
    if (!eg_infer_image(infer, err) || !check_arguments(a, err) || !eg_infer_same(infer, err)) return false;
    const int64_t *channels = &infer->inputs[0].dims[2];
    eg_init ones = {.kind = EG_INIT_ONES, .gain = 1}, zeros = {.kind = EG_INIT_ZEROS, .gain = 1};
    infer->param_count = PARAMS;
    if (a->affine && !(eg_infer_param(infer, WEIGHT, "weight", channels, 1, ones, err) &&
                       eg_infer_param(infer, BIAS, "bias", channels, 1, zeros, err)))
        return false;
    if (!a->track) return true;
    if (!eg_infer_param(infer, MEAN, "running_mean", channels, 1, zeros, err) ||
        !eg_infer_param(infer, VAR, "running_var", channels, 1, ones, err) ||
        !eg_infer_param(infer, COUNT, "num_batches_tracked", NULL, 0, zeros, err))
        return false;
    for (int i = MEAN; i <= COUNT; i++) infer->params[i].buffer = true;
    infer->params[COUNT].dtype = EG_I64;
    return true;
}

static const eg_arg args[] = {
    {"eps", EG_ARG_NUMBER, offsetof(attr, eps), "1e-5"},
    {"momentum", EG_ARG_NUMBER, offsetof(attr, momentum), "0.1"},
    {"affine", EG_ARG_BOOL, offsetof(attr, affine), "true"},
    {"track_running_stats", EG_ARG_BOOL, offsetof(attr, track), "true"},
    {0},
};

const eg_op eg_op_batch_norm2d = {
    .name = "batch_norm2d",
    .type = "BatchNorm2d",
    .attr_size = sizeof(attr),
    .args = args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 2,
    .backward_reads_x = true,
    .infer = infer,
};
