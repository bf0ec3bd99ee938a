/* Four lanes: every compiler has them, whatever the processor. */
#define LANES   4
#define VECTORS 2
#define TARGET
#define FUSED(a, b, c) ((a) * (b) + (c))
#define FORMS          eg_direct_portable
#include "kernel/direct_lanes.inc"
