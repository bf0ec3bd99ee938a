#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "kernel/gemm.h"
#include "net/gradcheck.h"
#include "run/selftest.h"

/* Of single-precision sums over some hundred terms of the size of one, Winograd's method among them; and of a
 * gradient against differences. */
static const double sum_limit = 1e-4, gradient_limit = 2e-2;

static void draw(uint64_t seed, size_t count, float *out)
{
    eg_stream stream = eg_stream_make(seed, EG_DRAW_AUGMENT, 0, 0);
    for (size_t i = 0; i < count; i++) out[i] = (float)(2 * eg_draw_uniform(stream, i) - 1);
}

static void add(eg_selftest *test, const char *name, eg_cpu form, double error, double limit)
{
    eg_selftest_check check = {"kernel", name, eg_cpu_name(form),
                               eg_arena_printf(test->arena, "error %.1e of %.0e", error, limit),
                               error <= limit};
    eg_selftest_add(test, check);
}

static double worst(double a, double b)
{
    return a >= b || isnan(a) ? a : b; /* a NaN stays */
}

/* ---- products ---- */

typedef struct product {
    int64_t m, n, k;
    bool a, b; /* transposed */
} product;

static double at(const float *x, int64_t rows, int64_t columns, bool transposed, int64_t r, int64_t c)
{
    return (double)(transposed ? x[c * rows + r] : x[r * columns + c]);
}

static double product_error(eg_arena *arena, const product *p)
{
    int64_t m = p->m, n = p->n, k = p->k;
    float *a = EG_NEW_ARRAY(arena, float, (size_t)(m * k)), *b = EG_NEW_ARRAY(arena, float, (size_t)(k * n));
    float *out = EG_NEW_ARRAY(arena, float, (size_t)(m * n));
    double error = 0;
    draw(1, (size_t)(m * k), a);
    draw(2, (size_t)(k * n), b);
    eg_gemm(m, n, k, (eg_matrix){a, p->a ? m : k, p->a}, (eg_matrix){b, p->b ? k : n, p->b}, out, n, false);
    for (int64_t i = 0; i < m * n; i++) {
        double sum = 0;
        for (int64_t t = 0; t < k; t++) sum += at(a, m, k, p->a, i / n, t) * at(b, k, n, p->b, t, i % n);
        error = worst(fabs(sum - (double)out[i]), error);
    }
    return error;
}

static void check_products(eg_selftest *test, eg_cpu form)
{
    static const product products[] = {{7, 5, 300, false, false},
                                       {49, 64, 128, false, true},
                                       {33, 17, 65, true, false},
                                       {1, 100, 400, false, true},
                                       {200, 24, 96, false, false}};
    double error = 0;
    for (size_t i = 0; i < sizeof products / sizeof *products; i++)
        error = worst(product_error(test->arena, &products[i]), error);
    add(test, "matrix product", form, error, sum_limit);
}

/* ---- convolutions ---- */

typedef struct convolution {
    const char *name;
    int64_t size, c, k, window, stride, padding, groups;
} convolution;

static const convolution convolutions[] = {
    {"convolution 3x3", 13, 24, 40, 3, 1, 1, 1},         {"convolution 3x3 stride 2", 15, 3, 24, 3, 2, 1, 1},
    {"convolution 1x1", 11, 40, 24, 1, 1, 0, 1},         {"convolution 7x7 stride 2", 20, 3, 16, 7, 2, 3, 1},
    {"convolution, grouped", 12, 24, 24, 3, 1, 1, 3},    {"convolution, depthwise", 14, 20, 20, 3, 1, 1, 20},
    {"convolution 5x5 depthwise", 13, 9, 9, 5, 2, 2, 9},
};

typedef struct tiny {
    const eg_net *net;
    eg_weights weights;
    eg_pool *pool;
} tiny;

static bool open_tiny(tiny *t, eg_arena *arena, const char *text, eg_error *err)
{
    eg_problems problems = {.arena = arena};
    *t = (tiny){.net = eg_net_parse(arena, "selftest", text, NULL, &problems, err),
                .pool = eg_pool_new(2, err)};
    if (!t->net || !t->pool || !eg_weights_init(&t->weights, arena, t->net, err)) return false;
    for (int32_t i = 0; i < t->net->param_count; i++)
        eg_init_fill(&t->net->params[i], &t->net->params[i].init, 7, t->weights.data[i]);
    return true;
}

static void close_tiny(tiny *t)
{
    eg_weights_clear(&t->weights);
    eg_pool_free(t->pool);
}

