#include "format/zip_directory.h"

#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "base/crc32.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/str.h"
#include "format/cursor.h"

enum {
    LOCAL = 0x04034b50,
    CENTRAL = 0x02014b50,
    END = 0x06054b50,
    END64 = 0x06064b50,
    LOCATOR64 = 0x07064b50,
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR_SIZE = 20,
    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    MAX_COMMENT = 65535,
    MAX_ENTRIES = 1000 * 1000,
    MAX_DIRECTORY = 256 << 20,
    MAX_NAME = 4096,
    MAX_RATIO = 1032, /* of deflate */
    REFUSED_FLAGS = 0x1 | 0x20 | 0x40 | 0x2000,
};

typedef struct directory {
    uint64_t count, size, offset, end; /* end: where the end records start */
} directory;

static bool outside(eg_error *err, uint64_t size, uint64_t offset)
{
    return eg_fail_id(err, EG_MALFORMED, "ZIP-002",
                      "central directory (%llu bytes at %llu) lies outside the file",
                      (unsigned long long)size, (unsigned long long)offset);
}

/* ---- end records ---- */

/* The last position where an end record's comment ends exactly with the file. */
static bool find_end(const uint8_t *bytes, uint64_t size, uint64_t *at)
{
    uint64_t furthest = size > END_SIZE + MAX_COMMENT ? size - END_SIZE - MAX_COMMENT : 0;
    for (uint64_t i = size < END_SIZE ? 0 : size - END_SIZE + 1; i-- > furthest;) {
        if (bytes[i] != 'P' || memcmp(bytes + i, "PK\5\6", 4) != 0) continue;
        uint64_t comment = (uint64_t)bytes[i + 20] | (uint64_t)bytes[i + 21] << 8;
        if (comment != size - i - END_SIZE) continue;
        *at = i;
        return true;
    }
    return false;
}

/* A 32-bit value that is not saturated must agree with its 64-bit twin. */
static bool agrees(uint64_t narrow, uint64_t saturated, uint64_t wide)
{
    return narrow == saturated || narrow == wide;
}

static bool read_end64(const uint8_t *bytes, uint64_t size, uint64_t end, directory *d, eg_error *err)
{
    eg_cursor in = eg_cursor_over(bytes, size);
    eg_cursor_seek(&in, end - LOCATOR_SIZE + 4);
    uint32_t disk = eg_cursor_u32(&in);
    uint64_t at = eg_cursor_u64(&in);
    uint32_t disks = eg_cursor_u32(&in);
    if (end < LOCATOR_SIZE + END64_SIZE || at > end - LOCATOR_SIZE - END64_SIZE)
        return outside(err, END64_SIZE, at);
    eg_cursor_seek(&in, at);
    uint32_t signature = eg_cursor_u32(&in);
    uint64_t length = eg_cursor_u64(&in);
    eg_cursor_u32(&in); /* versions */
    uint32_t this_disk = eg_cursor_u32(&in), start_disk = eg_cursor_u32(&in);
    uint64_t here = eg_cursor_u64(&in), total = eg_cursor_u64(&in), cd_size = eg_cursor_u64(&in);
    uint64_t cd_offset = eg_cursor_u64(&in);
    bool sound = signature == END64 && length == end - LOCATOR_SIZE - at - 12 && disk == 0 && disks <= 1 &&
                 this_disk == 0 && start_disk == 0 && here == total;
    bool same = agrees(d->count, 0xFFFF, total) && agrees(d->size, 0xFFFFFFFF, cd_size) &&
                agrees(d->offset, 0xFFFFFFFF, cd_offset);
    if (!sound || !same) return outside(err, cd_size, cd_offset);
    *d = (directory){total, cd_size, cd_offset, at};
    return true;
}

