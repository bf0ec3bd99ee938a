#include "format/torch_numpy.h"

#include <string.h>

#include "base/str.h"
#include "format/npy.h"
#include "format/pickle_value.h"

enum { MAX_RANK = 64 };

/* The four things that describe an array. */
typedef struct array {
    eg_ref bytes, type, shape;
    bool fortran;
} array;

static bool is_true(const eg_pickle *p, eg_ref ref)
{
    const eg_py_node *node = eg_pickle_node(p, ref);
    return (node->kind == EG_PY_BOOL || node->kind == EG_PY_INT) && node->integer;
}

static bool find_array(const eg_pickle *p, eg_ref ref, array *out)
{
    const eg_py_node *node = eg_pickle_node(p, ref);
    if (eg_py_made_by(p, ref, "numpy.core.multiarray", "_reconstruct") && node->state) {
        const eg_py_node *state = eg_pickle_node(p, node->state);
        if (state->kind != EG_PY_TUPLE || state->count != 5) return false;
        *out = (array){state->items[4], state->items[2], state->items[1], is_true(p, state->items[3])};
        return true;
    }
    if (!eg_py_made_by(p, ref, "numpy.core.numeric", "_frombuffer")) return false;
    const eg_py_node *args = eg_pickle_node(p, node->args);
    if (args->count != 4) return false;
    *out = (array){args->items[0], args->items[1], args->items[2], eg_py_is_text(p, args->items[3], "F")};
    return true;
}

/* "<f4", or NULL for anything but plain numbers. */
static const char *describe(eg_arena *arena, const eg_pickle *p, eg_ref ref)
{
    const eg_py_node *node = eg_pickle_node(p, ref);
    if (!eg_py_made_by(p, ref, "numpy", "dtype") || !node->state) return NULL;
    const eg_py_node *args = eg_pickle_node(p, node->args), *state = eg_pickle_node(p, node->state);
    if (!args->count || state->kind != EG_PY_TUPLE || state->count < 5) return NULL;
    const char *kind = eg_py_text(arena, p, args->items[0]), *order = eg_py_text(arena, p, state->items[1]);
    bool plain = kind && order && strlen(order) == 1 && eg_py_is_none(p, state->items[2]) &&
                 eg_py_is_none(p, state->items[3]) && eg_py_is_none(p, state->items[4]);
    return plain ? eg_arena_printf(arena, "%s%s", order, kind) : NULL;
}

bool eg_torch_numpy_is(eg_arena *arena, const eg_pickle *pickle, eg_ref ref)
{
    array a;
    const char *descr = find_array(pickle, ref, &a) ? describe(arena, pickle, a.type) : NULL;
    return descr && eg_npy_dtype(descr) != EG_DTYPE_COUNT;
}

static bool mistyped(const eg_pickle *p, eg_arena *arena, eg_ref ref, const char *what, eg_error *err)
{
    return eg_fail_id(err, EG_MALFORMED, "PKL-006", "offset %llu: %s of an array applied to a %s",
                      (unsigned long long)eg_pickle_node(p, ref)->offset, what, eg_py_type(arena, p, ref));
}

/* A text of characters up to U+00FF as bytes. */
static const uint8_t *from_latin1(eg_arena *arena, const char *text, size_t length, uint64_t *size)
{
    uint8_t *out = eg_arena_alloc(arena, length + 1);
    *size = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c >= 0x80) {
            bool pair = (c == 0xC2 || c == 0xC3) && i + 1 < length && ((uint8_t)text[i + 1] & 0xC0) == 0x80;
            if (!pair) return NULL;
            c = (uint8_t)(c << 6 | ((uint8_t)text[++i] & 0x3F));
        }
        out[(*size)++] = c;
    }
    return out;
}

