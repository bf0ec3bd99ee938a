/* Winograd convolution against the definition in double precision, at awkward sizes and in every form that
 * this processor runs.
 *
 * The bound is a proof, not a guess. A value is sum(A (G g) (B d)), and every rounding on its way multiplies
 * it by 1 + e, |e| <= 2^-24. With all numbers and matrices replaced by their absolute values, the sum bounds
 * what the roundings can touch: |error| <= roundings * 2^-24 * |A| sum(|G||g| |B||d|). Roundings one value
 * can see: input 2 * 4, filter 2 * 4 (constants that are no binary fractions included), output 2 * 4, the
 * product 1, and one for each term of the sum over channels (or tiles). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kernel/gemm.h"
#include "kernel/winograd.h"

enum { GUARD = 64, ROUNDINGS = 25 };
static const double UNIT = 1.0 / (1 << 24);

/* An array with guards on both sides. */
typedef struct array {
    float *memory, *data;
    int64_t n;
} array;

static array array_new(int64_t n, float fill)
{
    array a = {.n = n, .memory = aligned_alloc(64, ((size_t)(n + 2 * GUARD) * sizeof(float) + 63) / 64 * 64)};
    assert_non_null(a.memory);
    a.data = a.memory + GUARD;
    for (int64_t i = 0; i < n + 2 * GUARD; i++) a.memory[i] = i < GUARD || i >= n + GUARD ? 12345.0F : fill;
    return a;
}

static array array_random(int64_t n, uint64_t seed)
{
    array a = array_new(n, 0);
    uint64_t state = seed * 2654435761U + 1;
    for (int64_t i = 0; i < n; i++) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        a.data[i] = (float)((double)(state >> 40) / (1 << 23) - 1.0);
    }
    return a;
}

/* Guards are whole; frees. */
static void array_free(array *a)
{
    for (int64_t i = 0; i < GUARD; i++) {
        assert_true(a->memory[i] == 12345.0F);
        assert_true(a->data[a->n + i] == 12345.0F);
    }
    free(a->memory);
}

static array bytes_new(size_t bytes)
{
    return array_new((int64_t)(bytes / sizeof(float)), NAN);
}

static int64_t out_size(const eg_winograd_shape *s, int axis)
{
    return (axis ? s->w : s->h) + 2 * s->padding[axis] - 2;
}

/* |B'|, and |G|, |A'| of F(4,3) and F(3,4). */
static const double B[6][6] = {{81. / 64, 0, 45. / 16, 0, 1, 0},     {0, 27. / 16, 9. / 4, 3. / 4, 1, 0},
                               {0, 27. / 16, 9. / 4, 3. / 4, 1, 0},  {0, 27. / 32, 9. / 16, 3. / 2, 1, 0},
                               {0, 27. / 32, 9. / 16, 3. / 2, 1, 0}, {0, 81. / 64, 0, 45. / 16, 0, 1}};
static const double G[6][4] = {{64. / 81, 0, 0, 0},
                               {128. / 243, 32. / 81, 8. / 27, 2. / 9},
                               {128. / 243, 32. / 81, 8. / 27, 2. / 9},
                               {32. / 243, 16. / 81, 8. / 27, 4. / 9},
                               {32. / 243, 16. / 81, 8. / 27, 4. / 9},
                               {0, 0, 0, 1}};
static const double A[4][6] = {{1, 1, 1, 1, 1, 0},
                               {0, 3. / 4, 3. / 4, 3. / 2, 3. / 2, 0},
                               {0, 9. / 16, 9. / 16, 9. / 4, 9. / 4, 0},
                               {0, 27. / 64, 27. / 64, 27. / 8, 27. / 8, 1}};

