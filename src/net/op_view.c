/* The same memory under another shape: identity; tokens, the pixels of an image (h, w, c) as tokens (h * w,
 * c), row by row, PyTorch's x.flatten(2).transpose(1, 2); image, tokens (h * w, c) as an image (h, w, c). */
#include <stddef.h>

#include "net/infer.h"
#include "net/op_table.h"

static bool infer_tokens(eg_infer *infer, eg_error *err)
{
    const int64_t *x = infer->inputs[0].dims;
    return eg_infer_image(infer, err) && eg_infer_output(infer, (int64_t[]){x[0] * x[1], x[2]}, 2, err);
}

typedef struct image_attr {
    int64_t height, width;
} image_attr;

static bool infer_image(eg_infer *infer, eg_error *err)
{
    const image_attr *a = infer->attr;
    const eg_value *x = &infer->inputs[0];
    if (!eg_infer_size("height", a->height, 1, err) || !eg_infer_size("width", a->width, 1, err))
        return false;
    int64_t pixels = a->height * a->width;
    if (x->rank != 2 || pixels != x->dims[0])
        return eg_fail(err, EG_RECIPE, "the input must be %lld tokens for %lldx%lld pixels, not %s",
                       (long long)pixels, (long long)a->height, (long long)a->width,
                       eg_value_text(infer->arena, x));
    return eg_infer_output(infer, (int64_t[]){a->height, a->width, x->dims[1]}, 3, err);
}

static const eg_arg image_args[] = {
    {"height", EG_ARG_INT, offsetof(image_attr, height), NULL},
    {"width", EG_ARG_INT, offsetof(image_attr, width), NULL},
    {0},
};

const eg_op eg_op_identity = {
    .name = "identity",
    .type = "Identity",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .view = true,
    .infer = eg_infer_same,
};

const eg_op eg_op_tokens = {
    .name = "tokens",
    .type = "Tokens",
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .view = true,
    .infer = infer_tokens,
};

const eg_op eg_op_image = {
    .name = "image",
    .type = "Image",
    .attr_size = sizeof(image_attr),
    .args = image_args,
    .min_inputs = 1,
    .max_inputs = 1,
    .version = 1,
    .view = true,
    .infer = infer_image,
};
