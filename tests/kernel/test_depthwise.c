/* Depthwise convolution and its two gradients, in every form that this processor runs, against their
 * definition. */
#include "kernel_cases.h"

#include "kernel/depthwise.h"

/* For each form. */
#define EACH_FORM(form)                                                                                      \
    for (int cpu = EG_CPU_PORTABLE; cpu <= (int)eg_cpu_detect(); cpu++)                                      \
        for (const eg_depthwise *form = eg_depthwise_forms((eg_cpu)cpu); form; form = NULL)

/* Beside the grids of all kernels: wider than a slice of channels and than a segment of pixels, the networks'
 * windows with and without strides, dilation. Then the padding behind, in which each differs. */
static const int64_t more[][11] = {
    {4, 37, 19, 3, 3, 1, 1, 1, 1, 1, 1}, {3, 6, 260, 3, 3, 1, 1, 1, 1, 1, 1},
    {5, 9, 300, 5, 5, 2, 2, 2, 2, 1, 1}, {7, 35, 33, 5, 5, 1, 1, 2, 2, 1, 1},
    {8, 21, 31, 3, 3, 2, 2, 0, 0, 1, 1}, {9, 20, 48, 3, 3, 1, 1, 2, 2, 2, 2},
    {7, 7, 36, 3, 3, 1, 1, 1, 1, 1, 1},  {6, 23, 12, 3, 3, 2, 1, 0, 2, 1, 2},
    {3, 26, 5, 2, 2, 1, 1, 0, 0, 1, 1},
};
enum { MORE = sizeof more / sizeof *more, ENDS = 3, CASES = GRIDS + MORE * ENDS };

static eg_grid case_at(int i)
{
    if (i < GRIDS) return grid_at(i);
    i -= GRIDS;
    eg_grid g = grid_of(more[i / ENDS]);
    if (i % ENDS == 1) g.p++; /* rows and columns that reach further out */
    if (i % ENDS > 0) g.q++;
    return g;
}

typedef struct arrays {
    float *x, *w, *b, *y, *dx;
    int64_t in, out, weights;
} arrays;

static arrays make_arrays(const eg_grid *g)
{
    arrays a = {.in = g->h * g->w * g->c, .out = g->p * g->q * g->c, .weights = g->r * g->s * g->c};
    a.x = random_array(a.in, 1);
    a.w = random_array(a.weights, 2);
    a.b = random_array(g->c, 3);
    a.y = array(a.out);
    a.dx = array(a.in);
    return a;
}

static void free_arrays(arrays *a)
{
    free(a->x);
    free(a->w);
    free(a->b);
    free(a->y);
    free(a->dx);
}

static void test_forward(void **state)
{
    (void)state;
    EACH_FORM(form)
    for (int i = 0; i < 2 * CASES; i++) {
        eg_grid g = case_at(i / 2);
        arrays a = make_arrays(&g);
        bool bias = i % 2;
        double *want = calloc((size_t)a.out, sizeof *want);
        for (int64_t k = 0; bias && k < a.out; k++) want[k] = (double)a.b[k % g.c];
        EACH_TAP(g)
        {
            int64_t at = pixel_under(&g, p, q, r, s);
            for (int64_t c = 0; at >= 0 && c < g.c; c++)
                want[(p * g.q + q) * g.c + c] += (double)a.x[at + c] * (double)a.w[(r * g.s + s) * g.c + c];
        }
        int64_t middle = g.p / 2; /* in two goes */
        eg_depthwise_forward(form, &g, a.x, a.w, bias ? a.b : NULL, 0, middle, a.y);
        eg_depthwise_forward(form, &g, a.x, a.w, bias ? a.b : NULL, middle, g.p, a.y);
        for (int64_t k = 0; k < a.out; k++) expect_near(a.y[k], want[k], g.r * g.s);
        expect_guard(a.y, a.out);
        free(want);
        free_arrays(&a);
    }
}