/* |B||d||B'|, the tile's 6x6 values of one channel. */
static void input_bound(const eg_winograd_shape *s, const float *x, int64_t n, int64_t row, int64_t column,
                        int64_t c, double out[36])
{
    memset(out, 0, 36 * sizeof(double));
    for (int64_t i = 0; i < 6; i++) {
        for (int64_t j = 0; j < 6; j++) {
            int64_t h = row + i - s->padding[0], w = column + j - s->padding[1];
            if (h < 0 || w < 0 || h >= s->h || w >= s->w) continue;
            double d = fabs((double)x[((n * s->h + h) * s->w + w) * s->c + c]);
            for (int e = 0; e < 36; e++) out[e] += B[e / 6][i] * d * B[e % 6][j];
        }
    }
}

/* The last row of |G| where there are `taps` taps. */
static double filter_row(int e, int tap, int taps)
{
    return e < 5 ? G[e][tap] : tap == taps - 1;
}

/* y (n, p, q, k) and how far off it may be. */
static void direct_forward(const eg_winograd_shape *s, const float *x, const float *weight, double *y,
                           double *bound)
{
    const int64_t p = out_size(s, 0), q = out_size(s, 1);
    memset(y, 0, (size_t)(s->n * p * q * s->k) * sizeof(double));
    for (int64_t i = 0; i < s->n * p * q; i++) {
        for (int64_t r = 0; r < 9; r++) {
            int64_t h = i / q % p + r / 3 - s->padding[0], w = i % q + r % 3 - s->padding[1];
            if (h < 0 || w < 0 || h >= s->h || w >= s->w) continue;
            const float *pixel = x + ((i / (p * q) * s->h + h) * s->w + w) * s->c;
            for (int64_t k = 0; k < s->k; k++) {
                for (int64_t c = 0; c < s->c; c++)
                    y[i * s->k + k] += (double)pixel[c] * (double)weight[(k * s->c + c) * 9 + r];
            }
        }
    }
    double *filters = calloc((size_t)(s->k * s->c) * 36, sizeof(double)),
           *inputs = calloc((size_t)s->c * 36, sizeof(double));
    assert_non_null(filters);
    assert_non_null(inputs);
    for (int64_t f = 0; f < s->k * s->c * 36; f++) {
        for (int t = 0; t < 9; t++)
            filters[f] += filter_row((int)(f % 36 / 6), t / 3, 3) * filter_row((int)(f % 6), t % 3, 3) *
                          fabs((double)weight[f / 36 * 9 + t]);
    }
    for (int64_t tile = 0; tile < s->n * ((p + 3) / 4) * ((q + 3) / 4); tile++) {
        const int64_t columns = (q + 3) / 4, rows = (p + 3) / 4;
        const int64_t n = tile / (rows * columns), row = tile / columns % rows * 4,
                      column = tile % columns * 4;
        for (int64_t c = 0; c < s->c; c++) input_bound(s, x, n, row, column, c, inputs + c * 36);
        for (int64_t k = 0; k < s->k; k++) {
            double m[36] = {0};
            for (int64_t c = 0; c < s->c; c++) {
                for (int e = 0; e < 36; e++) m[e] += inputs[c * 36 + e] * filters[(k * s->c + c) * 36 + e];
            }
            for (int64_t i = 0; i < 16; i++) {
                if (row + i / 4 >= p || column + i % 4 >= q) continue;
                double sum = 0;
                for (int e = 0; e < 36; e++) sum += A[i / 4][e / 6] * m[e] * A[i % 4][e % 6];
                bound[((n * p + row + i / 4) * q + column + i % 4) * s->k + k] =
                    (double)(s->c + ROUNDINGS) * UNIT * sum;
            }
        }
    }
    free(filters);
    free(inputs);
}

