#include "format/onnx.h"

#include <inttypes.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/str.h"
#include "format/protobuf.h"
#include "format/shard_index.h"

enum { MAX_RANK = 64, MAX_NAME = 4096, MAX_TENSORS = 1000000, MAX_VALUES = 4, SHOWN = 80 };

enum { MODEL_VERSION = 1, MODEL_PRODUCER = 2, MODEL_PRODUCER_VERSION = 3, MODEL_GRAPH = 7 };
enum { GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_SPARSE = 15 };
enum {
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_SEGMENT = 3,
    TENSOR_FLOATS = 4,
    TENSOR_INT32S = 5,
    TENSOR_INT64S = 7,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_DOUBLES = 10,
    TENSOR_UINT64S = 11,
    TENSOR_EXTERNAL = 13,
    TENSOR_LOCATION = 14,
};

/* By TensorProto.DataType. field: where the elements are when they are not raw; parts: items of an element.
 */
static const struct {
    const char *name;
    eg_dtype dtype; /* EG_DTYPE_COUNT: not read */
    uint32_t field, parts;
} types[] = {
    {"undefined", EG_DTYPE_COUNT, 0, 0},
    {"float", EG_F32, TENSOR_FLOATS, 1},
    {"uint8", EG_U8, TENSOR_INT32S, 1},
    {"int8", EG_I8, TENSOR_INT32S, 1},
    {"uint16", EG_U16, TENSOR_INT32S, 1},
    {"int16", EG_I16, TENSOR_INT32S, 1},
    {"int32", EG_I32, TENSOR_INT32S, 1},
    {"int64", EG_I64, TENSOR_INT64S, 1},
    {"string", EG_DTYPE_COUNT, 0, 0},
    {"bool", EG_BOOL, TENSOR_INT32S, 1},
    {"float16", EG_F16, TENSOR_INT32S, 1},
    {"double", EG_F64, TENSOR_DOUBLES, 1},
    {"uint32", EG_U32, TENSOR_UINT64S, 1},
    {"uint64", EG_U64, TENSOR_UINT64S, 1},
    {"complex64", EG_C64, TENSOR_FLOATS, 2},
    {"complex128", EG_C128, TENSOR_DOUBLES, 2},
    {"bfloat16", EG_BF16, TENSOR_INT32S, 1},
    {"float8e4m3fn", EG_F8_E4M3, TENSOR_INT32S, 1},
    {"float8e4m3fnuz", EG_F8_E4M3FNUZ, TENSOR_INT32S, 1},
    {"float8e5m2", EG_F8_E5M2, TENSOR_INT32S, 1},
    {"float8e5m2fnuz", EG_F8_E5M2FNUZ, TENSOR_INT32S, 1},
    {"uint4", EG_DTYPE_COUNT, 0, 0},
    {"int4", EG_DTYPE_COUNT, 0, 0},
    {"float4e2m1", EG_DTYPE_COUNT, 0, 0},
    {"float8e8m0", EG_F8_E8M0, TENSOR_INT32S, 1},
};

enum { TYPE_COUNT = sizeof types / sizeof *types };

/* An open file beside the model. */
typedef struct external {
    const char *name;
    eg_mapping mapping;
    struct external *next;
} external;

typedef struct reader {
    eg_checkpoint_file *file;
    eg_arena *arena;
    eg_error *err;
    eg_checkpoint_value *values;
    eg_map *names; /* of tensors */
    external *externals;
} reader;

/* A TensorProto. */
typedef struct tensor {
    eg_cursor message; /* the whole of it */
    const char *name;
    int64_t dims[MAX_RANK];
    uint32_t rank, type;
    eg_pb_field raw; /* bytes NULL: absent */
    bool typed, external, segmented;
    const char *location;
    uint64_t offset, length;
    bool has_length;
    /* made of them */
    eg_dtype dtype;
    eg_shape shape;
    uint64_t numel, size;
} tensor;

bool eg_onnx_is(const uint8_t *bytes, uint64_t size)
{
    eg_cursor in = eg_cursor_over(bytes, size);
    eg_pb_field field = {0};
    if (!eg_pb_next(&in, &field) || field.number != MODEL_VERSION || field.wire != EG_PB_VARINT ||
        field.value == 0 || field.value > 1000)
        return false;
    while (eg_pb_next(&in, &field))
        if (field.number > 100 || (field.number == MODEL_GRAPH && field.wire == EG_PB_BYTES)) break;
    return field.number == MODEL_GRAPH && field.wire == EG_PB_BYTES; /* its bytes may be cut off */
}

