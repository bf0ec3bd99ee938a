#include "kernel/cpu.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[EG_CPU_COUNT] = {
    [EG_CPU_PORTABLE] = "portable",
    [EG_CPU_AVX2] = "avx2",
    [EG_CPU_AVX512] = "avx512",
};

const char *eg_cpu_name(eg_cpu cpu)
{
    return names[cpu];
}

eg_cpu eg_cpu_detect(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return EG_CPU_AVX512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return EG_CPU_AVX2;
#endif
    return EG_CPU_PORTABLE;
}

static eg_cpu limit_of_forms = EG_CPU_COUNT;

void eg_cpu_limit(eg_cpu most)
{
    limit_of_forms = most;
}

eg_cpu eg_cpu_best(void)
{
    eg_cpu best = eg_cpu_detect();
    if (best > limit_of_forms) best = limit_of_forms;
    const char *limit = getenv("ENGRAFT_CPU");
    for (int cpu = 0; limit && cpu < (int)best; cpu++) {
        if (strcmp(limit, names[cpu]) == 0) return (eg_cpu)cpu;
    }
    return best;
}
