/* Makes pickles, zips and legacy streams in memory, sound or forged, and opens them as checkpoints. */
#ifndef ENGRAFT_TEST_MAKE_TORCH_H
#define ENGRAFT_TEST_MAKE_TORCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/str.h"
#include "engraft/checkpoint.h"

#define OP(buf, literal) eg_buf_add(buf, literal, sizeof literal - 1)

static inline void put(eg_buf *buf, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) eg_buf_add(buf, &(char){i < 8 ? (char)(value >> 8 * i) : 0}, 1);
}

/* ---- pickle ---- */

static inline void put_text(eg_buf *p, const char *text)
{
    OP(p, "X");
    put(p, strlen(text), 4);
    eg_buf_puts(p, text);
}

static inline void put_int(eg_buf *p, int64_t value)
{
    OP(p, "\x8a\x08");
    put(p, (uint64_t)value, 8);
}

static inline void put_global(eg_buf *p, const char *module, const char *name)
{
    eg_buf_printf(p, "c%s\n%s\n", module, name);
}

static inline void put_ints(eg_buf *p, const int64_t *values, int count)
{
    OP(p, "(");
    for (int i = 0; i < count; i++) put_int(p, values[i]);
    OP(p, "t");
}

/* A tensor as _rebuild_tensor_v2 over one storage; view: the legacy persistent id's last item (NULL in zips).
 */
typedef struct tensor_spec {
    const char *class, *key;
    int64_t numel, offset;
    int rank, stride_rank; /* stride_rank 0: as rank */
    int64_t size[8], stride[8];
    const char *location; /* NULL: cpu */
    const char *dtype;    /* _rebuild_tensor_v3 over an UntypedStorage */
    const char *metadata; /* "conj" or "neg" */
    bool legacy;
    int64_t view_offset, view_size; /* legacy; view_size 0: no view */
} tensor_spec;

static inline void put_storage(eg_buf *p, const tensor_spec *t)
{
    OP(p, "(");
    put_text(p, "storage");
    put_global(p, t->dtype ? "torch.storage" : "torch", t->dtype ? "UntypedStorage" : t->class);
    put_text(p, t->key);
    put_text(p, t->location ? t->location : "cpu");
    put_int(p, t->numel);
    if (t->legacy && t->view_size) {
        OP(p, "(");
        put_text(p, "7");
        put_int(p, t->view_offset);
        put_int(p, t->view_size);
        OP(p, "t");
    } else if (t->legacy) {
        OP(p, "N");
    }
    OP(p, "tQ");
}

static inline void put_tensor(eg_buf *p, const tensor_spec *t)
{
    put_global(p, "torch._utils", t->dtype ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2");
    OP(p, "(");
    put_storage(p, t);
    put_int(p, t->offset);
    put_ints(p, t->size, t->rank);
    put_ints(p, t->stride, t->stride_rank ? t->stride_rank : t->rank);
    OP(p, "\x89");
    put_global(p, "collections", "OrderedDict");
    OP(p, ")R");
    if (t->dtype) put_global(p, "torch", t->dtype);
    if (t->metadata) {
        OP(p, "}");
        put_text(p, t->metadata);
        OP(p, "\x88s");
    }
    OP(p, "tR");
}

static inline void begin_dict(eg_buf *p)
{
    OP(p, "\x80\x02}(");
}

static inline void end_dict(eg_buf *p)
{
    OP(p, "u.");
}

/* The whole pickle {"x": tensor}. */
static inline void put_one(eg_buf *p, const tensor_spec *t)
{
    begin_dict(p);
    put_text(p, "x");
    put_tensor(p, t);
    end_dict(p);
}

/* ---- zip ---- */

typedef struct record {
    const char *name;
    const void *bytes;
    size_t size;
    bool deflate, no_crc;
    const char *local_name; /* a different name in the local header */
    uint16_t flags;         /* more of them */
    uint16_t method;        /* forged; 0: as deflate says */
    uint32_t crc_change;    /* added to the true CRC */
    uint32_t size_change;   /* added to the uncompressed size */
    const eg_buf *packed;   /* a deflate stream made by hand; bytes may be NULL then */
} record;

typedef struct packed_record {
    uint64_t header, stored;
    uint32_t crc;
} packed_record;

static inline void put_packed(eg_buf *zip, const record *r, eg_buf *packed)
{
    if (!r->deflate || r->packed) {
        eg_buf_add(packed, r->packed ? r->packed->data : r->bytes, r->packed ? r->packed->length : r->size);
        return;
    }
    uLong bound = compressBound(r->size) + 64;
    Bytef *out = malloc(bound);
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)r->bytes;
    z.avail_in = (uInt)r->size;
    z.next_out = out;
    z.avail_out = (uInt)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    eg_buf_add(packed, out, z.total_out);
    deflateEnd(&z);
    free(out);
    (void)zip;
}

static inline void put_zip_record(eg_buf *zip, const record *r, packed_record *out)
{
    eg_buf packed = {0};
    put_packed(zip, r, &packed);
    const char *name = r->local_name ? r->local_name : r->name;
    *out = (packed_record){zip->length, packed.length, 0};
    if (!r->no_crc && r->bytes) out->crc = (uint32_t)crc32(0, r->bytes, (uInt)r->size) + r->crc_change;
    put(zip, 0x04034b50, 4);
    put(zip, 20, 2);
    put(zip, 0x800u | r->flags, 2);
    put(zip, r->method ? r->method : r->deflate ? 8 : 0, 2);
    put(zip, r->deflate ? 0x12345678 : 0, 4);
    put(zip, out->crc, 4);
    put(zip, packed.length, 4);
    put(zip, r->size + r->size_change, 4);
    put(zip, strlen(name), 2);
    put(zip, 0, 2);
    eg_buf_puts(zip, name);
    if (packed.length) eg_buf_add(zip, packed.data, packed.length);
    eg_buf_clear(&packed);
}

