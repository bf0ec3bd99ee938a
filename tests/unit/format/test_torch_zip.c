/* PyTorch's zip container: good files of every age, and each way that one can be wrong. Cases A01 to A13, D01
 * to D05, E01 to E09, F08 of the format notes. */
#include "make_torch.h"

#include "base/sha256.h"

static const float ramp[32] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
                               16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

/* A torch zip of {"x": t} over the ramp. */
static eg_buf ramp_file(const tensor_spec *t)
{
    eg_buf pickle = {0}, zip = {0};
    put_one(&pickle, t);
    put_torch_zip(&zip, &pickle, ramp, sizeof ramp);
    eg_buf_clear(&pickle);
    return zip;
}

static void expect_ramp_error(tensor_spec t, const char *id, eg_code code)
{
    eg_buf zip = ramp_file(&t);
    expect_error(&zip, id, code);
    eg_buf_clear(&zip);
}

/* The golden pickle: OrderedDict {fc.weight (2,3), fc.bias (2)}, `_metadata` {"": 1, "fc": 1}. */
static void put_golden(eg_buf *p)
{
    static const char hex[] =
        "800263636f6c6c656374696f6e730a4f726465726564446963740a71002952710128580900000066632e7765696768747102"
        "63746f72"
        "63682e5f7574696c730a5f72656275696c645f74656e736f725f76320a71032828580700000073746f72616765710463746f"
        "7263680a"
        "466c6f617453746f726167650a71055801000000307106580300000063707571074b06747108514b004b024b038671094b03"
        "4b018671"
        "0a8968002952710b74710c52710d580700000066632e62696173710e6803282868046805580100000031710f68074b027471"
        "10514b00"
        "4b028571114b0185711289680029527113747114527115757d711658090000005f6d65746164617461711768002952711828"
        "580000000"
        "071197d711a580700000076657273696f6e711b4b017358020000006663711c7d711d681b4b01737573622e";
    for (const char *at = hex; *at; at += 2) {
        unsigned byte;
        sscanf(at, "%2x", &byte);
        put(p, byte, 1);
    }
}

static const float weight[] = {0, 1, 2, 3, 4, 5}, bias[] = {10, 11};

static void check_golden(eg_buf *zip)
{
    eg_checkpoint *file = open_good(zip);
    assert_string_equal(file->format, "torch-zip");
    assert_string_equal(file->state_dict, "");
    assert_int_equal(file->store.count, 2);
    assert_string_equal(file->store.entries[0].name, "fc.weight");
    assert_int_equal(file->store.entries[0].dtype, EG_F32);
    expect_floats(file, "fc.weight", weight, 6);
    expect_floats(file, "fc.bias", bias, 2);
    assert_int_equal(file->version_count, 2);
    assert_string_equal(file->versions[1].path, "fc");
    assert_int_equal(file->versions[1].version, 1);
    assert_int_equal(file->reference_count, 0);
    assert_int_equal(file->value_count, 0);
    eg_checkpoint_close(file);
    eg_buf_clear(zip);
}

static void a01_golden(void **state)
{
    eg_buf p = {0}, zip = {0};
    (void)state;
    put_golden(&p);
    const record records[] = {{.name = "archive/data.pkl", .bytes = p.data, .size = p.length},
                              {.name = "archive/byteorder", .bytes = "little", .size = 6},
                              {.name = "archive/data/0", .bytes = weight, .size = sizeof weight},
                              {.name = "archive/data/1", .bytes = bias, .size = sizeof bias},
                              {.name = "archive/version", .bytes = "3\n", .size = 2}};
    put_zip(&zip, records, 5);
    check_golden(&zip);
    eg_buf_clear(&p);
}

static void a02_torch_1_6(void **state)
{
    eg_buf p = {0}, zip = {0};
    (void)state;
    put_one(&p, &(tensor_spec){.class = "FloatStorage",
                               .key = "94417387261232",
                               .numel = 2,
                               .rank = 1,
                               .size = {2},
                               .stride = {1}});
    const record records[] = {{.name = "model/data.pkl", .bytes = p.data, .size = p.length},
                              {.name = "model/data/94417387261232", .bytes = bias, .size = sizeof bias},
                              {.name = "model/version", .bytes = "2", .size = 1}};
    put_zip(&zip, records, 3);
    eg_checkpoint *file = open_good(&zip);
    expect_floats(file, "x", bias, 2);
    const eg_storage *storage = file->store.entries[0].storage;
    assert_true(storage->fd >= 0); /* the bytes lie in the file as they are */
    assert_memory_equal(zip.data + storage->file_offset, bias, sizeof bias);
    eg_checkpoint_close(file);
    eg_buf_clear(&p);
    eg_buf_clear(&zip);
}