static void test_input_grad(void **state)
{
    (void)state;
    EACH_FORM(form)
    for (int i = 0; i < CASES; i++) {
        eg_grid g = case_at(i);
        arrays a = make_arrays(&g);
        float *dy = random_array(a.out, 4);
        double *want = calloc((size_t)a.in, sizeof *want);
        EACH_TAP(g)
        {
            int64_t at = pixel_under(&g, p, q, r, s);
            for (int64_t c = 0; at >= 0 && c < g.c; c++)
                want[at + c] += (double)dy[(p * g.q + q) * g.c + c] * (double)a.w[(r * g.s + s) * g.c + c];
        }
        eg_depthwise_input_grad(form, &g, dy, a.w, 0, g.h / 2, a.dx);
        eg_depthwise_input_grad(form, &g, dy, a.w, g.h / 2, g.h, a.dx);
        for (int64_t k = 0; k < a.in; k++) expect_near(a.dx[k], want[k], g.r * g.s);
        expect_guard(a.dx, a.in);
        free(dy);
        free(want);
        free_arrays(&a);
    }
}

static void test_weight_grad(void **state)
{
    (void)state;
    EACH_FORM(form)
    for (int i = 0; i < CASES; i++) {
        eg_grid g = case_at(i);
        arrays a = make_arrays(&g);
        float *dy = random_array(a.out, 4), *out = array(a.weights);
        float *totals = calloc((size_t)(2 * a.weights), sizeof *totals);
        double *want = calloc((size_t)a.weights, sizeof *want);
        EACH_TAP(g)
        {
            int64_t at = pixel_under(&g, p, q, r, s);
            for (int64_t c = 0; at >= 0 && c < g.c; c++)
                want[c * g.r * g.s + r * g.s + s] +=
                    (double)dy[(p * g.q + q) * g.c + c] * (double)a.x[at + c];
        }
        int64_t middle = g.p / 2;
        eg_depthwise_weight_grad(form, &g, a.x, dy, 0, middle, totals);
        eg_depthwise_weight_grad(form, &g, a.x, dy, middle, g.p, totals);
        eg_depthwise_weight_grad(form, &g, a.x, dy, 0, g.p, totals); /* added to what is there */
        eg_depthwise_weight_grad(form, &g, a.x, dy, 0, g.p, totals + a.weights);
        eg_depthwise_weight_sum(2, g.c, g.r * g.s, totals, out, false);
        for (int64_t k = 0; k < a.weights; k++) expect_near(out[k], 3 * want[k], 3 * g.p * g.q);
        eg_depthwise_weight_sum(1, g.c, g.r * g.s, totals, out, true);
        for (int64_t k = 0; k < a.weights; k++) expect_near(out[k], 5 * want[k], 5 * g.p * g.q);
        expect_guard(out, a.weights);
        free(dy);
        free(out);
        free(totals);
        free(want);
        free_arrays(&a);
    }
}

/* All three results of a form, one behind the other. */
static float *results(const eg_depthwise *form, const eg_grid *g, int64_t *count)
{
    arrays a = make_arrays(g);
    float *dy = random_array(a.out, 4), *all = array(*count = a.out + a.in + a.weights);
    float *dx = all + a.out, *total = dx + a.in;
    memset(total, 0, (size_t)a.weights * sizeof *total);
    eg_depthwise_forward(form, g, a.x, a.w, a.b, 0, g->p, all);
    eg_depthwise_input_grad(form, g, dy, a.w, 0, g->h, dx);
    eg_depthwise_weight_grad(form, g, a.x, dy, 0, g->p, total);
    free(dy);
    free_arrays(&a);
    return all;
}

static void test_forms_give_the_same_bits(void **state)
{
    (void)state;
    EACH_FORM(form)
    for (int i = 0; i < CASES; i++) {
        eg_grid g = case_at(i);
        int64_t count;
        float *want = results(eg_depthwise_forms(EG_CPU_PORTABLE), &g, &count),
              *got = results(form, &g, &count);
        assert_memory_equal(got, want, (size_t)count * sizeof *got);
        expect_guard(got, count);
        free(want);
        free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_input_grad),
        cmocka_unit_test(test_weight_grad),
        cmocka_unit_test(test_forms_give_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
