#include <immintrin.h>

#define LANES                    16
#define TARGET                   __attribute__((target("avx512f,avx512dq,avx512vl")))
#define PART_LOAD(from, width)   ((vec)_mm512_maskz_loadu_ps((__mmask16)((1U << (width)) - 1), from))
#define PART_STORE(to, width, v) _mm512_mask_storeu_ps(to, (__mmask16)((1U << (width)) - 1), (__m512)(v))
#define FORMS                    eg_depthwise_avx512
#include "kernel/depthwise_lanes.inc"
