/* The operators, one a file (op_<name>.c; the activations and the two arithmetic ones share a file each). */
#ifndef ENGRAFT_NET_OP_TABLE_H
#define ENGRAFT_NET_OP_TABLE_H

#include "net/op.h"

extern const eg_op eg_op_adaptive_avg_pool2d;
extern const eg_op eg_op_add;
extern const eg_op eg_op_avg_pool2d;
extern const eg_op eg_op_batch_norm2d;
extern const eg_op eg_op_cat;
extern const eg_op eg_op_conv2d;
extern const eg_op eg_op_dropout;
extern const eg_op eg_op_flatten;
extern const eg_op eg_op_leaky_relu;
extern const eg_op eg_op_linear;
extern const eg_op eg_op_max_pool2d;
extern const eg_op eg_op_mul;
extern const eg_op eg_op_pad_channels;
extern const eg_op eg_op_relu;
extern const eg_op eg_op_relu6;
extern const eg_op eg_op_slice;

#endif
