/* The sentences of the errors, word for word, with their codes: people and scripts rely on them. */
#include "make_torch.h"

static const float ramp[32] = {0};

static void expect_text(eg_buf *file, const char *id, const char *text, eg_code code)
{
    eg_error err;
    if (open_with(file, NULL, &err)) fail_msg("opened, expected %s", id);
    if (strcmp(err.id, id) != 0 || strcmp(err.text, text) != 0)
        fail_msg("expected %s: %s\ngot      %s: %s", id, text, err.id, err.text);
    assert_int_equal(err.code, code);
    eg_buf_clear(file);
}

/* ---- pickles ---- */

static void expect_pickle(const char *bytes, size_t length, const char *id, const char *text)
{
    eg_buf pickle = {0}, zip = {0};
    eg_buf_add(&pickle, bytes, length);
    put_torch_zip(&zip, &pickle, ramp, sizeof ramp);
    expect_text(&zip, id, text, strcmp(id, "PKL-013") == 0 ? EG_UNSAFE : EG_MALFORMED);
    eg_buf_clear(&pickle);
}

#define PICKLE(literal, id, text) expect_pickle(literal, sizeof literal - 1, id, text)

static void pickles(void **state)
{
    (void)state;
    PICKLE("\x80\x02\xff.", "PKL-001", "offset 2: unknown opcode 0xff");
    PICKLE("\x80\x02\x80\x02N.", "PKL-001", "offset 2: unknown opcode 0x80");
    PICKLE("\x80\x02(ios\nsystem\n.", "PKL-002",
           "offset 3: opcode INST is not supported (it calls a class by name)");
    PICKLE("\x80\x02X\xff\xff\xff\xffx", "PKL-003",
           "offset 2: BINUNICODE needs 4294967295 bytes but only 1 remain");
    PICKLE("\x80\x02R.", "PKL-004", "offset 2: stack underflow in REDUCE");
    PICKLE("\x80\x02h\x05.", "PKL-005", "offset 2: memo entry 5 was never stored");
    PICKLE("\x80\x02K\x01K\x02K\x03s.", "PKL-006", "offset 8: SETITEM applied to a int");
    PICKLE("\x80\x02]N]s.", "PKL-006", "offset 5: SETITEM applied to a list");
    PICKLE("\x80\x02}(K\x01u.", "PKL-007", "offset 6: odd number of items for SETITEMS");
    PICKLE("\x80\x06N.", "PKL-008", "protocol 6 is not supported (2 to 5)");
    PICKLE("N.", "PKL-008", "protocol 0 is not supported (2 to 5)");
    PICKLE("\x80\x04\x95\x01\0\0\0\0\0\0\0K\x01.", "PKL-009",
           "offset 11: frame of 1 bytes does not end on an opcode");
    PICKLE("\x80\x02N.xx", "PKL-012", "2 bytes after STOP");
    PICKLE("\x80\x02"
           "cposix\nsystem\n)R.",
           "PKL-013",
           "UNSAFE: the file references posix.system (offset 2); a Python loader could execute it");
    PICKLE("\x80\x02K\x05Q.", "PKL-014", "persistent id is not a storage tuple: not a tuple");
    PICKLE("\x80\x02(K\1K\2K\3K\4K\5K\6K\7tQ.", "PKL-014",
           "persistent id is not a storage tuple: a tuple of 7");
    PICKLE("\x80\x02"
           "ctorch._utils\n_rebuild_tensor_v2\nK\1K\2\x86R.",
           "PKL-015", "_rebuild_tensor_v2 called with 2 arguments, expected 6 or 7");
    PICKLE("\x80\x02}X\1\0\0\0aK\1s.", "SEL-002", "no tensors found (top-level keys: a)");
}

/* ---- tensors ---- */

static const tensor_spec good = {
    .class = "FloatStorage", .key = "0", .numel = 32, .rank = 2, .size = {2, 3}, .stride = {3, 1}};

static void expect_tensor(tensor_spec t, const char *id, const char *text)
{
    eg_buf pickle = {0}, zip = {0};
    put_one(&pickle, &t);
    put_torch_zip(&zip, &pickle, ramp, sizeof ramp);
    expect_text(&zip, id, text, EG_MALFORMED);
    eg_buf_clear(&pickle);
}

static void tensors(void **state)
{
    tensor_spec t = good;
    (void)state;
    t.offset = 30;
    expect_tensor(t, "TEN-001", "tensor 'x': storage '0' has 32 elements, view needs 36");
    t = good, t.size[1] = -1;
    expect_tensor(t, "TEN-002", "tensor 'x': negative size -1");
    t = good, t.stride[0] = -3;
    expect_tensor(t, "TEN-002", "tensor 'x': negative stride -3");
    t = good, t.stride_rank = 1;
    expect_tensor(t, "TEN-003", "tensor 'x': 2 sizes but 1 strides");
    t = good, t.size[0] = t.size[1] = INT64_MAX;
    expect_tensor(t, "TEN-004", "tensor 'x': size overflows 64 bits");
    t = good, t.numel = 33;
    expect_tensor(t, "TEN-005", "storage '0' holds 128 bytes, the pickle declares 132");
    t = good, t.key = "9";
    expect_tensor(t, "TEN-007", "storage '9' is referenced but missing");
    t = good, t.size[0] = t.size[1] = 1 << 21, t.stride[0] = t.stride[1] = 0;
    expect_tensor(t, "TEN-008",
                  "tensor 'x' would expand to 17592186044416 bytes from 128; refusing (--allow-expand)");
    expect_tensor(
        (tensor_spec){
            .class = "QUInt4x2Storage", .key = "0", .numel = 128, .rank = 1, .size = {2}, .stride = {1}},
        "TEN-009", "tensor 'x': packed tensors are not supported (QUInt4x2Storage)");
    t = good, t.location = "meta";
    expect_tensor(t, "TEN-010", "tensor 'x' is on the meta device and has no data");
}

