/* The tar container before 0.1.10. Case B13 of the format notes, and a real file of January 2017. */
#include "real_torch.h"

/* ---- archives ---- */

typedef struct tar_member {
    const char *name;
    const eg_buf *bytes;
    char type;             /* 0: '0' */
    const char *size_text; /* forged size field */
    bool bad_checksum;
} tar_member;

static void put_member(eg_buf *tar, const tar_member *m)
{
    char header[512] = {0};
    size_t size = m->bytes ? m->bytes->length : 0;
    unsigned sum = 0;
    snprintf(header, 100, "%s", m->name);
    snprintf(header + 100, 8, "0000644");
    snprintf(header + 124, 12, "%011o", (unsigned)size);
    if (m->size_text) memcpy(header + 124, m->size_text, 12);
    header[156] = m->type ? m->type : '0';
    memcpy(header + 257, "ustar\00000", 8);
    memset(header + 148, ' ', 8);
    for (int i = 0; i < 512; i++) sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum + m->bad_checksum);
    eg_buf_add(tar, header, sizeof header);
    if (size) eg_buf_add(tar, m->bytes->data, size);
    if (size % 512) put(tar, 0, (unsigned)(512 - size % 512));
}

static void put_end(eg_buf *tar)
{
    put(tar, 0, 1024);
}

/* ---- a sound file: a storage of 20, a view [4:14] of it, three tensors ---- */

static const float ramp[20] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19};

typedef struct tensor_record {
    int64_t key, storage; /* storage 0: None */
    int32_t rank;
    int64_t size[2], stride[2], offset;
} tensor_record;

typedef struct parts {
    eg_buf storages, tensors, pickle, info;
} parts;

static void put_tensor_record(eg_buf *out, const tensor_record *t)
{
    OP(out, "\x80\x02");
    put_int(out, t->key);
    if (t->storage)
        put_int(out, t->storage);
    else
        OP(out, "N");
    put_global(out, "torch", "FloatTensor");
    OP(out, "\x87.");
    put(out, (uint32_t)t->rank, 4);
    put(out, 0xDEADBEEF, 4);
    for (int i = 0; i < t->rank && i < 2; i++) put(out, (uint64_t)t->size[i], 8);
    for (int i = 0; i < t->rank && i < 2; i++) put(out, (uint64_t)t->stride[i], 8);
    put(out, (uint64_t)t->offset, 8);
}

static void put_storages(eg_buf *out, int64_t numel)
{
    OP(out, "\x80\x02K\x01.\x80\x02");
    put_int(out, 4300000001);
    put_text(out, "cuda:1");
    put_global(out, "torch.cuda", "FloatStorage");
    OP(out, "\x87.");
    put(out, (uint64_t)numel, 8);
    eg_buf_add(out, ramp, sizeof ramp);
    OP(out, "\x80\x02]("); /* views */
    put_ints(out, (const int64_t[]){9, 4300000001, 4, 10}, 4);
    OP(out, "e.");
}

static void put_id(eg_buf *p, const char *key)
{
    put_text(p, key);
    OP(p, "Q");
}

static parts sound_parts(const tensor_record *last)
{
    static const tensor_record tensors[] = {
        {100, 4300000001, 2, {2, 3}, {1, 2}, 1}, {101, 9, 1, {3}, {1}, 2}, {102, 0, 0, {0}, {0}, 0}};
    parts p = {0};
    OP(&p.info, "\x80\x02}X\x10\0\0\0protocol_versionM\xe8\x03s.");
    put_storages(&p.storages, 20);
    OP(&p.tensors, "\x80\x02K\x03.");
    put_tensor_record(&p.tensors, &tensors[0]);
    put_tensor_record(&p.tensors, last ? last : &tensors[1]);
    put_tensor_record(&p.tensors, &tensors[2]);
    begin_dict(&p.pickle);
    put_text(&p.pickle, "a"), put_id(&p.pickle, "100");
    put_text(&p.pickle, "b");
    OP(&p.pickle, "\x8a\x01\x65Q"); /* the number itself */
    put_text(&p.pickle, "c"), put_id(&p.pickle, "102");
    put_text(&p.pickle, "tied"), put_id(&p.pickle, "100");
    end_dict(&p.pickle);
    return p;
}

static void clear_parts(parts *p)
{
    eg_buf_clear(&p->storages), eg_buf_clear(&p->tensors);
    eg_buf_clear(&p->pickle), eg_buf_clear(&p->info);
}

