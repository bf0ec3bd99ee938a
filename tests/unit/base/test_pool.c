#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdatomic.h>

#include "base/pool.h"

enum { TASKS = 1000 };

typedef struct counters {
    eg_pool *pool;
    atomic_int runs[TASKS];
    atomic_int inner, bad_worker;
} counters;

static void count(void *context, int64_t task, int worker)
{
    counters *c = context;
    atomic_fetch_add(&c->runs[task], 1);
    if (worker < 0 || worker >= eg_pool_threads(c->pool)) atomic_fetch_add(&c->bad_worker, 1);
}

static void every_task_runs_once(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 3, 7};
    for (size_t t = 0; t < 4; t++) {
        counters c = {.pool = eg_pool_new(threads[t], NULL)};
        for (int round = 0; round < 200; round++) eg_pool_run(c.pool, TASKS - round, count, &c);
        for (int i = 0; i < TASKS; i++) {
            int expected = i < TASKS - 199 ? 200 : TASKS - i;
            assert_int_equal(atomic_load(&c.runs[i]), expected);
        }
        assert_int_equal(atomic_load(&c.bad_worker), 0);
        eg_pool_free(c.pool);
    }
}

static void count_inner(void *context, int64_t task, int worker)
{
    counters *c = context;
    (void)task;
    (void)worker;
    atomic_fetch_add(&c->inner, 1);
}

static void run_inside(void *context, int64_t task, int worker)
{
    counters *c = context;
    (void)task;
    (void)worker;
    eg_pool_run(c->pool, 10, count_inner, c);
}

static void a_run_inside_a_task_is_serial_and_complete(void **state)
{
    (void)state;
    counters c = {.pool = eg_pool_new(3, NULL)};
    eg_pool_run(c.pool, 20, run_inside, &c);
    assert_int_equal(atomic_load(&c.inner), 200);
    eg_pool_free(c.pool);
}

static void no_tasks_and_no_pool_are_fine(void **state)
{
    (void)state;
    counters c = {.pool = eg_pool_new(2, NULL)};
    eg_pool_run(c.pool, 0, count, &c);
    eg_pool_free(c.pool);
    eg_pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_runs_once),
        cmocka_unit_test(a_run_inside_a_task_is_serial_and_complete),
        cmocka_unit_test(no_tasks_and_no_pool_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
