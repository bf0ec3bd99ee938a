/* Quantized and sparse tensors. Cases A15 and A16 of the format notes. */
#include "make_torch.h"

/* Everything lies in storages of one record each. */
static const int8_t integers[6] = {-3, -2, -1, 0, 1, 2};
static const double scales[3] = {0.5, 0.25, 2};
static const int64_t zeros[3] = {1, -1, 0};

static void put_vector(eg_buf *p, const char *class, const char *key, int64_t count)
{
    put_tensor(p, &(tensor_spec){
                      .class = class, .key = key, .numel = count, .rank = 1, .size = {count}, .stride = {1}});
}

static void put_double(eg_buf *p, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    OP(p, "G");
    for (int i = 8; i-- > 0;) put(p, bits >> 8 * i & 255, 1);
}

/* A (2, 3) tensor of the integers; what `parameters` writes stands in its place. */
static void put_quantized(eg_buf *p, void (*parameters)(eg_buf *p, int64_t axis), int64_t axis)
{
    put_global(p, "torch._utils", "_rebuild_qtensor");
    OP(p, "(");
    put_storage(p, &(tensor_spec){.class = "QInt8Storage", .key = "0", .numel = 6});
    put_int(p, 0);
    put_ints(p, (const int64_t[]){2, 3}, 2);
    put_ints(p, (const int64_t[]){3, 1}, 2);
    parameters(p, axis);
    OP(p, "\x89");
    put_global(p, "collections", "OrderedDict");
    OP(p, ")RtR");
}

static void one_pair(eg_buf *p, int64_t axis)
{
    (void)axis;
    put_global(p, "torch", "per_tensor_affine");
    put_double(p, 0.1);
    put_int(p, 3);
    OP(p, "\x87");
}

static void tensors(eg_buf *p, int64_t axis)
{
    OP(p, "(");
    put_global(p, "torch", "per_channel_affine");
    put_vector(p, "DoubleStorage", "1", 3);
    put_vector(p, "LongStorage", "2", 3);
    put_int(p, axis);
    OP(p, "t");
}

static void lists(eg_buf *p, int64_t axis)
{
    OP(p, "(");
    put_global(p, "torch", "per_channel_affine");
    OP(p, "](");
    for (int i = 0; i < 3; i++) put_double(p, scales[i]);
    OP(p, "e](");
    for (int i = 0; i < 3; i++) put_int(p, zeros[i]);
    OP(p, "e");
    put_int(p, axis);
    OP(p, "t");
}

static void unknown(eg_buf *p, int64_t axis)
{
    (void)axis;
    put_global(p, "torch", "per_row_something");
    OP(p, "NN\x87");
}

static eg_buf quantized_zip(void (*parameters)(eg_buf *p, int64_t axis), int64_t axis)
{
    eg_buf p = {0}, zip = {0};
    begin_dict(&p);
    put_text(&p, "x");
    put_quantized(&p, parameters, axis);
    end_dict(&p);
    const record records[] = {{.name = "archive/data.pkl", .bytes = p.data, .size = p.length},
                              {.name = "archive/data/0", .bytes = integers, .size = sizeof integers},
                              {.name = "archive/data/1", .bytes = scales, .size = sizeof scales},
                              {.name = "archive/data/2", .bytes = zeros, .size = sizeof zeros},
                              {.name = "archive/version", .bytes = "3\n", .size = 2}};
    put_zip(&zip, records, 5);
    eg_buf_clear(&p);
    return zip;
}

/* The integers as they are, and on request what they stand for. */
static void expect_quantized(eg_buf zip, const float *values, const char *text)
{
    int8_t raw[6];
    eg_error err = {0};
    eg_checkpoint *file = open_good(&zip);
    const eg_entry *x = eg_store_find(&file->store, "x");
    assert_int_equal(x->dtype, EG_QI8);
    assert_true(eg_entry_read(x, raw, &err));
    assert_memory_equal(raw, integers, sizeof raw);
    expect_floats(file, "x", values, 6);
    assert_int_equal(file->value_count, 1);
    assert_string_equal(file->values[0].text, text);
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
}

