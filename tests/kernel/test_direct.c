/* Products read in place, in every form that this processor runs, against their definition. */
#include "kernel_cases.h"

#include "kernel/direct.h"

/* For each form. */
#define EACH_FORM(form)                                                                                      \
    for (int cpu = EG_CPU_PORTABLE; cpu <= (int)eg_cpu_detect(); cpu++)                                      \
        for (const eg_direct *form = eg_direct_forms((eg_cpu)cpu); form; form = NULL)

static const int64_t widths[] = {1, 3, 4, 8, 13, 16, 17, 24, 32, 47, 48, 63, 64};
enum { WIDTHS = sizeof widths / sizeof *widths };

/* runs, length, pitch; rows and whether to add vary with the width. */
static const int64_t depths[][3] = {{0, 5, 5}, {1, 1, 9}, {1, 37, 0}, {3, 9, 20}, {7, 21, 33}};
enum { DEPTHS = sizeof depths / sizeof *depths };

static void check_dot(const eg_direct *form, int64_t width, const int64_t depth[3], int64_t rows, bool add)
{
    int64_t size = depth[0] * depth[2] + depth[1] + rows * 3, terms = depth[0] * depth[1], ld = width + 5;
    float *x = random_array(size, 1), *b = random_array(terms * form->panel + 1, 2),
          *y = random_array(rows * ld, 3), *before = random_array(rows * ld, 3);
    eg_dot d = {.rows = rows,
                .width = width,
                .runs = depth[0],
                .length = depth[1],
                .pitch = depth[2],
                .b = b,
                .accumulate = add,
                .cold = rows % 2 == 0,
                .ahead = rows % 3};
    for (int64_t i = 0; i < EG_DIRECT_ROWS; i++) {
        d.a[i] = x + (i < rows ? i : rows - 1) * 3;
        d.c[i] = y + i * ld;
    }
    form->dot(&d);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < ld; k++) {
            double want = add || k >= width ? (double)before[i * ld + k] : 0;
            for (int64_t t = 0; k < width && t < terms; t++)
                want += (double)x[i * 3 + t / depth[1] * depth[2] + t % depth[1]] *
                        (double)b[t * form->panel + k];
            expect_near(y[i * ld + k], want, terms);
        }
    expect_guard(y, rows * ld);
    free(x);
    free(b);
    free(y);
    free(before);
}

static void test_dot(void **state)
{
    (void)state;
    EACH_FORM(form)
    for (int i = 0; i < WIDTHS * DEPTHS * 2 * EG_DIRECT_ROWS; i++) {
        int64_t width = widths[i % WIDTHS];
        if (width <= form->panel)
            check_dot(form, width, depths[i / WIDTHS % DEPTHS], i / WIDTHS / DEPTHS / 2 + 1,
                      i / WIDTHS / DEPTHS % 2);
    }
}

static void check_outer(const eg_direct *form, int64_t width, int64_t count, int64_t lines, int64_t pixels)
{
    enum { STEP = 3, GAP = 7 };
    int64_t a_line = pixels * STEP + GAP, d_line = (pixels + 1) * form->panel, p = form->panel;
    float *a = random_array(lines * a_line + count, 1), *d = random_array(lines * d_line, 2),
          *sum = random_array(count * p, 3), *before = random_array(count * p, 3);
    for (int64_t i = 0; i < lines * d_line; i++)
        if (i % p >= width) d[i] = 0;
    eg_outer o = {.a = a,
                  .a_step = STEP,
                  .a_line = a_line,
                  .d = d,
                  .d_line = d_line,
                  .lines = lines,
                  .pixels = pixels,
                  .count = count,
                  .width = width,
                  .sum = sum};
    form->outer(&o);
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < p; k++) {
            double want = (double)before[i * p + k];
            for (int64_t at = 0; at < lines * pixels; at++)
                want += (double)a[at / pixels * a_line + at % pixels * STEP + i] *
                        (double)d[at / pixels * d_line + at % pixels * p + k];
            expect_near(sum[i * p + k], want, lines * pixels);
        }
    expect_guard(sum, count * p);
    free(a);
    free(d);
    free(sum);
    free(before);
}

static void test_outer(void **state)
{
    (void)state;
    EACH_FORM(form)
    for (int i = 0; i < WIDTHS * 14; i++)
        if (widths[i % WIDTHS] <= form->panel)
            check_outer(form, widths[i % WIDTHS], i / WIDTHS + 1, i % 3 + 1, i % 5 + 1);
}

/* weight[k][c][r][s] is a number that tells where it lies; every element of a panel lies where it should. */
static void check_pack(const eg_direct *form, int64_t k, int64_t c, int64_t r, int64_t s,
                       const eg_direct_taps *taps)
{
    int64_t depth = taps->turned ? k : c, outputs = taps->turned ? c : k, p = form->panel;
    int64_t size = taps->count[0] * taps->count[1] * depth * p;
    float *weight = random_array(k * c * r * s, 5);
    for (int64_t panel = 0; panel * p < outputs; panel++) {
        float *packed = array(size);
        eg_direct_pack(form, panel, k, c, r, s, taps, weight, packed);
        for (int64_t i = 0; i < size; i++) {
            int64_t output = panel * p + i % p, d = i / p % depth, tap = i / p / depth;
            int64_t row = taps->first[0] + tap / taps->count[1] * taps->step[0];
            int64_t column = taps->first[1] + tap % taps->count[1] * taps->step[1];
            int64_t from = taps->turned ? d * c + output : output * c + d;
            assert_true(packed[i] == (output < outputs ? weight[(from * r + row) * s + column] : 0));
        }
        expect_guard(packed, size);
        free(packed);
    }
    free(weight);
}

