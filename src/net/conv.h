/* The five ways in which a convolution runs. A call's parameters are weight (k, c / groups, r, s) and bias
 * (k) or NULL. */
#ifndef ENGRAFT_NET_CONV_H
#define ENGRAFT_NET_CONV_H

#include "kernel/kernel.h"
#include "net/op.h"

enum { EG_CONV_WEIGHT, EG_CONV_BIAS };

typedef struct eg_conv {
    eg_grid grid;
    int64_t k, groups;
} eg_conv;

/* The convolution's bias and what follows it. Never both a bias and a scale: who sets a scale folds the bias
 * into the epilogue's, and leaves the parameter out. */
static inline eg_epilogue eg_conv_epilogue(const eg_call *call)
{
    eg_epilogue epilogue = call->epilogue;
    if (call->params[EG_CONV_BIAS]) epilogue.bias = call->params[EG_CONV_BIAS];
    return epilogue;
}

/* Memory that passes use one after the other. */
static inline size_t eg_conv_larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* As matrix products over blocks of positions. */
void eg_conv_product_memory(const eg_conv *conv, int64_t batch, bool training, eg_op_memory *out);
void eg_conv_product_forward(const eg_conv *conv, const eg_call *call);
void eg_conv_product_backward(const eg_conv *conv, const eg_call *call);

/* Directly, where every channel has its own window: groups = c = k. */
void eg_conv_depthwise_memory(const eg_conv *conv, int64_t batch, bool training, eg_op_memory *out);
void eg_conv_depthwise_forward(const eg_conv *conv, const eg_call *call);
void eg_conv_depthwise_backward(const eg_conv *conv, const eg_call *call);

/* By Winograd's method, where it fits and is faster. */
bool eg_conv_winograd_fits(const eg_conv *conv);
void eg_conv_winograd_memory(const eg_conv *conv, int64_t batch, bool training, eg_op_memory *out);
void eg_conv_winograd_forward(const eg_conv *conv, const eg_call *call);
void eg_conv_winograd_backward(const eg_conv *conv, const eg_call *call);

/* Windows of one pixel, as products of whole maps. */
bool eg_conv_pointwise_fits(const eg_conv *conv);
void eg_conv_pointwise_memory(const eg_conv *conv, int64_t batch, bool training, eg_op_memory *out);
void eg_conv_pointwise_forward(const eg_conv *conv, const eg_call *call);
void eg_conv_pointwise_backward(const eg_conv *conv, const eg_call *call);

/* Windows read in place, where they have strides, few channels or other sizes. */
bool eg_conv_direct_fits(const eg_conv *conv);
void eg_conv_direct_memory(const eg_conv *conv, int64_t batch, bool training, eg_op_memory *out);
void eg_conv_direct_forward(const eg_conv *conv, const eg_call *call);
void eg_conv_direct_backward(const eg_conv *conv, const eg_call *call);

#endif