static void a03_twelve_storages_in_string_order(void **state)
{
    static const char *const order[] = {"0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"};
    eg_buf p = {0}, zip = {0};
    char names[12][32], keys[12][4];
    float values[12];
    record records[14];
    (void)state;
    begin_dict(&p);
    for (int i = 0; i < 12; i++) {
        snprintf(keys[i], sizeof keys[i], "%d", i);
        put_text(&p, keys[i]);
        put_tensor(&p, &(tensor_spec){.class = "FloatStorage", .key = keys[i], .numel = 1});
    }
    end_dict(&p);
    records[0] = (record){.name = "a/data.pkl", .bytes = p.data, .size = p.length};
    for (int i = 0; i < 12; i++) {
        snprintf(names[i], sizeof names[i], "a/data/%s", order[i]);
        values[i] = (float)atoi(order[i]);
        records[i + 1] = (record){.name = names[i], .bytes = &values[i], .size = 4};
    }
    records[13] = (record){.name = "a/version", .bytes = "3", .size = 1};
    put_zip(&zip, records, 14);
    eg_checkpoint *file = open_good(&zip);
    for (int i = 0; i < 12; i++) expect_floats(file, keys[i], &(float){(float)i}, 1);
    eg_checkpoint_close(file);
    eg_buf_clear(&p);
    eg_buf_clear(&zip);
}

static void a04_repacked_and_deflated(void **state)
{
    eg_buf p = {0}, zip = {0};
    (void)state;
    put_golden(&p);
    const record records[] = {
        {.name = "archive/", .bytes = "", .size = 0},
        {.name = "archive/data/0", .bytes = weight, .size = sizeof weight, .deflate = true},
        {.name = "archive/version", .bytes = "3\n", .size = 2, .deflate = true},
        {.name = "archive/data/1", .bytes = bias, .size = sizeof bias},
        {.name = "archive/data.pkl", .bytes = p.data, .size = p.length, .deflate = true}};
    put_zip(&zip, records, 5);
    check_golden(&zip);
    eg_buf_clear(&p);
}

/* The golden file with data/0's CRC wrong, or not computed. */
static void a06_crc(void **state)
{
    (void)state;
    for (int absent = 0; absent < 2; absent++) {
        eg_buf p = {0}, zip = {0};
        eg_error err = {0};
        float got[6];
        put_golden(&p);
        const record records[] = {
            {.name = "archive/data.pkl", .bytes = p.data, .size = p.length, .no_crc = absent},
            {.name = "archive/data/0",
             .bytes = weight,
             .size = sizeof weight,
             .no_crc = absent,
             .crc_change = 1},
            {.name = "archive/data/1", .bytes = bias, .size = sizeof bias},
            {.name = "archive/version", .bytes = "3\n", .size = 2}};
        put_zip(&zip, records, 4);
        if (absent) {
            check_golden(&zip);
        } else {
            eg_checkpoint *file = open_good(&zip); /* no tensor byte is read before it is asked for */
            assert_false(eg_entry_read(eg_store_find(&file->store, "fc.weight"), got, &err));
            assert_string_equal(err.id, "ZIP-011");
            assert_int_equal(err.code, EG_MALFORMED);
            eg_checkpoint_close(file);
            file = open_with(&zip, &(eg_checkpoint_options){.no_verify = true}, &err);
            expect_floats(file, "fc.weight", weight, 6);
            eg_checkpoint_close(file);
        }
        eg_buf_clear(&p);
        eg_buf_clear(&zip);
    }
}

/* Every kind of view over one storage, against element address = offset + sum(index * stride). */
static void a09_strides(void **state)
{
    static const tensor_spec specs[] = {
        {.rank = 4, .size = {2, 3, 2, 2}, .stride = {12, 1, 6, 3}},
        {.rank = 2, .size = {3, 4}, .stride = {1, 3}, .offset = 2},
        {.rank = 1, .size = {5}, .stride = {2}, .offset = 1},
        {.rank = 2, .size = {4, 3}, .stride = {1, 1}},
        {.rank = 3, .size = {1, 4, 1}, .stride = {77, 1, 99}},
        {.rank = 3, .size = {2, 3, 2}, .stride = {0, 1, 0}},
        {.rank = 2, .size = {2, 0}, .stride = {1, 1}, .offset = 32},
        {.rank = 0, .offset = 31},
    };
    (void)state;
    for (size_t s = 0; s < sizeof specs / sizeof *specs; s++) {
        tensor_spec t = specs[s];
        float expected[64];
        size_t count = 1;
        t.class = "FloatStorage", t.key = "0", t.numel = 32;
        for (int d = 0; d < t.rank; d++) count *= (size_t)t.size[d];
        for (size_t i = 0; i < count; i++) {
            size_t rest = i;
            int64_t at = t.offset;
            for (int d = t.rank; d-- > 0; rest /= (size_t)t.size[d])
                at += (int64_t)(rest % (size_t)t.size[d]) * t.stride[d];
            expected[i] = ramp[at];
        }
        eg_buf zip = ramp_file(&t);
        eg_checkpoint *file = open_good(&zip);
        expect_floats(file, "x", expected, count);
        eg_checkpoint_close(file);
        eg_buf_clear(&zip);
    }
}

