#include "net/range.h"

typedef struct job {
    int64_t total, grain;
    eg_range_fn *run;
    const void *context;
} job;

static void run_task(void *context, int64_t task, int worker)
{
    const job *j = context;
    int64_t begin = task * j->grain, end = begin + j->grain;
    j->run(j->context, begin, end < j->total ? end : j->total, worker);
}

void eg_range_run(eg_pool *pool, int64_t total, int64_t grain, eg_range_fn *run, const void *context)
{
    job j = {total, grain, run, context};
    eg_pool_run(pool, eg_div_up(total, grain), run_task, &j);
}
