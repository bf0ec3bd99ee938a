/* Large results that are not read soon, written past the caches: a store to memory that is not there reads it
 * first, so that a pass over x to a new y moves three times its size, past the caches twice. */
#ifndef ENGRAFT_KERNEL_BYPASS_H
#define ENGRAFT_KERNEL_BYPASS_H

#include "kernel/epilogue.h"
#include "kernel/norm_grad.h"

/* Whether that pays for a result of so many floats, all parts of it together. */
bool eg_bypass_pays(int64_t n);
/* to (n) = from; eg_bypass_end then puts what was written in order with what tells others that it is there.
 */
void eg_bypass_copy(int64_t n, const float *from, float *to);
void eg_bypass_end(void);
/* As eg_epilogue_apply with ld = c; y is not x. */
void eg_bypass_epilogue(int64_t rows, int64_t c, const float *x, const eg_epilogue *epilogue, float *y);
/* As eg_norm_grad_input that does not add; dx is not dy. */
void eg_bypass_input_grad(int64_t rows, int64_t c, const eg_norm_grad *n, const float *a, const float *b,
                          const float *k, float *dx);

#endif
