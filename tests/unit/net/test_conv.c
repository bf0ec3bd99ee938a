/* Convolutions large enough for every way in which they run (pointwise, Winograd, products, in place,
 * depthwise),
 * against a direct sum in double precision: output and all gradients; the same bits on 1, 2, 3 and 7 threads,
 * with every form of the kernels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/pool.h"
#include "kernel/gemm.h"
#include "make_net.h"

typedef struct shape {
    int n, h, w, c, k, window, stride, padding, groups;
} shape;

static const shape shapes[] = {
    {2, 9, 10, 16, 17, 3, 1, 1, 1}, /* Winograd: odd channels, tiles that overhang */
    {3, 7, 7, 64, 80, 3, 1, 1, 1},    {1, 12, 5, 20, 130, 3, 1, 0, 1},
    {2, 6, 8, 24, 16, 3, 1, 2, 1},    {5, 14, 14, 32, 32, 3, 1, 1, 1},
    {2, 9, 8, 32, 48, 3, 1, 1, 4}, /* products */
    {2, 9, 8, 32, 48, 1, 1, 0, 1}, /* pointwise */
    {3, 20, 19, 70, 130, 1, 1, 0, 1}, {2, 5, 7, 300, 9, 1, 1, 0, 1},
    {1, 1, 1, 5, 3, 1, 1, 0, 1},      {2, 9, 8, 36, 48, 1, 1, 0, 4},
    {2, 9, 8, 16, 24, 1, 1, 1, 1},    {2, 15, 13, 16, 24, 3, 2, 1, 1}, /* in place: strides, few channels */
    {2, 9, 8, 32, 48, 1, 2, 0, 1},    {1, 23, 21, 3, 16, 7, 2, 3, 1},
    {9, 7, 6, 20, 70, 3, 2, 0, 1},    {2, 40, 41, 3, 67, 3, 1, 1, 1},
    {1, 16, 19, 3, 130, 4, 4, 0, 1},  {3, 11, 10, 5, 7, 3, 3, 2, 1},
    {2, 7, 5, 17, 19, 2, 4, 1, 1},    {1, 3, 40, 18, 9, 5, 1, 2, 1},
    {2, 9, 11, 24, 24, 3, 1, 1, 24},  {2, 9, 11, 20, 20, 3, 2, 1, 20}, /* depthwise */
};

typedef struct numbers {
    size_t x_count, y_count, w_count;
    float *x, *weight, *bias, *y, *dy, *dx, *dw, *db;
} numbers;

static size_t output_size(const shape *s, int size)
{
    return (size_t)((size + 2 * s->padding - s->window) / s->stride + 1);
}

static numbers make_all(const shape *s, eg_arena *arena)
{
    numbers v = {.x_count = (size_t)(s->n * s->h * s->w * s->c)};
    v.y_count = (size_t)s->n * output_size(s, s->h) * output_size(s, s->w) * (size_t)s->k;
    v.w_count = (size_t)(s->k * s->c / s->groups * s->window * s->window);
    float **all[] = {&v.x, &v.dx, &v.y, &v.dy, &v.weight, &v.dw, &v.bias, &v.db};
    const size_t counts[] = {v.x_count, v.x_count, v.y_count,    v.y_count,
                             v.w_count, v.w_count, (size_t)s->k, (size_t)s->k};
    for (size_t i = 0; i < 8; i++)
        make_numbers(*all[i] = EG_NEW_ARRAY(arena, float, counts[i]), counts[i], i);
    return v;
}