static void two_tensors(void **state)
{
    eg_buf pickle = {0}, zip = {0};
    const tensor_spec a = {.class = "FloatStorage", .key = "0", .numel = 4},
                      b = {.class = "LongStorage", .key = "0", .numel = 2};
    (void)state;
    begin_dict(&pickle);
    put_text(&pickle, "a");
    put_tensor(&pickle, &a);
    put_text(&pickle, "b");
    put_tensor(&pickle, &b);
    end_dict(&pickle);
    put_torch_zip(&zip, &pickle, ramp, 16);
    eg_buf_clear(&pickle);
    expect_text(&zip, "TEN-006", "storage '0' is declared as FloatStorage[4] and as LongStorage[2]",
                EG_MALFORMED);
}

/* ---- zips ---- */

static void expect_zip(const record *records, size_t count, const char *id, const char *text)
{
    eg_buf zip = {0};
    put_zip(&zip, records, count);
    expect_text(&zip, id, text, EG_MALFORMED);
}

#define RECORD(path, content) .name = path, .bytes = content, .size = sizeof content - 1

static void zips(void **state)
{
    const record pickle = {RECORD("a/data.pkl", "\x80\x02}.")}, version = {RECORD("a/version", "3\n")};
    (void)state;
    expect_zip((const record[]){pickle, {RECORD("b/version", "3\n")}}, 2, "ZIP-003",
               "entry 'b/version' is outside the archive folder 'a/'");
    expect_zip((const record[]){pickle, version, pickle}, 3, "ZIP-005", "two entries are named 'a/data.pkl'");
    expect_zip((const record[]){{RECORD("a/data.pkl", "."), .local_name = "a/datap.kl"}, version}, 2,
               "ZIP-007", "entry 'a/data.pkl': local header names it 'a/datap.kl'");
    expect_zip((const record[]){pickle, {RECORD("a/version", "3\n"), .flags = 0x20}}, 2, "ZIP-008",
               "entry 'a/version' uses unsupported flag 0x20 (encryption or patch data)");
    expect_zip((const record[]){pickle, {RECORD("a/version", "3\n"), .method = 12}}, 2, "ZIP-009",
               "entry 'a/version' uses compression method 12; only stored and deflate are supported");
    expect_zip((const record[]){pickle, {RECORD("a/version", "11\n")}}, 2, "ZIP-013",
               "record 'version' holds '11'; expected a number from 1 to 10");
    expect_zip((const record[]){pickle, version, {RECORD("a/byteorder", "middle")}}, 3, "ZIP-014",
               "record 'byteorder' holds 'middle'; expected little or big");
    expect_zip((const record[]){version}, 1, "ZIP-015", "no data.pkl in the archive (found: a/version)");
}

/* ---- others ---- */

static void expect_bytes(const char *bytes, size_t length, const char *id, const char *text)
{
    eg_buf file = {0};
    eg_buf_add(&file, bytes, length);
    expect_text(&file, id, text, EG_MALFORMED);
}

#define BYTES(literal, id, text) expect_bytes(literal, sizeof literal - 1, id, text)

static void expect_header(const char *json, const char *data, const char *id, const char *text)
{
    eg_buf file = {0};
    put(&file, strlen(json), 8);
    eg_buf_puts(&file, json);
    eg_buf_puts(&file, data);
    expect_text(&file, id, text, EG_MALFORMED);
}

static void other_files(void **state)
{
    (void)state;
    BYTES("hello\n", "FMT-001", "not a checkpoint format engraft knows (first bytes 68 65 6c 6c 6f 0a)");
    BYTES(
        "<html>", "FMT-001",
        "not a checkpoint format engraft knows (first bytes 3c 68 74 6d 6c 3e): this is a web page; download "
        "the file itself");
    BYTES("version https://git-lfs.github.com/spec/v1\n", "FMT-001",
          "not a checkpoint format engraft knows (first bytes 76 65 72 73 69 6f 6e 20 68 74 74 70 73 3a 2f "
          "2f): "
          "this is a Git LFS pointer; fetch the file itself with `git lfs pull`");
    BYTES("\x1f\x8b\x08", "FMT-002", "gzip file: unpack it first (engraft reads the checkpoint inside)");
    BYTES("PK\5\6", "FMT-002", "empty zip file: unpack it first (engraft reads the checkpoint inside)");
    BYTES("\x80\x02N.", "FMT-003",
          "bare pickle without tensor storage; refusing (use --allow-bare-pickle to inspect)");
    BYTES("PYTORCH1", "FMT-004",
          "preview-release PyTorch script file (PYTORCH1) is not supported; re-save it with torch >= 1.6");
    BYTES("PK\3\4 cut", "ZIP-001",
          "no end-of-central-directory record: the file is truncated or not a zip (size 8)");
    expect_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "12345678", "STF-005",
                  "tensor 'a': offsets [4,8) leave a hole or overlap at 0");
    expect_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", "1234", "STF-006",
                  "tensor 'a': 4 bytes for F32[2], expected 8");
    expect_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "123456", "STF-007",
                  "2 bytes after the last tensor");
    expect_header("{\"a\":{\"dtype\":\"F99\",\"shape\":[1],\"data_offsets\":[0,4]}}", "1234", "STF-004",
                  "tensor 'a': unknown dtype 'F99'");
    expect_header("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                  "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
                  "1", "STF-003", "duplicate key 'a'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pickles), cmocka_unit_test(tensors),     cmocka_unit_test(two_tensors),
        cmocka_unit_test(zips),    cmocka_unit_test(other_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