static bool read_end(const uint8_t *bytes, uint64_t size, directory *d, eg_error *err)
{
    uint64_t at;
    if (!find_end(bytes, size, &at))
        return eg_fail_id(
            err, EG_MALFORMED, "ZIP-001",
            "no end-of-central-directory record: the file is truncated or not a zip (size %llu)",
            (unsigned long long)size);
    eg_cursor in = eg_cursor_over(bytes, size);
    eg_cursor_seek(&in, at + 4);
    uint16_t disk = eg_cursor_u16(&in), start_disk = eg_cursor_u16(&in), here = eg_cursor_u16(&in);
    *d = (directory){.count = eg_cursor_u16(&in), .end = at};
    d->size = eg_cursor_u32(&in);
    d->offset = eg_cursor_u32(&in);
    if (disk || start_disk || here != d->count) return outside(err, d->size, d->offset);
    bool wide = at >= LOCATOR_SIZE && memcmp(bytes + at - LOCATOR_SIZE, "PK\6\7", 4) == 0;
    if (wide && !read_end64(bytes, size, at, d, err)) return false;
    if (d->count > MAX_ENTRIES)
        return eg_fail_id(err, EG_MALFORMED, "PKL-011", "limit exceeded: %s (%llu > %llu)", "archive entries",
                          (unsigned long long)d->count, (unsigned long long)MAX_ENTRIES);
    /* The directory ends where the end records start: nothing can hide between them. */
    if (d->size > MAX_DIRECTORY || d->size > d->end || d->offset != d->end - d->size)
        return outside(err, d->size, d->offset);
    return true;
}

/* ---- entries ---- */

const char *eg_zip_name_fault(const char *name, size_t length)
{
    if (length == 0) return "empty";
    if (length > MAX_NAME) return "longer than 4096 bytes";
    if (memchr(name, '\0', length)) return "holds a NUL byte";
    if (!eg_is_utf8(name, length)) return "not UTF-8";
    if (name[0] == '/') return "absolute";
    if (memchr(name, '\\', length)) return "holds a backslash";
    if (memchr(name, ':', length)) return "holds a colon";
    for (size_t i = 0; i < length;) {
        const char *slash = memchr(name + i, '/', length - i);
        size_t n = slash ? (size_t)(slash - name) - i : length - i;
        if (n <= 2 && memcmp(name + i, "..", n) == 0 && (n || slash))
            return n == 0 ? "empty component" : "relative component";
        i += n + 1;
    }
    return NULL;
}

/* Replaces saturated sizes and offset by those of the zip64 extra field (id 1), which holds only those. */
static bool read_zip64(const uint8_t *extra, uint16_t length, eg_zip_entry *entry)
{
    eg_cursor in = eg_cursor_over(extra, length);
    while (eg_cursor_left(&in) >= 4) {
        uint16_t id = eg_cursor_u16(&in), size = eg_cursor_u16(&in);
        const uint8_t *field = eg_cursor_take(&in, size);
        if (!field) return false;
        if (id != 1) continue;
        eg_cursor wide = eg_cursor_over(field, size);
        if (entry->full == 0xFFFFFFFF) entry->full = eg_cursor_u64(&wide);
        if (entry->stored == 0xFFFFFFFF) entry->stored = eg_cursor_u64(&wide);
        if (entry->header == 0xFFFFFFFF) entry->header = eg_cursor_u64(&wide);
        return !wide.failed;
    }
    return true;
}

static bool past_end(eg_error *err, const char *name, uint64_t bytes, uint64_t at, uint64_t end)
{
    return eg_fail_id(err, EG_MALFORMED, "ZIP-012", "entry '%s': %llu bytes at %llu run past %llu", name,
                      (unsigned long long)bytes, (unsigned long long)at, (unsigned long long)end);
}

