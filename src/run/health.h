/* Numbers about one tensor's values, and what looks wrong with them. */
#ifndef ENGRAFT_RUN_HEALTH_H
#define ENGRAFT_RUN_HEALTH_H

#include "engraft/tensor.h"

typedef struct eg_health {
    bool known; /* the dtype has numbers (not complex, quantized or 8-bit float) */
    uint64_t numel, nan, inf;
    double min, max, mean,
        std;       /* of the finite values; std with n - 1, as torch.std; NaN where there are too few */
    bool constant; /* more than one element, all equal */
    bool negative_variance; /* a running_var below 0 */
    char sha256[65];        /* over the contiguous little-endian bytes; "" when not asked for */
} eg_health;

bool eg_health_check(const eg_entry *entry, bool digest, bool stats, eg_health *health, eg_error *err);
/* "3 NaN, constant" in the arena, or NULL when nothing is wrong. */
const char *eg_health_text(eg_arena *arena, const eg_health *health);

#endif
