/* What follows an operator in the same pass over its result: y = activation((v * scale + bias) + residual).
 */
#ifndef ENGRAFT_KERNEL_EPILOGUE_H
#define ENGRAFT_KERNEL_EPILOGUE_H

#include "kernel/kernel.h"

typedef enum eg_activation {
    EG_ACTIVATION_NONE,
    EG_ACTIVATION_RELU,
    EG_ACTIVATION_RELU6,
    EG_ACTIVATION_LEAKY,
    EG_ACTIVATION_COUNT
} eg_activation;

typedef struct eg_epilogue {
    const float *scale;    /* (c), or NULL: 1 */
    const float *bias;     /* (c), or NULL: 0 */
    const float *residual; /* of y's shape, or NULL: 0 */
    eg_activation activation;
    float slope; /* of LEAKY, at 0 and below */
} eg_epilogue;

typedef int32_t eg_wide_mask __attribute__((vector_size(64), aligned(4), may_alias));

/* v = other where the condition holds; all are vectors. */
#define EG_WIDE_REPLACE(v, condition, other)                                                                 \
    ((v) = (eg_wide)(((eg_wide_mask)(other) & (condition)) | ((eg_wide_mask)(v) & ~(condition))))

EG_INLINE void eg_wide_activate(eg_wide *v, eg_activation activation, float slope)
{
    const eg_wide zero = {0}, six = zero + 6.0F, scaled = *v * slope;
    if (activation == EG_ACTIVATION_LEAKY) EG_WIDE_REPLACE(*v, ~(*v > zero), scaled);
    if (activation == EG_ACTIVATION_RELU || activation == EG_ACTIVATION_RELU6)
        EG_WIDE_REPLACE(*v, *v < zero, zero);
    if (activation == EG_ACTIVATION_RELU6) EG_WIDE_REPLACE(*v, *v > six, six);
}

/* The gradient before the activation from that behind it. v: the activation's input or output, which agree
 * in all that counts here. */
EG_INLINE void eg_wide_activate_grad(eg_wide *grad, const eg_wide *v, eg_activation activation, float slope)
{
    const eg_wide zero = {0}, six = zero + 6.0F, scaled = *grad * slope;
    if (activation == EG_ACTIVATION_LEAKY) EG_WIDE_REPLACE(*grad, ~(*v > zero), scaled);
    /* One condition a replacement: gcc 12 makes two that it can join one number at a time. */
    eg_wide below = *v;
    if (activation == EG_ACTIVATION_RELU6) EG_WIDE_REPLACE(below, *v >= six, zero);
    if (activation == EG_ACTIVATION_RELU || activation == EG_ACTIVATION_RELU6)
        EG_WIDE_REPLACE(*grad, below <= zero, zero);
}

/* x, y (rows, c), rows `ld` floats apart; residual lies as y does. y may be x. */
void eg_epilogue_apply(int64_t rows, int64_t c, int64_t ld, const float *x, const eg_epilogue *epilogue,
                       float *y);
/* The epilogue of the channels from k on, of the rows that start `offset` floats behind the first. */
eg_epilogue eg_epilogue_at(const eg_epilogue *epilogue, int64_t offset, int64_t k);
bool eg_epilogue_is_empty(const eg_epilogue *epilogue);

#endif
