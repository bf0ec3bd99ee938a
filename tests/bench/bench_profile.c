/* bench_profile ARCH BATCH THREADS REPEATS: where a training step's time goes: a line for every kind of node
 * (operator, weight, sizes), the slowest first, then one for every operator. Median milliseconds of all nodes
 * of the kind, the operations of their forward pass and twice that of their backward pass over the time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "net/exec.h"
#include "net/op.h"

typedef struct kind {
    const char *name;
    int nodes;
    double forward, backward, flops;
} kind;

typedef struct profile {
    eg_arena arena;
    const eg_net *net;
    eg_weights weights;
    int64_t batch;
    int repeats, turn;
    double last;
    double *times[2]; /* forward, backward: (nodes, repeats) */
    kind *kinds;
    size_t count;
} profile;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void note(void *context, int32_t node, bool backward)
{
    profile *p = context;
    double time = now();
    if (p->turn >= 0) p->times[backward][node * p->repeats + p->turn] += time - p->last;
    p->last = time;
}

static void fill(profile *p, eg_exec *exec)
{
    for (int32_t i = 0; i < p->net->param_count; i++)
        eg_init_fill(&p->net->params[i], &p->net->params[i].init, 1, p->weights.data[i]);
    eg_stream stream = eg_stream_make(1, EG_DRAW_AUGMENT, 0, 0);
    float *x = eg_exec_input(exec);
    for (int64_t i = 0; i < p->batch * eg_value_numel(&p->net->values[0]); i++)
        x[i] = (float)eg_draw_uniform(stream, (uint64_t)i) - 0.5F;
}

static void run(profile *p, eg_exec *exec)
{
    for (p->turn = -1; p->turn < p->repeats; p->turn++) {
        p->last = now();
        eg_exec_forward(exec, p->batch, true, 0);
        int64_t count = p->batch * eg_value_numel(&p->net->values[p->net->output]);
        for (int64_t i = 0; i < count; i++) eg_exec_output_grad(exec)[i] = 1.0F / (float)count;
        p->last = now();
        eg_exec_backward(exec);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(const profile *p, bool backward, int32_t node)
{
    double *times = p->times[backward] + node * p->repeats;
    qsort(times, (size_t)p->repeats, sizeof *times, compare);
    return times[p->repeats / 2];
}

static const char *sizes(eg_arena *arena, const eg_value *value)
{
    return eg_arena_printf(arena, "%lldx%lldx%lld", (long long)value->dims[0],
                           value->rank > 1 ? (long long)value->dims[1] : 1,
                           value->rank > 2 ? (long long)value->dims[2] : 1);
}

/* "conv2d 64x64x1x1 56x56x64 -> 56x56x64" */
static const char *name_of(profile *p, const eg_node *node)
{
    const char *weight = "";
    if (node->param_count && node->params[0] >= 0) {
        const eg_shape *shape = &p->net->params[node->params[0]].shape;
        for (uint32_t i = 0; i < shape->rank; i++)
            weight = eg_arena_printf(&p->arena, "%s%s%lld", weight, i ? "x" : " ", (long long)shape->dims[i]);
    }
    return eg_arena_printf(&p->arena, "%s%s %s -> %s", node->op->name, weight,
                           sizes(&p->arena, eg_node_input(p->net, node, 0)),
                           sizes(&p->arena, eg_node_output(p->net, node)));
}

static void add(profile *p, const char *name, int32_t node)
{
    const eg_op *op = p->net->nodes[node].op;
    kind *to = p->kinds;
    while (to < p->kinds + p->count && strcmp(to->name, name) != 0) to++;
    if (to == p->kinds + p->count) p->kinds[p->count++] = (kind){.name = name};
    to->nodes++;
    to->forward += median(p, false, node);
    to->backward += median(p, true, node);
    if (op->flops) to->flops += op->flops(p->net, &p->net->nodes[node]) * (double)p->batch;
}

static int slower(const void *a, const void *b)
{
    const kind *x = a, *y = b;
    double s = x->forward + x->backward, t = y->forward + y->backward;
    return (s < t) - (s > t);
}

static void print(profile *p)
{
    double sum[2] = {0};
    qsort(p->kinds, p->count, sizeof *p->kinds, slower);
    printf("%-60s %5s %9s %9s %9s %9s\n", "", "nodes", "forward", "backward", "GFLOP/s", "backward");
    for (const kind *k = p->kinds; k < p->kinds + p->count; k++) {
        printf("%-60s %5d %9.2f %9.2f", k->name, k->nodes, k->forward, k->backward);
        if (k->flops > 0)
            printf(" %9.0f %9.0f", k->flops / k->forward / 1e6, 2 * k->flops / k->backward / 1e6);
        printf("\n");
        sum[0] += k->forward, sum[1] += k->backward;
    }
    printf("%-60s %5d %9.2f %9.2f\n\n", "all", p->net->node_count, sum[0], sum[1]);
    p->count = 0;
}

static eg_exec *prepare(profile *p, eg_pool *pool, eg_error *err)
{
    bool *trainable = EG_NEW_ARRAY(&p->arena, bool, (size_t)p->net->param_count);
    for (int32_t i = 0; i < p->net->param_count; i++) trainable[i] = !p->net->params[i].buffer;
    for (int i = 0; i < 2; i++)
        p->times[i] = EG_NEW_ARRAY(&p->arena, double, (size_t)(p->net->node_count * p->repeats));
    p->kinds = EG_NEW_ARRAY(&p->arena, kind, (size_t)p->net->node_count);
    const eg_exec_options options = {
        .batch = p->batch,
        .pool = pool,
        .trainable = trainable,
        .batch_norm = EG_NEW_ARRAY(&p->arena, eg_bn_mode, (size_t)p->net->node_count),
        .watch = {p, note},
    };
    return eg_weights_init(&p->weights, &p->arena, p->net, err)
               ? eg_exec_new(p->net, &p->weights, &options, err)
               : NULL;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: bench_profile ARCH BATCH THREADS REPEATS\n");
        return 1;
    }
    profile p = {.batch = atoi(argv[2]), .repeats = atoi(argv[4])};
    eg_error err = {0};
    eg_problems problems = {.arena = &p.arena};
    p.net = eg_net_read(&p.arena, argv[1], NULL, &problems, &err);
    eg_pool *pool = p.net ? eg_pool_new(atoi(argv[3]), &err) : NULL;
    eg_exec *exec = pool ? prepare(&p, pool, &err) : NULL;
    if (!exec) {
        eg_problems_print(&problems, stderr, false);
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    fill(&p, exec);
    run(&p, exec);
    for (int32_t i = 0; i < p.net->node_count; i++) add(&p, name_of(&p, &p.net->nodes[i]), i);
    print(&p);
    for (int32_t i = 0; i < p.net->node_count; i++) add(&p, p.net->nodes[i].op->name, i);
    print(&p);
    eg_exec_free(exec);
    eg_weights_clear(&p.weights);
    eg_pool_free(pool);
    eg_arena_clear(&p.arena);
    return 0;
}
