#include <immintrin.h>

#define LANES          8
#define TARGET         __attribute__((target("avx2,fma")))
#define FUSED(a, b, c) ((vec)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define FORMS          eg_winograd_avx2
#include "kernel/winograd_lanes.inc"
