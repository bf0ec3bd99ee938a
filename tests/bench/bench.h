/* What the programs that time a network share: opening one, filling it with numbers, clocks, medians. */
#ifndef ENGRAFT_TESTS_BENCH_H
#define ENGRAFT_TESTS_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/rng.h"
#include "net/exec.h"

typedef struct bench {
    eg_arena arena;
    const eg_net *net;
    eg_weights weights; /* drawn as for training from noise */
    eg_pool *pool;
    int64_t batch;
} bench;

/* Milliseconds. */
static inline double bench_now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int bench_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double bench_median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, bench_compare);
    return values[count / 2];
}

/* Ends the program, saying why, where that fails. */
static inline void bench_open(bench *b, const char *arch, int64_t batch, int threads)
{
    eg_error err = {0};
    eg_problems problems = {.arena = &b->arena};
    b->batch = batch;
    b->net = eg_net_read(&b->arena, arch, NULL, &problems, &err);
    b->pool = b->net ? eg_pool_new(threads, &err) : NULL;
    if (!b->pool || !eg_weights_init(&b->weights, &b->arena, b->net, &err)) {
        eg_problems_print(&problems, stderr, false);
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    for (int32_t i = 0; i < b->net->param_count; i++)
        eg_init_fill(&b->net->params[i], &b->net->params[i].init, 1, b->weights.data[i]);
}

static inline void bench_close(bench *b)
{
    eg_weights_clear(&b->weights);
    eg_pool_free(b->pool);
    eg_arena_clear(&b->arena);
}

/* An execution on random images; ends the program where there is no memory for it. */
static inline eg_exec *bench_exec(bench *b, const eg_exec_options *options)
{
    eg_error err = {0};
    eg_exec *exec = eg_exec_new(b->net, &b->weights, options, &err);
    if (!exec) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    eg_stream stream = eg_stream_make(1, EG_DRAW_AUGMENT, 0, 0);
    float *x = eg_exec_input(exec);
    int64_t count = b->batch * eg_value_numel(&b->net->values[0]);
    for (int64_t i = 0; i < count; i++) x[i] = (float)eg_draw_uniform(stream, (uint64_t)i) - 0.5F;
    return exec;
}

/* The loss is the mean of the outputs: its gradient costs nothing beside the network's. */
static inline void bench_loss(const bench *b, eg_exec *exec)
{
    int64_t count = b->batch * eg_value_numel(&b->net->values[b->net->output]);
    float *dy = eg_exec_output_grad(exec);
    for (int64_t i = 0; i < count; i++) dy[i] = 1.0F / (float)count;
}

#endif
