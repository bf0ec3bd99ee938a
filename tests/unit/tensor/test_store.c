#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "engraft/tensor.h"

static eg_arena arena;

static void shapes_multiply_with_care(void **state)
{
    (void)state;
    uint64_t numel;
    int64_t big[3] = {INT64_MAX, 2, 1}, zero[3] = {INT64_MAX, 0, 5}, small[2] = {3, 4};
    assert_false(eg_shape_numel((eg_shape){2, big}, &numel));
    assert_true(eg_shape_numel((eg_shape){3, zero}, &numel));
    assert_int_equal(numel, 0);
    assert_true(eg_shape_numel((eg_shape){2, small}, &numel));
    assert_int_equal(numel, 12);
    assert_true(eg_shape_numel((eg_shape){0, NULL}, &numel));
    assert_int_equal(numel, 1);
    assert_string_equal(eg_shape_text(&arena, (eg_shape){2, small}), "[3, 4]");
    assert_string_equal(eg_shape_text(&arena, (eg_shape){0, NULL}), "[]");
}

static void strided_views_are_gathered(void **state)
{
    (void)state;
    float data[32], out[12];
    for (int i = 0; i < 32; i++) data[i] = (float)i;
    int64_t storage_dims[1] = {32}, dims[2] = {3, 4}, transposed[2] = {1, 3}, expanded[2] = {0, 1};
    eg_entry entry = eg_entry_in_memory(&arena, "w", EG_F32, (eg_shape){1, storage_dims}, data);
    entry.shape = (eg_shape){2, dims};
    entry.strides = transposed;
    entry.offset = 2 * sizeof(float);
    assert_true(eg_entry_read(&entry, out, NULL));
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 4; j++) assert_true(out[i * 4 + j] == (float)(2 + i + 3 * j));
    entry.strides = expanded;
    assert_true(eg_entry_read(&entry, out, NULL));
    for (int i = 0; i < 12; i++) assert_true(out[i] == (float)(2 + i % 4));
}

static void big_endian_storages_are_swapped(void **state)
{
    (void)state;
    uint8_t data[8] = {0x3F, 0x80, 0, 0, 0xC0, 0, 0, 0};
    float out[2];
    int64_t dims[1] = {2};
    eg_entry entry = eg_entry_in_memory(&arena, "w", EG_F32, (eg_shape){1, dims}, data);
    entry.storage->big_endian = true;
    assert_true(eg_entry_read(&entry, out, NULL));
    assert_true(out[0] == 1.0f && out[1] == -2.0f);
}

static void halves_convert_exactly(void **state)
{
    (void)state;
    static const uint16_t bits[] = {0x3C00, 0xC000, 0x0001, 0x8000, 0x7BFF, 0x7C00, 0x03FF, 0x0400};
    static const float values[] = {1, -2, 0x1p-24f, -0.0f, 65504, INFINITY, 0x1.ff8p-15f, 0x1p-14f};
    int64_t dims[1] = {8};
    float out[8];
    eg_entry entry = eg_entry_in_memory(&arena, "h", EG_F16, (eg_shape){1, dims}, bits);
    assert_true(eg_entry_read_f32(&entry, out, NULL));
    assert_memory_equal(out, values, sizeof values);
    static const uint16_t brain[] = {0x3F80, 0x4049};
    dims[0] = 2;
    entry = eg_entry_in_memory(&arena, "b", EG_BF16, (eg_shape){1, dims}, brain);
    assert_true(eg_entry_read_f32(&entry, out, NULL));
    assert_true(out[0] == 1.0f && out[1] == 3.140625f);
}

static void types_without_conversion_say_so(void **state)
{
    (void)state;
    uint8_t byte = 0;
    float out;
    eg_error err = {0};
    eg_entry entry = eg_entry_in_memory(&arena, "q", EG_QI8, (eg_shape){0, NULL}, &byte);
    assert_false(eg_entry_read_f32(&entry, &out, &err));
    assert_string_equal(err.text, "tensor 'q' is QI8, which has no conversion to F32");
}

static void names_find_entries(void **state)
{
    (void)state;
    float x = 0;
    eg_entry entries[2] = {eg_entry_in_memory(&arena, "a", EG_F32, (eg_shape){0, NULL}, &x),
                           eg_entry_in_memory(&arena, "b", EG_F32, (eg_shape){0, NULL}, &x)};
    eg_store store = {.entries = entries, .count = 2};
    eg_store_index(&store, &arena);
    assert_ptr_equal(eg_store_find(&store, "b"), &entries[1]);
    assert_null(eg_store_find(&store, "c"));
}

static void every_dtype_has_a_name_and_a_size(void **state)
{
    (void)state;
    for (eg_dtype d = 0; d < EG_DTYPE_COUNT; d++) {
        assert_non_null(eg_dtype_name(d));
        assert_in_range(eg_dtype_size(d), 1, 16);
        assert_int_equal(eg_dtype_find(eg_dtype_name(d)), d);
    }
    assert_int_equal(eg_dtype_find("F31"), EG_DTYPE_COUNT);
}

static int clear(void **state)
{
    (void)state;
    eg_arena_clear(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_multiply_with_care),         cmocka_unit_test(strided_views_are_gathered),
        cmocka_unit_test(big_endian_storages_are_swapped),   cmocka_unit_test(halves_convert_exactly),
        cmocka_unit_test(types_without_conversion_say_so),   cmocka_unit_test(names_find_entries),
        cmocka_unit_test(every_dtype_has_a_name_and_a_size),
    };
    return cmocka_run_group_tests(tests, NULL, clear);
}
