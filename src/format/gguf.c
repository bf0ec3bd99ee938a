#include "format/gguf.h"

#include <inttypes.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/str.h"
#include "format/cursor.h"
#include "format/gguf_type.h"
#include "format/state_dict.h"

enum {
    MAX_STRING = 64 << 20,
    MAX_NAME = 4096,
    MAX_TENSORS = 1000000,
    MAX_RANK = 4,
    MAX_ALIGNMENT = 1 << 16,
    DEFAULT_ALIGNMENT = 32,
    SMALLEST_VALUE = 13,  /* bytes of an empty key, a type, one byte */
    SMALLEST_TENSOR = 24, /* bytes of an empty name, no size, a type, an offset */
    SHOWN = 80,           /* characters of a string */
};

typedef enum value_type { TYPE_U32 = 4, TYPE_STRING = 8, TYPE_ARRAY = 9, TYPE_COUNT = 13 } value_type;

static const struct {
    const char *name; /* as in a checkpoint's values */
    uint8_t size;     /* 0: string or array */
    char form;        /* unsigned, signed, float, bool */
} value_types[TYPE_COUNT] = {
    {"int", 1, 'u'}, {"int", 1, 's'},   {"int", 2, 'u'},   {"int", 2, 's'}, {"int", 4, 'u'},
    {"int", 4, 's'}, {"float", 4, 'f'}, {"bool", 1, 'b'},  {"str", 0, 0},   {"list", 0, 0},
    {"int", 8, 'u'}, {"int", 8, 's'},   {"float", 8, 'f'},
};

typedef struct reader {
    eg_checkpoint_file *file;
    eg_arena *arena;
    eg_cursor in;
    uint64_t alignment;
    uint64_t parts; /* split.count: files that the model is cut into */
    eg_error *err;
} reader;

/* A string or a name as the file has it; not terminated. */
typedef struct text {
    const char *bytes;
    uint64_t length;
} text;

/* False when the cursor has run out of bytes. */
static bool check_end(reader *r, const char *what)
{
    if (!r->in.failed) return true;
    return eg_fail_id(r->err, EG_MALFORMED, "GGF-002",
                      "the file is cut off in %s: it needs %" PRIu64 " bytes and %" PRIu64 " remain", what,
                      r->in.wanted, eg_cursor_left(&r->in));
}

static bool check_limit(reader *r, const char *what, uint64_t value, uint64_t most)
{
    if (value <= most) return true;
    return eg_fail_id(r->err, EG_MALFORMED, "GGF-003", "%s: %" PRIu64 " is more than %" PRIu64, what, value,
                      most);
}

static bool read_text(reader *r, const char *what, uint64_t most, text *out)
{
    out->length = eg_cursor_u64(&r->in);
    if (!check_end(r, what) || !check_limit(r, what, out->length, most)) return false;
    out->bytes = (const char *)eg_cursor_take(&r->in, out->length);
    return check_end(r, what);
}

/* A key or a tensor's name, in the arena. */
static const char *read_name(reader *r, const char *what)
{
    text name;
    if (!read_text(r, what, MAX_NAME, &name)) return NULL;
    if (name.length && !memchr(name.bytes, 0, name.length) && eg_is_utf8(name.bytes, name.length))
        return eg_arena_substring(r->arena, name.bytes, name.length);
    eg_fail_id(r->err, EG_MALFORMED, "GGF-005", "%s '%s' is not a name: expected UTF-8 text without zeros",
               what, eg_printable(r->arena, name.bytes, name.length < SHOWN ? name.length : SHOWN));
    return NULL;
}

/* ---- values ---- */

