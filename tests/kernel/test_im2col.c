/* im2col and its transpose against their definition, for every part of the (positions, taps, channels) array;
 * packing. */
#include "kernel_cases.h"

#include "kernel/im2col.h"

enum { IMAGES = 3 };

/* The element at (position, tap, channel), or where it comes from: -1 for padding. */
static int64_t source(const eg_grid *g, int64_t position, int64_t tap, int64_t channel)
{
    int64_t image = position / (g->p * g->q), place = position % (g->p * g->q);
    int64_t at = pixel_under(g, place / g->q, place % g->q, tap / g->s, tap % g->s);
    return at < 0 ? -1 : image * g->h * g->w * g->c + at + channel;
}

static void check_patch(const eg_grid *g, const eg_patch *patch)
{
    int64_t size = IMAGES * g->h * g->w * g->c, count = patch->rows * patch->taps * patch->width, i = 0;
    float *x = random_array(size, 5), *cols = array(count), *back = random_array(size, 6),
          *expected = random_array(size, 6);
    eg_im2col(g, patch, x, cols);
    for (int64_t row = 0; row < patch->rows; row++)
        for (int64_t tap = 0; tap < patch->taps; tap++)
            for (int64_t c = 0; c < patch->width; c++, i++) {
                int64_t from = source(g, patch->first + row, patch->tap + tap, patch->channel + c);
                assert_true(cols[i] == (from < 0 ? 0 : x[from]));
            }
    expect_guard(cols, count);
    for (i = 0; i < count; i++)
        cols[i] = (float)(i % 13); /* small whole numbers: sums are exact in any order */
    for (i = 0; i < size; i++) back[i] = expected[i] = (float)(i % 5);
    eg_col2im(g, patch, cols, back);
    i = 0;
    for (int64_t row = 0; row < patch->rows; row++)
        for (int64_t tap = 0; tap < patch->taps; tap++)
            for (int64_t c = 0; c < patch->width; c++, i++) {
                int64_t to = source(g, patch->first + row, patch->tap + tap, patch->channel + c);
                if (to >= 0) expected[to] += cols[i];
            }
    assert_memory_equal(back, expected, (size_t)(size + GUARD) * sizeof(float));
    free(x);
    free(cols);
    free(back);
    free(expected);
}

static void test_patches(void **state)
{
    (void)state;
    for (int i = 0; i < GRIDS; i++) {
        eg_grid g = grid_at(i);
        int64_t rows = IMAGES * g.p * g.q, taps = g.r * g.s;
        check_patch(&g, &(eg_patch){0, rows, 0, taps, 0, g.c});
        check_patch(&g, &(eg_patch){rows / 3, rows - rows / 3, taps / 2, taps - taps / 2, 0, g.c});
        check_patch(&g, &(eg_patch){rows / 2, 1, 0, (taps + 1) / 2, g.c / 2, g.c - g.c / 2});
    }
}

static void test_weights(void **state)
{
    (void)state;
    enum { K = 3, C = 5, T = 6, PARTS = 4, SIZE = K * C * T };
    float *weight = random_array(SIZE, 1), *packed = array(PARTS * SIZE), *out = array(SIZE);
    eg_weight_pack(K, C, T, weight, packed);
    for (int k = 0; k < K; k++)
        for (int c = 0; c < C; c++)
            for (int t = 0; t < T; t++)
                assert_true(packed[(k * T + t) * C + c] == weight[(k * C + c) * T + t]);
    for (int part = 1; part < PARTS; part++)
        for (int i = 0; i < SIZE; i++) packed[part * SIZE + i] = packed[i] * (float)part;
    eg_weight_unpack(K, C, T, PARTS, SIZE, packed, out, false);
    for (int i = 0; i < SIZE; i++) expect_near(out[i], 7 * (double)weight[i], 4); /* 1 + 1 + 2 + 3 */
    eg_weight_unpack(K, C, T, 1, SIZE, packed, out, true);
    for (int i = 0; i < SIZE; i++) expect_near(out[i], 8 * (double)weight[i], 5);
    expect_guard(out, SIZE);
    free(weight);
    free(packed);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_patches), cmocka_unit_test(test_weights)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