static void a10_dtypes(void **state)
{
    static const struct {
        const char *class, *dtype;
        eg_dtype expected;
    } cases[] = {
        {"DoubleStorage", NULL, EG_F64},
        {"FloatStorage", NULL, EG_F32},
        {"HalfStorage", NULL, EG_F16},
        {"BFloat16Storage", NULL, EG_BF16},
        {"LongStorage", NULL, EG_I64},
        {"IntStorage", NULL, EG_I32},
        {"ShortStorage", NULL, EG_I16},
        {"CharStorage", NULL, EG_I8},
        {"ByteStorage", NULL, EG_U8},
        {"BoolStorage", NULL, EG_BOOL},
        {"ComplexDoubleStorage", NULL, EG_C128},
        {"ComplexFloatStorage", NULL, EG_C64},
        {"", "float8_e5m2", EG_F8_E5M2},
        {"", "float8_e4m3fn", EG_F8_E4M3},
        {"", "float8_e5m2fnuz", EG_F8_E5M2FNUZ},
        {"", "float8_e4m3fnuz", EG_F8_E4M3FNUZ},
        {"", "float8_e8m0fnu", EG_F8_E8M0},
        {"", "uint16", EG_U16},
        {"", "uint32", EG_U32},
        {"", "uint64", EG_U64},
        {"", "float32", EG_F32},
    };
    uint8_t bytes[64], got[64];
    (void)state;
    for (int i = 0; i < 64; i++) bytes[i] = (uint8_t)(i * 37 + 5);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size = eg_dtype_size(cases[i].expected);
        eg_error err = {0};
        eg_buf p = {0}, zip = {0};
        tensor_spec t = {.class = cases[i].class,
                         .key = "0",
                         .numel = 4,
                         .rank = 1,
                         .size = {3},
                         .stride = {1},
                         .offset = 1};
        t.dtype = cases[i].dtype;
        if (t.dtype) t.numel = (int64_t)(4 * size);
        put_one(&p, &t);
        put_torch_zip(&zip, &p, bytes, 4 * size);
        eg_checkpoint *file = open_good(&zip);
        assert_int_equal(file->store.entries[0].dtype, cases[i].expected);
        assert_true(eg_entry_read(&file->store.entries[0], got, &err));
        if (cases[i].expected == EG_BOOL)
            assert_memory_equal(got, "\1\1\1", 3); /* any non-zero byte is true */
        else
            assert_memory_equal(got, bytes + size, 3 * size);
        eg_checkpoint_close(file);
        eg_buf_clear(&p);
        eg_buf_clear(&zip);
    }
}

static void big_endian_storages_are_swapped(void **state)
{
    static const uint8_t bytes[] = {0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0};
    eg_buf p = {0}, zip = {0};
    (void)state;
    put_one(&p, &(tensor_spec){
                    .class = "FloatStorage", .key = "0", .numel = 2, .rank = 1, .size = {2}, .stride = {1}});
    const record records[] = {{.name = "a/data.pkl", .bytes = p.data, .size = p.length},
                              {.name = "a/byteorder", .bytes = "big", .size = 3},
                              {.name = "a/data/0", .bytes = bytes, .size = 8},
                              {.name = "a/version", .bytes = "3", .size = 1}};
    put_zip(&zip, records, 4);
    eg_checkpoint *file = open_good(&zip);
    expect_floats(file, "x", (const float[]){1, -2}, 2);
    eg_checkpoint_close(file);
    eg_buf_clear(&zip);
    const record cut[] = {
        records[0], {.name = "a/byteorder", .bytes = "middle", .size = 6}, records[2], records[3]};
    put_zip(&zip, cut, 4);
    expect_error(&zip, "ZIP-014", EG_MALFORMED);
    eg_buf_clear(&zip);
    eg_buf_clear(&p);
}

