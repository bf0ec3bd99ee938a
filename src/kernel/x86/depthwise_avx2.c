#include <immintrin.h>

/* The first `width` of eight. */
#define MASK(width)                                                                                          \
    _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(width)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))

#define LANES                    8
#define TARGET                   __attribute__((target("avx2,fma")))
#define PART_LOAD(from, width)   ((vec)_mm256_maskload_ps(from, MASK(width)))
#define PART_STORE(to, width, v) _mm256_maskstore_ps(to, MASK(width), (__m256)(v))
#define FORMS                    eg_depthwise_avx2
#include "kernel/depthwise_lanes.inc"
