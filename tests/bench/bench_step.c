/* bench_step ARCH BATCH THREADS REPEATS [all|frozen|later]: a training step (forward, loss gradient,
 * backward) and an inference forward pass on random images: median milliseconds of each, then median
 * milliseconds of processor time of each, then the megabytes of memory that the execution of each holds, then
 * the most that the process ever held. frozen: the last layer alone trains; later: and what is before it was
 * kept by an earlier epoch, as the feature cache does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/rng.h"
#include "net/exec.h"

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

typedef struct bench {
    eg_arena arena;
    const eg_net *net;
    eg_weights weights;
    eg_pool *pool;
    int64_t batch;
    int repeats;
    bool frozen; /* the last layer alone trains; normalisation uses its stored statistics */
    bool later;  /* and is given what is before it */
} bench;

static void draw_weights(bench *b)
{
    for (int32_t i = 0; i < b->net->param_count; i++)
        eg_init_fill(&b->net->params[i], &b->net->params[i].init, 1, b->weights.data[i]);
}

static void draw_input(const bench *b, eg_exec *exec)
{
    eg_stream stream = eg_stream_make(1, EG_DRAW_AUGMENT, 0, 0);
    float *x = eg_exec_input(exec);
    int64_t count = b->batch * eg_value_numel(&b->net->values[0]);
    for (int64_t i = 0; i < count; i++) x[i] = (float)eg_draw_uniform(stream, (uint64_t)i) - 0.5F;
}

/* The loss is the sum of the outputs: its gradient costs nothing beside the network's. */
typedef struct result {
    double wall, cpu, megabytes;
} result;

/* One step; kept: the features of every sample, or NULL. */
static void step(const bench *b, eg_exec *exec, bool training, uint64_t number, const float *kept)
{
    eg_exec_begin(exec, b->batch);
    if (!kept) eg_exec_before(exec);
    for (int64_t i = 0; kept && i < b->batch; i++)
        eg_exec_put_features(exec, i, kept + i * eg_exec_cut(exec)->numel);
    eg_exec_behind(exec, training, number);
    if (!training) return;
    int64_t count = b->batch * eg_value_numel(&b->net->values[b->net->output]);
    float *dy = eg_exec_output_grad(exec);
    for (int64_t k = 0; k < count; k++) dy[k] = 1.0F / (float)count;
    eg_exec_backward(exec);
}

static float *keep_features(bench *b, eg_exec *exec)
{
    int64_t numel = eg_exec_cut(exec)->numel;
    float *kept = EG_NEW_ARRAY(&b->arena, float, (size_t)(b->batch * numel));
    eg_exec_begin(exec, b->batch);
    eg_exec_before(exec);
    for (int64_t i = 0; i < b->batch; i++) eg_exec_get_features(exec, i, kept + i * numel);
    return kept;
}

static result measure(bench *b, bool training)
{
    double *times = EG_NEW_ARRAY(&b->arena, double, (size_t)b->repeats),
           *cpu = EG_NEW_ARRAY(&b->arena, double, (size_t)b->repeats);
    bool *trainable = EG_NEW_ARRAY(&b->arena, bool, (size_t)b->net->param_count);
    eg_bn_mode *modes = EG_NEW_ARRAY(&b->arena, eg_bn_mode, (size_t)b->net->node_count);
    int32_t last = b->net->params[b->net->param_count - 1].node;
    for (int32_t i = 0; i < b->net->param_count; i++)
        trainable[i] = !b->net->params[i].buffer && (!b->frozen || b->net->params[i].node == last);
    for (int32_t i = 0; b->frozen && i < b->net->node_count; i++) modes[i] = EG_BN_EVAL;
    eg_error err = {0};
    eg_exec_options options = {.batch = b->batch, .pool = b->pool};
    if (training) options.trainable = trainable, options.batch_norm = modes;
    eg_exec *exec = eg_exec_new(b->net, &b->weights, &options, &err);
    if (!exec) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    draw_input(b, exec);
    const float *kept = training && b->later ? keep_features(b, exec) : NULL;
    for (int i = -1; i < b->repeats; i++) {
        double start = now(CLOCK_MONOTONIC), cpu_start = now(CLOCK_PROCESS_CPUTIME_ID);
        step(b, exec, training, (uint64_t)(i + 1), kept);
        if (i < 0) continue;
        times[i] = now(CLOCK_MONOTONIC) - start;
        cpu[i] = now(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
    }
    result r = {median(times, b->repeats), median(cpu, b->repeats), (double)eg_exec_bytes(exec) / 1e6};
    eg_exec_free(exec);
    return r;
}

int main(int argc, char **argv)
{
    if (argc < 5 || argc > 6) {
        fprintf(stderr, "usage: bench_step ARCH BATCH THREADS REPEATS [all|frozen|later]\n");
        return 1;
    }
    bench b = {.batch = atoi(argv[2]),
               .repeats = atoi(argv[4]),
               .frozen = argc > 5 && strcmp(argv[5], "all") != 0,
               .later = argc > 5 && strcmp(argv[5], "later") == 0};
    eg_error err = {0};
    eg_problems problems = {.arena = &b.arena};
    b.net = eg_net_read(&b.arena, argv[1], NULL, &problems, &err);
    b.pool = b.net ? eg_pool_new(atoi(argv[3]), &err) : NULL;
    if (!b.pool || !eg_weights_init(&b.weights, &b.arena, b.net, &err)) {
        eg_problems_print(&problems, stderr, false);
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    draw_weights(&b);
    result step = measure(&b, true), forward = {0};
    if (!b.later) forward = measure(&b, false);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%.2f %.2f %.2f %.2f %.1f %.1f %.1f\n", step.wall, forward.wall, step.cpu, forward.cpu,
           step.megabytes, forward.megabytes, (double)usage.ru_maxrss * 1024 / 1e6);
    eg_weights_clear(&b.weights);
    eg_pool_free(b.pool);
    eg_arena_clear(&b.arena);
    return 0;
}
