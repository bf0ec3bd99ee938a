#include "net/infer.h"

#include <math.h>
#include <stdio.h>

bool eg_infer_size(const char *what, int64_t value, int64_t low, eg_error *err)
{
    if (value < low)
        return eg_fail(err, EG_RECIPE, "%s must be at least %lld, not %lld", what, (long long)low,
                       (long long)value);
    if (value > EG_SIZE_LIMIT)
        return eg_fail(err, EG_RECIPE, "%s is %lld, more than the %lld that are supported", what,
                       (long long)value, (long long)EG_SIZE_LIMIT);
    return true;
}

bool eg_infer_pair(const char *what, const int64_t pair[2], int64_t low, eg_error *err)
{
    return eg_infer_size(what, pair[0], low, err) && eg_infer_size(what, pair[1], low, err);
}

bool eg_infer_image(const eg_infer *infer, eg_error *err)
{
    if (infer->inputs[0].rank == 3) return true;
    return eg_fail(err, EG_RECIPE, "the input must be an image (height, width, channels), not %s",
                   eg_value_text(infer->arena, &infer->inputs[0]));
}

bool eg_infer_output(eg_infer *infer, const int64_t *dims, uint32_t rank, eg_error *err)
{
    int64_t numel = 1;
    infer->output = (eg_value){.rank = rank};
    for (uint32_t i = 0; i < rank; i++) infer->output.dims[i] = dims[i];
    for (uint32_t i = 0; i < rank; i++) {
        if (dims[i] < 1)
            return eg_fail(err, EG_RECIPE, "the output %s is empty",
                           eg_value_text(infer->arena, &infer->output));
        if (__builtin_mul_overflow(numel, dims[i], &numel) || numel > EG_NUMEL_LIMIT)
            return eg_fail(err, EG_RECIPE, "the output %s has more than %lld elements",
                           eg_value_text(infer->arena, &infer->output), (long long)EG_NUMEL_LIMIT);
    }
    return true;
}

bool eg_infer_same(eg_infer *infer, eg_error *err)
{
    return eg_infer_output(infer, infer->inputs[0].dims, infer->inputs[0].rank, err);
}

bool eg_infer_param(eg_infer *infer, int at, const char *name, const int64_t *dims, uint32_t rank,
                    eg_init init, eg_error *err)
{
    uint64_t numel;
    eg_shape shape = eg_shape_copy(infer->arena, dims, rank);
    if (!eg_shape_numel(shape, &numel) || numel > (uint64_t)EG_NUMEL_LIMIT)
        return eg_fail(err, EG_RECIPE, "its %s %s has more than %lld elements", name,
                       eg_shape_text(infer->arena, shape), (long long)EG_NUMEL_LIMIT);
    infer->params[at] = (eg_param){.name = name, .shape = shape, .dtype = EG_F32, .init = init};
    return true;
}

bool eg_infer_weight_bias(eg_infer *infer, const int64_t *dims, uint32_t rank, bool bias, eg_error *err)
{
    int64_t field = 1;
    eg_init kaiming = {.kind = EG_INIT_KAIMING_UNIFORM, .a = 2.2360679774997896964, .gain = 1};
    infer->param_count = 2;
    if (!eg_infer_param(infer, 0, "weight", dims, rank, kaiming, err)) return false;
    for (uint32_t i = 2; i < rank; i++) field *= dims[i];
    int64_t fan_in = dims[1] * field, fan_out = dims[0] * field;
    double bound = 1.0 / sqrt((double)fan_in);
    eg_init uniform = {.kind = EG_INIT_UNIFORM, .low = -bound, .high = bound, .gain = 1};
    if (bias && !eg_infer_param(infer, 1, "bias", dims, 1, uniform, err)) return false;
    for (int i = 0; i < 2; i++) {
        infer->params[i].fan_in = fan_in;
        infer->params[i].fan_out = fan_out;
    }
    return true;
}

bool eg_infer_pool(const int64_t kernel[2], int64_t stride[2], const int64_t padding[2], eg_error *err)
{
    if (stride[0] == -1 && stride[1] == -1)
        for (int i = 0; i < 2; i++) stride[i] = kernel[i];
    if (!eg_infer_pair("kernel_size", kernel, 1, err) || !eg_infer_pair("stride", stride, 1, err) ||
        !eg_infer_pair("padding", padding, 0, err))
        return false;
    if (padding[0] <= kernel[0] / 2 && padding[1] <= kernel[1] / 2) return true;
    return eg_fail(err, EG_RECIPE, "padding %lldx%lld is more than half of the %lldx%lld window",
                   (long long)padding[0], (long long)padding[1], (long long)kernel[0], (long long)kernel[1]);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Along one axis; torch.nn.functional's pooling_output_shape, and convolution as its case without ceil_mode.
 */
static int64_t places(const eg_window *w, int axis, int64_t size)
{
    int64_t span = w->dilation[axis] * (w->kernel[axis] - 1) + 1;
    int64_t free = size + w->padding[axis] + w->padding_end[axis] - span;
    if (w->ceil_mode) free += w->stride[axis] - 1;
    int64_t count = floor_div(free, w->stride[axis]) + 1;
    /* A window that would start in the padding behind the image is left out. */
    if (w->ceil_mode && (count - 1) * w->stride[axis] >= size + w->padding[axis]) count--;
    return count;
}

bool eg_window_output(const eg_window *window, const int64_t *dims, int64_t out[2], eg_error *err)
{
    char padding[96] = "";
    int64_t span[2];
    for (int i = 0; i < 2; i++) {
        out[i] = places(window, i, dims[i]);
        span[i] = window->dilation[i] * (window->kernel[i] - 1) + 1;
    }
    if (out[0] >= 1 && out[1] >= 1) return true;
    if (window->padding[0] || window->padding[1])
        snprintf(padding, sizeof padding, " with padding %lldx%lld", (long long)window->padding[0],
                 (long long)window->padding[1]);
    return eg_fail(err, EG_RECIPE, "the %lldx%lld window does not fit a %lldx%lld input%s",
                   (long long)span[0], (long long)span[1], (long long)dims[0], (long long)dims[1], padding);
}
