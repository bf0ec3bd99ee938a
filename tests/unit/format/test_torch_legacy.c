/* The stream container of PyTorch 0.1.10 to 1.5. Cases B01 to B11 of the format notes, and real files. */
#include "real_torch.h"

static const float ramp[20] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19};

/* {"x": t} with storage "0" of the ramp; header_numel is what the data says. */
static eg_buf legacy_file(tensor_spec t, int64_t header_numel, const char *key)
{
    eg_buf f = {0};
    t.legacy = true;
    put_legacy_prologue(&f);
    put_one(&f, &t);
    put_legacy_keys(&f, &key, 1);
    put_legacy_storage(&f, header_numel, ramp, sizeof ramp);
    return f;
}

static void expect_legacy_error(eg_buf f, const char *id, eg_code code)
{
    expect_error(&f, id, code);
    eg_buf_clear(&f);
}

static const tensor_spec good = {
    .class = "FloatStorage", .key = "0", .numel = 20, .rank = 1, .size = {3}, .stride = {1}};

/* Used as "9" then "10", stored as "10" then "9". */
static void b01_string_order(void **state)
{
    static const char *const keys[] = {"10", "9"};
    eg_buf f = {0};
    (void)state;
    put_legacy_prologue(&f);
    begin_dict(&f);
    put_text(&f, "a");
    put_tensor(&f, &(tensor_spec){.class = "FloatStorage", .key = "9", .numel = 1, .legacy = true});
    put_text(&f, "b");
    put_tensor(&f, &(tensor_spec){.class = "LongStorage", .key = "10", .numel = 1, .legacy = true});
    end_dict(&f);
    put_legacy_keys(&f, keys, 2);
    put_legacy_storage(&f, 1, &(int64_t){-7}, 8);
    put_legacy_storage(&f, 1, &(float){2.5f}, 4);
    eg_checkpoint *file = open_good(&f);
    assert_string_equal(file->format, "torch-legacy");
    assert_int_equal(file->warning_count, 0);
    expect_floats(file, "a", (const float[]){2.5f}, 1);
    expect_floats(file, "b", (const float[]){-7}, 1);
    assert_true(file->store.entries[0].storage->fd >= 0);
    eg_checkpoint_close(file);
    eg_buf_clear(&f);
}

static void b03_storage_view(void **state)
{
    tensor_spec t = good;
    (void)state;
    t.view_offset = 4, t.view_size = 10, t.offset = 1;
    eg_buf f = legacy_file(t, 20, "0");
    eg_checkpoint *file = open_good(&f);
    expect_floats(file, "x", (const float[]){5, 6, 7}, 3);
    eg_checkpoint_close(file);
    eg_buf_clear(&f);
    t.offset = 8; /* inside the storage, outside the view */
    expect_legacy_error(legacy_file(t, 20, "0"), "TEN-001", EG_MALFORMED);
    t.offset = 0, t.view_offset = 15; /* the view leaves the storage */
    expect_legacy_error(legacy_file(t, 20, "0"), "TEN-001", EG_MALFORMED);
}

/* A whole module, its class inside a persistent id with a megabyte of source text. */
static void b05_module(void **state)
{
    static const char *const keys[] = {"0"};
    eg_buf f = {0}, source = {0};
    tensor_spec t = good;
    (void)state;
    t.legacy = true;
    for (int i = 0; i < 1 << 16; i++) eg_buf_puts(&source, "print('never')\n");
    put_legacy_prologue(&f);
    OP(&f, "\x80\x02(");
    put_text(&f, "module");
    OP(&f, "cmine\nNet\n");
    put_text(&f, "net.py");
    put_text(&f, source.data);
    OP(&f, "tQ)\x81}(");
    put_text(&f, "_parameters");
    OP(&f, "ccollections\nOrderedDict\n)R");
    put_text(&f, "w");
    put_tensor(&f, &t);
    OP(&f, "s");
    put_text(&f, "_buffers");
    OP(&f, "}");
    put_text(&f, "_modules");
    OP(&f, "}");
    put_text(&f, "training");
    OP(&f, "\x88"
           "ub.");
    put_legacy_keys(&f, keys, 1);
    put_legacy_storage(&f, 20, ramp, sizeof ramp);
    eg_checkpoint *file = open_good(&f);
    assert_int_equal(file->store.count, 1);
    expect_floats(file, "w", ramp, 3);
    assert_int_equal(file->reference_count, 1);
    assert_string_equal(file->references[0].module, "mine");
    eg_checkpoint_close(file);
    eg_buf_clear(&f);
    eg_buf_clear(&source);
}

