/* Cutting work into tasks by size alone. */
#ifndef ENGRAFT_NET_RANGE_H
#define ENGRAFT_NET_RANGE_H

#include "base/pool.h"
#include "kernel/kernel.h"

/* Elements of a task of an element-by-element operator. */
#define EG_GRAIN ((int64_t)1 << 15)

typedef void eg_range_fn(const void *context, int64_t begin, int64_t end, int worker);

/* Calls run for begin … end-1 = grain after grain of 0 … total-1, one task each. */
void eg_range_run(eg_pool *pool, int64_t total, int64_t grain, eg_range_fn *run, const void *context);

#endif