static bool check_message(reader *r, const eg_cursor *in, const char *what)
{
    if (!in->failed) return true;
    return eg_fail_id(r->err, EG_MALFORMED, "ONX-001",
                      "%s is cut off or damaged after %" PRIu64 " of its %" PRIu64 " bytes", what, in->at,
                      in->size);
}

static const char *text_of(reader *r, const eg_pb_field *field)
{
    bool cut = field->size > SHOWN;
    const char *shown = eg_printable(r->arena, (const char *)field->bytes, cut ? SHOWN : field->size);
    return eg_arena_printf(r->arena, "%s%s", shown, cut ? "…" : "");
}

static void add_value(reader *r, const char *name, const eg_pb_field *field)
{
    eg_checkpoint *out = &r->file->checkpoint;
    if (out->value_count == MAX_VALUES || (field->wire == EG_PB_BYTES && !field->size)) return;
    r->values[out->value_count++] =
        field->wire == EG_PB_BYTES
            ? (eg_checkpoint_value){name, "str", text_of(r, field)}
            : (eg_checkpoint_value){name, "int", eg_arena_printf(r->arena, "%" PRIu64, field->value)};
}

/* ---- a tensor's description ---- */

static bool add_dim(reader *r, tensor *t, uint64_t value)
{
    if (t->rank == MAX_RANK)
        return eg_fail_id(r->err, EG_MALFORMED, "ONX-002", "tensor '%s' has more than %d dimensions", t->name,
                          MAX_RANK);
    t->dims[t->rank++] = (int64_t)value;
    return true;
}

static bool add_dims(reader *r, tensor *t, const eg_pb_field *field)
{
    if (field->wire == EG_PB_VARINT) return add_dim(r, t, field->value);
    eg_cursor in = eg_cursor_over(field->bytes, field->size);
    while (field->wire == EG_PB_BYTES && !in.failed && eg_cursor_left(&in)) {
        uint64_t value = eg_pb_varint(&in);
        if (!in.failed && !add_dim(r, t, value)) return false;
    }
    return check_message(r, &in, "the shape of a tensor");
}

/* A decimal number without sign; false for anything else. */
static bool parse_number(const char *text, uint64_t *out)
{
    *out = 0;
    for (const char *c = text; *c; c++)
        if (*c < '0' || *c > '9' || __builtin_mul_overflow(*out, 10u, out) ||
            __builtin_add_overflow(*out, (uint64_t)(*c - '0'), out))
            return false;
    return *text != '\0';
}

static bool add_external(reader *r, tensor *t, const eg_pb_field *entry)
{
    const char *texts[2] = {"", ""}; /* key, value */
    eg_cursor in = eg_cursor_over(entry->bytes, entry->size);
    eg_pb_field field;
    bool ok = true;
    while (eg_pb_next(&in, &field)) {
        if (field.number < 1 || field.number > 2 || field.wire != EG_PB_BYTES || field.size > MAX_NAME ||
            (field.size && memchr(field.bytes, 0, field.size)))
            continue;
        texts[field.number - 1] = eg_arena_substring(r->arena, (const char *)field.bytes, field.size);
    }
    if (!check_message(r, &in, "the place of a tensor's data")) return false;
    if (strcmp(texts[0], "location") == 0) t->location = texts[1];
    if (strcmp(texts[0], "offset") == 0) ok = parse_number(texts[1], &t->offset);
    if (strcmp(texts[0], "length") == 0) ok = t->has_length = parse_number(texts[1], &t->length);
    return ok || eg_fail_id(r->err, EG_MALFORMED, "ONX-004", "tensor '%s': %s is '%s', expected a number",
                            t->name, texts[0], eg_printable(r->arena, texts[1], strnlen(texts[1], SHOWN)));
}

static bool set_name(reader *r, tensor *t, const eg_pb_field *field)
{
    const char *bytes = (const char *)field->bytes;
    if (field->size && field->size <= MAX_NAME && !memchr(bytes, 0, field->size) &&
        eg_is_utf8(bytes, field->size)) {
        t->name = eg_arena_substring(r->arena, bytes, field->size);
        return true;
    }
    return eg_fail_id(r->err, EG_MALFORMED, "ONX-002",
                      "'%s' is no name of a tensor: expected UTF-8 text of at most %d bytes",
                      text_of(r, field), MAX_NAME);
}