static inline void put_zip_central(eg_buf *zip, const record *r, const packed_record *at)
{
    put(zip, 0x02014b50, 4);
    put(zip, 20, 2);
    put(zip, 20, 2);
    put(zip, 0x800u | r->flags, 2);
    put(zip, r->method ? r->method : r->deflate ? 8 : 0, 2);
    put(zip, r->deflate ? 0x12345678 : 0, 4);
    put(zip, at->crc, 4);
    put(zip, at->stored, 4);
    put(zip, r->size + r->size_change, 4);
    put(zip, strlen(r->name), 2);
    put(zip, 0, 2 + 2 + 2 + 2 + 4);
    put(zip, at->header, 4);
    eg_buf_puts(zip, r->name);
}

static inline void put_zip_end(eg_buf *zip, size_t count, size_t offset)
{
    size_t size = zip->length - offset;
    put(zip, 0x06054b50, 4);
    put(zip, 0, 4);
    put(zip, count, 2);
    put(zip, count, 2);
    put(zip, size, 4);
    put(zip, offset, 4);
    put(zip, 0, 2);
}

static inline void put_zip(eg_buf *zip, const record *records, size_t count)
{
    packed_record at[32];
    assert_true(count <= 32);
    for (size_t i = 0; i < count; i++) put_zip_record(zip, &records[i], &at[i]);
    size_t offset = zip->length;
    for (size_t i = 0; i < count; i++) put_zip_central(zip, &records[i], &at[i]);
    put_zip_end(zip, count, offset);
}

/* A torch zip of a pickle, storage "0" of float bytes, and version 3. */
static inline void put_torch_zip(eg_buf *zip, const eg_buf *pickle, const void *data, size_t size)
{
    const record records[] = {{.name = "archive/data.pkl", .bytes = pickle->data, .size = pickle->length},
                              {.name = "archive/data/0", .bytes = data, .size = size},
                              {.name = "archive/version", .bytes = "3\n", .size = 2}};
    put_zip(zip, records, 3);
}

/* ---- legacy ---- */

static inline void put_legacy_prologue(eg_buf *f)
{
    OP(f, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
    OP(f, "\x80\x02M\xe9\x03.");
    OP(f, "\x80\x02}q\x00(X\x10\x00\x00\x00protocol_versionq\x01M\xe9\x03X\x0d\x00\x00\x00little_"
          "endianq\x02\x88u.");
}

static inline void put_legacy_keys(eg_buf *f, const char *const *keys, int count)
{
    OP(f, "\x80\x02](");
    for (int i = 0; i < count; i++) put_text(f, keys[i]);
    OP(f, "e.");
}

static inline void put_legacy_storage(eg_buf *f, int64_t numel, const void *bytes, size_t size)
{
    put(f, (uint64_t)numel, 8);
    eg_buf_add(f, bytes, size);
}

/* ---- opening ---- */

static inline eg_checkpoint *open_with(const eg_buf *bytes, const eg_checkpoint_options *options,
                                       eg_error *err)
{
    const char *folder = getenv("TMPDIR");
    char path[512];
    snprintf(path, sizeof path, "%s/engraft-test-XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    for (size_t done = 0; done < bytes->length;) {
        ssize_t n = write(fd, bytes->data + done, bytes->length - done);
        assert_true(n > 0);
        done += (size_t)n;
    }
    close(fd);
    *err = (eg_error){0};
    eg_checkpoint *file = eg_checkpoint_open(path, options, err);
    unlink(path);
    return file;
}

static inline eg_checkpoint *open_good(const eg_buf *bytes)
{
    eg_error err;
    eg_checkpoint *file = open_with(bytes, NULL, &err);
    if (!file) fail_msg("%s: %s", err.id, err.text);
    return file;
}

static inline void expect_error(const eg_buf *bytes, const char *id, eg_code code)
{
    eg_error err;
    eg_checkpoint *file = open_with(bytes, NULL, &err);
    if (file) fail_msg("opened, expected %s", id);
    if (strcmp(err.id, id) != 0) fail_msg("expected %s, got %s: %s", id, err.id, err.text);
    assert_int_equal(err.code, code);
    assert_true(err.file[0] && err.text[0]);
}

/* The same for a pickle beside a storage "0" of `size` zero bytes in a torch zip. */
static inline void expect_pickle_error(eg_buf *pickle, size_t size, const char *id, eg_code code)
{
    eg_buf zip = {0};
    void *zeros = calloc(1, size + 1);
    put_torch_zip(&zip, pickle, zeros, size);
    expect_error(&zip, id, code);
    free(zeros);
    eg_buf_clear(&zip);
    eg_buf_clear(pickle);
}

static inline void read_floats(const eg_checkpoint *file, const char *name, float *out, size_t count)
{
    eg_error err = {0};
    const eg_entry *entry = eg_store_find(&file->store, name);
    uint64_t numel = 0;
    assert_non_null(entry);
    assert_true(eg_shape_numel(entry->shape, &numel));
    assert_int_equal(numel, count);
    if (!eg_entry_read_f32(entry, out, &err)) fail_msg("%s: %s", err.id, err.text);
}

static inline void expect_floats(const eg_checkpoint *file, const char *name, const float *values,
                                 size_t count)
{
    float got[1024];
    assert_true(count <= 1024);
    read_floats(file, name, got, count);
    for (size_t i = 0; i < count; i++)
        if (got[i] != values[i]) fail_msg("%s[%zu] is %g, expected %g", name, i, got[i], values[i]);
}

#endif
