/* The operators, one a file (op_<name>.c; the activations, the smooth ones, arithmetic and views share a file
 * each). */
#ifndef ENGRAFT_NET_OP_TABLE_H
#define ENGRAFT_NET_OP_TABLE_H

#include "net/op.h"

extern const eg_op eg_op_adaptive_avg_pool2d;
extern const eg_op eg_op_adaptive_max_pool2d;
extern const eg_op eg_op_add;
extern const eg_op eg_op_avg_pool2d;
extern const eg_op eg_op_batch_norm2d;
extern const eg_op eg_op_cat;
extern const eg_op eg_op_channel_shuffle;
extern const eg_op eg_op_chunk;
extern const eg_op eg_op_conv2d;
extern const eg_op eg_op_dropout;
extern const eg_op eg_op_elu;
extern const eg_op eg_op_flatten;
extern const eg_op eg_op_gelu;
extern const eg_op eg_op_group_norm;
extern const eg_op eg_op_hardsigmoid;
extern const eg_op eg_op_hardswish;
extern const eg_op eg_op_identity;
extern const eg_op eg_op_image;
extern const eg_op eg_op_index;
extern const eg_op eg_op_layer_norm;
extern const eg_op eg_op_leaky_relu;
extern const eg_op eg_op_learned;
extern const eg_op eg_op_linear;
extern const eg_op eg_op_max_pool2d;
extern const eg_op eg_op_mean;
extern const eg_op eg_op_mul;
extern const eg_op eg_op_multi_head_attention;
extern const eg_op eg_op_pad;
extern const eg_op eg_op_pad_channels;
extern const eg_op eg_op_permute;
extern const eg_op eg_op_prelu;
extern const eg_op eg_op_reciprocal;
extern const eg_op eg_op_relu6;
extern const eg_op eg_op_relu;
extern const eg_op eg_op_scale;
extern const eg_op eg_op_shifted_window_attention;
extern const eg_op eg_op_sigmoid;
extern const eg_op eg_op_silu;
extern const eg_op eg_op_slice;
extern const eg_op eg_op_softmax;
extern const eg_op eg_op_stochastic_depth;
extern const eg_op eg_op_sub;
extern const eg_op eg_op_tanh;
extern const eg_op eg_op_tokens;
extern const eg_op eg_op_transpose;

#endif
