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

/* Of one number; NaN stays NaN, so that a diverged run is seen. In a form that gcc makes whole vectors of in
 * a loop over many: one comparison a choice, and what is chosen from computed before. */
EG_INLINE float eg_activate(float v, eg_activation activation, float slope)
{
    float scaled = v * slope;
    if (activation == EG_ACTIVATION_LEAKY) v = v > 0 ? v : scaled;
    if (activation == EG_ACTIVATION_RELU || activation == EG_ACTIVATION_RELU6) v = v < 0 ? 0 : v;
    if (activation == EG_ACTIVATION_RELU6) v = v > 6 ? 6 : v;
    return v;
}

/* The gradient before the activation from that behind it, 0 at the kinks, as PyTorch. v: the activation's
 * input or output, which agree in all that counts here. */
EG_INLINE float eg_activate_grad(float grad, float v, eg_activation activation, float slope)
{
    float scaled = grad * slope, below = v;
    if (activation == EG_ACTIVATION_LEAKY) grad = v > 0 ? grad : scaled;
    if (activation == EG_ACTIVATION_RELU6) below = v >= 6 ? 0 : v;
    if (activation == EG_ACTIVATION_RELU || activation == EG_ACTIVATION_RELU6) grad = below <= 0 ? 0 : grad;
    return grad;
}

/* x, y (rows, c), rows `ld` floats apart; residual lies as y does. y may be x. */
void eg_epilogue_apply(int64_t rows, int64_t c, int64_t ld, const float *x, const eg_epilogue *epilogue,
                       float *y);
/* The epilogue of the channels from k on, of the rows that start `offset` floats behind the first. */
eg_epilogue eg_epilogue_at(const eg_epilogue *epilogue, int64_t offset, int64_t k);
bool eg_epilogue_is_empty(const eg_epilogue *epilogue);

#endif
