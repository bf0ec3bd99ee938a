/* Cutting work into tasks by size alone. */
#ifndef ENGRAFT_NET_RANGE_H
#define ENGRAFT_NET_RANGE_H

#include "base/pool.h"

/* Elements of a task of an element-by-element operator. */
#define EG_GRAIN ((int64_t)1 << 15)

typedef void eg_range_fn(const void *context, int64_t begin, int64_t end, int worker);

/* Calls run for begin … end-1 = grain after grain of 0 … total-1, one task each. */
void eg_range_run(eg_pool *pool, int64_t total, int64_t grain, eg_range_fn *run, const void *context);

static inline int64_t eg_div_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static inline int64_t eg_clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

#endif