static uint64_t read_number(reader *r, unsigned size)
{
    uint64_t value = 0;
    const uint8_t *bytes = eg_cursor_take(&r->in, size);
    for (unsigned i = 0; bytes && i < size; i++) value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

static const char *show_number(reader *r, uint64_t bits, uint32_t type)
{
    unsigned unused = 64 - 8u * value_types[type].size;
    double wide;
    float narrow;
    uint32_t low = (uint32_t)bits;
    switch (value_types[type].form) {
    case 'b': return bits ? "true" : "false";
    case 's': return eg_arena_printf(r->arena, "%" PRId64, (int64_t)(bits << unused) >> unused);
    case 'f':
        memcpy(&wide, &bits, sizeof wide);
        memcpy(&narrow, &low, sizeof narrow);
        return unused ? eg_arena_printf(r->arena, "%.9g", (double)narrow)
                      : eg_arena_printf(r->arena, "%.17g", wide);
    default: return eg_arena_printf(r->arena, "%" PRIu64, bits);
    }
}

static const char *read_string(reader *r, const char *key)
{
    text string;
    if (!read_text(r, key, MAX_STRING, &string)) return NULL;
    bool cut = string.length > SHOWN;
    const char *shown = eg_printable(r->arena, string.bytes, cut ? SHOWN : string.length);
    return eg_arena_printf(r->arena, "%s%s", shown, cut ? "…" : "");
}

/* Skips the items; the text says how many there are. */
static const char *read_array(reader *r, const char *key)
{
    uint32_t type = eg_cursor_u32(&r->in);
    uint64_t count = eg_cursor_u64(&r->in);
    if (!check_end(r, key)) return NULL;
    if (type >= TYPE_COUNT || type == TYPE_ARRAY) {
        eg_fail_id(r->err, EG_MALFORMED, "GGF-004",
                   "value '%s': an array of type %" PRIu32 "; expected numbers, bools or strings", key, type);
        return NULL;
    }
    unsigned size = value_types[type].size ? value_types[type].size : 8;
    if (!check_limit(r, key, count, MAX_STRING / size)) return NULL;
    if (value_types[type].size) eg_cursor_take(&r->in, count * size);
    for (uint64_t i = 0; type == TYPE_STRING && i < count; i++) {
        text item;
        if (!read_text(r, key, MAX_STRING, &item)) return NULL;
    }
    if (!check_end(r, key)) return NULL;
    return eg_arena_printf(r->arena, "%" PRIu64 " × %s", count, value_types[type].name);
}

static bool set_alignment(reader *r, uint32_t type, uint64_t value)
{
    if (type == TYPE_U32 && value && value <= MAX_ALIGNMENT && (value & (value - 1)) == 0) {
        r->alignment = value;
        return true;
    }
    return eg_fail_id(r->err, EG_MALFORMED, "GGF-004",
                      "general.alignment is %" PRIu64 " of type %" PRIu32
                      "; expected a power of two up to %d of type 4",
                      value, type, MAX_ALIGNMENT);
}

static const char *read_value(reader *r, const char *key, uint32_t type)
{
    if (type == TYPE_STRING) return read_string(r, key);
    if (type == TYPE_ARRAY) return read_array(r, key);
    uint64_t bits = read_number(r, value_types[type].size);
    if (!check_end(r, key)) return NULL;
    if (strcmp(key, "split.count") == 0) r->parts = bits;
    if (strcmp(key, "general.alignment") == 0 && !set_alignment(r, type, bits)) return NULL;
    return show_number(r, bits, type);
}

static bool read_values(reader *r, uint64_t count)
{
    eg_checkpoint_value *values = EG_NEW_ARRAY(r->arena, eg_checkpoint_value, count);
    eg_map *known = eg_map_new(r->arena);
    for (uint64_t i = 0; i < count; i++) {
        const char *key = read_name(r, "the key of a value");
        if (!key) return false;
        if (!eg_map_add(known, key, 1))
            return eg_fail_id(r->err, EG_MALFORMED, "GGF-004", "the value '%s' is there twice", key);
        uint32_t type = eg_cursor_u32(&r->in);
        if (!check_end(r, key)) return false;
        if (type >= TYPE_COUNT)
            return eg_fail_id(r->err, EG_MALFORMED, "GGF-004",
                              "value '%s': there is no type %" PRIu32 "; expected 0 to %d", key, type,
                              TYPE_COUNT - 1);
        const char *shown = read_value(r, key, type);
        if (!shown) return false;
        values[i] = (eg_checkpoint_value){key, value_types[type].name, shown};
    }
    r->file->checkpoint.values = values;
    r->file->checkpoint.value_count = count;
    return true;
}

/* ---- tensors ---- */

typedef struct info {
    const char *name;
    eg_shape shape;
    const eg_gguf_type *type;
    uint64_t numel, size; /* in the file, bytes */
    uint64_t offset;      /* from the start of the data */
} info;

/* Quantized blocks, unpacked when their storage is first used. */
typedef struct packed {
    const eg_gguf_type *type;
    const uint8_t *bytes;
    uint64_t numel;
    float *block;
} packed;

static void free_packed(void *object)
{
    packed *p = object;
    eg_block_free(p->block, p->numel * sizeof *p->block);
}

static bool unpack(eg_storage *storage, eg_error *err)
{
    packed *p = storage->context;
    p->block = eg_block_new(p->numel * sizeof *p->block, storage->key, err);
    if (!p->block) return false;
    for (uint64_t i = 0; i < p->numel / p->type->elements; i++)
        p->type->unpack(p->bytes + i * p->type->bytes, p->block + i * p->type->elements);
    storage->bytes = (const uint8_t *)p->block;
    storage->load = NULL;
    return true;
}

static bool read_shape(reader *r, info *t)
{
    int64_t dims[MAX_RANK];
    uint32_t rank = eg_cursor_u32(&r->in);
    if (!check_end(r, t->name)) return false;
    if (rank > MAX_RANK)
        return eg_fail_id(r->err, EG_MALFORMED, "GGF-005",
                          "tensor '%s' has %" PRIu32 " dimensions; expected at most %d", t->name, rank,
                          MAX_RANK);
    for (uint32_t i = rank; i-- > 0;) {
        uint64_t size = eg_cursor_u64(&r->in);
        if (size > INT64_MAX)
            return eg_fail_id(r->err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits",
                              t->name);
        dims[i] = (int64_t)size;
    }
    t->shape = eg_shape_copy(r->arena, dims, rank);
    return check_end(r, t->name);
}

/* Whole blocks along the innermost dimension; sizes that fit 64 bits, unpacked, too. */
static bool measure(reader *r, info *t)
{
    const eg_gguf_type *type = t->type;
    int64_t row = t->shape.rank ? t->shape.dims[t->shape.rank - 1] : 1;
    uint64_t unpacked;
    if (row % type->elements)
        return eg_fail_id(r->err, EG_MALFORMED, "GGF-005",
                          "tensor '%s': rows of %" PRId64 " elements are no whole blocks of %" PRIu32 " (%s)",
                          t->name, row, type->elements, type->name);
    if (!eg_shape_numel(t->shape, &t->numel) ||
        __builtin_mul_overflow(t->numel / type->elements, type->bytes, &t->size) ||
        __builtin_mul_overflow(t->numel, sizeof(double), &unpacked))
        return eg_fail_id(r->err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits", t->name);
    return true;
}

static bool read_info(reader *r, info *t)
{
    t->name = read_name(r, "the name of a tensor");
    if (!t->name || !read_shape(r, t)) return false;
    uint32_t type = eg_cursor_u32(&r->in);
    t->offset = eg_cursor_u64(&r->in);
    if (!check_end(r, t->name)) return false;
    t->type = eg_gguf_type_find(type);
    if (!t->type)
        return eg_fail_id(r->err, EG_MALFORMED, "GGF-005", "tensor '%s': there is no element type %" PRIu32,
                          t->name, type);
    if (t->type->dtype == EG_DTYPE_COUNT)
        return eg_fail_id(r->err, EG_MALFORMED, "TEN-009", "tensor '%s': %s tensors are not supported (%s)",
                          t->name, t->type->name,
                          "of the quantized types, Q8_0, Q4_0, Q4_1, Q5_0 and Q5_1 are");
    return measure(r, t);
}

/* False when that overflows. */
static bool align(uint64_t *at, uint64_t alignment)
{
    if (__builtin_add_overflow(*at, alignment - 1, at)) return false;
    *at &= ~(alignment - 1);
    return true;
}

/* base: where the data starts in the file. */
static bool check_place(reader *r, const info *t, uint64_t base, uint64_t *expected)
{
    uint64_t end;
    if (t->offset != *expected)
        return eg_fail_id(r->err, EG_MALFORMED, "GGF-006",
                          "tensor '%s' is at offset %" PRIu64 "; expected %" PRIu64
                          ", behind the one before it",
                          t->name, t->offset, *expected);
    if (__builtin_add_overflow(base, t->offset, &end) || __builtin_add_overflow(end, t->size, &end) ||
        (t->size && end > r->in.size))
        return eg_fail_id(r->err, EG_MALFORMED, "GGF-002",
                          "the file is cut off: tensor '%s' needs %" PRIu64 " bytes at %" PRIu64
                          " and the file ends at %" PRIu64,
                          t->name, t->size, base + t->offset, r->in.size);
    *expected += t->size;
    if (align(expected, r->alignment)) return true;
    return eg_fail_id(r->err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits", t->name);
}

static eg_entry attach(reader *r, const info *t, uint64_t base)
{
    eg_storage *storage = EG_NEW(r->arena, eg_storage);
    const uint8_t *bytes = r->in.bytes + (t->size ? base + t->offset : 0);
    *storage = (eg_storage){.key = t->name, .size = t->numel * eg_dtype_size(t->type->dtype), .fd = -1};
    if (t->type->unpack) {
        packed *p = EG_NEW(r->arena, packed);
        *p = (packed){t->type, bytes, t->numel, NULL};
        eg_arena_defer(r->arena, free_packed, p);
        storage->load = unpack;
        storage->context = p;
    } else {
        storage->bytes = bytes;
        storage->fd = r->file->mapping.fd;
        storage->file_offset = base + t->offset;
    }
    return (eg_entry){.name = t->name, .dtype = t->type->dtype, .shape = t->shape, .storage = storage};
}

static bool read_tensors(reader *r, uint64_t count)
{
    info *infos = EG_NEW_ARRAY(r->arena, info, count);
    eg_entry *entries = EG_NEW_ARRAY(r->arena, eg_entry, count);
    eg_map *known = eg_map_new(r->arena);
    for (uint64_t i = 0; i < count; i++) {
        if (!read_info(r, &infos[i])) return false;
        if (!eg_map_add(known, infos[i].name, 1))
            return eg_fail_id(r->err, EG_MALFORMED, "GGF-005", "the tensor '%s' is there twice",
                              infos[i].name);
    }
    uint64_t base = r->in.at, expected = 0;
    if (!align(&base, r->alignment)) return check_limit(r, "the header", UINT64_MAX, r->in.size);
    for (uint64_t i = 0; i < count; i++) {
        if (!check_place(r, &infos[i], base, &expected)) return false;
        entries[i] = attach(r, &infos[i], base);
    }
    eg_store *store = &r->file->checkpoint.store;
    *store = (eg_store){.entries = entries, .count = count};
    eg_store_index(store, r->arena);
    return true;
}

static bool check_version(reader *r, uint32_t version)
{
    if (version == 2 || version == 3) return true;
    if (version == 2u << 24 || version == 3u << 24)
        return eg_fail_id(r->err, EG_MALFORMED, "GGF-001",
                          "this is a big-endian GGUF file; engraft reads little-endian ones");
    return eg_fail_id(r->err, EG_MALFORMED, "GGF-001", "GGUF version %" PRIu32 "; expected 2 or 3", version);
}

bool eg_gguf_read(eg_checkpoint_file *file, eg_error *err)
{
    reader r = {.file = file, .arena = &file->arena, .alignment = DEFAULT_ALIGNMENT, .err = err};
    file->checkpoint.format = "gguf";
    r.in = eg_cursor_over(file->mapping.bytes, file->mapping.size);
    eg_cursor_u32(&r.in); /* the magic bytes */
    uint32_t version = eg_cursor_u32(&r.in);
    uint64_t tensors = eg_cursor_u64(&r.in), values = eg_cursor_u64(&r.in);
    if (!check_end(&r, "the header") || !check_version(&r, version)) return false;
    uint64_t left = eg_cursor_left(&r.in);
    if (!check_limit(&r, "the number of values", values, left / SMALLEST_VALUE) ||
        !check_limit(&r, "the number of tensors", tensors, MAX_TENSORS) ||
        !check_limit(&r, "the number of tensors", tensors, left / SMALLEST_TENSOR))
        return false;
    if (!read_values(&r, values) || !read_tensors(&r, tensors)) return false;
    if (r.parts > 1)
        eg_checkpoint_warn(
            &file->arena, &file->checkpoint,
            "this is one of %" PRIu64 " files of a model; the tensors of the others are missing", r.parts);
    if (tensors) return true;
    return eg_fail_id(err, EG_MALFORMED, "SEL-002", "no tensors found (top-level keys: %s)",
                      values ? "values alone" : "none");
}
