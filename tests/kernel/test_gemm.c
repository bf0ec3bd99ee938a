/* Matrix products: both operands transposed or not, rows apart, overwriting or adding, odd sizes. */
#include "kernel_cases.h"

#include <dirent.h>

#include "kernel/gemm.h"

static void check(int64_t m, int64_t n, int64_t k, bool ta, bool tb, bool accumulate)
{
    int64_t lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 2, ld = n + 5;
    float *a = random_array((ta ? k : m) * lda, 1), *b = random_array((tb ? n : k) * ldb, 2);
    float *out = random_array(m * ld, 3), *before = random_array(m * ld, 3);
    eg_gemm(m, n, k, (eg_matrix){a, lda, ta}, (eg_matrix){b, ldb, tb}, out, ld, accumulate);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < ld; j++) {
            double sum = accumulate ? (double)before[i * ld + j] : 0;
            for (int64_t l = 0; j < n && l < k; l++)
                sum += (double)a[ta ? l * lda + i : i * lda + l] * (double)b[tb ? j * ldb + l : l * ldb + j];
            if (j < n)
                expect_near(out[i * ld + j], sum, k);
            else
                assert_true(out[i * ld + j] == before[i * ld + j]); /* between the rows */
        }
    expect_guard(out, m * ld);
    free(a);
    free(b);
    free(out);
    free(before);
}

static void test_products(void **state)
{
    (void)state;
    static const int64_t sizes[][3] = {{1, 1, 1},  {3, 5, 7},     {17, 1, 33},
                                       {1, 19, 4}, {64, 48, 100}, {200, 9, 27}};
    eg_gemm_setup();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int form = 0; form < 8; form++)
            check(sizes[i][0], sizes[i][1], sizes[i][2], form & 1, form & 2, form & 4);
}

static int count_threads(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/task");
    if (!folder) return -1;
    for (struct dirent *entry; (entry = readdir(folder));) count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static void test_no_thread_of_the_library_is_left(void **state)
{
    (void)state;
    eg_gemm_setup();
    if (count_threads() < 0) skip();
    assert_int_equal(count_threads(), 1);
    eg_gemm_setup();
    check(64, 48, 100, false, false, false);
    assert_int_equal(count_threads(), 1);
}

/* What was there, NaN even, does not matter when it is overwritten. */
static void test_overwrites(void **state)
{
    (void)state;
    float a = 2, b = 3, out = NAN;
    eg_gemm(1, 1, 1, (eg_matrix){&a, 1, false}, (eg_matrix){&b, 1, false}, &out, 1, false);
    assert_true(out == 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_thread_of_the_library_is_left),
                                       cmocka_unit_test(test_products), cmocka_unit_test(test_overwrites)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