/* The local header must name the same record; its sizes and CRC may be 0. */
static bool check_local(const eg_zip *zip, eg_arena *arena, const directory *d, eg_zip_entry *entry,
                        eg_error *err)
{
    if (d->offset < LOCAL_SIZE || entry->header > d->offset - LOCAL_SIZE)
        return past_end(err, entry->name, LOCAL_SIZE, entry->header, d->offset);
    eg_cursor in = eg_cursor_over(zip->bytes, d->offset);
    eg_cursor_seek(&in, entry->header);
    uint32_t signature = eg_cursor_u32(&in);
    eg_cursor_u16(&in);
    uint16_t flags = eg_cursor_u16(&in), method = eg_cursor_u16(&in);
    eg_cursor_seek(&in, entry->header + 26);
    uint16_t length = eg_cursor_u16(&in), extra = eg_cursor_u16(&in);
    const char *name = (const char *)eg_cursor_take(&in, length);
    eg_cursor_take(&in, extra);
    if (in.failed)
        return past_end(err, entry->name, (uint64_t)LOCAL_SIZE + length + extra, entry->header, d->offset);
    bool same = signature == LOCAL && length == strlen(entry->name) && memcmp(name, entry->name, length) == 0;
    if (!same || method != entry->method)
        return eg_fail_id(err, EG_MALFORMED, "ZIP-007", "entry '%s': local header names it '%s'", entry->name,
                          signature != LOCAL ? "(no local header)" : eg_printable(arena, name, length));
    if (flags & REFUSED_FLAGS)
        return eg_fail_id(err, EG_MALFORMED, "ZIP-008",
                          "entry '%s' uses unsupported flag 0x%x (encryption or patch data)", entry->name,
                          flags & REFUSED_FLAGS);
    entry->data = in.at;
    if (entry->stored > d->offset - entry->data)
        return past_end(err, entry->name, entry->stored, entry->data, d->offset);
    return true;
}

static bool check_method(const eg_zip_entry *entry, uint16_t flags, eg_error *err)
{
    if (flags & REFUSED_FLAGS)
        return eg_fail_id(err, EG_MALFORMED, "ZIP-008",
                          "entry '%s' uses unsupported flag 0x%x (encryption or patch data)", entry->name,
                          flags & REFUSED_FLAGS);
    if (entry->method != 0 && entry->method != 8)
        return eg_fail_id(err, EG_MALFORMED, "ZIP-009",
                          "entry '%s' uses compression method %u; only stored and deflate are supported",
                          entry->name, entry->method);
    if (entry->method == 0 && entry->stored != entry->full)
        return past_end(err, entry->name, entry->full, entry->header, entry->header + entry->stored);
    uint64_t most =
        entry->stored > (UINT64_MAX - 1024) / MAX_RATIO ? UINT64_MAX : entry->stored * MAX_RATIO + 1024;
    if (entry->method == 8 && entry->full > most)
        return eg_fail_id(err, EG_MALFORMED, "ZIP-010", "entry '%s' expands to more than %llu bytes",
                          entry->name, (unsigned long long)most);
    return true;
}

static bool read_entry(const eg_zip *zip, eg_arena *arena, const directory *d, eg_cursor *in,
                       eg_zip_entry *entry, eg_error *err)
{
    uint32_t signature = eg_cursor_u32(in);
    eg_cursor_u32(in); /* versions */
    uint16_t flags = eg_cursor_u16(in);
    entry->method = eg_cursor_u16(in);
    eg_cursor_u32(in); /* time, date */
    entry->crc = eg_cursor_u32(in);
    entry->stored = eg_cursor_u32(in);
    entry->full = eg_cursor_u32(in);
    uint16_t length = eg_cursor_u16(in), extra = eg_cursor_u16(in), comment = eg_cursor_u16(in);
    uint16_t disk = eg_cursor_u16(in);
    eg_cursor_take(in, 6); /* attributes */
    entry->header = eg_cursor_u32(in);
    const char *name = (const char *)eg_cursor_take(in, length);
    const uint8_t *fields = eg_cursor_take(in, extra);
    eg_cursor_take(in, comment);
    if (in->failed || signature != CENTRAL || disk != 0 || !read_zip64(fields, extra, entry))
        return outside(err, d->size, d->offset);
    const char *fault = eg_zip_name_fault(name, length);
    entry->name = eg_printable(arena, name, length);
    if (fault)
        return eg_fail_id(err, EG_MALFORMED, "ZIP-004", "entry name '%s' is not allowed (%s)", entry->name,
                          fault);
    entry->name = eg_arena_substring(arena, name, length);
    return check_method(entry, flags, err) && check_local(zip, arena, d, entry, err);
}

