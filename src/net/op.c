#include "net/op.h"

#include <string.h>

#include "net/op_table.h"

static const eg_op *const ops[] = {
    &eg_op_adaptive_avg_pool2d,
    &eg_op_add,
    &eg_op_avg_pool2d,
    &eg_op_batch_norm2d,
    &eg_op_cat,
    &eg_op_conv2d,
    &eg_op_dropout,
    &eg_op_flatten,
    &eg_op_leaky_relu,
    &eg_op_linear,
    &eg_op_max_pool2d,
    &eg_op_mul,
    &eg_op_pad_channels,
    &eg_op_relu,
    &eg_op_relu6,
    &eg_op_slice,
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