/* The weight's gradient (k, c, 3, 3), and how far off it may be. */
static void direct_weight_grad(const eg_winograd_shape *s, const float *x, const float *dy, double *out,
                               double *bound)
{
    const int64_t p = out_size(s, 0), q = out_size(s, 1), rows = (p + 3) / 4, columns = (q + 3) / 4;
    const int64_t pairs = s->k * s->c, tiles = s->n * rows * columns;
    double *products = calloc((size_t)pairs * 36, sizeof(double)),
           *u = calloc((size_t)s->c * 36, sizeof(double));
    double *d = calloc((size_t)s->k * 36, sizeof(double));
    assert_true(products && u && d);
    memset(out, 0, (size_t)pairs * 9 * sizeof(double));
    memset(bound, 0, (size_t)pairs * 9 * sizeof(double));
    for (int64_t i = 0; i < s->n * p * q; i++) {
        for (int64_t r = 0; r < 9; r++) {
            int64_t h = i / q % p + r / 3 - s->padding[0], w = i % q + r % 3 - s->padding[1];
            if (h < 0 || w < 0 || h >= s->h || w >= s->w) continue;
            const float *pixel = x + ((i / (p * q) * s->h + h) * s->w + w) * s->c;
            for (int64_t k = 0; k < s->k; k++) {
                for (int64_t c = 0; c < s->c; c++)
                    out[(k * s->c + c) * 9 + r] += (double)dy[i * s->k + k] * (double)pixel[c];
            }
        }
    }
    for (int64_t tile = 0; tile < tiles; tile++) {
        const int64_t n = tile / (rows * columns), row = tile / columns % rows * 4,
                      column = tile % columns * 4;
        for (int64_t c = 0; c < s->c; c++) input_bound(s, x, n, row, column, c, u + c * 36);
        memset(d, 0, (size_t)s->k * 36 * sizeof(double));
        for (int64_t i = 0; i < 16 * s->k; i++) {
            const int64_t k = i / 16, h = row + i % 16 / 4, w = column + i % 4;
            if (h >= p || w >= q) continue;
            double g = fabs((double)dy[((n * p + h) * q + w) * s->k + k]);
            for (int e = 0; e < 36; e++)
                d[k * 36 + e] +=
                    filter_row(e / 6, (int)(i % 16 / 4), 4) * g * filter_row(e % 6, (int)(i % 4), 4);
        }
        for (int64_t f = 0; f < pairs * 36; f++)
            products[f] += d[f / 36 / s->c * 36 + f % 36] * u[f / 36 % s->c * 36 + f % 36];
    }
    /* A of three taps: that of four outputs, but the last row's m[5] goes to the third. */
    for (int64_t f = 0; f < pairs * 9; f++) {
        for (int e = 0; e < 36; e++) {
            const int64_t i = f % 9 / 3, j = f % 3;
            double left = e / 6 == 5 ? i == 2 : A[i][e / 6], right = e % 6 == 5 ? j == 2 : A[j][e % 6];
            bound[f] += left * products[f / 9 * 36 + e] * right;
        }
        bound[f] *= (double)(tiles + ROUNDINGS) * UNIT;
    }
    free(products);
    free(u);
    free(d);
}

static void assert_within(const float *got, const double *expected, const double *bound, int64_t n,
                          const eg_winograd_shape *s, const char *what)
{
    for (int64_t i = 0; i < n; i++) {
        if (fabs((double)got[i] - expected[i]) <= bound[i]) continue;
        fail_msg("%s n %d h %d w %d c %d k %d padding %d %d, element %ld: %.9g, expected %.9g within %.3g",
                 what, (int)s->n, (int)s->h, (int)s->w, (int)s->c, (int)s->k, (int)s->padding[0],
                 (int)s->padding[1], (long)i, (double)got[i], expected[i], bound[i]);
    }
}

/* Runs every task, the last first when backwards, each in scratch memory full of NaN. */
static void run_forward(const eg_winograd *plan, bool backwards, const float *x, const float *weight,
                        const eg_epilogue *epilogue, float *y)
{
    array packed = bytes_new(plan->filter_bytes);
    for (int64_t i = 0; i < plan->packs; i++) eg_winograd_pack(plan, i, weight, packed.data);
    for (int64_t i = 0; i < plan->tasks; i++) {
        array scratch = bytes_new(plan->scratch_bytes);
        eg_winograd_forward(plan, backwards ? plan->tasks - 1 - i : i, x, weight, packed.data, epilogue, y,
                            scratch.data);
        array_free(&scratch);
    }
    array_free(&packed);
}

