/* Four lanes: every compiler has them, whatever the processor. */
#define LANES 4
#define TARGET
#define FUSED(a, b, c) ((a) * (b) + (c))
#define FORMS          eg_winograd_portable
#include "kernel/winograd_lanes.inc"