static void a11_tied_and_sliced(void **state)
{
    eg_buf p = {0}, zip = {0};
    tensor_spec t = {
        .class = "FloatStorage", .key = "0", .numel = 32, .rank = 1, .size = {32}, .stride = {1}};
    (void)state;
    begin_dict(&p);
    put_text(&p, "a");
    put_tensor(&p, &t);
    put_text(&p, "b");
    put_tensor(&p, &t);
    put_text(&p, "c");
    put_tensor(&p, &(tensor_spec){.class = "FloatStorage",
                                  .key = "0",
                                  .numel = 32,
                                  .rank = 1,
                                  .size = {3},
                                  .stride = {1},
                                  .offset = 2});
    end_dict(&p);
    put_torch_zip(&zip, &p, ramp, sizeof ramp);
    eg_checkpoint *file = open_good(&zip);
    const eg_entry *entries = file->store.entries;
    assert_ptr_equal(entries[0].storage, entries[1].storage);
    assert_int_equal(entries[0].offset, entries[1].offset);
    assert_ptr_equal(entries[0].storage, entries[2].storage);
    assert_int_equal(entries[2].offset, 8);
    expect_floats(file, "c", (const float[]){2, 3, 4}, 3);
    eg_checkpoint_close(file);
    eg_buf_clear(&p);
    eg_buf_clear(&zip);
}

/* Parameters and tensor subclasses around the same tensor; the flags for conjugate and negative. */
static void a13_wrappers(void **state)
{
    const tensor_spec t = {
        .class = "FloatStorage", .key = "0", .numel = 32, .rank = 1, .size = {2}, .stride = {1}, .offset = 3};
    eg_buf p = {0}, zip = {0};
    (void)state;
    begin_dict(&p);
    put_text(&p, "parameter");
    put_global(&p, "torch._utils", "_rebuild_parameter");
    OP(&p, "(");
    put_tensor(&p, &t);
    OP(&p, "\x88"
           "ccollections\nOrderedDict\n)RtR");
    put_text(&p, "with_state");
    put_global(&p, "torch._utils", "_rebuild_parameter_with_state");
    OP(&p, "(");
    put_tensor(&p, &t);
    OP(&p, "\x88"
           "ccollections\nOrderedDict\n)R}tR");
    put_text(&p, "subclass");
    put_global(&p, "torch._tensor", "_rebuild_from_type_v2");
    OP(&p, "(ctorch._utils\n_rebuild_tensor_v2\ncmine\nTensor\n(");
    put_storage(&p, &t);
    put_int(&p, 3);
    put_ints(&p, t.size, 1);
    put_ints(&p, t.stride, 1);
    OP(&p, "\x89"
           "ccollections\nOrderedDict\n)Rt}");
    put_text(&p, "foo");
    put_text(&p, "x");
    OP(&p, "stR");
    put_text(&p, "old");
    put_global(&p, "torch.nn.parameter", "Parameter");
    OP(&p, "(");
    put_tensor(&p, &t);
    OP(&p, "t\x81(\x88\x89"
           "ccollections\nOrderedDict\n)Rtb");
    put_text(&p, "oldest"); /* 0.1.10 */
    OP(&p, "ctorch.cuda\nFloatTensor\n)R(");
    put_storage(&p, &t);
    put_int(&p, 3);
    put_ints(&p, t.size, 1);
    put_ints(&p, t.stride, 1);
    OP(&p, "tb");
    put_text(&p, "negative");
    tensor_spec flagged = t;
    flagged.metadata = "neg";
    put_tensor(&p, &flagged);
    end_dict(&p);
    put_torch_zip(&zip, &p, ramp, sizeof ramp);
    eg_checkpoint *file = open_good(&zip);
    static const char *const names[] = {"parameter", "with_state", "subclass", "old", "oldest"};
    for (int i = 0; i < 5; i++) expect_floats(file, names[i], (const float[]){3, 4}, 2);
    expect_floats(file, "negative", (const float[]){-3, -4}, 2);
    assert_int_equal(file->reference_count, 1); /* mine.Tensor */
    eg_checkpoint_close(file);
    eg_buf_clear(&p);
    eg_buf_clear(&zip);
}