/* Sums of v's inputs into doubles: y, dx, dw, db, one after the other. */
static double *direct(const shape *s, const numbers *v, eg_arena *arena)
{
    double *y = EG_NEW_ARRAY(arena, double, v->y_count + v->x_count + v->w_count + (size_t)s->k);
    double *dx = y + v->y_count, *dw = dx + v->x_count, *db = dw + v->w_count;
    const int p = (int)output_size(s, s->h), q = (int)output_size(s, s->w), c = s->c / s->groups;
    for (int at = 0; at < (int)v->y_count; at++) {
        int k = at % s->k, column = at / s->k % q, row = at / s->k / q % p, image = at / s->k / q / p;
        y[at] = (double)v->bias[k];
        db[k] += (double)v->dy[at];
        for (int tap = 0; tap < s->window * s->window; tap++) {
            int i = row * s->stride - s->padding + tap / s->window,
                j = column * s->stride - s->padding + tap % s->window;
            if (i < 0 || i >= s->h || j < 0 || j >= s->w) continue;
            int from = ((image * s->h + i) * s->w + j) * s->c + k / (s->k / s->groups) * c;
            for (int channel = 0; channel < c; channel++) {
                int weight = (k * c + channel) * s->window * s->window + tap;
                y[at] += (double)v->x[from + channel] * (double)v->weight[weight];
                dx[from + channel] += (double)v->dy[at] * (double)v->weight[weight];
                dw[weight] += (double)v->dy[at] * (double)v->x[from + channel];
            }
        }
    }
    return y;
}

static void execute(const shape *s, numbers *v, int threads, eg_arena *arena)
{
    maker m;
    char args[128];
    bool add[EG_NODE_PARAMS] = {false};
    eg_op_memory memory;
    eg_pool *pool = eg_pool_new(threads, NULL);
    make_image(&m, s->h, s->w, s->c);
    snprintf(args, sizeof args, "out_channels=%d kernel_size=%d stride=%d padding=%d groups=%d", s->k,
             s->window, s->stride, s->padding, s->groups);
    make_node(&m, "conv2d", "conv", args, 0);
    const eg_node *node = &m.net.nodes[0];
    node->op->memory(&m.net, node, s->n, true, &memory);
    eg_call call = {
        .net = &m.net, .node = node, .pool = pool, .batch = s->n, .x = {v->x}, .y = v->y, .dy = v->dy};
    call.dx[0] = v->dx;
    call.params[0] = v->weight, call.params[1] = v->bias, call.grads[0] = v->dw, call.grads[1] = v->db;
    call.add_grads = add;
    call.scratch = eg_arena_alloc(arena, memory.scratch + 1);
    call.worker_stride = (memory.worker + 63) / 64 * 64;
    call.worker_scratch = eg_arena_alloc(arena, call.worker_stride * (size_t)threads + 1);
    node->op->forward(&call);
    node->op->backward(&call);
    eg_pool_free(pool);
    make_clear(&m);
}

/* Winograd's method is off by some 1e-5 of the results' root mean square, the direct sums by less. */
static void compare(const char *what, size_t count, const float *got, const double *want)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++) squares += want[i] * want[i];
    double tolerance = 5e-5 * sqrt(squares / (double)count);
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - want[i]) <= tolerance))
            fail_msg("%s[%zu] is %.9g, not %.9g", what, i, (double)got[i], want[i]);
}

static void check_shape(const shape *s)
{
    static const int threads[] = {1, 2, 3, 7};
    eg_arena arena = {0};
    numbers first = {0};
    for (int i = 0; i < 4; i++) {
        numbers v = make_all(s, &arena);
        execute(s, &v, threads[i], &arena);
        if (i == 0) {
            const double *want = direct(s, &v, &arena);
            compare("y", v.y_count, v.y, want);
            compare("dx", v.x_count, v.dx, want + v.y_count);
            compare("dw", v.w_count, v.dw, want + v.y_count + v.x_count);
            compare("db", (size_t)s->k, v.db, want + v.y_count + v.x_count + v.w_count);
            first = v;
        }
        assert_memory_equal(first.y, v.y, v.y_count * sizeof(float));
        assert_memory_equal(first.dx, v.dx, v.x_count * sizeof(float));
        assert_memory_equal(first.dw, v.dw, v.w_count * sizeof(float));
        assert_memory_equal(first.db, v.db, (size_t)s->k * sizeof(float));
    }
    eg_arena_clear(&arena);
}

static void test_against_direct_sums(void **state)
{
    (void)state;
    static const char *const forms[] = {"portable", "avx2", "avx512"};
    const char *before = getenv("ENGRAFT_CPU");
    eg_gemm_setup();
    for (size_t form = 0; form < 3; form++) {
        if (!before) setenv("ENGRAFT_CPU", forms[form], 1);
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) check_shape(&shapes[i]);
    }
    if (!before) unsetenv("ENGRAFT_CPU");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_direct_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
