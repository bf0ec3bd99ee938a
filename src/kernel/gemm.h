/* Matrix products, the only door to BLAS. */
#ifndef ENGRAFT_KERNEL_GEMM_H
#define ENGRAFT_KERNEL_GEMM_H

#include "kernel/kernel.h"

/* Before the first product, from one thread (repeating it does no harm): every product runs on the thread
 * that asks for it, in the form made for this processor. BLAS's own threads end, which take from others the
 * processor otherwise until they find that there is nothing to do. */
void eg_gemm_setup(void);
/* "OpenBLAS 0.3.21", and the processor that its form was made for, "Haswell". */
const char *eg_gemm_library(void);
const char *eg_gemm_core(void);

typedef struct eg_matrix {
    const float *data;
    int64_t ld;     /* elements from one row to the next */
    bool transpose; /* use its transpose */
} eg_matrix;

/* out (m, n; rows `ld` apart) = a (m, k) * b (k, n), or += when accumulate. Row-major; a and b have these
 * sizes after their own transposition. */
void eg_gemm(int64_t m, int64_t n, int64_t k, eg_matrix a, eg_matrix b, float *out, int64_t ld,
             bool accumulate);

#endif
