/* The thread pool. Work is cut into tasks by shape alone, never by the number of threads, and a task's result
 * never depends on which worker runs it: hence the same bits on any number of threads. */
#ifndef ENGRAFT_BASE_POOL_H
#define ENGRAFT_BASE_POOL_H

#include <stdint.h>

#include "base/scratch.h"
#include "engraft/error.h"

typedef struct eg_pool eg_pool;

/* `threads` workers, the calling thread among them; 0: as many as there are processors. */
eg_pool *eg_pool_new(int threads, eg_error *err);
void eg_pool_free(eg_pool *pool); /* NULL is fine */
int eg_pool_threads(const eg_pool *pool);
/* Memory of a worker's task, to be reset by it; it lasts as long as the pool. */
eg_scratch *eg_pool_scratch(eg_pool *pool, int worker);
/* Calls run(context, task, worker) once for each task in 0 … tasks-1, and returns when all are done. worker
 * is in 0 … threads-1 and picks scratch memory. Called from inside a task, it runs the tasks one after the
 * other there. */
void eg_pool_run(eg_pool *pool, int64_t tasks, void (*run)(void *context, int64_t task, int worker),
                 void *context);

#endif