static void run_weight_grad(const eg_winograd_weights *plan, bool backwards, const float *x, const float *dy,
                            float *out, bool accumulate)
{
    array sums = bytes_new(plan->sums_bytes);
    for (int64_t i = 0; i < plan->tasks; i++) {
        array scratch = bytes_new(plan->scratch_bytes);
        eg_winograd_weight_grad(plan, backwards ? plan->tasks - 1 - i : i, x, dy, sums.data, scratch.data);
        array_free(&scratch);
    }
    for (int64_t i = 0; i < plan->sum_tasks; i++)
        eg_winograd_weight_sum(plan, backwards ? plan->sum_tasks - 1 - i : i, sums.data, out, accumulate);
    array_free(&sums);
}

static const struct {
    int64_t h, w;
} maps[] = {{1, 1}, {1, 5}, {2, 3}, {4, 4}, {5, 4}, {6, 9}, {7, 7}, {13, 8}, {17, 23}};
static const struct {
    int64_t c, k;
} channels[] = {{1, 1}, {3, 5}, {5, 3}, {8, 17}, {17, 8}, {3, 64}, {64, 65}};

/* Calls check with every sensible combination of the above and with a few large ones. */
static void each_shape(void (*check)(const eg_winograd_shape *shape))
{
    int checked = 0;
    for (size_t m = 0; m < sizeof maps / sizeof *maps; m++) {
        for (size_t i = 0; i < sizeof channels / sizeof *channels; i++) {
            for (int pads = 0; pads < 9; pads++) {
                if (channels[i].c * channels[i].k > 1000 && pads % 4 != 0) continue;
                eg_winograd_shape s = {(int64_t)((m + i + (size_t)pads) % 5 + 1),
                                       maps[m].h,
                                       maps[m].w,
                                       channels[i].c,
                                       channels[i].k,
                                       {pads / 3, pads % 3}};
                if (!eg_winograd_fits(&s)) continue;
                check(&s);
                checked++;
            }
        }
    }
    assert_true(checked > 300);
    static const eg_winograd_shape large[] = {
        {2, 9, 6, 300, 5, {1, 1}},   /* several depths; two rectangles along c */
        {1, 5, 7, 6, 333, {1, 1}},   /* groups of panels, the last one narrow; two rectangles along k */
        {5, 45, 47, 4, 6, {1, 1}},   /* many blocks and parts */
        {2, 6, 5, 400, 333, {1, 1}}, /* filters made as they are needed */
        {3, 30, 41, 19, 70, {2, 0}}, /* a last block that is not full */
    };
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) check(&large[i]);
}

static void check_forward(const eg_winograd_shape *s)
{
    const int64_t n = s->n * out_size(s, 0) * out_size(s, 1) * s->k;
    array x = array_random(s->n * s->h * s->w * s->c, 1), weight = array_random(s->k * s->c * 9, 2);
    double *expected = calloc((size_t)n * 2, sizeof(double));
    assert_non_null(expected);
    direct_forward(s, x.data, weight.data, expected, expected + n);
    array first = array_new(n, NAN);
    eg_winograd plan = eg_winograd_plan(s);
    for (int cpu = EG_CPU_PORTABLE; cpu <= (int)eg_cpu_detect(); cpu++) {
        plan.cpu = (eg_cpu)cpu;
        array y = array_new(n, NAN);
        run_forward(&plan, cpu % 2 == 1, x.data, weight.data, NULL, y.data);
        if (cpu <= EG_CPU_AVX2) memcpy(first.data, y.data, (size_t)n * sizeof(float));
        assert_within(y.data, expected, expected + n, n, s, "forward");
        assert_memory_equal(first.data, y.data, (size_t)n * sizeof(float));
        array_free(&y);
    }
    array_free(&first);
    free(expected);
    array_free(&x);
    array_free(&weight);
}