static bool add_field(reader *r, tensor *t, const eg_pb_field *field)
{
    bool bytes = field->wire == EG_PB_BYTES;
    switch (field->number) {
    case TENSOR_DIMS: return add_dims(r, t, field);
    case TENSOR_TYPE: t->type = field->value < TYPE_COUNT ? (uint32_t)field->value : TYPE_COUNT; break;
    case TENSOR_SEGMENT: t->segmented = true; break;
    case TENSOR_NAME: return !bytes || set_name(r, t, field);
    case TENSOR_RAW:
        if (bytes) t->raw = *field;
        break;
    case TENSOR_EXTERNAL: return !bytes || add_external(r, t, field);
    case TENSOR_LOCATION: t->external = field->value == 1; break;
    case TENSOR_FLOATS:
    case TENSOR_INT32S:
    case TENSOR_INT64S:
    case TENSOR_DOUBLES:
    case TENSOR_UINT64S: t->typed |= !bytes || field->size > 0; break;
    default: break;
    }
    return true;
}

static bool parse_tensor(reader *r, tensor *t, const eg_pb_field *message)
{
    *t = (tensor){.name = "", .message = eg_cursor_over(message->bytes, message->size)};
    eg_cursor in = t->message;
    eg_pb_field field;
    while (eg_pb_next(&in, &field))
        if (!add_field(r, t, &field)) return false;
    if (!check_message(r, &in, "an initialiser")) return false;
    if (!t->name[0])
        return eg_fail_id(r->err, EG_MALFORMED, "ONX-002", "there is an initialiser without a name");
    if (!eg_map_add(r->names, t->name, 1))
        return eg_fail_id(r->err, EG_MALFORMED, "ONX-002", "the tensor '%s' is there twice", t->name);
    return true;
}