static void test_pack(void **state)
{
    (void)state;
    static const eg_direct_taps all[] = {
        {{0, 0}, {1, 1}, {3, 5}, false}, {{2, 4}, {-2, -2}, {2, 3}, true}, {{1, 3}, {-2, -2}, {1, 2}, true}};
    EACH_FORM(form)
    for (int i = 0; i < 3; i++) {
        check_pack(form, 70, 13, 3, 5, &all[i]);
        check_pack(form, 5, 67, 3, 5, &all[i]);
    }
}

/* The gradient's parts come back in PyTorch's order. */
static void test_unpack(void **state)
{
    (void)state;
    enum { K = 70, C = 5, T = 6, PARTS = 3 };
    EACH_FORM(form)
    for (int add = 0; add < 2; add++) {
        int64_t p = form->panel, size = T * C * p;
        float *sums = random_array(PARTS * size, 1), *out = random_array(K * C * T, 2),
              *before = random_array(K * C * T, 2);
        for (int64_t panel = 0; panel * p < K; panel++) {
            eg_direct_unpack(form, panel, K, C, T, PARTS, size, sums, out, add);
            for (int64_t k = panel * p; k < K && k < (panel + 1) * p; k++)
                for (int64_t i = 0; i < C * T; i++) {
                    int64_t at = (i % T * C + i / T) * p + k - panel * p;
                    float sum = (sums[at] + sums[size + at]) + sums[2 * size + at];
                    float want = add ? before[k * C * T + i] + sum : sum;
                    assert_true(out[k * C * T + i] == want);
                }
        }
        expect_guard(out, K * C * T);
        free(sums);
        free(out);
        free(before);
    }
}

/* Windows that lie partly and wholly outside a map. */
static void test_copy(void **state)
{
    (void)state;
    enum { H = 4, W = 5, C = 3, SIZE = 6 };
    float *map = random_array(H * W * C, 1);
    for (int64_t row = -8; row < 8; row++)
        for (int64_t column = -8; column < 8; column++) {
            float *out = array(SIZE * SIZE * C);
            eg_direct_copy(map, H, W, C, row, column, SIZE, SIZE, out);
            for (int64_t i = 0; i < SIZE * SIZE * C; i++) {
                int64_t y = row + i / C / SIZE, x = column + i / C % SIZE;
                bool inside = y >= 0 && y < H && x >= 0 && x < W;
                assert_true(out[i] == (inside ? map[(y * W + x) * C + i % C] : 0));
            }
            expect_guard(out, SIZE * SIZE * C);
            free(out);
        }
    free(map);
}

static void check_gather(const eg_direct *form, int64_t count, int64_t group)
{
    enum { LINES = 3, PIXELS = 4, STEP = 90, LINE = 400 };
    int64_t groups = (count + group - 1) / group, pitch = LINES * PIXELS * group + 3;
    float *x = random_array(LINES * LINE, 1), *out = array(groups * pitch);
    const eg_gather g = {x, STEP, LINE, LINES, PIXELS, count, out, group, pitch, count % 2};
    form->gather(&g);
    for (int64_t i = 0; i < LINES * PIXELS; i++)
        for (int64_t v = 0; v < groups * group; v++) {
            float got = out[v / group * pitch + i * group + v % group];
            assert_true(got == (v < count ? x[i / PIXELS * LINE + i % PIXELS * STEP + v] : 0));
        }
    expect_guard(out, groups * pitch);
    free(x);
    free(out);
}

static void test_gather(void **state)
{
    (void)state;
    EACH_FORM(form)
    for (int64_t count = 1; count <= 70; count++) {
        check_gather(form, count, 7);
        check_gather(form, count, 16);
        check_gather(form, count, 48);
    }
}

/* Both forms with fused multiply-adds sum in the same order. */
static void test_fused_forms_agree(void **state)
{
    (void)state;
    enum { DEPTH = 100, WIDTH = 16 };
    if (eg_cpu_detect() < EG_CPU_AVX512) skip();
    float *x = random_array(DEPTH, 1), *w = random_array(DEPTH * WIDTH, 2), y[2][WIDTH];
    for (int i = 0; i < 2; i++) {
        const eg_direct *form = eg_direct_forms(i ? EG_CPU_AVX512 : EG_CPU_AVX2);
        float *packed = array(DEPTH * form->panel);
        eg_direct_taps taps = {{0, 0}, {1, 1}, {1, 1}, false};
        eg_direct_pack(form, 0, WIDTH, DEPTH, 1, 1, &taps, w, packed);
        eg_dot d = {.rows = 1, .width = WIDTH, .runs = 1, .length = DEPTH, .b = packed, .c = {y[i]}};
        for (int row = 0; row < EG_DIRECT_ROWS; row++) d.a[row] = x;
        form->dot(&d);
        free(packed);
    }
    assert_memory_equal(y[0], y[1], sizeof y[0]);
    free(x);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dot),
        cmocka_unit_test(test_outer),
        cmocka_unit_test(test_pack),
        cmocka_unit_test(test_unpack),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_gather),
        cmocka_unit_test(test_fused_forms_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
