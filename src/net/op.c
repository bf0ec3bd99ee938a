#include "net/op.h"

#include <string.h>

#include "net/op_table.h"

static const eg_op *const ops[] = {
    &eg_op_adaptive_avg_pool2d,
    &eg_op_adaptive_max_pool2d,
    &eg_op_add,
    &eg_op_avg_pool2d,
    &eg_op_batch_norm2d,
    &eg_op_cat,
    &eg_op_channel_shuffle,
    &eg_op_chunk,
    &eg_op_conv2d,
    &eg_op_dropout,
    &eg_op_elu,
    &eg_op_flatten,
    &eg_op_gelu,
    &eg_op_group_norm,
    &eg_op_hardsigmoid,
    &eg_op_hardswish,
    &eg_op_identity,
    &eg_op_image,
    &eg_op_index,
    &eg_op_layer_norm,
    &eg_op_leaky_relu,
    &eg_op_learned,
    &eg_op_linear,
    &eg_op_max_pool2d,
    &eg_op_mean,
    &eg_op_mul,
    &eg_op_multi_head_attention,
    &eg_op_pad,
    &eg_op_pad_channels,
    &eg_op_permute,
    &eg_op_prelu,
    &eg_op_reciprocal,
    &eg_op_relu,
    &eg_op_relu6,
    &eg_op_scale,
    &eg_op_shifted_window_attention,
    &eg_op_sigmoid,
    &eg_op_silu,
    &eg_op_slice,
    &eg_op_softmax,
    &eg_op_stochastic_depth,
    &eg_op_sub,
    &eg_op_tanh,
    &eg_op_tokens,
    &eg_op_transpose,
};

enum { OPS = sizeof ops / sizeof(void *) };

const eg_op *const *eg_op_list(size_t *count)
{
    *count = OPS;
    return ops;
}

const eg_op *eg_op_find(const char *name)
{
    for (size_t i = 0; i < OPS; i++)
        if (strcmp(ops[i]->name, name) == 0) return ops[i];
    return NULL;
}