static void d01_dangerous_globals(void **state)
{
    static const char *const calls[][3] = {{"posix", "system", "echo"}, {"__builtin__", "eval", "1"},
                                           {"os.path", "join", ""},     {"builtins", "getattr", ""},
                                           {"runpy", "_run_code", ""},  {"nt", "system", ""}};
    const tensor_spec t = {
        .class = "FloatStorage", .key = "0", .numel = 32, .rank = 1, .size = {2}, .stride = {1}};
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        eg_buf p = {0}, zip = {0};
        eg_error err;
        begin_dict(&p);
        put_text(&p, "x");
        put_tensor(&p, &t);
        put_text(&p, "evil");
        put_global(&p, calls[i][0], calls[i][1]);
        put_text(&p, calls[i][2]);
        OP(&p, "\x85R");
        end_dict(&p);
        put_torch_zip(&zip, &p, ramp, sizeof ramp);
        expect_error(&zip, "PKL-013", EG_UNSAFE);
        eg_checkpoint *file = open_with(&zip, &(eg_checkpoint_options){.inspect = true}, &err);
        assert_non_null(file);
        assert_int_equal(file->reference_count, 1);
        assert_true(file->references[0].dangerous);
        assert_string_equal(file->references[0].name, calls[i][1]);
        assert_int_equal(file->store.count, 1);
        eg_checkpoint_close(file);
        eg_buf_clear(&p);
        eg_buf_clear(&zip);
    }
}

/* A reference that is popped again is found all the same. */
static void d01_popped_global(void **state)
{
    eg_buf p = {0};
    (void)state;
    OP(&p, "\x80\x02"
           "cposix\nsystem\n0}.");
    expect_pickle_error(&p, 0, "PKL-013", EG_UNSAFE);
}

static void d04_persistent_ids(void **state)
{
    static const char *const keys[] = {"../x", "/x", "a/../b", "", "a b", "a\nb"};
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        expect_ramp_error((tensor_spec){.class = "FloatStorage", .key = keys[i], .numel = 32}, "PKL-014",
                          EG_MALFORMED);
    expect_ramp_error((tensor_spec){.class = "FooStorage", .key = "0", .numel = 32}, "PKL-014", EG_MALFORMED);
    eg_buf p = {0};
    OP(&p, "\x80\x02");
    put_text(&p, "0");
    OP(&p, "Q.");
    expect_pickle_error(&p, 0, "PKL-014", EG_MALFORMED);
    OP(&p, "\x80\x02(");
    put_text(&p, "module");
    OP(&p, "cmine\nNet\n");
    put_text(&p, "file.py");
    put_text(&p, "source");
    OP(&p, "tQ.");
    expect_pickle_error(&p, 0, "PKL-014", EG_MALFORMED);
    OP(&p, "\x80\x02(");
    put_text(&p, "storage");
    OP(&p, "ctorch\nFloatStorage\n");
    put_text(&p, "0");
    put_text(&p, "cpu");
    OP(&p, "tQ.");
    expect_pickle_error(&p, 0, "PKL-014", EG_MALFORMED);
}

/* Doubling sixty times costs nothing when there is no tensor, and is refused when there is one. */
static void d05_laughs(void **state)
{
    const tensor_spec t = {.class = "FloatStorage", .key = "0", .numel = 32};
    eg_buf p = {0};
    (void)state;
    OP(&p, "\x80\x02]");
    for (int i = 0; i < 60; i++) OP(&p, "2\x86");
    OP(&p, ".");
    expect_pickle_error(&p, 0, "SEL-002", EG_MALFORMED);
    OP(&p, "\x80\x02");
    put_tensor(&p, &t);
    for (int i = 0; i < 60; i++) OP(&p, "2\x86");
    OP(&p, ".");
    expect_pickle_error(&p, sizeof ramp, "PKL-011", EG_MALFORMED);
}

static void e01_product_wraps(void **state)
{
    (void)state;
    expect_ramp_error((tensor_spec){.class = "FloatStorage", .key = "0", .numel = 0x4000000000000001},
                      "TEN-004", EG_MALFORMED);
    tensor_spec t = {.class = "FloatStorage", .key = "0", .numel = 32, .rank = 2};
    t.size[0] = t.size[1] = INT64_MAX;
    expect_ramp_error(t, "TEN-004", EG_MALFORMED);
    t.size[0] = 2, t.size[1] = 3;
    t.stride[0] = t.stride[1] = INT64_MAX;
    expect_ramp_error(t, "TEN-004", EG_MALFORMED);
}

static void e02_negatives(void **state)
{
    const tensor_spec good = {
        .class = "FloatStorage", .key = "0", .numel = 32, .rank = 1, .size = {2}, .stride = {1}};
    (void)state;
    tensor_spec t = good;
    t.numel = -1;
    expect_ramp_error(t, "TEN-002", EG_MALFORMED);
    t = good, t.offset = -1;
    expect_ramp_error(t, "TEN-002", EG_MALFORMED);
    t = good, t.size[0] = -1;
    expect_ramp_error(t, "TEN-002", EG_MALFORMED);
    t = good, t.stride[0] = -1;
    expect_ramp_error(t, "TEN-002", EG_MALFORMED);
    eg_buf p = {0};
    begin_dict(&p);
    put_text(&p, "x");
    OP(&p, "ctorch._utils\n_rebuild_tensor_v2\n(");
    put_storage(&p, &good);
    put_int(&p, 0);
    OP(&p, "(\x8a\x09\0\0\0\0\0\0\0\0\x01tK\x01\x85\x89Nt"); /* a size of 2**64 */
    OP(&p, "R");
    end_dict(&p);
    expect_pickle_error(&p, sizeof ramp, "PKL-006", EG_MALFORMED);
}

