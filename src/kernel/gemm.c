#include "kernel/gemm.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

/* OpenBLAS up to 0.3.24 (Debian 12 has 0.3.21) takes every Intel processor that it does not know by its
 * number for a Prescott of 2004 and uses SSE3 alone: on an Emerald Rapids its products run at 30 instead of
 * 140 GFLOP/s a core. Upstream mended it in https://github.com/OpenMathLib/OpenBLAS/pull/4268. Its choice is
 * made when the library is loaded; these two entries, which builds for several processors have, make it
 * choose again, and OPENBLAS_CORETYPE says what. */
void gotoblas_dynamic_init(void) __attribute__((weak));
void gotoblas_dynamic_quit(void) __attribute__((weak));

/* Loaded, the library starts a thread for every further processor, which turns for a tenth of a second before
 * it sleeps. This ends them, as the library does itself before a fork; builds for one thread have none. */
int blas_thread_shutdown_(void) __attribute__((weak));

static const char *best_core(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512cd"))
        return "SkylakeX";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "Haswell";
#endif
    return NULL;
}

static void choose_core(void)
{
    static const char variable[] = "OPENBLAS_CORETYPE";
    const char *core = best_core();
    if (!core || !gotoblas_dynamic_init || !gotoblas_dynamic_quit || getenv(variable)) return;
    if (strcmp(openblas_get_corename(), "Prescott") != 0) return;
    if (setenv(variable, core, 0) != 0) return;
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
    unsetenv(variable);
}

void eg_gemm_setup(void)
{
    choose_core();
    if (openblas_get_num_threads() == 1) return;
    openblas_set_num_threads(1); /* first: it starts the threads where there are none */
    if (blas_thread_shutdown_) blas_thread_shutdown_();
}

/* The first two words of "OpenBLAS 0.3.21 DYNAMIC_ARCH …". */
const char *eg_gemm_library(void)
{
    static char text[64];
    const char *config = openblas_get_config();
    size_t length = strcspn(config, " ");
    if (config[length]) length += 1 + strcspn(config + length + 1, " ");
    snprintf(text, sizeof text, "%.*s", (int)length, config);
    return text;
}

const char *eg_gemm_core(void)
{
    return openblas_get_corename();
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
