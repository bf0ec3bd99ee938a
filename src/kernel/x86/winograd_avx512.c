#include <immintrin.h>

#define LANES          16
#define TARGET         __attribute__((target("avx512f,avx512dq,avx512vl")))
#define FUSED(a, b, c) ((vec)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define FORMS          eg_winograd_avx512
#include "kernel/winograd_lanes.inc"