static void e03_extent(void **state)
{
    tensor_spec t = {.class = "FloatStorage",
                     .key = "0",
                     .numel = 32,
                     .rank = 2,
                     .size = {2, 3},
                     .stride = {3, 1},
                     .offset = 30};
    eg_error err;
    (void)state;
    eg_buf zip = ramp_file(&t);
    assert_null(open_with(&zip, NULL, &err));
    assert_string_equal(err.id, "TEN-001");
    assert_string_equal(err.text, "tensor 'x': storage '0' has 32 elements, view needs 36");
    eg_buf_clear(&zip);
    t.offset = 26; /* just fits */
    zip = ramp_file(&t);
    eg_checkpoint_close(open_good(&zip));
    eg_buf_clear(&zip);
}

static void e04_rank(void **state)
{
    tensor_spec t = {.class = "FloatStorage",
                     .key = "0",
                     .numel = 32,
                     .rank = 2,
                     .stride_rank = 1,
                     .size = {1, 1},
                     .stride = {1}};
    eg_buf p = {0};
    (void)state;
    expect_ramp_error(t, "TEN-003", EG_MALFORMED);
    begin_dict(&p);
    put_text(&p, "x");
    OP(&p, "ctorch._utils\n_rebuild_tensor_v2\n(");
    put_storage(&p, &t);
    put_int(&p, 0);
    for (int both = 0; both < 2; both++) {
        OP(&p, "(");
        for (int i = 0; i < 65; i++) OP(&p, "K\x01");
        OP(&p, "t");
    }
    OP(&p, "\x89NtR");
    end_dict(&p);
    expect_pickle_error(&p, sizeof ramp, "PKL-011", EG_MALFORMED);
}

static void e05_record_size(void **state)
{
    (void)state;
    expect_ramp_error((tensor_spec){.class = "FloatStorage", .key = "0", .numel = 33}, "TEN-005",
                      EG_MALFORMED);
    expect_ramp_error((tensor_spec){.class = "FloatStorage", .key = "0", .numel = 31}, "TEN-005",
                      EG_MALFORMED);
    expect_ramp_error((tensor_spec){.class = "FloatStorage", .key = "1", .numel = 32}, "TEN-007",
                      EG_MALFORMED);
}

static void e06_conflict(void **state)
{
    eg_buf p = {0};
    (void)state;
    begin_dict(&p);
    put_text(&p, "x");
    put_tensor(&p, &(tensor_spec){.class = "FloatStorage", .key = "0", .numel = 4});
    put_text(&p, "y");
    put_tensor(&p, &(tensor_spec){.class = "LongStorage", .key = "0", .numel = 2});
    end_dict(&p);
    expect_pickle_error(&p, 16, "TEN-006", EG_MALFORMED);
}

static void e08_expansion(void **state)
{
    tensor_spec t = {.class = "FloatStorage", .key = "0", .numel = 32, .rank = 2, .size = {1 << 21, 1 << 21}};
    (void)state;
    expect_ramp_error(t, "TEN-008", EG_MALFORMED);
}

static void unsupported_tensors_are_named(void **state)
{
    eg_buf p = {0};
    (void)state;
    begin_dict(&p);
    put_text(&p, "x");
    OP(&p, "ctorch._utils\n_rebuild_sparse_tensor\nNN\x86R");
    end_dict(&p);
    expect_pickle_error(&p, 0, "TEN-009", EG_MALFORMED);
    begin_dict(&p);
    put_text(&p, "x");
    OP(&p, "ctorch._utils\n_rebuild_tensor_v2\nNN\x86R");
    end_dict(&p);
    expect_pickle_error(&p, 0, "PKL-015", EG_MALFORMED);
    expect_ramp_error((tensor_spec){.class = "FloatStorage", .key = "0", .numel = 32, .location = "meta"},
                      "TEN-010", EG_MALFORMED);
    expect_ramp_error((tensor_spec){.class = "QUInt4x2Storage", .key = "0", .numel = 128}, "TEN-009",
                      EG_MALFORMED);
}

