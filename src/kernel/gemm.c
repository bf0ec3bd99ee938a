#include "kernel/gemm.h"

#include <assert.h>
#include <limits.h>

#include <cblas.h>

void eg_gemm_setup(void)
{
    openblas_set_num_threads(1);
}

void eg_gemm(int64_t m, int64_t n, int64_t k, eg_matrix a, eg_matrix b, float *out, int64_t ld,
             bool accumulate)
{
    assert(m <= INT_MAX && n <= INT_MAX && k <= INT_MAX && a.ld <= INT_MAX && b.ld <= INT_MAX &&
           ld <= INT_MAX);
    cblas_sgemm(CblasRowMajor, a.transpose ? CblasTrans : CblasNoTrans,
                b.transpose ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k, 1.0F, a.data, (int)a.ld,
                b.data, (int)b.ld, accumulate ? 1.0F : 0.0F, out, (int)ld);
}
