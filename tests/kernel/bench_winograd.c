/* Speed of the 3x3 stride-1 layers of VGG-16 and ResNet-50, one thread: GFLOP/s counted as a direct
 * convolution (2 * 9 multiplications and additions for each output, channel in and channel out), beside a
 * large plain product.
 *
 *   bench_winograd [BATCH [REPEATS [MAP [K]]]]     only maps of MAP x MAP, K output channels
 *
 * bench_winograd.py measures PyTorch at the same shapes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "kernel/gemm.h"
#include "kernel/winograd.h"

/* Seconds of this thread on a processor: others may be busy, too. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int order(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static float *floats(size_t bytes)
{
    const size_t page = (size_t)1 << 21;
    bytes = (bytes + page - 1) / page * page;
    float *data = aligned_alloc(page, bytes);
    if (!data) exit(1);
    madvise(data, bytes, MADV_HUGEPAGE); /* as a network's memory is */
    for (size_t i = 0; i < bytes / sizeof(float); i++)
        data[i] = (float)(i * 2654435761U % 1000) / 500.0F - 1.0F;
    return data;
}

typedef struct layer {
    eg_winograd_shape shape;
    eg_winograd forward, input_grad;
    eg_winograd_weights weight_grad;
    float *x, *y, *weight, *packed, *turned, *sums, *scratch;
} layer;

static void run_pack(layer *l)
{
    for (int64_t i = 0; i < l->forward.packs; i++) eg_winograd_pack(&l->forward, i, l->weight, l->packed);
}

static void run_forward(layer *l)
{
    for (int64_t i = 0; i < l->forward.tasks; i++)
        eg_winograd_forward(&l->forward, i, l->x, l->weight, l->packed, NULL, l->y, l->scratch);
}

static void run_pack_turned(layer *l)
{
    for (int64_t i = 0; i < l->input_grad.packs; i++)
        eg_winograd_pack(&l->input_grad, i, l->weight, l->turned);
}

static void run_input_grad(layer *l)
{
    for (int64_t i = 0; i < l->input_grad.tasks; i++)
        eg_winograd_forward(&l->input_grad, i, l->y, l->weight, l->turned, NULL, l->x, l->scratch);
}

static void run_weight_grad(layer *l)
{
    for (int64_t i = 0; i < l->weight_grad.tasks; i++)
        eg_winograd_weight_grad(&l->weight_grad, i, l->x, l->y, l->sums, l->scratch);
    for (int64_t i = 0; i < l->weight_grad.sum_tasks; i++)
        eg_winograd_weight_sum(&l->weight_grad, i, l->sums, l->weight, false);
}

/* The least time of a run, in seconds. */
static double measure(void (*run)(layer *l), layer *l, int repeats)
{
    double seconds[99];
    run(l);
    for (int i = 0; i < repeats; i++) {
        seconds[i] = -now();
        run(l);
        seconds[i] += now();
    }
    qsort(seconds, (size_t)repeats, sizeof *seconds, order);
    return seconds[0];
}

static void run_product(layer *l)
{
    const eg_matrix a = {l->x, 1024, false}, b = {l->y, 1024, false};
    eg_gemm(1024, 1024, 1024, a, b, l->sums, 1024, false);
}

static size_t largest(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void bench(const eg_winograd_shape *s, int repeats)
{
    layer l = {.shape = *s, .forward = eg_winograd_plan(s), .input_grad = eg_winograd_plan_input_grad(s)};
    l.weight_grad = eg_winograd_plan_weight_grad(s);
    const size_t pixels = (size_t)(s->n * s->h * s->w);
    l.x = floats(pixels * (size_t)s->c * sizeof(float));
    l.y = floats(pixels * (size_t)s->k * sizeof(float));
    l.weight = floats((size_t)(s->c * s->k * 9) * sizeof(float));
    l.packed = floats(l.forward.filter_bytes);
    l.turned = floats(l.input_grad.filter_bytes);
    l.sums = floats(l.weight_grad.sums_bytes);
    l.scratch = floats(
        largest(largest(l.forward.scratch_bytes, l.input_grad.scratch_bytes), l.weight_grad.scratch_bytes));
    const double flops = 18e-9 * (double)pixels * (double)(s->c * s->k);
    const double pack = measure(run_pack, &l, repeats), pack_turned = measure(run_pack_turned, &l, repeats);
    const double forward = measure(run_forward, &l, repeats), input = measure(run_input_grad, &l, repeats);
    const double weight = measure(run_weight_grad, &l, repeats);
    printf("%3d x %-3d %3d -> %-3d  %7.1f %7.1f %7.1f   %6.2f %6.2f   %5d %4d\n", (int)s->h, (int)s->w,
           (int)s->c, (int)s->k, flops / forward, flops / input, flops / weight, 1e3 * pack,
           1e3 * pack_turned, (int)l.forward.tasks, (int)l.weight_grad.tasks);
    fflush(stdout);
    free(l.x), free(l.y), free(l.weight), free(l.packed), free(l.turned), free(l.sums), free(l.scratch);
}

int main(int argc, char **argv)
{
    const int64_t n = argc > 1 ? atoi(argv[1]) : 16;
    const int repeats = argc > 2 && atoi(argv[2]) < 99 ? atoi(argv[2]) : 7;
    const int64_t only = argc > 3 ? atoi(argv[3]) : 0, only_k = argc > 4 ? atoi(argv[4]) : 0;
    static const int64_t layers[][3] = {
        {224, 3, 64},   {224, 64, 64},  {112, 64, 128}, {112, 128, 128}, {56, 128, 256}, {56, 256, 256},
        {28, 256, 512}, {28, 512, 512}, {14, 512, 512}, {56, 64, 64},    {28, 128, 128}, {14, 256, 256},
        {7, 512, 512},  {56, 128, 32},  {28, 128, 32},  {14, 128, 32},   {7, 128, 32},
    };
    eg_gemm_setup();
    layer l = {.x = floats(4 << 20), .y = floats(4 << 20), .sums = floats(4 << 20)};
    printf("transforms %s, batch %d\nproduct of 1024 x 1024 matrices: %.1f GFLOP/s\n\n",
           eg_cpu_name(eg_cpu_best()), (int)n, 2.0 * (1 << 30) * 1e-9 / measure(run_product, &l, 21));
    printf("map       channels    forward   input  weight   pack ms, turned   tasks\n");
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const eg_winograd_shape s = {n, layers[i][0], layers[i][0], layers[i][1], layers[i][2], {1, 1}};
        if ((only == 0 || only == s.h) && (only_k == 0 || only_k == s.k)) bench(&s, repeats);
    }
    free(l.x), free(l.y), free(l.sums);
    return 0;
}