static void put_parts(eg_buf *tar, const parts *p, const char *prefix)
{
    const eg_buf *bytes[] = {&p->info, &p->pickle, &p->tensors, &p->storages};
    static const char *const names[] = {"sys_info", "pickle", "tensors", "storages"};
    for (int i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s", prefix, names[i]);
        put_member(tar, &(tar_member){.name = name, .bytes = bytes[i]});
    }
}

static eg_buf sound_tar(const char *prefix)
{
    eg_buf tar = {0};
    parts p = sound_parts(NULL);
    put_parts(&tar, &p, prefix);
    put_end(&tar);
    clear_parts(&p);
    return tar;
}

static void check_sound(eg_buf tar)
{
    eg_checkpoint *file = open_good(&tar);
    assert_string_equal(file->format, "torch-tar");
    assert_int_equal(file->store.count, 4);
    expect_floats(file, "a", (const float[]){1, 3, 5, 2, 4, 6}, 6);
    expect_floats(file, "b", (const float[]){6, 7, 8}, 3);
    expect_floats(file, "tied", (const float[]){1, 3, 5, 2, 4, 6}, 6);
    assert_int_equal(eg_store_find(&file->store, "c")->shape.dims[0], 0);
    assert_ptr_equal(file->store.entries[0].storage, file->store.entries[3].storage);
    assert_true(file->store.entries[0].storage->fd >= 0);
    eg_checkpoint_close(file);
    eg_buf_clear(&tar);
}

static void sound_files_read(void **state)
{
    (void)state;
    check_sound(sound_tar(""));
    check_sound(sound_tar("./"));
}

/* Times and owners may stand in extended headers, and a folder before its contents. */
static void extended_headers_are_passed_over(void **state)
{
    eg_buf times = {0}, size = {0}, tar = {0}, sound = sound_tar("./");
    (void)state;
    eg_buf_puts(&times, "28 mtime=1484964000.8362179\n");
    eg_buf_puts(&size, "12 size=512\n");
    put_member(&tar, &(tar_member){.name = "./", .type = '5'});
    put_member(&tar, &(tar_member){.name = "./PaxHeaders/x", .type = 'x', .bytes = &times});
    eg_buf_add(&tar, sound.data, sound.length);
    check_sound(tar);
    tar = (eg_buf){0};
    put_member(&tar, &(tar_member){.name = "./PaxHeaders/x", .type = 'x', .bytes = &size});
    eg_buf_add(&tar, sound.data, sound.length);
    expect_error(&tar, "TAR-001", EG_MALFORMED);
    eg_buf_clear(&tar), eg_buf_clear(&sound), eg_buf_clear(&times), eg_buf_clear(&size);
}

