/* bench_step ARCH BATCH THREADS REPEATS: median milliseconds of a training step (forward, loss gradient,
 * backward) and of an inference forward pass on random images, and the memory that the network's execution
 * holds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/rng.h"
#include "net/exec.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
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
static double measure(bench *b, bool training, size_t *bytes)
{
    double *times = malloc((size_t)b->repeats * sizeof *times);
    bool *trainable = EG_NEW_ARRAY(&b->arena, bool, (size_t)b->net->param_count);
    eg_bn_mode *modes = EG_NEW_ARRAY(&b->arena, eg_bn_mode, (size_t)b->net->node_count);
    for (int32_t i = 0; i < b->net->param_count; i++) trainable[i] = !b->net->params[i].buffer;
    eg_error err = {0};
    eg_exec_options options = {.batch = b->batch, .pool = b->pool};
    if (training) options.trainable = trainable, options.batch_norm = modes;
    eg_exec *exec = eg_exec_new(b->net, &b->weights, &options, &err);
    if (!exec || !times) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    draw_input(b, exec);
    for (int i = -1; i < b->repeats; i++) {
        double start = now();
        eg_exec_forward(exec, b->batch, training, (uint64_t)(i + 1));
        if (training) {
            int64_t count = b->batch * eg_value_numel(&b->net->values[b->net->output]);
            float *dy = eg_exec_output_grad(exec);
            for (int64_t k = 0; k < count; k++) dy[k] = 1.0F / (float)count;
            eg_exec_backward(exec);
        }
        if (i >= 0) times[i] = now() - start;
    }
    *bytes = eg_exec_bytes(exec);
    double result = median(times, b->repeats);
    eg_exec_free(exec);
    free(times);
    return result;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: bench_step ARCH BATCH THREADS REPEATS\n");
        return 1;
    }
    bench b = {.batch = atoi(argv[2]), .repeats = atoi(argv[4])};
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
    size_t step_bytes, forward_bytes;
    double step = measure(&b, true, &step_bytes), forward = measure(&b, false, &forward_bytes);
    printf("%.2f %.2f %.1f %.1f\n", step, forward, (double)step_bytes / 1e6, (double)forward_bytes / 1e6);
    eg_weights_clear(&b.weights);
    eg_pool_free(b.pool);
    eg_arena_clear(&b.arena);
    return 0;
}
