#define LANES  16
#define TARGET __attribute__((target("avx512f,avx512dq,avx512vl")))
#define FORMS  eg_winograd_avx512
#include "kernel/winograd_lanes.inc"
