#define LANES  8
#define TARGET __attribute__((target("avx2")))
#define FORMS  eg_winograd_avx2
#include "kernel/winograd_lanes.inc"