static bool measure(reader *r, tensor *t)
{
    const char *kind = t->type < TYPE_COUNT ? types[t->type].name : "unknown";
    if (t->type >= TYPE_COUNT || types[t->type].dtype == EG_DTYPE_COUNT)
        return eg_fail_id(r->err, EG_MALFORMED, "TEN-009", "tensor '%s': %s tensors are not supported (%s)",
                          t->name, kind, "an ONNX type without a counterpart here");
    if (t->segmented)
        return eg_fail_id(r->err, EG_MALFORMED, "TEN-009", "tensor '%s': %s tensors are not supported (%s)",
                          t->name, "segmented", "only a part of the elements is in the file");
    for (uint32_t i = 0; i < t->rank; i++)
        if (t->dims[i] < 0)
            return eg_fail_id(r->err, EG_MALFORMED, "TEN-002", "tensor '%s': negative %s %lld", t->name,
                              "size", (long long)t->dims[i]);
    t->dtype = types[t->type].dtype;
    t->shape = eg_shape_copy(r->arena, t->dims, t->rank);
    if (eg_shape_numel(t->shape, &t->numel) &&
        !__builtin_mul_overflow(t->numel, eg_dtype_size(t->dtype), &t->size))
        return true;
    return eg_fail_id(r->err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits", t->name);
}

/* ---- typed elements ---- */

/* Elements in a field of their type, decoded when the storage is first used. */
typedef struct typed {
    eg_cursor message;
    uint32_t field, width; /* bytes of an item */
    uint64_t items;        /* items of all elements */
    uint8_t *block;
} typed;

static void put_item(const typed *x, uint8_t *out, uint64_t at, uint64_t value)
{
    if (!out || at >= x->items) return;
    for (uint32_t i = 0; i < x->width; i++) out[at * x->width + i] = (uint8_t)(value >> 8 * i);
}

static uint64_t next_item(eg_cursor *in, const typed *x)
{
    if (x->field == TENSOR_FLOATS) return eg_cursor_u32(in);
    if (x->field == TENSOR_DOUBLES) return eg_cursor_u64(in);
    return eg_pb_varint(in);
}

/* Walks all items, in chunks (packed) or one by one, and writes them when out is not NULL. */
static bool walk_items(const typed *x, uint8_t *out, uint64_t *count)
{
    eg_cursor in = x->message;
    eg_pb_field field;
    *count = 0;
    while (eg_pb_next(&in, &field)) {
        if (field.number != x->field) continue;
        if (field.wire != EG_PB_BYTES) put_item(x, out, (*count)++, field.value);
        eg_cursor chunk = eg_cursor_over(field.bytes, field.size);
        while (eg_cursor_left(&chunk) && !chunk.failed) put_item(x, out, (*count)++, next_item(&chunk, x));
        if (chunk.failed) return false;
    }
    return !in.failed;
}

static void free_typed(void *object)
{
    typed *x = object;
    eg_block_free(x->block, x->items * x->width);
}

static bool load_typed(eg_storage *storage, eg_error *err)
{
    typed *x = storage->context;
    uint64_t count;
    x->block = eg_block_new(x->items * x->width, storage->key, err);
    if (!x->block) return false;
    walk_items(x, x->block, &count); /* counted before */
    storage->bytes = x->block;
    storage->load = NULL;
    return true;
}

static bool attach_typed(reader *r, const tensor *t, eg_storage *storage)
{
    typed *x = EG_NEW(r->arena, typed);
    uint32_t parts = types[t->type].parts;
    uint64_t count;
    *x = (typed){.message = t->message, .field = types[t->type].field, .items = t->numel * parts};
    x->width = (uint32_t)eg_dtype_size(t->dtype) / parts;
    if (!walk_items(x, NULL, &count) || count != x->items)
        return eg_fail_id(r->err, EG_MALFORMED, "ONX-003",
                          "tensor '%s': %" PRIu64 " numbers for %s%s, expected %" PRIu64, t->name, count,
                          eg_dtype_name(t->dtype), eg_shape_text(r->arena, t->shape), x->items);
    eg_arena_defer(r->arena, free_typed, x);
    storage->load = load_typed;
    storage->context = x;
    return true;
}

/* ---- external files ---- */

static void close_external(void *object)
{
    eg_mapping_close(&((external *)object)->mapping);
}

static const eg_mapping *open_external(reader *r, const char *name)
{
    for (const external *e = r->externals; e; e = e->next)
        if (strcmp(e->name, name) == 0) return &e->mapping;
    external *opened = EG_NEW(r->arena, external);
    const char *folder = eg_path_folder(r->arena, r->file->checkpoint.path);
    if (!eg_mapping_open_in(&opened->mapping, folder, name, r->err)) return NULL;
    eg_arena_defer(r->arena, close_external, opened);
    opened->name = name;
    opened->next = r->externals;
    r->externals = opened;
    return &opened->mapping;
}

static bool attach_external(reader *r, const tensor *t, eg_storage *storage)
{
    const char *location = t->location ? t->location : "";
    if (!eg_shard_name_allowed(location))
        return eg_fail_id(r->err, EG_MALFORMED, "ONX-004",
                          "tensor '%s': the external file '%s' is not allowed; expected a plain name in the "
                          "model's folder",
                          t->name, eg_printable(r->arena, location, strnlen(location, SHOWN)));
    if (t->has_length && t->length != t->size)
        return eg_fail_id(r->err, EG_MALFORMED, "ONX-003",
                          "tensor '%s': %" PRIu64 " bytes for %s%s, expected %" PRIu64, t->name, t->length,
                          eg_dtype_name(t->dtype), eg_shape_text(r->arena, t->shape), t->size);
    const eg_mapping *mapping = open_external(r, location);
    if (!mapping) return false;
    if (t->offset > mapping->size || t->size > mapping->size - t->offset)
        return eg_fail_id(r->err, EG_MALFORMED, "ONX-004",
                          "tensor '%s': %" PRIu64 " bytes at %" PRIu64 " run past the end of '%s' (%" PRIu64
                          ")",
                          t->name, t->size, t->offset, location, mapping->size);
    storage->bytes = mapping->bytes + t->offset;
    storage->fd = mapping->fd;
    storage->file_offset = t->offset;
    return true;
}

/* ---- the graph ---- */

static bool attach_raw(reader *r, const tensor *t, eg_storage *storage)
{
    if (t->raw.size != t->size)
        return eg_fail_id(r->err, EG_MALFORMED, "ONX-003",
                          "tensor '%s': %" PRIu64 " bytes for %s%s, expected %" PRIu64, t->name, t->raw.size,
                          eg_dtype_name(t->dtype), eg_shape_text(r->arena, t->shape), t->size);
    storage->bytes = t->raw.bytes;
    storage->fd = r->file->mapping.fd;
    storage->file_offset = (uint64_t)(t->raw.bytes - r->file->mapping.bytes);
    return true;
}

static bool add_tensor(reader *r, const eg_pb_field *message, eg_entry *out)
{
    tensor t;
    if (!parse_tensor(r, &t, message) || !measure(r, &t)) return false;
    eg_storage *storage = EG_NEW(r->arena, eg_storage);
    *storage = (eg_storage){.key = t.name, .size = t.size, .fd = -1};
    *out = (eg_entry){.name = t.name, .dtype = t.dtype, .shape = t.shape, .storage = storage};
    if ((t.raw.bytes != NULL) + t.typed + t.external > 1)
        return eg_fail_id(r->err, EG_MALFORMED, "ONX-003", "tensor '%s' has its data in two forms", t.name);
    if (t.external) return attach_external(r, &t, storage);
    return t.raw.bytes ? attach_raw(r, &t, storage) : attach_typed(r, &t, storage);
}

static bool count_tensors(reader *r, eg_cursor in, size_t *count)
{
    eg_pb_field field;
    *count = 0;
    while (eg_pb_next(&in, &field)) {
        if (field.number == GRAPH_SPARSE)
            return eg_fail_id(r->err, EG_MALFORMED, "TEN-009",
                              "the graph has sparse initialisers, which are not supported");
        *count += field.number == GRAPH_INITIALIZER && field.wire == EG_PB_BYTES;
    }
    if (!check_message(r, &in, "the graph")) return false;
    if (*count > MAX_TENSORS)
        return eg_fail_id(r->err, EG_MALFORMED, "ONX-002", "%zu initialisers are more than %d", *count,
                          MAX_TENSORS);
    if (*count) return true;
    return eg_fail_id(r->err, EG_MALFORMED, "SEL-002", "no tensors found (top-level keys: %s)",
                      "a graph without initialisers");
}

static bool read_graph(reader *r, const eg_pb_field *graph)
{
    eg_cursor in = eg_cursor_over(graph->bytes, graph->size);
    eg_store *store = &r->file->checkpoint.store;
    eg_pb_field field;
    size_t count;
    if (store->entries)
        return eg_fail_id(r->err, EG_MALFORMED, "ONX-001", "there are two graphs in the model");
    if (!count_tensors(r, in, &count)) return false;
    eg_entry *entries = EG_NEW_ARRAY(r->arena, eg_entry, count);
    *store = (eg_store){.entries = entries};
    while (eg_pb_next(&in, &field)) {
        if (field.wire != EG_PB_BYTES) continue;
        if (field.number == GRAPH_NAME) add_value(r, "graph", &field);
        if (field.number == GRAPH_INITIALIZER && !add_tensor(r, &field, &entries[store->count++]))
            return false;
    }
    eg_store_index(store, r->arena);
    return true;
}

bool eg_onnx_read(eg_checkpoint_file *file, eg_error *err)
{
    reader r = {.file = file, .arena = &file->arena, .err = err};
    eg_cursor in = eg_cursor_over(file->mapping.bytes, file->mapping.size);
    eg_pb_field field;
    r.names = eg_map_new(r.arena);
    r.values = EG_NEW_ARRAY(r.arena, eg_checkpoint_value, MAX_VALUES);
    file->checkpoint.format = "onnx";
    file->checkpoint.values = r.values;
    while (eg_pb_next(&in, &field)) {
        bool bytes = field.wire == EG_PB_BYTES;
        if (field.number == MODEL_VERSION && !bytes) add_value(&r, "ir_version", &field);
        if (field.number == MODEL_PRODUCER && bytes) add_value(&r, "producer_name", &field);
        if (field.number == MODEL_PRODUCER_VERSION && bytes) add_value(&r, "producer_version", &field);
        if (field.number == MODEL_GRAPH && bytes && !read_graph(&r, &field)) return false;
    }
    if (!check_message(&r, &in, "the model")) return false;
    if (file->checkpoint.store.count) return true;
    return eg_fail_id(err, EG_MALFORMED, "SEL-002", "no tensors found (top-level keys: %s)", "no graph");
}
