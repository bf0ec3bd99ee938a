/* bench_step ARCH BATCH THREADS REPEATS [all|frozen|later]: a training step (forward, loss gradient,
 * backward) and an inference forward pass on random images: median milliseconds of each, then median
 * milliseconds of processor time of each, then the megabytes of memory that the execution of each holds, then
 * the most that the process ever held. frozen: the last layer alone trains; later: and what is before it was
 * kept by an earlier epoch, as the feature cache does. */
#include <string.h>
#include <sys/resource.h>

#include "bench.h"

typedef struct trial {
    bench b;
    int repeats;
    bool frozen; /* the last layer alone trains; normalisation uses its stored statistics */
    bool later;  /* and is given what is before it */
} trial;

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
    bench_loss(b, exec);
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

static eg_exec *prepare(trial *t, bool training)
{
    bench *b = &t->b;
    bool *trainable = EG_NEW_ARRAY(&b->arena, bool, (size_t)b->net->param_count);
    eg_bn_mode *modes = EG_NEW_ARRAY(&b->arena, eg_bn_mode, (size_t)b->net->node_count);
    int32_t last = b->net->params[b->net->param_count - 1].node;
    for (int32_t i = 0; i < b->net->param_count; i++)
        trainable[i] = !b->net->params[i].buffer && (!t->frozen || b->net->params[i].node == last);
    for (int32_t i = 0; t->frozen && i < b->net->node_count; i++) modes[i] = EG_BN_EVAL;
    eg_exec_options options = {.batch = b->batch, .pool = b->pool};
    if (training) options.trainable = trainable, options.batch_norm = modes;
    return bench_exec(b, &options);
}

static result measure(trial *t, bool training)
{
    bench *b = &t->b;
    double *times = EG_NEW_ARRAY(&b->arena, double, (size_t)t->repeats),
           *cpu = EG_NEW_ARRAY(&b->arena, double, (size_t)t->repeats);
    eg_exec *exec = prepare(t, training);
    const float *kept = training && t->later ? keep_features(b, exec) : NULL;
    for (int i = -1; i < t->repeats; i++) {
        double start = bench_now(CLOCK_MONOTONIC), cpu_start = bench_now(CLOCK_PROCESS_CPUTIME_ID);
        step(b, exec, training, (uint64_t)(i + 1), kept);
        if (i < 0) continue;
        times[i] = bench_now(CLOCK_MONOTONIC) - start;
        cpu[i] = bench_now(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
    }
    result r = {bench_median(times, t->repeats), bench_median(cpu, t->repeats),
                (double)eg_exec_bytes(exec) / 1e6};
    eg_exec_free(exec);
    return r;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 5 ? argv[5] : "all";
    trial t = {.repeats = argc > 4 ? atoi(argv[4]) : 0,
               .frozen = strcmp(mode, "all") != 0,
               .later = strcmp(mode, "later") == 0};
    if (argc < 5 || argc > 6 || t.repeats < 1 || atoi(argv[2]) < 1 ||
        (t.frozen && !t.later && strcmp(mode, "frozen") != 0)) {
        fprintf(stderr, "usage: bench_step ARCH BATCH THREADS REPEATS [all|frozen|later]\n");
        return 1;
    }
    bench_open(&t.b, argv[1], atoi(argv[2]), atoi(argv[3]));
    result step = measure(&t, true), forward = {0};
    if (!t.later) forward = measure(&t, false);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%.2f %.2f %.2f %.2f %.1f %.1f %.1f\n", step.wall, forward.wall, step.cpu, forward.cpu,
           step.megabytes, forward.megabytes, (double)usage.ru_maxrss * 1024 / 1e6);
    bench_close(&t.b);
    return 0;
}
