/* The forms of direct.h, one table an instruction set. */
#ifndef ENGRAFT_KERNEL_DIRECT_FORMS_H
#define ENGRAFT_KERNEL_DIRECT_FORMS_H

#include "kernel/direct.h"

extern const eg_direct eg_direct_portable;
extern const eg_direct eg_direct_avx2;
extern const eg_direct eg_direct_avx512;

#endif
