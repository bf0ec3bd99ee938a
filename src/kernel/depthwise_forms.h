/* The forms of depthwise.h, one table an instruction set. */
#ifndef ENGRAFT_KERNEL_DEPTHWISE_FORMS_H
#define ENGRAFT_KERNEL_DEPTHWISE_FORMS_H

#include "kernel/depthwise.h"

extern const eg_depthwise eg_depthwise_portable;
extern const eg_depthwise eg_depthwise_avx2;
extern const eg_depthwise eg_depthwise_avx512;

#endif