/* Channel k of output pixel (p, q), from the definition; x (size, size, c). */
static double convolve(const convolution *v, const float *x, const float *weight, double bias, int64_t p,
                       int64_t q, int64_t k)
{
    int64_t c = v->c / v->groups, first = k / (v->k / v->groups) * c, taps = v->window * v->window;
    double sum = bias;
    for (int64_t t = 0; t < taps; t++) {
        int64_t row = p * v->stride + t / v->window - v->padding,
                column = q * v->stride + t % v->window - v->padding;
        if (row < 0 || row >= v->size || column < 0 || column >= v->size) continue;
        for (int64_t i = 0; i < c; i++)
            sum += (double)x[(row * v->size + column) * v->c + first + i] *
                   (double)weight[(k * c + i) * taps + t];
    }
    return sum;
}

static bool convolution_error(eg_arena *arena, const convolution *v, double *error, eg_error *err)
{
    enum { BATCH = 3 };
    tiny t;
    const char *text = eg_arena_printf(
        arena,
        "arch: t\ninput: [%d, %d, %d]\nmodel:\n  conv: conv2d(%d, %d, stride=%d, padding=%d, groups=%d)\n",
        (int)v->c, (int)v->size, (int)v->size, (int)v->k, (int)v->window, (int)v->stride, (int)v->padding,
        (int)v->groups);
    bool ok = open_tiny(&t, arena, text, err);
    eg_exec_options options = {.batch = BATCH, .pool = t.pool};
    eg_exec *exec = ok ? eg_exec_new(t.net, &t.weights, &options, err) : NULL;
    if (exec) {
        const int64_t *y = t.net->values[t.net->output].dims;
        const float *weight = t.weights.data[0], *bias = t.weights.data[1], *out = eg_exec_output(exec);
        int64_t pixels = v->size * v->size * v->c;
        draw(3, (size_t)(BATCH * pixels), eg_exec_input(exec));
        eg_exec_forward(exec, BATCH, false, 0);
        for (int64_t i = 0; i < BATCH * y[0] * y[1] * y[2]; i++) {
            int64_t k = i % y[2], q = i / y[2] % y[1], p = i / y[2] / y[1] % y[0], n = i / y[2] / y[1] / y[0];
            double right = convolve(v, eg_exec_input(exec) + n * pixels, weight, (double)bias[k], p, q, k);
            *error = worst(fabs(right - (double)out[i]), *error);
        }
    }
    eg_exec_free(exec);
    close_tiny(&t);
    return exec != NULL;
}

/* ---- gradients ---- */

static const char *const network = "arch: t\n"
                                   "input: [3, 12, 12]\n"
                                   "model:\n"
                                   "  first: conv2d(16, 3, padding=1, bias=false)\n"
                                   "  norm: batch_norm2d()\n"
                                   "  gelu: gelu()\n"
                                   "  second: conv2d(24, 3, padding=1)\n"
                                   "  silu: silu()\n"
                                   "  depthwise: conv2d(24, 3, stride=2, groups=24)\n"
                                   "  group: group_norm(3)\n"
                                   "  pool: avg_pool2d(2)\n"
                                   "  flatten: flatten()\n"
                                   "  layer: layer_norm()\n"
                                   "  fc: linear(5)\n";

static bool check_gradients(eg_selftest *test, eg_cpu form, eg_error *err)
{
    tiny t;
    eg_gradcheck worst_one = {0};
    bool ok = open_tiny(&t, test->arena, network, err);
    if (ok) {
        bool *trainable = EG_NEW_ARRAY(test->arena, bool, (size_t)t.net->param_count);
        eg_bn_mode *modes = EG_NEW_ARRAY(test->arena, eg_bn_mode, (size_t)t.net->node_count);
        float *input = EG_NEW_ARRAY(test->arena, float, (size_t)(4 * eg_value_numel(&t.net->values[0])));
        for (int32_t i = 0; i < t.net->param_count; i++) trainable[i] = !t.net->params[i].buffer;
        draw(5, (size_t)(4 * eg_value_numel(&t.net->values[0])), input);
        eg_exec_options options = {.batch = 4, .trainable = trainable, .batch_norm = modes, .pool = t.pool};
        ok = eg_gradcheck_run(t.net, &t.weights, &options, input, 4, true, 1e-2, &worst_one, err);
    }
    if (ok) add(test, "gradients", form, worst_one.error, gradient_limit);
    close_tiny(&t);
    return ok;
}

bool eg_selftest_kernels(eg_selftest *test, eg_error *err)
{
    eg_cpu best = eg_cpu_best();
    bool ok = true;
    eg_gemm_setup();
    for (int form = 0; ok && form <= (int)best; form++) {
        eg_cpu_limit((eg_cpu)form);
        check_products(test, (eg_cpu)form);
        for (size_t i = 0; ok && i < sizeof convolutions / sizeof *convolutions; i++) {
            double error = 0;
            ok = convolution_error(test->arena, &convolutions[i], &error, err);
            if (ok) add(test, convolutions[i].name, (eg_cpu)form, error, sum_limit);
        }
        ok = ok && check_gradients(test, (eg_cpu)form, err);
    }
    eg_cpu_limit(best);
    return ok;
}
