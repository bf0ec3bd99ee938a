/* The parameter block: PyTorch's order, alignment, views as a store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "make_net.h"

static void test_store(void **state)
{
    (void)state;
    maker m;
    eg_weights weights;
    make_image(&m, 4, 4, 3);
    int32_t x = make_node(&m, "conv2d", "conv", "out_channels=5 kernel_size=3", 0);
    make_node(&m, "batch_norm2d", "norm", "", x);
    make_weights(&m, &weights, 1);
    *(int64_t *)weights.data[6] = 41;
    eg_store store = eg_weights_store(&m.arena, &weights, "module.");
    static const char *const names[] = {"module.conv.weight",
                                        "module.conv.bias",
                                        "module.norm.weight",
                                        "module.norm.bias",
                                        "module.norm.running_mean",
                                        "module.norm.running_var",
                                        "module.norm.num_batches_tracked"};
    assert_int_equal(store.count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_string_equal(store.entries[i].name, names[i]);
        assert_int_equal((uintptr_t)weights.data[i] % 64, 0);
        assert_ptr_equal(eg_store_find(&store, names[i]), &store.entries[i]);
    }
    assert_int_equal(store.entries[6].dtype, EG_I64);
    assert_int_equal(store.entries[6].shape.rank, 0);
    float values[5 * 3 * 3 * 3];
    int64_t count = 0;
    assert_true(eg_entry_read(&store.entries[0], values, NULL));
    assert_memory_equal(values, weights.data[0], sizeof values);
    assert_true(eg_entry_read(&store.entries[6], &count, NULL));
    assert_int_equal(count, 41);
    eg_weights_clear(&weights);
    make_clear(&m);
}

static void test_empty(void **state)
{
    (void)state;
    maker m;
    eg_weights weights;
    make_image(&m, 1, 1, 1);
    make_node(&m, "relu", "relu", "", 0);
    assert_true(eg_weights_init(&weights, &m.arena, &m.net, NULL));
    assert_int_equal(eg_weights_store(&m.arena, &weights, "").count, 0);
    eg_weights_clear(&weights);
    eg_weights_clear(&weights);
    make_clear(&m);
}

static void test_too_large(void **state)
{
    (void)state;
    eg_arena arena = {0};
    eg_error err = {0};
    eg_weights weights;
    int64_t dims[] = {INT64_MAX / 2, 2};
    eg_param params[] = {{.name = "a", .shape = {2, dims}, .dtype = EG_F32}};
    eg_net net = {.arch = "huge", .params = params, .param_count = 1};
    assert_false(eg_weights_init(&weights, &arena, &net, &err));
    assert_int_equal(err.code, EG_SYSTEM);
    assert_non_null(strstr(err.text, "huge"));
    eg_arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
