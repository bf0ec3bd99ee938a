/* Files that are refused are refused at little cost: each in a process of its own that may allocate 64 MiB
 * and compute for a second. Cases B06, B13, D05, D06, D09, D10, D13, E01, E08, E09, F01, F06, F07 of the
 * format notes, at their full size. */
#include "make_torch.h"

#include <sys/resource.h>
#include <sys/wait.h>

enum { MIB = 1 << 20, ALLOWED = 64 * MIB };

/* Bytes of address space this process has now. */
static rlim_t address_space(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu", &pages), 1);
    fclose(f);
    return pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* Address space means nothing under the sanitizers, whose shadow alone is terabytes, nor under valgrind. */
static bool is_instrumented(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return true;
#else
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded && strstr(preloaded, "/valgrind/");
#endif
}

static void limit(rlim_t bytes)
{
    if (is_instrumented()) return;
    const struct rlimit space = {address_space() + bytes, RLIM_INFINITY};
    const struct rlimit seconds = {1, 1};
    assert_int_equal(setrlimit(RLIMIT_AS, &space), 0);
    assert_int_equal(setrlimit(RLIMIT_CPU, &seconds), 0);
}

/* Opens the file in a child with limits; its mapping does not count. */
static void expect_cheap(const char *what, eg_buf *bytes, const char *id, rlim_t allowed)
{
    char path[512];
    const char *folder = getenv("TMPDIR");
    int status = 0;
    snprintf(path, sizeof path, "%s/engraft-rejection-%d", folder ? folder : "/tmp", (int)getpid());
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes->data, 1, bytes->length, f), bytes->length);
    assert_int_equal(fclose(f), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        eg_error err = {0};
        limit(allowed + bytes->length);
        eg_checkpoint *file = eg_checkpoint_open(path, NULL, &err);
        if (file || strcmp(err.id, id) != 0) fprintf(stderr, "%s: %s %s\n", what, err.id, err.text);
        _exit(!file && strcmp(err.id, id) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    unlink(path);
    if (!WIFEXITED(status) || WEXITSTATUS(status)) fail_msg("%s: status %d, expected %s", what, status, id);
    eg_buf_clear(bytes);
}

/* ---- files ---- */

static eg_buf zip_of(eg_buf pickle)
{
    static const uint8_t data[128] = {0};
    eg_buf zip = {0};
    put_torch_zip(&zip, &pickle, data, sizeof data);
    eg_buf_clear(&pickle);
    return zip;
}

static eg_buf zip_of_tensor(tensor_spec t)
{
    eg_buf p = {0};
    put_one(&p, &t);
    return zip_of(p);
}

/* One opcode a million times after a prefix. */
static eg_buf zip_of_many(const char *prefix, size_t length, char op)
{
    eg_buf p = {0};
    eg_buf_add(&p, prefix, length);
    for (int i = 0; i < 1000000; i++) eg_buf_add(&p, &op, 1);
    OP(&p, ".");
    return zip_of(p);
}

/* A million lists, each the only item of the one before. */
static eg_buf zip_of_nested_lists(void)
{
    eg_buf p = {0};
    OP(&p, "\x80\x02]");
    for (int i = 1; i < 1000000; i++) OP(&p, "]");
    for (int i = 1; i < 1000000; i++) OP(&p, "a");
    OP(&p, ".");
    return zip_of(p);
}

/* Sixty containers that each hold the one before twice, by way of the memo; a tensor at the bottom, or
 * nothing. */
static eg_buf zip_of_laughs(bool lists, bool tensor)
{
    eg_buf p = {0};
    OP(&p, "\x80\x02");
    if (tensor)
        put_tensor(&p, &(tensor_spec){.class = "FloatStorage", .key = "0", .numel = 32});
    else
        OP(&p, "]");
    for (int i = 0; i < 60; i++) {
        OP(&p, "q");
        put(&p, (uint64_t)i, 1);
        OP(&p, "0");
        eg_buf_puts(&p, lists ? "](" : "(");
        for (int twice = 0; twice < 2; twice++) {
            OP(&p, "h");
            put(&p, (uint64_t)i, 1);
        }
        eg_buf_puts(&p, lists ? "e" : "t");
    }
    OP(&p, ".");
    return zip_of(p);
}

/* A numpy array of little data and a large shape. */
static eg_buf zip_of_array(int64_t size)
{
    eg_buf p = {0};
    begin_dict(&p);
    put_text(&p, "w");
    OP(&p, "cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85U\1"
           "b\x87R(K\1");
    put_int(&p, size);
    OP(&p, "\x85"
           "cnumpy\ndtype\nU\2f4\x89\x88\x87R(K\3U\1<NNNK\0K\0K\0tb\x89U\4abcdtb");
    end_dict(&p);
    return zip_of(p);
}

static eg_buf zip_of_opcode(const char *op, size_t length)
{
    eg_buf p = {0};
    OP(&p, "\x80\x04");
    eg_buf_add(&p, op, length);
    return zip_of(p);
}

static eg_buf legacy_of(int64_t numel)
{
    static const char *const keys[] = {"0"};
    eg_buf f = {0};
    put_legacy_prologue(&f);
    put_one(&f, &(tensor_spec){.class = "FloatStorage", .key = "0", .numel = numel, .legacy = true});
    put_legacy_keys(&f, keys, 1);
    put_legacy_storage(&f, numel, "1234", 4);
    return f;
}

/* A deflate stream of `mebibytes` MiB of zeros: one block, flushed to a byte's edge, again and again. */
static eg_buf zeros_deflated(int mebibytes)
{
    uint8_t *zeros = calloc(1, MIB), block[8192];
    eg_buf out = {0};
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = zeros, z.avail_in = MIB;
    z.next_out = block, z.avail_out = sizeof block;
    assert_int_equal(deflate(&z, Z_FULL_FLUSH), Z_OK);
    assert_int_equal(z.avail_in, 0);
    for (int i = 0; i < mebibytes; i++) eg_buf_add(&out, block, z.total_out);
    OP(&out, "\x03\x00"); /* an empty last block */
    deflateEnd(&z);
    free(zeros);
    return out;
}

/* data.pkl says `declared` MiB and is a GiB of zeros. */
static eg_buf bomb(size_t declared)
{
    eg_buf packed = zeros_deflated(1024), zip = {0};
    const record records[] = {
        {.name = "archive/data.pkl", .size = declared * MIB, .deflate = true, .packed = &packed},
        {.name = "archive/version", .bytes = "3\n", .size = 2}};
    put_zip(&zip, records, 2);
    eg_buf_clear(&packed);
    return zip;
}

/* byteorder says big, and the last storage runs into the directory. */
static eg_buf cut_storage(void)
{
    const record records[] = {{.name = "a/data.pkl", .bytes = "\x80\x02}.", .size = 4},
                              {.name = "a/byteorder", .bytes = "big", .size = 3},
                              {.name = "a/version", .bytes = "3\n", .size = 2},
                              {.name = "a/data/0", .bytes = "0123456789", .size = 10}};
    packed_record at[4];
    eg_buf zip = {0};
    record longer = records[3];
    for (int i = 0; i < 4; i++) put_zip_record(&zip, &records[i], &at[i]);
    size_t offset = zip.length;
    at[3].stored += 1 << 20, longer.size_change = 1 << 20;
    for (int i = 0; i < 4; i++) put_zip_central(&zip, i == 3 ? &longer : &records[i], &at[i]);
    put_zip_end(&zip, 4, offset);
    return zip;
}

/* A tar whose member says that it is large. */
static eg_buf tar_of(const char *size)
{
    eg_buf tar = {0};
    char header[512] = {0};
    unsigned sum = 0;
    snprintf(header, 100, "storages");
    memcpy(header + 124, size, 12);
    memset(header + 148, ' ', 8);
    for (int i = 0; i < 512; i++) sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
    eg_buf_add(&tar, header, sizeof header);
    put(&tar, 0, 1024);
    return tar;
}

/* ---- tests ---- */

static void refused_at_little_cost(void **state)
{
    tensor_spec t = {
        .class = "FloatStorage", .key = "0", .numel = 32, .rank = 1, .size = {32}, .stride = {1}};
    tensor_spec wraps = t, expands = t;
    wraps.numel = 0x4000000000000001;
    expands.rank = 2;
    expands.size[0] = expands.size[1] = 1 << 21;
    expands.stride[0] = 0, expands.stride[1] = 0;
    (void)state;
#define CHEAP(what, buf, id)                                                                                 \
    do {                                                                                                     \
        eg_buf made = buf;                                                                                   \
        expect_cheap(what, &made, id, ALLOWED);                                                              \
    } while (0)
    CHEAP("B06 numel 2^61", legacy_of((int64_t)1 << 60), "LEG-004");
    CHEAP("B06 numel 2^62", legacy_of((int64_t)1 << 62), "TEN-004");
    CHEAP("B13 size", tar_of("77777777777 "), "TAR-001");
    CHEAP("D05 tuples", zip_of_laughs(false, false), "SEL-002");
    CHEAP("D05 lists", zip_of_laughs(true, false), "SEL-002");
    CHEAP("D05 tuples of tensors", zip_of_laughs(false, true), "PKL-011");
    CHEAP("D05 lists of tensors", zip_of_laughs(true, true), "PKL-011");
    CHEAP("array of 2^40", zip_of_array((int64_t)1 << 40), "NPY-002");
    CHEAP("array of 2^62", zip_of_array((int64_t)1 << 62), "TEN-004");
    CHEAP("D06 tuples", zip_of_many("\x80\x02N", 3, '\x85'), "PKL-010");
    CHEAP("D06 lists", zip_of_nested_lists(), "PKL-010");
    CHEAP("D09 BINUNICODE", zip_of_opcode("X\xff\xff\xff\xffx", 6), "PKL-003");
    CHEAP("D10 BINUNICODE8", zip_of_opcode("\x8d\0\0\0\0\0\0\0\x80x", 10), "PKL-003");
    CHEAP("D10 BINBYTES8", zip_of_opcode("\x8e\0\0\0\0\0\0\0\x80x", 10), "PKL-003");
    CHEAP("D10 LONG4", zip_of_opcode("\x8b\xff\xff\xff\xffx", 6), "PKL-003");
    CHEAP("D10 LONG_BINPUT",
          zip_of_opcode("Nr\xff\xff\xff\xff"
                        "0j\xfe\xff\xff\xff.",
                        13),
          "PKL-005");
    CHEAP("D13 second PROTO", zip_of_opcode("\x80\x04N.", 4), "PKL-001");
    CHEAP("E01 wraps", zip_of_tensor(wraps), "TEN-004");
    CHEAP("E08 expands", zip_of_tensor(expands), "TEN-008");
    CHEAP("E09 cut storage", cut_storage(), "ZIP-012");
    CHEAP("F06 declared", bomb(1024), "ZIP-010");
#undef CHEAP
}

/* A bomb that declares less than it is may cost what it declares, 256 MiB at most. */
static void f06_bomb_at_full_size(void **state)
{
    eg_buf zip = bomb(255);
    (void)state;
    assert_true(zip.length < 2 * MIB);
    expect_cheap("F06 lying", &zip, "ZIP-010", 256 * (rlim_t)MIB + ALLOWED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_at_little_cost),
        cmocka_unit_test(f06_bomb_at_full_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