static void a15_quantized(void **state)
{
    const float step = 0.1f;
    const float whole[] = {step * -6, step * -5, step * -4, step * -3, step * -2, step * -1};
    static const float columns[] = {-2, -0.25f, -2, -0.5f, 0.5f, 4};
    (void)state;
    expect_quantized(quantized_zip(one_pair, 0), whole, "scale 0.1, zero point 3");
    expect_quantized(quantized_zip(tensors, 1), columns, "3 scales and zero points along axis 1");
    expect_quantized(quantized_zip(lists, 1), columns, "3 scales and zero points along axis 1");
}

static void a15_forged(void **state)
{
    static const struct {
        void (*parameters)(eg_buf *p, int64_t axis);
        int64_t axis;
    } cases[] = {
        {tensors, 2}, {tensors, -1}, {tensors, 0} /* two rows, three scales */, {lists, 0}, {unknown, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eg_buf zip = quantized_zip(cases[i].parameters, cases[i].axis);
        expect_error(&zip, "TEN-009", EG_MALFORMED);
        eg_buf_clear(&zip);
    }
}

/* ---- sparse ---- */

static void put_layout(eg_buf *p, const char *layout)
{
    put_global(p, "torch.serialization", "_get_layout");
    put_text(p, layout);
    OP(p, "\x85R");
}

/* {"x": sparse 3x3 of three floats}; storages "0" indices and "1" plain indices (int64), "2" values. */
static eg_buf sparse_zip(const char *layout, const int64_t *indices, size_t index_count, const int64_t *plain,
                         const int64_t *size)
{
    static const float values[3] = {10, 20, 30};
    bool coo = strcmp(layout, "torch.sparse_coo") == 0;
    eg_buf p = {0}, zip = {0};
    begin_dict(&p);
    put_text(&p, "x");
    put_global(&p, "torch._utils", "_rebuild_sparse_tensor");
    put_layout(&p, layout);
    OP(&p, "(");
    put_tensor(&p, &(tensor_spec){.class = "LongStorage",
                                  .key = "0",
                                  .numel = (int64_t)index_count,
                                  .rank = coo ? 2 : 1,
                                  .size = {coo ? 2 : (int64_t)index_count, 3},
                                  .stride = {coo ? 3 : 1, 1}});
    if (!coo) put_vector(&p, "LongStorage", "1", 3);
    put_vector(&p, "FloatStorage", "2", 3);
    put_ints(&p, size, 2);
    OP(&p, "t\x86R");
    end_dict(&p);
    const record records[] = {{.name = "archive/data.pkl", .bytes = p.data, .size = p.length},
                              {.name = "archive/data/0", .bytes = indices, .size = index_count * 8},
                              {.name = "archive/data/1", .bytes = plain, .size = 24},
                              {.name = "archive/data/2", .bytes = values, .size = sizeof values},
                              {.name = "archive/version", .bytes = "3\n", .size = 2}};
    put_zip(&zip, records, 5);
    eg_buf_clear(&p);
    return zip;
}

static const int64_t square[2] = {3, 3}, none[3] = {0};

static void expect_dense(eg_buf zip, const float *values)
{
    eg_checkpoint *file = open_good(&zip);
    expect_floats(file, "x", values, 9);
    expect_floats(file, "x", values, 9); /* once more from what was made */
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
}

static void a16_sparse(void **state)
{
    static const int64_t coo[6] = {0, 1, 2, 2, 0, 1}, twice[6] = {0, 1, 0, 2, 0, 2}, starts[4] = {0, 1, 1, 3},
                         plain[3] = {1, 0, 2};
    (void)state;
    expect_dense(sparse_zip("torch.sparse_coo", coo, 6, none, square),
                 (const float[]){0, 0, 10, 20, 0, 0, 0, 30, 0});
    expect_dense(sparse_zip("torch.sparse_coo", twice, 6, none, square),
                 (const float[]){0, 0, 40, 20, 0, 0, 0, 0, 0});
    expect_dense(sparse_zip("torch.sparse_csr", starts, 4, plain, square),
                 (const float[]){0, 10, 0, 0, 0, 0, 20, 0, 30});
    expect_dense(sparse_zip("torch.sparse_csc", starts, 4, plain, square),
                 (const float[]){0, 0, 20, 10, 0, 0, 0, 0, 30});
}

static void expect_read_error(eg_buf zip, const char *id)
{
    float out[12];
    eg_error err = {0};
    eg_checkpoint *file = open_good(&zip);
    assert_false(eg_entry_read_f32(eg_store_find(&file->store, "x"), out, &err));
    assert_string_equal(err.id, id);
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
}

/* {"x": blocks of 2x1 in a 4x3 matrix}; starts and plain indices count blocks. */
static eg_buf block_zip(const char *layout, const int64_t *starts, size_t start_count, const int64_t *plain,
                        int64_t height, const int64_t *size)
{
    static const float values[6] = {1, 2, 3, 4, 5, 6};
    eg_buf p = {0}, zip = {0};
    begin_dict(&p);
    put_text(&p, "x");
    put_global(&p, "torch._utils", "_rebuild_sparse_tensor");
    put_layout(&p, layout);
    OP(&p, "(");
    put_vector(&p, "LongStorage", "0", (int64_t)start_count);
    put_vector(&p, "LongStorage", "1", 3);
    put_tensor(&p, &(tensor_spec){.class = "FloatStorage",
                                  .key = "2",
                                  .numel = 6,
                                  .rank = 3,
                                  .size = {3, height, 2 / height},
                                  .stride = {2, 2 / height, 1}});
    put_ints(&p, size, 2);
    OP(&p, "t\x86R");
    end_dict(&p);
    const record records[] = {{.name = "archive/data.pkl", .bytes = p.data, .size = p.length},
                              {.name = "archive/data/0", .bytes = starts, .size = start_count * 8},
                              {.name = "archive/data/1", .bytes = plain, .size = 24},
                              {.name = "archive/data/2", .bytes = values, .size = sizeof values},
                              {.name = "archive/version", .bytes = "3\n", .size = 2}};
    put_zip(&zip, records, 5);
    eg_buf_clear(&p);
    return zip;
}

static void expect_blocks(eg_buf zip, const float *values)
{
    eg_checkpoint *file = open_good(&zip);
    expect_floats(file, "x", values, 12);
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
}

static void a16_blocks(void **state)
{
    static const int64_t rows[3] = {0, 1, 3}, columns[4] = {0, 1, 2, 3}, plain[3] = {1, 0, 2},
                         one[3] = {1, 0, 1}, tall[2] = {4, 3}, wide[2] = {3, 4};
    static const int64_t triple[4] = {0, 1, 1, 3}, few[3] = {0, 2, 3};
    (void)state;
    expect_blocks(block_zip("torch.sparse_bsr", rows, 3, plain, 2, tall),
                  (const float[]){0, 1, 0, 0, 2, 0, 3, 0, 5, 4, 0, 6});
    expect_blocks(block_zip("torch.sparse_bsc", columns, 4, one, 2, tall),
                  (const float[]){0, 3, 0, 0, 4, 0, 1, 0, 5, 2, 0, 6});
    expect_blocks(block_zip("torch.sparse_bsr", triple, 4, one, 1, wide),
                  (const float[]){0, 0, 1, 2, 0, 0, 0, 0, 3, 4, 5, 6});
    expect_blocks(block_zip("torch.sparse_bsc", few, 3, plain, 1, wide),
                  (const float[]){3, 4, 0, 0, 1, 2, 0, 0, 0, 0, 5, 6});
}

/* Starts and block numbers outside the matrix of blocks; blocks that do not divide the matrix. */
static void a16_blocks_that_do_not_fit(void **state)
{
    static const int64_t rows[3] = {0, 1, 3}, back[3] = {0, 2, 1}, more[3] = {0, 1, 4}, plain[3] = {1, 0, 2},
                         outside[3] = {1, 0, 3}, below[3] = {0, -1, 2}, columns[4] = {0, 1, 2, 3},
                         third[3] = {0, 1, 2}, tall[2] = {4, 3}, odd[2] = {5, 3}, taller[2] = {8, 3};
    const struct {
        const int64_t *starts, *plain;
    } outsiders[] = {{back, plain}, {more, plain}, {rows, outside}, {rows, below}};
    (void)state;
    for (size_t i = 0; i < sizeof outsiders / sizeof *outsiders; i++)
        expect_read_error(block_zip("torch.sparse_bsr", outsiders[i].starts, 3, outsiders[i].plain, 2, tall),
                          "TEN-011");
    expect_read_error(block_zip("torch.sparse_bsc", columns, 4, third, 2, tall), "TEN-011");
    const int64_t *sizes[] = {odd, taller};
    for (int i = 0; i < 2; i++) {
        eg_buf zip = block_zip("torch.sparse_bsr", rows, 3, plain, 2, sizes[i]);
        expect_error(&zip, "TEN-009", EG_MALFORMED);
        eg_buf_clear(&zip);
    }
}

/* Indices are looked at when the elements are: names and shapes need no tensor byte. */
static void a16_indices(void **state)
{
    static const int64_t outside[6] = {0, 1, 3, 2, 0, 1}, negative[6] = {0, -1, 2, 2, 0, 1},
                         starts[][4] = {{0, 1, 1, 4}, {0, 2, 1, 3}, {-1, 1, 1, 3}, {0, 1, 1, 3}},
                         plain[][3] = {{1, 0, 2}, {1, 0, 2}, {1, 0, 2}, {1, 3, 2}};
    (void)state;
    expect_read_error(sparse_zip("torch.sparse_coo", outside, 6, none, square), "TEN-011");
    expect_read_error(sparse_zip("torch.sparse_coo", negative, 6, none, square), "TEN-011");
    for (int i = 0; i < 4; i++) {
        expect_read_error(sparse_zip("torch.sparse_csr", starts[i], 4, plain[i], square), "TEN-011");
        expect_read_error(sparse_zip("torch.sparse_csc", starts[i], 4, plain[i], square), "TEN-011");
    }
}

static void a16_parts_that_do_not_fit(void **state)
{
    static const int64_t coo[6] = {0}, huge[2] = {1 << 20, 1 << 20}, large[2] = {4, 3};
    static const struct {
        const char *layout;
        size_t indices;
        const int64_t *size;
        const char *id;
    } cases[] = {{"torch.sparse_coo", 6, huge, "TEN-008"},
                 {"torch.sparse_csr", 5, square, "TEN-009"},
                 {"torch.sparse_csr", 4, large, "TEN-009"},
                 {"torch.sparse_bsr", 4, square, "TEN-009"} /* values of one dimension */,
                 {"torch.sparse_rows", 4, square, "TEN-009"},
                 {"torch.strided", 4, square, "TEN-009"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eg_buf zip = sparse_zip(cases[i].layout, coo, cases[i].indices, none, cases[i].size);
        expect_error(&zip, cases[i].id, EG_MALFORMED);
        eg_buf_clear(&zip);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a15_quantized),
        cmocka_unit_test(a15_forged),
        cmocka_unit_test(a16_sparse),
        cmocka_unit_test(a16_blocks),
        cmocka_unit_test(a16_blocks_that_do_not_fit),
        cmocka_unit_test(a16_indices),
        cmocka_unit_test(a16_parts_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