static int by_header(const void *a, const void *b)
{
    const eg_zip_entry *x = a, *y = b;
    if (x->header != y->header) return x->header < y->header ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool check_overlaps(const eg_zip_entry *entries, size_t count, eg_error *err)
{
    eg_zip_entry *sorted = eg_malloc(eg_size_product(count, sizeof *sorted));
    bool ok = true;
    for (size_t i = 0; i < count; i++) sorted[i] = entries[i];
    if (count) qsort(sorted, count, sizeof *sorted, by_header);
    for (size_t i = 1; ok && i < count; i++) {
        const eg_zip_entry *a = &sorted[i - 1], *b = &sorted[i];
        if (a->data + a->stored > b->header)
            ok = eg_fail_id(err, EG_MALFORMED, "ZIP-006", "entries '%s' and '%s' overlap", a->name, b->name);
    }
    free(sorted);
    return ok;
}

/* Folders carry no data; they take part in the checks of overlap and names, and are left out then. */
static size_t without_folders(eg_zip_entry *entries, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (!eg_ends_with(entries[i].name, "/") || entries[i].stored) entries[kept++] = entries[i];
    return kept;
}

bool eg_zip_open(eg_zip *zip, eg_arena *arena, const uint8_t *bytes, uint64_t size, eg_error *err)
{
    directory d = {0};
    *zip = (eg_zip){.bytes = bytes, .size = size};
    if (!read_end(bytes, size, &d, err)) return false;
    if (d.count > d.size / CENTRAL_SIZE) return outside(err, d.size, d.offset);
    eg_zip_entry *entries = EG_NEW_ARRAY(arena, eg_zip_entry, d.count);
    eg_cursor in = eg_cursor_over(bytes + d.offset, d.size);
    zip->index = eg_map_new(arena);
    for (size_t i = 0; i < d.count; i++) {
        if (!read_entry(zip, arena, &d, &in, &entries[i], err)) return false;
        if (!eg_map_add(zip->index, entries[i].name, (int64_t)i))
            return eg_fail_id(err, EG_MALFORMED, "ZIP-005", "two entries are named '%s'", entries[i].name);
    }
    if (in.at != d.size) return outside(err, d.size, d.offset);
    if (!check_overlaps(entries, d.count, err)) return false;
    zip->entries = entries;
    zip->count = without_folders(entries, d.count);
    for (size_t i = 0; i < zip->count; i++) eg_map_set(zip->index, entries[i].name, (int64_t)i);
    return true;
}

const eg_zip_entry *eg_zip_find(const eg_zip *zip, const char *name)
{
    int64_t at = eg_map_find(zip->index, name);
    if (at < 0 || (size_t)at >= zip->count || strcmp(zip->entries[at].name, name) != 0) return NULL;
    return &zip->entries[at];
}

/* ---- records ---- */

bool eg_zip_check(const eg_zip_entry *entry, uint32_t crc, eg_error *err)
{
    if (entry->crc == 0 || crc == entry->crc) return true; /* torch can be told not to compute it */
    return eg_fail_id(err, EG_MALFORMED, "ZIP-011", "entry '%s': CRC-32 is %08x, expected %08x", entry->name,
                      crc, entry->crc);
}

static bool check_bytes(const eg_zip_entry *entry, const uint8_t *bytes, eg_error *err)
{
    return entry->crc == 0 || eg_zip_check(entry, eg_crc32(0, bytes, entry->full), err);
}

bool eg_zip_verify(const eg_zip *zip, const eg_zip_entry *entry, eg_error *err)
{
    return check_bytes(entry, zip->bytes + entry->data, err);
}

static bool expands(const eg_zip_entry *entry, uint64_t most, eg_error *err)
{
    return eg_fail_id(err, EG_MALFORMED, "ZIP-010", "entry '%s' expands to more than %llu bytes", entry->name,
                      (unsigned long long)most);
}

/* Feeds zlib in pieces that fit its 32-bit counters. Returns what the last call said. */
static int inflate_all(z_stream *z, const uint8_t *in, uint64_t in_size, uint8_t *out, uint64_t out_size)
{
    uint64_t in_done = 0, out_done = 0;
    const uint64_t piece = 1u << 30;
    int result = Z_OK;
    while (result == Z_OK) {
        uint64_t give = in_size - in_done < piece ? in_size - in_done : piece;
        uint64_t room = out_size - out_done < piece ? out_size - out_done : piece;
        z->next_in = in + in_done;
        z->avail_in = (uInt)give;
        z->next_out = out + out_done;
        z->avail_out = (uInt)room;
        result = inflate(z, Z_NO_FLUSH);
        uint64_t consumed = give - z->avail_in, produced = room - z->avail_out;
        in_done += consumed;
        out_done += produced;
        if (result == Z_OK && !consumed && !produced) result = Z_BUF_ERROR;
    }
    if (result == Z_STREAM_END && (in_done != in_size || out_done != out_size)) return Z_DATA_ERROR;
    return result == Z_BUF_ERROR && out_done < out_size ? Z_DATA_ERROR : result;
}

bool eg_zip_inflate(eg_zip *zip, const eg_zip_entry *entry, uint8_t *out, bool verify, eg_error *err)
{
    uint64_t budget = (zip->size > UINT64_MAX / 8 ? UINT64_MAX / 2 : zip->size * 4) + ((uint64_t)1 << 30);
    z_stream z = {0};
    uint8_t none;
    if (entry->full > budget - zip->inflated) return expands(entry, budget - zip->inflated, err);
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK) return eg_fail(err, EG_SYSTEM, "no memory to inflate");
    int result =
        inflate_all(&z, zip->bytes + entry->data, entry->stored, entry->full ? out : &none, entry->full);
    inflateEnd(&z);
    zip->inflated += entry->full;
    if (result == Z_BUF_ERROR) return expands(entry, entry->full, err);
    if (result != Z_STREAM_END)
        return past_end(err, entry->name, entry->full, entry->data, entry->data + entry->stored);
    return !verify || check_bytes(entry, out, err);
}

