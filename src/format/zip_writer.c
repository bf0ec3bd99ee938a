#include "format/zip_writer.h"

#include <string.h>

#include "base/crc32.h"
#include "base/str.h"

enum { ALIGNMENT = 64, FLAGS = 0x0808, FLAGS_EMPTY = 0x0800, MADE_BY = 0x031E, NEEDED = 0x002D };

static const uint64_t SATURATED = 0xFFFFFFFF;

static void put(eg_buf *buf, uint64_t value, unsigned size)
{
    char bytes[8];
    for (unsigned i = 0; i < size; i++) bytes[i] = (char)(value >> 8 * i);
    eg_buf_add(buf, bytes, size);
}

static uint64_t narrowed(uint64_t value)
{
    return value < SATURATED ? value : SATURATED;
}

static bool is_wide(const eg_zip_record *record)
{
    return record->size >= SATURATED || record->header >= SATURATED;
}

/* The zip64 field; in the local header the compressed size is still 0. */
static void put_zip64(eg_buf *buf, const eg_zip_record *record, uint64_t stored)
{
    bool big = record->size >= SATURATED, far = record->header >= SATURATED;
    if (!big && !far) return;
    put(buf, 1, 2);
    put(buf, (big ? 16 : 0) + (far ? 8 : 0), 2);
    if (big) put(buf, record->size, 8);
    if (big) put(buf, stored, 8);
    if (far) put(buf, record->header, 8);
}

static void put_local(eg_buf *buf, const eg_zip_record *record)
{
    eg_buf extra = {0};
    size_t length = strlen(record->name);
    put_zip64(&extra, record, 0);
    uint64_t start = record->header + 30 + length + 4 + extra.length;
    unsigned pad = (unsigned)(-start % ALIGNMENT);
    put(buf, 0x04034b50, 4);
    put(buf, 0, 2);
    put(buf, record->size ? FLAGS : FLAGS_EMPTY, 2);
    put(buf, 0, 2 + 4); /* method, time, date */
    put(buf, 0, 4);     /* CRC and sizes follow the data */
    put(buf, 0, 8);
    put(buf, length, 2);
    put(buf, extra.length + 4 + pad, 2);
    eg_buf_add(buf, record->name, length);
    if (extra.length) eg_buf_add(buf, extra.data, extra.length);
    eg_buf_puts(buf, "FB");
    put(buf, pad, 2);
    for (unsigned i = 0; i < pad; i++) eg_buf_puts(buf, "Z");
    eg_buf_clear(&extra);
}

static void put_central(eg_buf *buf, const eg_zip_record *record)
{
    eg_buf extra = {0};
    size_t length = strlen(record->name);
    put_zip64(&extra, record, record->size);
    put(buf, 0x02014b50, 4);
    put(buf, 0, 4); /* made by, needed */
    put(buf, record->size ? FLAGS : FLAGS_EMPTY, 2);
    put(buf, 0, 2 + 4); /* method, time, date */
    put(buf, record->crc, 4);
    put(buf, narrowed(record->size), 4);
    put(buf, narrowed(record->size), 4);
    put(buf, length, 2);
    put(buf, extra.length, 2);
    put(buf, 0, 2 + 2 + 2); /* comment, disk, attributes */
    put(buf, 0, 4);
    put(buf, narrowed(record->header), 4);
    eg_buf_add(buf, record->name, length);
    if (extra.length) eg_buf_add(buf, extra.data, extra.length);
    eg_buf_clear(&extra);
}

static bool write_buf(eg_zip_writer *zip, eg_buf *buf, eg_error *err)
{
    bool ok = buf->length == 0 || eg_output_write(zip->output, buf->data, buf->length, err);
    eg_buf_clear(buf);
    return ok;
}