static void f08_version(void **state)
{
    static const char *const versions[] = {"0", "11", "abc", "", "3x", "-1", "99999999999"};
    const tensor_spec t = {.class = "FloatStorage", .key = "0", .numel = 32};
    eg_buf p = {0}, zip = {0};
    (void)state;
    put_one(&p, &t);
    record records[] = {{.name = "a/data.pkl", .bytes = p.data, .size = p.length},
                        {.name = "a/data/0", .bytes = ramp, .size = sizeof ramp},
                        {.name = "a/version"}};
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
        records[2].bytes = versions[i];
        records[2].size = strlen(versions[i]);
        put_zip(&zip, records, 3);
        expect_error(&zip, "ZIP-013", EG_MALFORMED);
        eg_buf_clear(&zip);
    }
    put_zip(&zip, records, 2);
    expect_error(&zip, "ZIP-013", EG_MALFORMED);
    eg_buf_clear(&zip);
    records[2] = (record){.name = "a/.data/version", .bytes = "10", .size = 2};
    put_zip(&zip, records, 3);
    eg_checkpoint_close(open_good(&zip));
    eg_buf_clear(&zip);
    eg_buf_clear(&p);
}

static void archives_of_other_kinds(void **state)
{
    const record outside[] = {{.name = "a/data.pkl", .bytes = "x", .size = 1},
                              {.name = "b/x", .bytes = "x", .size = 1}};
    const record no_pickle[] = {{.name = "a/x", .bytes = "x", .size = 1}};
    const record npz[] = {{.name = "w.npy", .bytes = "x", .size = 1}};
    eg_buf zip = {0};
    (void)state;
    put_zip(&zip, outside, 2);
    expect_error(&zip, "ZIP-003", EG_MALFORMED);
    eg_buf_clear(&zip);
    put_zip(&zip, no_pickle, 1);
    expect_error(&zip, "ZIP-015", EG_MALFORMED);
    eg_buf_clear(&zip);
    put_zip(&zip, npz, 1);
    expect_error(&zip, "NPY-001", EG_MALFORMED);
    eg_buf_clear(&zip);
}