bool eg_zip_peek(const eg_zip *zip, const eg_zip_entry *entry, uint8_t *out, size_t size, eg_error *err)
{
    const uint8_t *bytes = zip->bytes + entry->data;
    z_stream z = {.next_in = bytes, .next_out = out, .avail_out = (uInt)size};
    if (entry->method == 0 || size == 0) {
        if (size) memcpy(out, bytes, size);
        return true;
    }
    z.avail_in = entry->stored < 1u << 30 ? (uInt)entry->stored : 1u << 30;
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK) return eg_fail(err, EG_SYSTEM, "no memory to inflate");
    inflate(&z, Z_SYNC_FLUSH);
    inflateEnd(&z);
    return z.avail_out == 0 || past_end(err, entry->name, size, entry->data, entry->data + entry->stored);
}

const uint8_t *eg_zip_read(eg_zip *zip, eg_arena *arena, const eg_zip_entry *entry, uint64_t limit,
                           bool verify, eg_error *err)
{
    if (entry->full > limit) {
        expands(entry, limit, err);
        return NULL;
    }
    if (entry->method == 0) {
        if (verify && !eg_zip_verify(zip, entry, err)) return NULL;
        return zip->bytes + entry->data;
    }
    uint8_t *out = eg_arena_alloc(arena, entry->full + 1);
    return eg_zip_inflate(zip, entry, out, verify, err) ? out : NULL;
}