static const uint8_t *find_bytes(eg_arena *arena, const eg_pickle *p, eg_ref ref, uint64_t *size)
{
    const eg_py_node *node = eg_pickle_node(p, ref);
    if (node->kind == EG_PY_BYTES || node->kind == EG_PY_STR) {
        *size = node->count;
        return (const uint8_t *)node->bytes;
    }
    bool empty = eg_py_made_by(p, ref, "builtins", "bytes"); /* of protocol 2: bytes() */
    if (!empty && !eg_py_made_by(p, ref, "_codecs", "encode")) return NULL;
    const eg_py_node *args = eg_pickle_node(p, node->args);
    if (empty && args->count == 0) return (const uint8_t *)"";
    const eg_py_node *text = args->count == 2 ? eg_pickle_node(p, args->items[0]) : NULL;
    if (!text || text->kind != EG_PY_STR || !eg_py_is_text(p, args->items[1], "latin1")) return NULL;
    return from_latin1(arena, text->bytes, text->count, size);
}

static bool read_shape(eg_arena *arena, const eg_pickle *p, eg_ref ref, const char *name, eg_shape *shape,
                       eg_error *err)
{
    const eg_ref *items;
    uint32_t rank;
    int64_t dims[MAX_RANK];
    if (!eg_py_items(p, ref, &items, &rank)) return mistyped(p, arena, ref, "the shape", err);
    if (rank > MAX_RANK)
        return eg_fail_id(err, EG_MALFORMED, "PKL-011", "limit exceeded: %s (%llu > %llu)",
                          "tensor dimensions", (unsigned long long)rank, (unsigned long long)MAX_RANK);
    for (uint32_t i = 0; i < rank; i++) {
        if (!eg_py_int(p, items[i], &dims[i])) return mistyped(p, arena, items[i], "a size", err);
        if (dims[i] < 0)
            return eg_fail_id(err, EG_MALFORMED, "TEN-002", "tensor '%s': negative %s %lld", name, "size",
                              (long long)dims[i]);
    }
    *shape = eg_shape_copy(arena, dims, rank);
    return true;
}

/* Column by column; no product overflows, for that of all sizes does not. */
static const int64_t *fortran_strides(eg_arena *arena, eg_shape shape)
{
    int64_t *strides = EG_NEW_ARRAY(arena, int64_t, shape.rank), next = 1;
    for (uint32_t i = 0; i < shape.rank; i++) {
        strides[i] = next;
        next *= shape.dims[i] > 1 ? shape.dims[i] : 1;
    }
    return strides;
}

bool eg_torch_numpy_place(eg_arena *arena, const eg_pickle *p, eg_ref ref, const char *name, eg_entry *entry,
                          eg_error *err)
{
    array a;
    uint64_t numel, need, size = 0;
    const char *descr = find_array(p, ref, &a) ? describe(arena, p, a.type) : NULL;
    eg_dtype dtype = descr ? eg_npy_dtype(descr) : EG_DTYPE_COUNT;
    if (dtype == EG_DTYPE_COUNT) return mistyped(p, arena, ref, "the type", err);
    eg_storage *storage = EG_NEW(arena, eg_storage);
    *entry = (eg_entry){.name = name, .dtype = dtype, .storage = storage};
    if (!read_shape(arena, p, a.shape, name, &entry->shape, err)) return false;
    if (!eg_shape_numel(entry->shape, &numel) || __builtin_mul_overflow(numel, eg_dtype_size(dtype), &need))
        return eg_fail_id(err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits", name);
    const uint8_t *bytes = find_bytes(arena, p, a.bytes, &size);
    if (!bytes) return mistyped(p, arena, a.bytes, "the data", err);
    if (size != need)
        return eg_fail_id(err, EG_MALFORMED, "NPY-002", "array '%s': %llu bytes for %s%s, expected %llu",
                          name, (unsigned long long)size, descr, eg_shape_text(arena, entry->shape),
                          (unsigned long long)need);
    *storage =
        (eg_storage){.key = name, .bytes = bytes, .size = size, .fd = -1, .big_endian = descr[0] == '>'};
    if (a.fortran && numel) entry->strides = fortran_strides(arena, entry->shape);
    return true;
}
