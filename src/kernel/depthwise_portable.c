/* Four lanes: every compiler has them, whatever the processor. */
#include <stdint.h>

typedef float four __attribute__((vector_size(16)));

static inline four part_load(const float *from, int64_t width)
{
    return (four){from[0], width > 1 ? from[1] : 0, width > 2 ? from[2] : 0};
}

static inline void part_store(float *to, int64_t width, four v)
{
    for (int64_t i = 0; i < width; i++) to[i] = v[i];
}

#define LANES 4
#define TARGET
#define PART_LOAD(from, width)   ((vec)part_load(from, width))
#define PART_STORE(to, width, v) part_store(to, width, (four)(v))
#define FORMS                    eg_depthwise_portable
#include "kernel/depthwise_lanes.inc"
