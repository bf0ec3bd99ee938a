/* GGUF files built here, sound and forged: case X03 of the format notes. */
#include "make_torch.h"

enum { U32 = 4, STRING = 8, ARRAY = 9 };
enum {
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    Q4_K = 12,
    I8 = 24,
    I64 = 27,
    BF16 = 30
};

static void put_name(eg_buf *f, const char *name)
{
    put(f, strlen(name), 8);
    eg_buf_puts(f, name);
}

static void put_header(eg_buf *f, uint32_t version, uint64_t tensors, uint64_t values)
{
    eg_buf_puts(f, "GGUF");
    put(f, version, 4);
    put(f, tensors, 8);
    put(f, values, 8);
}

static void put_number(eg_buf *f, const char *key, uint32_t type, uint64_t value, unsigned size)
{
    put_name(f, key);
    put(f, type, 4);
    put(f, value, size);
}

/* sizes: innermost first, as in the file. */
static void put_info(eg_buf *f, const char *name, uint32_t rank, const uint64_t *sizes, uint32_t type,
                     uint64_t offset)
{
    put_name(f, name);
    put(f, rank, 4);
    for (uint32_t i = 0; i < rank && i < 5; i++) put(f, sizes[i], 8);
    put(f, type, 4);
    put(f, offset, 8);
}

static void pad(eg_buf *f, size_t alignment)
{
    while (f->length % alignment) put(f, 0, 1);
}

/* One F32 tensor "w" of (2, 3) = 0 … 5; `offset` as the file says. */
static eg_buf small_file(uint32_t version, uint64_t offset)
{
    eg_buf f = {0};
    put_header(&f, version, 1, 0);
    put_info(&f, "w", 2, (const uint64_t[]){3, 2}, F32, offset);
    pad(&f, 32);
    eg_buf_add(&f, (const float[]){0, 1, 2, 3, 4, 5}, 24);
    return f;
}

static void expect_gone(eg_buf f, const char *id)
{
    expect_error(&f, id, EG_MALFORMED);
    eg_buf_clear(&f);
}

static void x03_plain_types_and_values(void **state)
{
    eg_buf f = {0};
    (void)state;
    put_header(&f, 3, 5, 6);
    put_name(&f, "general.architecture");
    put(&f, STRING, 4);
    put_name(&f, "llama");
    put_number(&f, "small", 1, 0xFE, 1);
    put_number(&f, "rate", 6, 0x3FC00000, 4);
    put_number(&f, "yes", 7, 1, 1);
    put_number(&f, "far", 11, (uint64_t)-5, 8);
    put_number(&f, "words", ARRAY, STRING, 4);
    put(&f, 2, 8);
    put_name(&f, "one");
    put_name(&f, "");
    put_info(&f, "w", 2, (const uint64_t[]){3, 2}, F32, 0);
    put_info(&f, "h", 1, (const uint64_t[]){2}, F16, 32);
    put_info(&f, "b", 3, (const uint64_t[]){1, 2, 1}, BF16, 64);
    put_info(&f, "i", 0, NULL, I64, 96);
    put_info(&f, "none", 2, (const uint64_t[]){0, 4}, I8, 128);
    pad(&f, 32);
    eg_buf_add(&f, (const float[]){0, 1, 2, 3, 4, 5}, 24);
    pad(&f, 32);
    put(&f, 0xC0003E00, 4); /* 1.5, -2 */
    pad(&f, 32);
    put(&f, 0xC0003FC0, 4);
    pad(&f, 32);
    put(&f, (uint64_t)-7, 8);
    eg_checkpoint *file = open_good(&f);
    assert_string_equal(file->format, "gguf");
    assert_int_equal(file->store.count, 5);
    const eg_entry *w = eg_store_find(&file->store, "w"), *b = eg_store_find(&file->store, "b");
    assert_int_equal(w->shape.rank, 2);
    assert_int_equal(w->shape.dims[0], 2);
    assert_int_equal(w->shape.dims[1], 3);
    assert_int_equal(b->dtype, EG_BF16);
    assert_int_equal(b->shape.dims[1], 2);
    expect_floats(file, "w", (const float[]){0, 1, 2, 3, 4, 5}, 6);
    expect_floats(file, "h", (const float[]){1.5f, -2}, 2);
    expect_floats(file, "b", (const float[]){1.5f, -2}, 2);
    expect_floats(file, "i", (const float[]){-7}, 1);
    expect_floats(file, "none", NULL, 0);
    static const char *const values[][3] = {{"general.architecture", "str", "llama"},
                                            {"small", "int", "-2"},
                                            {"rate", "float", "1.5"},
                                            {"yes", "bool", "true"},
                                            {"far", "int", "-5"},
                                            {"words", "list", "2 × str"}};
    assert_int_equal(file->value_count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_string_equal(file->values[i].name, values[i][0]);
        assert_string_equal(file->values[i].type, values[i][1]);
        assert_string_equal(file->values[i].text, values[i][2]);
    }
    eg_checkpoint_close(file);
    eg_buf_clear(&f);
}