/* Every form is within the bound, and those with fused multiply-adds give the same bits, with tasks in either
 * order. */
static void forward_is_the_convolution(void **state)
{
    (void)state;
    each_shape(check_forward);
}

/* … and an element has the same bits whatever is computed beside it: here a sample alone. */
static void samples_do_not_depend_on_their_batch(void **state)
{
    (void)state;
    static const eg_winograd_shape shapes[] = {
        {5, 45, 47, 20, 70, {1, 1}}, {9, 6, 5, 400, 333, {1, 1}}, {70, 7, 7, 130, 24, {0, 2}}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const eg_winograd_shape *s = &shapes[i];
        const int64_t in = s->h * s->w * s->c, out = out_size(s, 0) * out_size(s, 1) * s->k;
        array x = array_random(s->n * in, 13), weight = array_random(s->k * s->c * 9, 14);
        array all = array_new(s->n * out, NAN), alone = array_new(s->n * out, NAN);
        eg_winograd plan = eg_winograd_plan(s);
        run_forward(&plan, false, x.data, weight.data, NULL, all.data);
        eg_winograd_shape one = *s;
        one.n = 1;
        plan = eg_winograd_plan(&one);
        for (int64_t n = 0; n < s->n; n++)
            run_forward(&plan, false, x.data + n * in, weight.data, NULL, alone.data + n * out);
        assert_memory_equal(all.data, alone.data, (size_t)(s->n * out) * sizeof(float));
        array_free(&x);
        array_free(&weight);
        array_free(&all);
        array_free(&alone);
    }
}

/* dx by its definition: every dy goes back along its taps. */
static void direct_input_grad(const eg_winograd_shape *s, const float *dy, const float *weight, double *dx)
{
    const int64_t p = out_size(s, 0), q = out_size(s, 1);
    memset(dx, 0, (size_t)(s->n * s->h * s->w * s->c) * sizeof(double));
    for (int64_t i = 0; i < s->n * p * q; i++) {
        for (int64_t r = 0; r < 9; r++) {
            int64_t h = i / q % p + r / 3 - s->padding[0], w = i % q + r % 3 - s->padding[1];
            if (h < 0 || w < 0 || h >= s->h || w >= s->w) continue;
            double *pixel = dx + ((i / (p * q) * s->h + h) * s->w + w) * s->c;
            for (int64_t k = 0; k < s->k; k++) {
                for (int64_t c = 0; c < s->c; c++)
                    pixel[c] += (double)dy[i * s->k + k] * (double)weight[(k * s->c + c) * 9 + r];
            }
        }
    }
}

static void check_input_grad(const eg_winograd_shape *s)
{
    eg_winograd plan = eg_winograd_plan_input_grad(s);
    const int64_t n = s->n * s->h * s->w * s->c;
    assert_true(plan.p == s->h && plan.q == s->w && plan.shape.k == s->c);
    array dy = array_random(s->n * plan.shape.h * plan.shape.w * s->k, 3),
          weight = array_random(s->k * s->c * 9, 4);
    array turned = array_new(s->k * s->c * 9, 0);
    for (int64_t i = 0; i < turned.n; i++)
        turned.data[(i / 9 % s->c * s->k + i / 9 / s->c) * 9 + 8 - i % 9] = weight.data[i];
    double *expected = calloc((size_t)n * 2, sizeof(double));
    assert_non_null(expected);
    direct_forward(&plan.shape, dy.data, turned.data, expected, expected + n); /* for the bound */
    direct_input_grad(s, dy.data, weight.data, expected);
    array dx = array_new(n, NAN);
    run_forward(&plan, true, dy.data, weight.data, NULL, dx.data);
    assert_within(dx.data, expected, expected + n, n, s, "input gradient");
    free(expected);
    array_free(&dx);
    array_free(&dy);
    array_free(&turned);
    array_free(&weight);
}