static void b13_members(void **state)
{
    char byte[] = "x";
    const eg_buf some = {.data = byte, .length = 1};
    const tar_member evil[] = {
        {.name = "storages", .type = '2'},
        {.name = "storages", .type = '1'},
        {.name = "storages", .type = '3'},
        {.name = "../storages"},
        {.name = "/storages"},
        {.name = "a/../../storages"},
        {.name = "pickle", .bytes = &some}, /* a second one */
        {.name = "x", .size_text = "77777777777"},
        {.name = "x", .size_text = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"},
        {.name = "x", .size_text = "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xfe\0"},
        {.name = "x", .size_text = "-0000000001"},
        {.name = "x", .bad_checksum = true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof evil / sizeof *evil; i++) {
        eg_buf tar = {0}, sound = sound_tar("");
        eg_buf_add(&tar, sound.data, sound.length - 1024);
        put_member(&tar, &evil[i]);
        put_end(&tar);
        expect_error(&tar, "TAR-001", EG_MALFORMED);
        eg_buf_clear(&tar), eg_buf_clear(&sound);
    }
}

static void expect_parts_error(parts p, const char *id, eg_code code)
{
    eg_buf tar = {0};
    put_parts(&tar, &p, "");
    put_end(&tar);
    expect_error(&tar, id, code);
    eg_buf_clear(&tar);
    clear_parts(&p);
}

static void b13_tensors(void **state)
{
    static const struct {
        tensor_record record;
        const char *id;
    } cases[] = {
        {{101, 4300000001, -1, {0}, {0}, 0}, "TEN-002"},
        {{101, 4300000001, INT32_MAX, {0}, {0}, 0}, "PKL-011"},
        {{101, 4300000001, 1, {-3}, {1}, 0}, "TEN-002"},
        {{101, 4300000001, 1, {3}, {-1}, 0}, "TEN-002"},
        {{101, 4300000001, 1, {3}, {1}, -1}, "TEN-002"},
        {{101, 4300000001, 1, {3}, {1}, 18}, "TEN-001"},
        {{101, 9, 1, {3}, {1}, 8}, "TEN-001"}, /* inside the storage, outside the view */
        {{101, 4300000001, 2, {INT64_MAX, 3}, {1, 1}, 0}, "TEN-004"},
        {{101, 77, 1, {3}, {1}, 0}, "TEN-007"},
        {{100, 9, 1, {3}, {1}, 0}, "TAR-001"}, /* the key of another tensor */
        {{103, 9, 1, {3}, {1}, 0}, "PKL-014"}, /* so that nothing has the key 101 */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_parts_error(sound_parts(&cases[i].record), cases[i].id, EG_MALFORMED);
}

static void b13_storages(void **state)
{
    static const struct {
        int64_t numel;
        const char *id;
    } cases[] = {{-1, "TEN-002"}, {INT64_MAX, "TEN-004"}, {1000, "LEG-004"}, {(int64_t)1 << 60, "LEG-004"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        parts p = sound_parts(NULL);
        eg_buf_clear(&p.storages);
        put_storages(&p.storages, cases[i].numel);
        expect_parts_error(p, cases[i].id, EG_MALFORMED);
    }
}

/* What a Python loader would execute is refused wherever it stands. */
static void calls_are_refused(void **state)
{
    parts p = sound_parts(NULL);
    (void)state;
    eg_buf_clear(&p.storages);
    OP(&p.storages, "\x80\x02"
                    "cposix\nsystem\n(U\x04truetR.");
    expect_parts_error(p, "PKL-013", EG_UNSAFE);
    p = sound_parts(NULL);
    eg_buf_clear(&p.pickle);
    OP(&p.pickle, "\x80\x02"
                  "cposix\nsystem\n(U\x04truetR.");
    expect_parts_error(p, "PKL-013", EG_UNSAFE);
}

static void other_archives(void **state)
{
    char byte[] = "x";
    const eg_buf some = {.data = byte, .length = 1};
    eg_buf tar = {0};
    (void)state;
    put_member(&tar, &(tar_member){.name = "model.pth", .bytes = &some});
    put_end(&tar);
    expect_error(&tar, "FMT-002", EG_MALFORMED);
    eg_buf_clear(&tar);
    put_member(&tar, &(tar_member){.name = "pickle", .bytes = &some});
    put_end(&tar);
    expect_error(&tar, "TAR-001", EG_MALFORMED);
    eg_buf_clear(&tar);
}

/* Zip-style persistent ids over a tar's storages, as some tools write. */
static void storage_tuples_name_storages(void **state)
{
    parts p = sound_parts(NULL);
    eg_buf tar = {0};
    (void)state;
    eg_buf_clear(&p.pickle);
    put_one(&p.pickle, &(tensor_spec){.class = "FloatStorage",
                                      .key = "9",
                                      .numel = 10,
                                      .offset = 1,
                                      .rank = 1,
                                      .size = {2},
                                      .stride = {1}});
    put_parts(&tar, &p, "");
    put_end(&tar);
    eg_checkpoint *file = open_good(&tar);
    expect_floats(file, "x", (const float[]){5, 6}, 2);
    eg_checkpoint_close(file);
    eg_buf_clear(&tar);
    clear_parts(&p);
}

static void every_truncation_is_refused(void **state)
{
    eg_buf tar = sound_tar("");
    (void)state;
    size_t whole = tar.length - 1024; /* the end marker itself may be missing */
    for (size_t n = 0; n < whole - 512; n += n < 1024 ? 1 : 61) {
        eg_buf cut = {.data = tar.data, .length = n};
        eg_error err;
        eg_checkpoint *file = open_with(&cut, NULL, &err);
        if (file) fail_msg("opened with %zu of %zu bytes", n, whole);
        assert_int_equal(err.code, EG_MALFORMED);
    }
    eg_buf_clear(&tar);
}

static void real_files_read_as_pytorch_reads_them(void **state)
{
    static const char *const files[] = {"char-rnn-classification.pt"};
    (void)state;
    expect_real_files(files, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_files_read),
        cmocka_unit_test(extended_headers_are_passed_over),
        cmocka_unit_test(b13_members),
        cmocka_unit_test(b13_tensors),
        cmocka_unit_test(b13_storages),
        cmocka_unit_test(calls_are_refused),
        cmocka_unit_test(other_archives),
        cmocka_unit_test(storage_tuples_name_storages),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(real_files_read_as_pytorch_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
