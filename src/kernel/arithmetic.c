#include "kernel/arithmetic.h"

#include <stdio.h>

#include "kernel/cpu.h"
#include "kernel/gemm.h"

#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#define LIBM() "glibc", gnu_get_libc_version()
#else
#define LIBM() "libm", "unknown"
#endif

const char *eg_arithmetic(void)
{
    static char text[160];
    snprintf(text, sizeof text, "engraft %s, %s, %s %s, %s %s", ENGRAFT_VERSION, eg_cpu_name(eg_cpu_best()),
             eg_gemm_library(), eg_gemm_core(), LIBM());
    return text;
}