static void input_grad_is_the_transpose(void **state)
{
    (void)state;
    each_shape(check_input_grad);
}

static void check_weight_grad(const eg_winograd_shape *s)
{
    const int64_t n = s->k * s->c * 9;
    array x = array_random(s->n * s->h * s->w * s->c, 5);
    array dy = array_random(s->n * out_size(s, 0) * out_size(s, 1) * s->k, 6);
    double *expected = calloc((size_t)n * 2, sizeof(double));
    assert_non_null(expected);
    direct_weight_grad(s, x.data, dy.data, expected, expected + n);
    array first = array_new(n, NAN);
    eg_winograd_weights plan = eg_winograd_plan_weight_grad(s);
    for (int cpu = EG_CPU_PORTABLE; cpu <= (int)eg_cpu_detect(); cpu++) {
        plan.cpu = (eg_cpu)cpu;
        array out = array_new(n, NAN);
        run_weight_grad(&plan, cpu % 2 == 1, x.data, dy.data, out.data, false);
        if (cpu <= EG_CPU_AVX2) memcpy(first.data, out.data, (size_t)n * sizeof(float));
        assert_within(out.data, expected, expected + n, n, s, "weight gradient");
        assert_memory_equal(first.data, out.data, (size_t)n * sizeof(float));
        run_weight_grad(&plan, true, x.data, dy.data, out.data, true);
        for (int64_t i = 0; i < n; i++) assert_true(out.data[i] == first.data[i] + first.data[i]);
        array_free(&out);
    }
    free(expected);
    array_free(&first);
    array_free(&x);
    array_free(&dy);
}

/* … also in every form and order, and it adds to what is there when asked. */
static void weight_grad_is_the_sum_over_positions(void **state)
{
    (void)state;
    each_shape(check_weight_grad);
}

static float activated(float v, eg_activation activation, float slope)
{
    if (activation == EG_ACTIVATION_LEAKY) return v < 0 ? v * slope : v;
    if (activation != EG_ACTIVATION_NONE && v < 0) return 0;
    return activation == EG_ACTIVATION_RELU6 && v > 6 ? 6 : v;
}

/* The epilogue gives the same bits as its three steps done afterwards; the residual may be y; NaN goes
 * through. */
static void epilogue_is_bias_residual_activation(void **state)
{
    (void)state;
    const eg_winograd_shape s = {2, 10, 7, 5, 83, {1, 1}};
    const int64_t n = s.n * s.h * s.w * s.k;
    array x = array_random(s.n * s.h * s.w * s.c, 7), weight = array_random(s.k * s.c * 9, 8);
    array bias = array_random(s.k, 9), residual = array_random(n, 10), plain = array_new(n, 0);
    residual.data[3] = NAN;
    eg_winograd plan = eg_winograd_plan(&s);
    for (int mode = 0; mode < 4 * 4 * (int)(eg_cpu_detect() + 1); mode++) {
        eg_epilogue epilogue = {.activation = (eg_activation)(mode % 4), .slope = 0.1F};
        if (mode / 4 % 2) epilogue.bias = bias.data;
        if (mode / 8 % 2) epilogue.residual = residual.data;
        plan.cpu = (eg_cpu)(mode / 16);
        run_forward(&plan, false, x.data, weight.data, NULL, plain.data);
        array y = array_new(n, NAN), same = array_random(n, 10);
        run_forward(&plan, false, x.data, weight.data, &epilogue, y.data);
        for (int64_t i = 0; i < n; i++) {
            float v = plain.data[i];
            if (epilogue.bias) v += bias.data[i % s.k];
            if (epilogue.residual) v += residual.data[i];
            v = activated(v, epilogue.activation, epilogue.slope);
            assert_true(y.data[i] == v || (isnan(v) && isnan(y.data[i])));
        }
        if (epilogue.residual) {
            same.data[3] = NAN;
            epilogue.residual = same.data;
            run_forward(&plan, true, x.data, weight.data, &epilogue, same.data);
            assert_true(isnan(same.data[3]) && isnan(y.data[3]));
            same.data[3] = y.data[3] = 0;
            assert_memory_equal(same.data, y.data, (size_t)n * sizeof(float));
        }
        array_free(&y);
        array_free(&same);
    }
    array_free(&x);
    array_free(&weight);
    array_free(&bias);
    array_free(&residual);
    array_free(&plain);
}