static void files_that_are_no_checkpoints(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *id;
    } cases[] = {
        {"", 0, "FMT-001"},
        {"hello, this is text", 19, "FMT-001"},
        {"\x1f\x8b\x08\0\0\0\0\0\0\0", 10, "FMT-002"},
        {"PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22, "FMT-002"},
        {"\x80\x02}.", 4, "FMT-003"},
        {"PYTORCH1 and more", 17, "FMT-004"},
        {"GGUF\3\0\0\0", 8, "GGF-002"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        eg_buf bytes = {0};
        eg_buf_add(&bytes, cases[i].bytes, cases[i].size);
        expect_error(&bytes, cases[i].id, EG_MALFORMED);
        eg_buf_clear(&bytes);
    }
    eg_error err = {0};
    assert_null(eg_checkpoint_open("/nonexistent/model.pth", NULL, &err));
    assert_int_equal(err.code, EG_SYSTEM);
}

/* No prefix of a good file opens. */
/* An archive beyond 4 GiB, most of it a hole: zip64 fields for a record's size and for offsets. */
static void zip64_beyond_4_gib(void **state)
{
    enum { RECORDS = 4 };
    const uint64_t large = (uint64_t)5 << 30;
    const float tail[2] = {2.5f, -1};
    eg_buf p = {0}, part[RECORDS] = {{0}}, directory = {0};
    (void)state;
    begin_dict(&p);
    put_text(&p, "big");
    put_tensor(&p, &(tensor_spec){.class = "ByteStorage",
                                  .key = "0",
                                  .numel = (int64_t)large,
                                  .offset = (int64_t)large - 3,
                                  .rank = 1,
                                  .size = {3},
                                  .stride = {1}});
    put_text(&p, "x");
    put_tensor(&p,
               &(tensor_spec){
                   .class = "FloatStorage", .key = "1", .numel = 2, .rank = 1, .size = {2}, .stride = {1}});
    end_dict(&p);
    const record records[RECORDS] = {{.name = "a/data.pkl", .bytes = p.data, .size = p.length},
                                     {.name = "a/version", .bytes = "3\n", .size = 2},
                                     {.name = "a/data/0", .bytes = "", .size = 0},
                                     {.name = "a/data/1", .bytes = tail, .size = sizeof tail}};
    packed_record at[RECORDS];
    char path[512];
    snprintf(path, sizeof path, "%s/engraft-zip64-%d", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
             (int)getpid());
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    uint64_t cursor = 0;
    for (int i = 0; i < RECORDS; i++) {
        put_zip_record(&part[i], &records[i], &at[i]);
        at[i].header = cursor;
        assert_int_equal(fseeko(f, (off_t)cursor, SEEK_SET), 0);
        assert_int_equal(fwrite(part[i].data, 1, part[i].length, f), part[i].length);
        cursor += part[i].length + (i == 2 ? large : 0);
        uint64_t size = i == 2 ? large : records[i].size;
        put(&directory, 0x02014b50, 4), put(&directory, 0x2d002d, 4), put(&directory, 0x0800, 4);
        put(&directory, 0, 4), put(&directory, 0, 4); /* time, no CRC */
        put(&directory, 0xFFFFFFFF, 4), put(&directory, 0xFFFFFFFF, 4);
        put(&directory, strlen(records[i].name), 2), put(&directory, 28, 2), put(&directory, 0, 10);
        put(&directory, 0xFFFFFFFF, 4);
        eg_buf_puts(&directory, records[i].name);
        put(&directory, 1, 2), put(&directory, 24, 2);
        put(&directory, size, 8), put(&directory, size, 8), put(&directory, at[i].header, 8);
        eg_buf_clear(&part[i]);
    }
    size_t length = directory.length;
    put(&directory, 0x06064b50, 4), put(&directory, 44, 8), put(&directory, 0x2d031e, 4),
        put(&directory, 0, 8);
    put(&directory, RECORDS, 8), put(&directory, RECORDS, 8), put(&directory, length, 8),
        put(&directory, cursor, 8);
    put(&directory, 0x07064b50, 4), put(&directory, 0, 4), put(&directory, cursor + length, 8),
        put(&directory, 1, 4);
    put(&directory, 0x06054b50, 4), put(&directory, 0, 4), put(&directory, RECORDS, 2),
        put(&directory, RECORDS, 2);
    put(&directory, length, 4), put(&directory, 0xFFFFFFFF, 4), put(&directory, 0, 2);
    assert_int_equal(fseeko(f, (off_t)cursor, SEEK_SET), 0);
    assert_int_equal(fwrite(directory.data, 1, directory.length, f), directory.length);
    assert_int_equal(fclose(f), 0);
    eg_error err = {0};
    eg_checkpoint *file = eg_checkpoint_open(path, NULL, &err);
    unlink(path);
    if (!file) fail_msg("%s: %s", err.id, err.text);
    expect_floats(file, "x", tail, 2);
    expect_floats(file, "big", (const float[]){0, 0, 0}, 3);
    assert_true(file->store.entries[1].storage->file_offset > large);
    eg_checkpoint_close(file);
    eg_buf_clear(&p), eg_buf_clear(&directory);
}

static void every_truncation_is_refused(void **state)
{
    eg_buf zip = ramp_file(&(tensor_spec){.class = "FloatStorage", .key = "0", .numel = 32});
    (void)state;
    for (size_t n = 0; n < zip.length; n += 3) {
        eg_buf cut = {0};
        eg_error err;
        eg_buf_add(&cut, zip.data, n);
        assert_null(open_with(&cut, NULL, &err));
        assert_int_equal(err.code, EG_MALFORMED);
        eg_buf_clear(&cut);
    }
    eg_buf_clear(&zip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a01_golden),
        cmocka_unit_test(a02_torch_1_6),
        cmocka_unit_test(a03_twelve_storages_in_string_order),
        cmocka_unit_test(a04_repacked_and_deflated),
        cmocka_unit_test(a06_crc),
        cmocka_unit_test(a09_strides),
        cmocka_unit_test(a10_dtypes),
        cmocka_unit_test(big_endian_storages_are_swapped),
        cmocka_unit_test(a11_tied_and_sliced),
        cmocka_unit_test(a13_wrappers),
        cmocka_unit_test(d01_dangerous_globals),
        cmocka_unit_test(d01_popped_global),
        cmocka_unit_test(d04_persistent_ids),
        cmocka_unit_test(d05_laughs),
        cmocka_unit_test(e01_product_wraps),
        cmocka_unit_test(e02_negatives),
        cmocka_unit_test(e03_extent),
        cmocka_unit_test(e04_rank),
        cmocka_unit_test(e05_record_size),
        cmocka_unit_test(e06_conflict),
        cmocka_unit_test(e08_expansion),
        cmocka_unit_test(unsupported_tensors_are_named),
        cmocka_unit_test(f08_version),
        cmocka_unit_test(archives_of_other_kinds),
        cmocka_unit_test(files_that_are_no_checkpoints),
        cmocka_unit_test(zip64_beyond_4_gib),
        cmocka_unit_test(every_truncation_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