static void b06_sizes(void **state)
{
    tensor_spec t = good;
    (void)state;
    expect_legacy_error(legacy_file(good, 19, "0"), "LEG-003", EG_MALFORMED);
    expect_legacy_error(legacy_file(good, -20, "0"), "LEG-003", EG_MALFORMED);
    expect_legacy_error(legacy_file(good, INT64_MAX / 2 + 1, "0"), "LEG-003", EG_MALFORMED);
    t.numel = 21;
    expect_legacy_error(legacy_file(t, 21, "0"), "LEG-004", EG_MALFORMED);
    t.numel = INT64_MAX / 2 + 1;
    expect_legacy_error(legacy_file(t, INT64_MAX / 2 + 1, "0"), "TEN-004", EG_MALFORMED);
}

static void b08_keys(void **state)
{
    static const char *const none[] = {""};
    eg_buf f = {0};
    tensor_spec t = good;
    (void)state;
    expect_legacy_error(legacy_file(good, 20, "1"), "LEG-005", EG_MALFORMED); /* listed, never referenced */
    t.legacy = true;
    put_legacy_prologue(&f);
    put_one(&f, &t);
    put_legacy_keys(&f, none, 0);
    expect_legacy_error(f, "TEN-007", EG_MALFORMED);
}

static void b09_two_saves_in_one_file(void **state)
{
    eg_buf f = legacy_file(good, 20, "0"), second = legacy_file(good, 20, "0");
    (void)state;
    eg_buf_add(&f, second.data, second.length);
    eg_checkpoint *file = open_good(&f);
    expect_floats(file, "x", ramp, 3);
    assert_int_equal(file->warning_count, 1);
    eg_checkpoint_close(file);
    eg_buf_clear(&f);
    eg_buf_clear(&second);
}

static void b10_other_devices(void **state)
{
    tensor_spec t = good;
    (void)state;
    t.location = "cuda:3";
    eg_buf f = legacy_file(t, 20, "0");
    eg_checkpoint *file = open_good(&f);
    expect_floats(file, "x", ramp, 3);
    eg_checkpoint_close(file);
    eg_buf_clear(&f);
}