/* The bound above is for the worst case; the usual error on data like a network's is far smaller. */
static void usual_error_is_small(void **state)
{
    (void)state;
    const eg_winograd_shape s = {1, 20, 20, 64, 64, {1, 1}};
    const int64_t n = s.h * s.w * s.k;
    array x = array_random(s.h * s.w * s.c, 11), weight = array_random(s.k * s.c * 9, 12),
          y = array_new(n, NAN);
    double *expected = calloc((size_t)n * 2, sizeof(double)), squares = 0, worst = 0;
    assert_non_null(expected);
    direct_forward(&s, x.data, weight.data, expected, expected + n);
    eg_winograd plan = eg_winograd_plan(&s);
    run_forward(&plan, false, x.data, weight.data, NULL, y.data);
    for (int64_t i = 0; i < n; i++) {
        squares += expected[i] * expected[i];
        worst = fmax(worst, fabs((double)y.data[i] - expected[i]));
    }
    print_message("largest error %.2g of the output's root mean square\n", worst / sqrt(squares / (double)n));
    assert_true(worst < 1e-5 * sqrt(squares / (double)n));
    free(expected);
    array_free(&x);
    array_free(&weight);
    array_free(&y);
}

static void fits_says_where_the_method_applies(void **state)
{
    (void)state;
    assert_true(eg_winograd_fits(&(eg_winograd_shape){1, 1, 1, 1, 1, {1, 1}}));
    assert_true(eg_winograd_fits(&(eg_winograd_shape){1, 3, 3, 1, 1, {0, 0}}));
    assert_false(eg_winograd_fits(&(eg_winograd_shape){1, 2, 3, 1, 1, {0, 0}}));
    assert_false(eg_winograd_fits(&(eg_winograd_shape){1, 9, 9, 1, 1, {3, 1}}));
    assert_false(eg_winograd_fits(&(eg_winograd_shape){1, 9, 9, 1, 1, {1, -1}}));
    assert_false(eg_winograd_fits(&(eg_winograd_shape){0, 9, 9, 1, 1, {1, 1}}));
}

static void cpu_is_limited_by_the_environment(void **state)
{
    (void)state;
    const char *before = getenv("ENGRAFT_CPU");
    char *kept = before ? strdup(before) : NULL;
    for (int cpu = 0; cpu < EG_CPU_COUNT; cpu++) {
        setenv("ENGRAFT_CPU", eg_cpu_name((eg_cpu)cpu), 1);
        assert_int_equal(eg_cpu_best(), cpu < (int)eg_cpu_detect() ? cpu : (int)eg_cpu_detect());
    }
    setenv("ENGRAFT_CPU", "abacus", 1);
    assert_int_equal(eg_cpu_best(), eg_cpu_detect());
    unsetenv("ENGRAFT_CPU");
    assert_int_equal(eg_cpu_best(), eg_cpu_detect());
    if (kept) setenv("ENGRAFT_CPU", kept, 1);
    free(kept);
}

int main(void)
{
    eg_gemm_setup();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_is_the_convolution),
        cmocka_unit_test(samples_do_not_depend_on_their_batch),
        cmocka_unit_test(input_grad_is_the_transpose),
        cmocka_unit_test(weight_grad_is_the_sum_over_positions),
        cmocka_unit_test(epilogue_is_bias_residual_activation),
        cmocka_unit_test(usual_error_is_small),
        cmocka_unit_test(fits_says_where_the_method_applies),
        cmocka_unit_test(cpu_is_limited_by_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
