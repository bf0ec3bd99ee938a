/* Activations that are one kernel over all elements (kernel/smooth.h), a number `a` with it. */
#ifndef ENGRAFT_NET_POINTWISE_H
#define ENGRAFT_NET_POINTWISE_H

#include "kernel/smooth.h"
#include "net/op.h"

void eg_pointwise_forward(const eg_call *call, eg_smooth_forward *kernel, double a);
/* From y where the operator says that backward reads it, else from x. */
void eg_pointwise_backward(const eg_call *call, eg_smooth_backward *kernel, double a);

#endif
