#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

enum { SPINS = 4000 };

typedef struct worker {
    pthread_t thread;
    eg_pool *pool;
    int index;
    eg_scratch scratch;
} worker;

struct eg_pool {
    int threads, started;
    worker *workers; /* 1 … threads-1; worker 0 is whoever calls eg_pool_run */
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    atomic_uint generation; /* counts eg_pool_run calls */
    bool stop;
    atomic_int busy; /* workers that have not finished this generation */
    void (*run)(void *context, int64_t task, int worker);
    void *context;
    int64_t tasks;
    atomic_llong next;
};

static _Thread_local int current_worker = -1; /* >= 0 inside a task */

static void work(eg_pool *pool, int index)
{
    current_worker = index;
    for (int64_t task;
         (task = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed)) < pool->tasks;)
        pool->run(pool->context, task, index);
    current_worker = -1;
}

static inline void spin_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* A short spin before sleeping: the passes of a training step follow each other within microseconds. */
static void await_generation(eg_pool *pool, unsigned seen)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&pool->generation, memory_order_acquire) != seen) return;
        spin_pause();
    }
}

static void finish(eg_pool *pool)
{
    if (atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_acq_rel) > 1) return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_signal(&pool->done);
    pthread_mutex_unlock(&pool->lock);
}

/* The same for the last tasks of a pass, which end within microseconds of each other. */
static void await_workers(eg_pool *pool)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&pool->busy, memory_order_acquire) == 0) return;
        spin_pause();
    }
    pthread_mutex_lock(&pool->lock);
    while (atomic_load(&pool->busy)) pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

static void *worker_main(void *argument)
{
    worker *self = argument;
    eg_pool *pool = self->pool;
    unsigned seen = 0;
    for (;;) {
        await_generation(pool, seen);
        pthread_mutex_lock(&pool->lock);
        while (!pool->stop && atomic_load(&pool->generation) == seen)
            pthread_cond_wait(&pool->wake, &pool->lock);
        bool stop = pool->stop;
        seen = atomic_load(&pool->generation);
        pthread_mutex_unlock(&pool->lock);
        if (stop) return NULL;
        work(pool, self->index);
        finish(pool);
    }
}

eg_pool *eg_pool_new(int threads, eg_error *err)
{
    if (threads <= 0) threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (threads < 1) threads = 1;
    eg_pool *pool = eg_malloc(sizeof *pool);
    memset(pool, 0, sizeof *pool);
    pool->threads = threads;
    pool->started = 1;
    pool->workers = eg_malloc(eg_size_product((size_t)threads, sizeof *pool->workers));
    pool->workers[0] = (worker){.pool = pool};
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (int i = 1; i < threads; i++) {
        pool->workers[i] = (worker){.pool = pool, .index = i};
        int code = pthread_create(&pool->workers[i].thread, NULL, worker_main, &pool->workers[i]);
        if (code != 0) {
            eg_fail(err, EG_SYSTEM, "cannot start thread %d of %d: %s", i + 1, threads, strerror(code));
            eg_pool_free(pool);
            return NULL;
        }
        pool->started++;
    }
    return pool;
}

void eg_pool_free(eg_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 1; i < pool->started; i++) pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    for (int i = 0; i < pool->started; i++) eg_scratch_clear(&pool->workers[i].scratch);
    free(pool->workers);
    free(pool);
}

int eg_pool_threads(const eg_pool *pool)
{
    return pool->threads;
}

eg_scratch *eg_pool_scratch(eg_pool *pool, int index)
{
    return &pool->workers[index].scratch;
}

void eg_pool_run(eg_pool *pool, int64_t tasks, void (*run)(void *context, int64_t task, int worker),
                 void *context)
{
    if (current_worker >= 0 || pool->threads == 1 || tasks <= 1) {
        int outer = current_worker, index = outer >= 0 ? outer : 0;
        current_worker = index;
        for (int64_t task = 0; task < tasks; task++) run(context, task, index);
        current_worker = outer;
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->run = run;
    pool->context = context;
    pool->tasks = tasks;
    atomic_store(&pool->next, 0);
    atomic_store(&pool->busy, pool->threads - 1);
    atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    work(pool, 0);
    await_workers(pool);
}
