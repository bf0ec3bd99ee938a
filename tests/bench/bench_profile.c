/* bench_profile ARCH BATCH THREADS REPEATS: where a training step's time goes: a line for every kind of node
 * (operator, weight, sizes), the slowest first, then one for every operator. Median milliseconds of all nodes
 * of the kind, the operations of their forward pass and twice that of their backward pass over the time. */
#include <string.h>

#include "bench.h"
#include "net/op.h"

typedef struct kind {
    const char *name;
    int nodes;
    double forward, backward, flops;
} kind;

typedef struct profile {
    bench b;
    int repeats, turn;
    double last;
    double *times[2]; /* forward, backward: (nodes, repeats) */
    kind *kinds;
    size_t count;
} profile;

static void note(void *context, int32_t node, bool backward)
{
    profile *p = context;
    double time = bench_now(CLOCK_MONOTONIC);
    if (p->turn >= 0) p->times[backward][node * p->repeats + p->turn] += time - p->last;
    p->last = time;
}

static void run(profile *p, eg_exec *exec)
{
    for (p->turn = -1; p->turn < p->repeats; p->turn++) {
        p->last = bench_now(CLOCK_MONOTONIC);
        eg_exec_forward(exec, p->b.batch, true, 0);
        bench_loss(&p->b, exec);
        p->last = bench_now(CLOCK_MONOTONIC);
        eg_exec_backward(exec);
    }
}

static double median(const profile *p, bool backward, int32_t node)
{
    return bench_median(p->times[backward] + node * p->repeats, p->repeats);
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
        const eg_shape *shape = &p->b.net->params[node->params[0]].shape;
        for (uint32_t i = 0; i < shape->rank; i++)
            weight =
                eg_arena_printf(&p->b.arena, "%s%s%lld", weight, i ? "x" : " ", (long long)shape->dims[i]);
    }
    return eg_arena_printf(&p->b.arena, "%s%s %s -> %s", node->op->name, weight,
                           sizes(&p->b.arena, eg_node_input(p->b.net, node, 0)),
                           sizes(&p->b.arena, eg_node_output(p->b.net, node)));
}

static void add(profile *p, const char *name, int32_t node)
{
    const eg_op *op = p->b.net->nodes[node].op;
    kind *to = p->kinds;
    while (to < p->kinds + p->count && strcmp(to->name, name) != 0) to++;
    if (to == p->kinds + p->count) p->kinds[p->count++] = (kind){.name = name};
    to->nodes++;
    to->forward += median(p, false, node);
    to->backward += median(p, true, node);
    if (op->flops) to->flops += op->flops(p->b.net, &p->b.net->nodes[node]) * (double)p->b.batch;
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
    printf("%-60s %5d %9.2f %9.2f\n\n", "all", p->b.net->node_count, sum[0], sum[1]);
    p->count = 0;
}

static eg_exec *prepare(profile *p)
{
    const eg_net *net = p->b.net;
    bool *trainable = EG_NEW_ARRAY(&p->b.arena, bool, (size_t)net->param_count);
    for (int32_t i = 0; i < net->param_count; i++) trainable[i] = !net->params[i].buffer;
    for (int i = 0; i < 2; i++)
        p->times[i] = EG_NEW_ARRAY(&p->b.arena, double, (size_t)(net->node_count * p->repeats));
    p->kinds = EG_NEW_ARRAY(&p->b.arena, kind, (size_t)net->node_count);
    const eg_exec_options options = {
        .batch = p->b.batch,
        .pool = p->b.pool,
        .trainable = trainable,
        .batch_norm = EG_NEW_ARRAY(&p->b.arena, eg_bn_mode, (size_t)net->node_count),
        .watch = {p, note},
    };
    return bench_exec(&p->b, &options);
}

int main(int argc, char **argv)
{
    profile p = {.repeats = argc == 5 ? atoi(argv[4]) : 0};
    if (p.repeats < 1 || atoi(argv[2]) < 1) {
        fprintf(stderr, "usage: bench_profile ARCH BATCH THREADS REPEATS\n");
        return 1;
    }
    bench_open(&p.b, argv[1], atoi(argv[2]), atoi(argv[3]));
    eg_exec *exec = prepare(&p);
    run(&p, exec);
    for (int32_t i = 0; i < p.b.net->node_count; i++) add(&p, name_of(&p, &p.b.net->nodes[i]), i);
    print(&p);
    for (int32_t i = 0; i < p.b.net->node_count; i++) add(&p, p.b.net->nodes[i].op->name, i);
    print(&p);
    eg_exec_free(exec);
    bench_close(&p.b);
    return 0;
}