static void b11_magic(void **state)
{
    eg_buf f = {0};
    (void)state;
    OP(&f, "\x80\x02"
           "c__builtin__\neval\n");
    put_text(&f, "0x1950a86a20f9469cfc6c");
    OP(&f, "\x85R.\x80\x02M\xe9\x03.");
    expect_legacy_error(f, "PKL-013", EG_UNSAFE);
    f = (eg_buf){0};
    OP(&f, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x18.\x80\x02M\xe9\x03.");
    expect_legacy_error(f, "LEG-001", EG_MALFORMED);
    f = (eg_buf){0};
    OP(&f, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xea\x03.");
    expect_legacy_error(f, "LEG-002", EG_MALFORMED);
}

/* torch.save(…, pickle_protocol=4) puts every pickle into a frame. */
static void framed_pickles(void **state)
{
    static const char *const keys[] = {"0"};
    eg_buf f = {0};
    tensor_spec t = good;
    (void)state;
    t.legacy = true;
    OP(&f, "\x80\x04\x95\x0d\0\0\0\0\0\0\0\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
    OP(&f, "\x80\x04\x95\x04\0\0\0\0\0\0\0M\xe9\x03.\x80\x04}.");
    put_one(&f, &t);
    put_legacy_keys(&f, keys, 1);
    put_legacy_storage(&f, 20, ramp, sizeof ramp);
    eg_checkpoint *file = open_good(&f);
    expect_floats(file, "x", ramp, 3);
    eg_checkpoint_close(file);
    eg_buf_clear(&f);
}

static void every_truncation_is_refused(void **state)
{
    eg_buf f = legacy_file(good, 20, "0");
    (void)state;
    for (size_t n = 0; n < f.length; n += 3) {
        eg_buf cut = {0};
        eg_error err;
        eg_buf_add(&cut, f.data, n);
        assert_null(open_with(&cut, NULL, &err));
        assert_int_equal(err.code, EG_MALFORMED);
        eg_buf_clear(&cut);
    }
    eg_buf_clear(&f);
}

/* A storage that was pickled by itself: torch.storage._load_from_bytes(a legacy file). Case D16. */
static void d16_nested_files(void **state)
{
    (void)state;
    for (int depth = 1; depth <= 3; depth++) {
        static const char *const keys[] = {"0"};
        eg_buf inner = {0};
        tensor_spec t = good;
        t.legacy = true;
        put_legacy_prologue(&inner);
        OP(&inner, "\x80\x02");
        put_storage(&inner, &t);
        OP(&inner, ".");
        put_legacy_keys(&inner, keys, 1);
        put_legacy_storage(&inner, 20, ramp, sizeof ramp);
        for (int i = 1; i < depth; i++) {
            eg_buf outer = {0};
            put_legacy_prologue(&outer);
            OP(&outer, "\x80\x03"
                       "ctorch.storage\n_load_from_bytes\nB");
            put(&outer, inner.length, 4);
            eg_buf_add(&outer, inner.data, inner.length);
            OP(&outer, "\x85R.");
            put_legacy_keys(&outer, keys, 0);
            eg_buf_clear(&inner);
            inner = outer;
        }
        eg_buf f = {0};
        put_legacy_prologue(&f);
        OP(&f, "\x80\x03}");
        put_text(&f, "x");
        OP(&f, "ctorch._utils\n_rebuild_tensor\n(ctorch.storage\n_load_from_bytes\nB");
        put(&f, inner.length, 4);
        eg_buf_add(&f, inner.data, inner.length);
        OP(&f, "\x85RK\x02K\x03\x85K\x01\x85tRs.");
        put_legacy_keys(&f, keys, 0);
        if (depth <= 2) {
            eg_checkpoint *file = open_good(&f);
            expect_floats(file, "x", ramp + 2, 3);
            eg_checkpoint_close(file);
        } else {
            expect_error(&f, "PKL-011", EG_MALFORMED);
        }
        eg_buf_clear(&inner);
        eg_buf_clear(&f);
    }
}

static void real_files_read_as_pytorch_reads_them(void **state)
{
    static const char *const files[] = {
        "mobilenetV1X0.25_pretrain.tar",
        "resnet20-12fca82f.th",
        "lpips-v0.0/squeeze.pth",
        "lpips-v0.1/alex.pth",
        "ai85-catsdogs-chw-3d27591.pth.tar",
        "ai85-catsdogs-qat8-66280b5.pth.tar",
        "densenet-small.pth",
    };
    (void)state;
    expect_real_files(files, sizeof files / sizeof *files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(b01_string_order),  cmocka_unit_test(b03_storage_view),
        cmocka_unit_test(b05_module),        cmocka_unit_test(b06_sizes),
        cmocka_unit_test(b08_keys),          cmocka_unit_test(b09_two_saves_in_one_file),
        cmocka_unit_test(b10_other_devices), cmocka_unit_test(b11_magic),
        cmocka_unit_test(framed_pickles),    cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(d16_nested_files),  cmocka_unit_test(real_files_read_as_pytorch_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