/* A tensor (2, 32) of one quantized type: its second row has the bytes given. */
static void expect_block(uint32_t type, const void *block, size_t size, float (*value)(int j))
{
    eg_buf f = {0};
    float expected[64] = {0};
    put_header(&f, 3, 1, 0);
    put_info(&f, "q", 2, (const uint64_t[]){32, 2}, type, 0);
    pad(&f, 32);
    put(&f, 0, (unsigned)size);
    eg_buf_add(&f, block, size);
    for (int j = 0; j < 32; j++) expected[32 + j] = value(j);
    float zero = type == Q4_1 || type == Q5_1 ? 0 : -0.0f; /* scale 0 */
    for (int j = 0; j < 32; j++) expected[j] = zero;
    eg_checkpoint *file = open_good(&f);
    assert_int_equal(file->store.entries[0].dtype, EG_F32);
    expect_floats(file, "q", expected, 64);
    expect_floats(file, "q", expected, 64); /* from what was unpacked before */
    eg_checkpoint_close(file);
    eg_buf_clear(&f);
}

static float signed_half(int j)
{
    return (float)(j - 16) * 0.5f;
}

/* Byte j holds the number j % 16 low and 15 - j high. */
static int nibble(int j)
{
    return j < 16 ? j : 15 - (j - 16);
}

static float centred(int j)
{
    return (float)(nibble(j) - 8) * 2;
}

static float shifted(int j)
{
    return (float)nibble(j) * 2 + 1;
}

/* The fifth bit is set for the numbers 0, 5 and 31. */
static int five_bits(int j)
{
    return nibble(j) + (j == 0 || j == 5 || j == 31 ? 16 : 0);
}

static float centred_five(int j)
{
    return (float)(five_bits(j) - 16) * 2;
}

static float shifted_five(int j)
{
    return (float)five_bits(j) * 2 + 1;
}

static void quantized_blocks_come_out_as_numbers(void **state)
{
    static const uint8_t half[] = {0x00, 0x38}, two[] = {0x00, 0x40}, one[] = {0x00, 0x3C},
                         high[] = {0x21, 0, 0, 0x80};
    uint8_t bytes[32];
    eg_buf block = {0};
    (void)state;
    for (int j = 0; j < 32; j++) bytes[j] = (uint8_t)(int8_t)(j - 16);
    eg_buf_add(&block, half, 2);
    eg_buf_add(&block, bytes, 32);
    expect_block(Q8_0, block.data, block.length, signed_half);
    for (int j = 0; j < 16; j++) bytes[j] = (uint8_t)(nibble(j) | nibble(j + 16) << 4);
    static const struct {
        uint32_t type;
        bool shift, fifth;
        float (*value)(int);
    } kinds[] = {{Q4_0, false, false, centred},
                 {Q4_1, true, false, shifted},
                 {Q5_0, false, true, centred_five},
                 {Q5_1, true, true, shifted_five}};
    for (size_t i = 0; i < 4; i++) {
        eg_buf_clear(&block);
        eg_buf_add(&block, two, 2);
        if (kinds[i].shift) eg_buf_add(&block, one, 2);
        if (kinds[i].fifth) eg_buf_add(&block, high, 4);
        eg_buf_add(&block, bytes, 16);
        expect_block(kinds[i].type, block.data, block.length, kinds[i].value);
    }
    eg_buf_clear(&block);
}

