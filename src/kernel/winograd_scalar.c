#define LANES 1
#define TARGET
#define FORMS eg_winograd_scalar
#include "kernel/winograd_lanes.inc"