bool eg_zip_writer_begin(eg_zip_writer *zip, const char *name, uint64_t size, eg_error *err)
{
    eg_buf buf = {0};
    if (zip->count == zip->capacity) {
        zip->capacity = zip->capacity ? zip->capacity * 2 : 64;
        eg_zip_record *more = EG_NEW_ARRAY(zip->arena, eg_zip_record, zip->capacity);
        if (zip->count) memcpy(more, zip->records, zip->count * sizeof *more);
        zip->records = more;
    }
    eg_zip_record *record = &zip->records[zip->count++];
    *record = (eg_zip_record){eg_arena_string(zip->arena, name), zip->output->size, size, 0};
    put_local(&buf, record);
    return write_buf(zip, &buf, err);
}

bool eg_zip_writer_add(eg_zip_writer *zip, const void *bytes, size_t size, eg_error *err)
{
    eg_zip_record *record = &zip->records[zip->count - 1];
    record->crc = eg_crc32(record->crc, bytes, size);
    return eg_output_write(zip->output, bytes, size, err);
}

/* Behind the data; empty records have none. */
static void put_descriptor(eg_buf *buf, const eg_zip_record *record)
{
    unsigned width = is_wide(record) ? 8 : 4;
    if (record->size == 0) return;
    put(buf, 0x08074b50, 4);
    put(buf, record->crc, 4);
    put(buf, record->size, width);
    put(buf, record->size, width);
}

bool eg_zip_writer_end(eg_zip_writer *zip, eg_error *err)
{
    eg_buf buf = {0};
    put_descriptor(&buf, &zip->records[zip->count - 1]);
    return write_buf(zip, &buf, err);
}

bool eg_zip_writer_place(eg_zip_writer *zip, const eg_entry *entry, eg_payload *payload, eg_error *err)
{
    eg_buf buf = {0};
    put_descriptor(&buf, &zip->records[zip->count - 1]);
    bool ok =
        eg_payload_place(payload, entry, zip->output, err) && eg_output_skip(zip->output, buf.length, err);
    eg_buf_clear(&buf);
    return ok;
}

bool eg_zip_writer_fill(eg_zip_writer *zip, size_t index, const eg_payload *payload, eg_error *err)
{
    eg_zip_record *record = &zip->records[index];
    eg_buf buf = {0};
    record->crc = eg_crc32_join(record->crc, payload->crc, payload->size);
    put_descriptor(&buf, record);
    bool ok = buf.length == 0 ||
              eg_output_write_at(zip->output, payload->at + payload->size, buf.data, buf.length, err);
    eg_buf_clear(&buf);
    return ok;
}

bool eg_zip_writer_record(eg_zip_writer *zip, const char *name, const void *bytes, size_t size, eg_error *err)
{
    return eg_zip_writer_begin(zip, name, size, err) && eg_zip_writer_add(zip, bytes, size, err) &&
           eg_zip_writer_end(zip, err);
}

/* The directory's place in 64 bits, and where that stands. */
static void put_zip64_end(eg_buf *buf, uint64_t n, uint64_t size, uint64_t offset)
{
    put(buf, 0x06064b50, 4);
    put(buf, 44, 8);
    put(buf, MADE_BY, 2);
    put(buf, NEEDED, 2);
    put(buf, 0, 8); /* disks */
    put(buf, n, 8);
    put(buf, n, 8);
    put(buf, size, 8);
    put(buf, offset, 8);
    put(buf, 0x07064b50, 4);
    put(buf, 0, 4);
    put(buf, offset + size, 8);
    put(buf, 1, 4);
}

bool eg_zip_writer_finish(eg_zip_writer *zip, eg_error *err)
{
    uint64_t offset = zip->output->size, n = zip->count;
    eg_buf buf = {0};
    for (size_t i = 0; i < zip->count; i++) put_central(&buf, &zip->records[i]);
    uint64_t size = buf.length;
    if (n) put_zip64_end(&buf, n, size, offset); /* readers know an empty archive by its first bytes */
    put(&buf, 0x06054b50, 4);
    put(&buf, 0, 4);
    put(&buf, n < 0xFFFF ? n : 0xFFFF, 2);
    put(&buf, n < 0xFFFF ? n : 0xFFFF, 2);
    put(&buf, narrowed(size), 4);
    put(&buf, narrowed(offset), 4);
    put(&buf, 0, 2);
    return write_buf(zip, &buf, err);
}