static void versions(void **state)
{
    (void)state;
    eg_buf f = small_file(2, 0);
    eg_checkpoint *file = open_good(&f);
    expect_floats(file, "w", (const float[]){0, 1, 2, 3, 4, 5}, 6);
    eg_checkpoint_close(file);
    eg_buf_clear(&f);
    expect_gone(small_file(1, 0), "GGF-001");
    expect_gone(small_file(4, 0), "GGF-001");
    expect_gone(small_file(3u << 24, 0), "GGF-001");
}

static void x03_alignment(void **state)
{
    static const struct {
        uint32_t type;
        uint64_t value;
        const char *id; /* NULL: fine */
    } cases[] = {
        {U32, 64, NULL},     {U32, 1, NULL},           {U32, 65536, NULL},         {U32, 0, "GGF-004"},
        {U32, 3, "GGF-004"}, {U32, 131072, "GGF-004"}, {U32, 1u << 31, "GGF-004"}, {10, 64, "GGF-004"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eg_buf f = {0};
        put_header(&f, 3, 2, 1);
        put_number(&f, "general.alignment", cases[i].type, cases[i].value, cases[i].type == U32 ? 4 : 8);
        size_t alignment = cases[i].id ? 64 : cases[i].value;
        put_info(&f, "a", 1, (const uint64_t[]){1}, F32, 0);
        put_info(&f, "b", 1, (const uint64_t[]){1}, F32, alignment < 4 ? 4 : alignment);
        pad(&f, alignment);
        eg_buf_add(&f, &(float){1}, 4);
        pad(&f, alignment);
        eg_buf_add(&f, &(float){2}, 4);
        if (cases[i].id) {
            expect_gone(f, cases[i].id);
            continue;
        }
        eg_checkpoint *file = open_good(&f);
        expect_floats(file, "a", (const float[]){1}, 1);
        expect_floats(file, "b", (const float[]){2}, 1);
        eg_checkpoint_close(file);
        eg_buf_clear(&f);
    }
}

/* A file with one tensor described as given, and 64 bytes of data. */
static eg_buf described(const char *name, uint32_t rank, const uint64_t *sizes, uint32_t type)
{
    eg_buf f = {0};
    put_header(&f, 3, 1, 0);
    put_info(&f, name, rank, sizes, type, 0);
    pad(&f, 32);
    put(&f, 0, 64);
    return f;
}

static void x03_tensors_that_are_refused(void **state)
{
    static const uint64_t five[] = {1, 1, 1, 1, 1}, wraps[] = {1ull << 32, 1ull << 32},
                          bytes_wrap[] = {1ull << 62}, negative[] = {1ull << 63}, row[] = {31, 2},
                          many[] = {17};
    (void)state;
    expect_gone(described("w", 5, five, F32), "GGF-005");
    expect_gone(described("w", UINT32_MAX, five, F32), "GGF-005");
    expect_gone(described("w", 2, wraps, F32), "TEN-004");
    expect_gone(described("w", 1, bytes_wrap, F32), "TEN-004");
    expect_gone(described("w", 1, negative, F32), "TEN-004");
    expect_gone(described("w", 2, row, Q8_0), "GGF-005");
    expect_gone(described("w", 1, many, 4), "GGF-005"); /* withdrawn */
    expect_gone(described("w", 1, many, 1000), "GGF-005");
    expect_gone(described("w", 1, (const uint64_t[]){256}, Q4_K), "TEN-009");
    expect_gone(described("w", 1, many, F32), "GGF-002"); /* 68 bytes */
    expect_gone(described("", 1, many, F32), "GGF-005");
    expect_gone(described("\xff", 1, many, F32), "GGF-005");
    expect_gone(small_file(3, 32), "GGF-006");
    expect_gone(small_file(3, UINT64_MAX - 31), "GGF-006");
    eg_buf f = {0};
    put_header(&f, 3, 2, 0);
    for (int i = 0; i < 2; i++) put_info(&f, "w", 1, (const uint64_t[]){1}, F32, i * 32u);
    put(&f, 0, 128);
    expect_gone(f, "GGF-005");
}

/* A header with one value, whose key, type and content are given. */
static eg_buf valued(const char *key, uint32_t type, const char *content, size_t size)
{
    eg_buf f = {0};
    put_header(&f, 3, 1, 1);
    put_name(&f, key);
    put(&f, type, 4);
    eg_buf_add(&f, content, size);
    put_info(&f, "w", 1, (const uint64_t[]){1}, F32, 0);
    put(&f, 0, 64);
    return f;
}

static void x03_values_that_are_refused(void **state)
{
    (void)state;
#define VALUED(key, type, content) valued(key, type, content, sizeof(content) - 1)
    expect_gone(VALUED("k", 13, ""), "GGF-004");
    expect_gone(VALUED("k", STRING, "\0\0\0\0\0\0\0\x80"), "GGF-003");
    expect_gone(VALUED("k", STRING, "\0\0\1\0\0\0\0\0"), "GGF-002");
    expect_gone(VALUED("k", ARRAY, "\4\0\0\0\0\0\0\0\0\0\0\x80"), "GGF-003");
    expect_gone(VALUED("k", ARRAY, "\4\0\0\0\0\0\1\0\0\0\0\0"), "GGF-002");
    expect_gone(VALUED("k", ARRAY, "\x9\0\0\0\1\0\0\0\0\0\0\0"), "GGF-004"); /* arrays of arrays */
    eg_buf f = {0};
    put_header(&f, 3, 1, 2);
    for (int i = 0; i < 2; i++) put_number(&f, "k", U32, 1, 4);
    put(&f, 0, 64);
    expect_gone(f, "GGF-004");
    for (int i = 0; i < 2; i++) { /* counts that the file has no room for */
        f = (eg_buf){0};
        put_header(&f, 3, i ? 1ull << 60 : 1, i ? 0 : UINT64_MAX);
        put(&f, 0, 64);
        expect_gone(f, "GGF-003");
    }
}

static void every_truncation_is_refused(void **state)
{
    eg_buf f = small_file(3, 0);
    (void)state;
    for (size_t n = 0; n < f.length; n++) {
        eg_buf cut = {0};
        eg_error err;
        eg_buf_add(&cut, f.data, n);
        assert_null(open_with(&cut, NULL, &err));
        assert_int_equal(err.code, EG_MALFORMED);
        eg_buf_clear(&cut);
    }
    eg_buf_clear(&f);
}

static void a_part_of_a_model_is_told(void **state)
{
    eg_buf f = {0};
    (void)state;
    put_header(&f, 3, 1, 1);
    put_number(&f, "split.count", 2, 3, 2);
    put_info(&f, "w", 1, (const uint64_t[]){1}, F32, 0);
    pad(&f, 32);
    put(&f, 0, 4);
    eg_checkpoint *file = open_good(&f);
    assert_int_equal(file->warning_count, 1);
    assert_non_null(strstr(file->warnings[0], "one of 3 files"));
    eg_checkpoint_close(file);
    eg_buf_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(x03_plain_types_and_values),
        cmocka_unit_test(quantized_blocks_come_out_as_numbers),
        cmocka_unit_test(versions),
        cmocka_unit_test(x03_alignment),
        cmocka_unit_test(x03_tensors_that_are_refused),
        cmocka_unit_test(x03_values_that_are_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_part_of_a_model_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
