/* Depthwise convolution and its two gradients against their definition. */
#include "kernel_cases.h"

#include "kernel/depthwise.h"

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
    for (int i = 0; i < 2 * GRIDS; i++) {
        eg_grid g = grid_at(i / 2);
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
        eg_depthwise_forward(&g, a.x, a.w, bias ? a.b : NULL, 0, middle, a.y);
        eg_depthwise_forward(&g, a.x, a.w, bias ? a.b : NULL, middle, g.p, a.y);
        for (int64_t k = 0; k < a.out; k++) expect_near(a.y[k], want[k], g.r * g.s);
        expect_guard(a.y, a.out);
        free(want);
        free_arrays(&a);
    }
}

static void test_input_grad(void **state)
{
    (void)state;
    for (int i = 0; i < GRIDS; i++) {
        eg_grid g = grid_at(i);
        arrays a = make_arrays(&g);
        float *dy = random_array(a.out, 4);
        double *want = calloc((size_t)a.in, sizeof *want);
        EACH_TAP(g)
        {
            int64_t at = pixel_under(&g, p, q, r, s);
            for (int64_t c = 0; at >= 0 && c < g.c; c++)
                want[at + c] += (double)dy[(p * g.q + q) * g.c + c] * (double)a.w[(r * g.s + s) * g.c + c];
        }
        eg_depthwise_input_grad(&g, dy, a.w, 0, g.h / 2, a.dx);
        eg_depthwise_input_grad(&g, dy, a.w, g.h / 2, g.h, a.dx);
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
    for (int i = 0; i < GRIDS; i++) {
        eg_grid g = grid_at(i);
        arrays a = make_arrays(&g);
        float *dy = random_array(a.out, 4), *out = array(a.weights);
        double *sums = calloc((size_t)(2 * a.weights), sizeof *sums),
               *want = calloc((size_t)a.weights, sizeof *want);
        EACH_TAP(g)
        {
            int64_t at = pixel_under(&g, p, q, r, s);
            for (int64_t c = 0; at >= 0 && c < g.c; c++)
                want[c * g.r * g.s + r * g.s + s] +=
                    (double)dy[(p * g.q + q) * g.c + c] * (double)a.x[at + c];
        }
        eg_depthwise_weight_grad(&g, a.x, dy, sums);
        eg_depthwise_weight_grad(&g, a.x, dy, sums); /* added to what is there */
        eg_depthwise_weight_grad(&g, a.x, dy, sums + a.weights);
        eg_depthwise_weight_sum(2, g.c, g.r * g.s, sums, out, false);
        for (int64_t k = 0; k < a.weights; k++) expect_near(out[k], 3 * want[k], 3 * g.q);
        eg_depthwise_weight_sum(1, g.c, g.r * g.s, sums, out, true);
        for (int64_t k = 0; k < a.weights; k++) expect_near(out[k], 5 * want[k], 5 * g.q);
        expect_guard(out, a.weights);
        free(dy);
        free(out);
        free(sums);
        free(want);
        free_arrays(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_input_grad),
        cmocka_unit_test(test_weight_grad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
