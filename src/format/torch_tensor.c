#include "format/torch_tensor.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/str.h"
#include "format/pickle_value.h"
#include "format/torch_sparse.h"
#include "tensor/convert.h"

enum { MAX_RANK = 64, MAX_WRAPPERS = 16, MAX_NESTING = 2 };

static const uint64_t EXPANSION_FLOOR = (uint64_t)1
                                        << 30; /* views up to this size may repeat their storage freely */

/* ---- storages ---- */

static bool not_a_storage(eg_torch *torch, eg_ref id, const char *what, eg_error *err)
{
    const eg_py_node *node = eg_pickle_node(torch->pickle, id);
    const char *text = eg_py_text(torch->arena, torch->pickle, id);
    if (node->kind == EG_PY_TUPLE && node->count)
        text = eg_py_text(torch->arena, torch->pickle, node->items[0]);
    return eg_fail_id(err, EG_MALFORMED, "PKL-014", "persistent id is not a storage tuple: %s%s%s%s", what,
                      text ? " ('" : "", text ? text : "", text ? "')" : "");
}

/* 1 to 64 characters of A-Z a-z 0-9 _ . / -, and no ".." component: a key becomes part of a record's name. */
static bool is_key(const char *key)
{
    size_t n = strlen(key);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)key[i]) && !strchr("_./-", key[i])) return false;
    bool climbs = strcmp(key, "..") == 0 || eg_starts_with(key, "../") || strstr(key, "/../") ||
                  eg_ends_with(key, "/..");
    return n >= 1 && n <= 64 && !climbs && key[0] != '/';
}

static bool storage_size(const eg_storage_class *class, uint64_t numel, uint64_t *size)
{
    size_t item = class->untyped || class->dtype == EG_DTYPE_COUNT ? 1 : eg_dtype_size(class->dtype);
    return !__builtin_mul_overflow(numel, item, size) && *size <= INT64_MAX;
}

bool eg_torch_storage_add(eg_torch *torch, const eg_torch_storage *one, eg_error *err)
{
    uint64_t size;
    if (!torch->index) torch->index = eg_map_new(torch->arena);
    assert(one->class);
    int64_t at = eg_map_find(torch->index, one->key);
    if (at >= 0) {
        const eg_torch_storage *known = &torch->storages[at];
        if (known->class == one->class && known->numel == one->numel) return true;
        return eg_fail_id(err, EG_MALFORMED, "TEN-006",
                          "storage '%s' is declared as %s[%llu] and as %s[%llu]", one->key,
                          known->class->name, (unsigned long long)known->numel, one->class->name,
                          (unsigned long long)one->numel);
    }
    if (!storage_size(one->class, one->numel, &size))
        return eg_fail_id(err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits",
                          eg_arena_printf(torch->arena, "storage %s", one->key));
    if (torch->count == torch->capacity) {
        torch->capacity = torch->capacity ? torch->capacity * 2 : 64;
        eg_torch_storage *more = EG_NEW_ARRAY(torch->arena, eg_torch_storage, torch->capacity);
        if (torch->count) memcpy(more, torch->storages, torch->count * sizeof *more);
        torch->storages = more;
    }
    eg_map_add(torch->index, one->key, (int64_t)torch->count);
    eg_torch_storage *storage = &torch->storages[torch->count++];
    *storage = *one;
    storage->bytes = EG_NEW(torch->arena, eg_storage);
    *storage->bytes = (eg_storage){.key = one->key, .size = size, .fd = -1};
    return true;
}

/* The items of a storage's persistent id, after 'storage'. */
static bool read_id(eg_torch *torch, eg_ref id, eg_torch_storage *storage, eg_error *err)
{
    const eg_pickle *p = torch->pickle;
    const eg_py_node *tuple = eg_pickle_node(p, id);
    int64_t numel;
    uint32_t expected = torch->legacy ? 6 : 5;
    if (tuple->kind != EG_PY_TUPLE) return not_a_storage(torch, id, "not a tuple", err);
    if (tuple->count != expected || !eg_py_is_text(p, tuple->items[0], "storage"))
        return not_a_storage(torch, id, eg_arena_printf(torch->arena, "a tuple of %u", tuple->count), err);
    const eg_py_node *class = eg_pickle_node(p, tuple->items[1]);
    storage->class = class->kind == EG_PY_GLOBAL ? eg_storage_class_find(class->name) : NULL;
    if (!storage->class) return not_a_storage(torch, id, "unknown storage class", err);
    storage->key = eg_py_text(torch->arena, p, tuple->items[2]);
    if (!storage->key || !is_key(storage->key)) return not_a_storage(torch, id, "bad key", err);
    const char *location = eg_py_text(torch->arena, p, tuple->items[3]);
    storage->meta = location && strcmp(location, "meta") == 0;
    if (!eg_py_int(p, tuple->items[4], &numel))
        return not_a_storage(torch, id, "bad number of elements", err);
    if (numel < 0)
        return eg_fail_id(err, EG_MALFORMED, "TEN-002", "tensor '%s': negative %s %lld",
                          eg_arena_printf(torch->arena, "storage %s", storage->key), "number of elements",
                          (long long)numel);
    storage->numel = (uint64_t)numel;
    storage->read_as = EG_DTYPE_COUNT;
    return true;
}

/* ('module', class, file, source) in a stream, (class, file, source) in a tar. */
static bool is_module_id(const eg_torch *torch, eg_ref id)
{
    const eg_py_node *tuple = eg_pickle_node(torch->pickle, id);
    if (torch->tar && tuple->kind == EG_PY_TUPLE && tuple->count == 3)
        return eg_pickle_node(torch->pickle, tuple->items[0])->kind == EG_PY_GLOBAL;
    return torch->legacy && tuple->kind == EG_PY_TUPLE && tuple->count == 4 &&
           eg_py_is_text(torch->pickle, tuple->items[0], "module");
}

/* What a tar's persistent id, a number or its decimal text, stands for; -1 when it is neither or not known.
 */
static int64_t find_key(const eg_torch *torch, const eg_map *index, eg_ref id)
{
    char key[24];
    const eg_py_node *node = eg_pickle_node(torch->pickle, id);
    if (!index) return -1;
    if (node->kind == EG_PY_INT)
        snprintf(key, sizeof key, "%lld", (long long)node->integer);
    else if ((node->kind == EG_PY_STR || node->kind == EG_PY_BYTES) && node->count < sizeof key)
        snprintf(key, sizeof key, "%.*s", (int)node->count, node->bytes);
    else
        return -1;
    return eg_map_find(index, key);
}

static const eg_torch_given *find_given(const eg_torch *torch, eg_ref ref)
{
    const eg_py_node *node = eg_pickle_node(torch->pickle, ref);
    if (!torch->tar || node->kind != EG_PY_PERSISTENT) return NULL;
    int64_t at = find_key(torch, torch->given_index, node->args);
    return at < 0 ? NULL : &torch->given[at];
}

/* A tar's id that is no tuple must name a tensor or a storage of the file. */
static bool is_known_key(const eg_torch *torch, eg_ref id)
{
    return torch->tar && eg_pickle_node(torch->pickle, id)->kind != EG_PY_TUPLE &&
           (find_key(torch, torch->given_index, id) >= 0 || find_key(torch, torch->view_index, id) >= 0);
}

bool eg_torch_collect(eg_torch *torch, eg_error *err)
{
    if (!torch->index) torch->index = eg_map_new(torch->arena);
    for (eg_ref i = 1; i < torch->pickle->count; i++) {
        const eg_py_node *node = eg_pickle_node(torch->pickle, i);
        eg_torch_storage storage = {0};
        if (node->kind != EG_PY_PERSISTENT || is_module_id(torch, node->args)) continue;
        if (is_known_key(torch, node->args)) continue;
        if (!read_id(torch, node->args, &storage, err)) return false;
        if (torch->tar && eg_map_find(torch->view_index, storage.key) >= 0) continue;
        if (!eg_torch_storage_add(torch, &storage, err)) return false;
    }
    return true;
}

/* ---- makers ---- */

typedef enum action {
    PARTS,     /* storage, offset, size, stride, …: the tensor itself */
    WRAPS,     /* the first argument is the tensor */
    FROM_TYPE, /* (function, type, args, state): what the function makes */
    PARAMETER, /* class Parameter or Variable: the argument, or the state */
    QUANTIZED, /* as PARTS, then the parameters */
    SPARSE,    /* (layout, (indices, values, size, …)) */
    UNSUPPORTED,
    META,
} action;

typedef struct maker {
    const char *module, *name;
    uint32_t least, most; /* arguments */
    const char *expected;
    action action;
    uint32_t dtype, metadata; /* PARTS: their positions among the arguments; 0: none */
    const char *kind;         /* UNSUPPORTED: what it is, for people */
} maker;

static const maker makers[] = {
    {"torch._utils", "_rebuild_tensor", 4, 4, "4", PARTS, 0, 0, NULL},
    {"torch._utils", "_rebuild_tensor_v2", 6, 7, "6 or 7", PARTS, 0, 6, NULL},
    {"torch._utils", "_rebuild_tensor_v3", 7, 8, "7 or 8", PARTS, 6, 7, NULL},
    {"torch._utils", "_rebuild_parameter", 3, 3, "3", WRAPS, 0, 0, NULL},
    {"torch._utils", "_rebuild_parameter_with_state", 4, 4, "4", WRAPS, 0, 0, NULL},
    {"torch._utils", "_rebuild_device_tensor_from_cpu_tensor", 4, 4, "4", WRAPS, 0, 0, NULL},
    {"torch._tensor", "_rebuild_from_type_v2", 4, 4, "4", FROM_TYPE, 0, 0, NULL},
    {"torch._tensor", "_rebuild_from_type", 4, 4, "4", FROM_TYPE, 0, 0, NULL},
    {"torch.nn.parameter", "Parameter", 0, 2, "0 to 2", PARAMETER, 0, 0, NULL},
    {"torch.nn.parameter", "Buffer", 0, 2, "0 to 2", PARAMETER, 0, 0, NULL},
    {"torch.autograd.variable", "Variable", 0, 3, "0 to 3", PARAMETER, 0, 0, NULL},
    {"torch._utils", "_rebuild_qtensor", 6, 7, "6 or 7", QUANTIZED, 0, 0, NULL},
    {"torch._utils", "_rebuild_sparse_tensor", 2, 5, "2", SPARSE, 0, 0, NULL},
    {"torch._utils", "_rebuild_sparse_csr_tensor", 2, 2, "2", SPARSE, 0, 0, NULL},
    {"torch._utils", "_rebuild_nested_tensor", 4, 4, "4", UNSUPPORTED, 0, 0, "nested"},
    {"torch._utils", "_rebuild_wrapper_subclass", 0, 9, "at most 9", UNSUPPORTED, 0, 0, "wrapper subclass"},
    {"torch._utils", "_rebuild_device_tensor_from_numpy", 4, 4, "4", UNSUPPORTED, 0, 0, "numpy-backed"},
    {"torch._utils", "_rebuild_xla_tensor", 4, 4, "4", UNSUPPORTED, 0, 0, "numpy-backed"},
    {"torch._utils", "_rebuild_meta_tensor_no_storage", 4, 4, "4", META, 0, 0, NULL},
    {"torch.jit._pickle", "build_tensor_from_id", 0, 9, "any", UNSUPPORTED, 0, 0, "numbered"},
    {"torch.nn.parameter", "UninitializedParameter", 0, 9, "any", UNSUPPORTED, 0, 0, "uninitialized"},
    {"torch.nn.parameter", "UninitializedBuffer", 0, 9, "any", UNSUPPORTED, 0, 0, "uninitialized"},
};

/* torch.FloatTensor … torch.cuda.HalfTensor: an empty tensor, then BUILD(storage, offset, size, stride). */
static const maker tensor_class = {"torch", "Tensor", 0, 0, "0", PARAMETER, 0, 0, NULL};
static const maker sparse_class = {"torch.sparse", "Tensor", 0, 9, "any", UNSUPPORTED, 0, 0, "sparse"};

static const maker *find_maker(const eg_py_node *global)
{
    if (!global) return NULL;
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (strcmp(global->name, makers[i].name) == 0 && strcmp(global->module, makers[i].module) == 0)
            return &makers[i];
    if (!eg_ends_with(global->name, "Tensor")) return NULL;
    if (eg_starts_with(global->module, "torch.sparse") || strcmp(global->module, "torch.cuda.sparse") == 0)
        return &sparse_class;
    return strcmp(global->module, "torch") == 0 || strcmp(global->module, "torch.cuda") == 0 ? &tensor_class
                                                                                             : NULL;
}

bool eg_torch_is_tensor(const eg_torch *torch, eg_ref ref)
{
    return find_given(torch, ref) || find_maker(eg_py_maker(torch->pickle, ref));
}

/* ---- one tensor ---- */

/* What describes a tensor, before it is checked. */
typedef struct parts {
    eg_ref storage, offset, size, stride;
    eg_ref dtype, metadata;      /* 0: none */
    eg_ref qparams;              /* of a quantized tensor; 0: none */
    eg_ref layout, data;         /* of a sparse one, instead of the above; 0: none */
    const eg_torch_given *given; /* instead of all these */
} parts;

typedef struct request {
    eg_torch *torch;
    const char *name;
    eg_error *err;
    bool inner; /* a part of another tensor, which has no parts itself */
} request;

static bool unsupported(const request *r, const char *kind, const char *detail)
{
    return eg_fail_id(r->err, EG_MALFORMED, "TEN-009", "tensor '%s': %s tensors are not supported (%s)",
                      r->name, kind, detail);
}

static bool mistyped(const request *r, eg_ref ref, const char *what)
{
    const eg_pickle *p = r->torch->pickle;
    return eg_fail_id(r->err, EG_MALFORMED, "PKL-006", "offset %llu: %s of tensor '%s' applied to a %s%s",
                      (unsigned long long)eg_pickle_node(p, ref)->offset, what, r->name,
                      eg_py_type(r->torch->arena, p, ref),
                      eg_pickle_node(p, ref)->kind == EG_PY_BIGINT ? " beyond 64 bits" : "");
}

static bool check_count(const request *r, const maker *m, uint32_t count)
{
    if (count >= m->least && count <= m->most) return true;
    return eg_fail_id(r->err, EG_MALFORMED, "PKL-015", "%s called with %u arguments, expected %s", m->name,
                      count, m->expected);
}

/* Parameter(data) with the state of one version or another; see torch/nn/parameter.py and
 * autograd/variable.py. */
static bool open_parameter(const request *r, const eg_py_node *node, parts *out, eg_ref *next)
{
    const eg_pickle *p = r->torch->pickle;
    const eg_py_node *state = node->state ? eg_pickle_node(p, node->state) : NULL;
    const eg_py_node *args = eg_pickle_node(p, node->args);
    if (state && state->kind == EG_PY_TUPLE && state->count == 4) {
        *out =
            (parts){state->items[0], state->items[1], state->items[2], state->items[3], 0, 0, 0, 0, 0, NULL};
        return true;
    }
    bool whole = state && state->kind == EG_PY_TUPLE && state->count == 5;
    if (!whole && !args->count) return unsupported(r, "data-less", "no BUILD gives it a storage");
    *next = whole ? state->items[0] : args->items[0];
    return true;
}

/* One layer of wrapping: fills out, or sets *next to the node inside. */
static bool open_layer(const request *r, const maker *m, const eg_py_node *node, const eg_py_node *args,
                       parts *out, eg_ref *next)
{
    const char *class = eg_arena_printf(r->torch->arena, "%s.%s", m->module, m->name);
    switch (m->action) {
    case PARTS:
        *out = (parts){args->items[0], args->items[1], args->items[2], args->items[3], 0, 0, 0, 0, 0, NULL};
        if (m->dtype) out->dtype = args->items[m->dtype];
        if (m->metadata && args->count > m->metadata) out->metadata = args->items[m->metadata];
        return true;
    case QUANTIZED:
        *out = (parts){
            args->items[0], args->items[1], args->items[2], args->items[3], 0, 0, args->items[4], 0, 0, NULL};
        return true;
    case SPARSE:
        if (args->count != 2) return unsupported(r, "sparse", "in TorchScript's own form");
        *out = (parts){.layout = args->items[0], .data = args->items[1]};
        return true;
    case WRAPS: *next = args->items[0]; return true;
    case PARAMETER: return open_parameter(r, node, out, next);
    case META:
        return eg_fail_id(r->err, EG_MALFORMED, "TEN-010",
                          "tensor '%s' is on the meta device and has no data", r->name);
    default: return unsupported(r, m->kind, class);
    }
}

/* Unwraps until a storage shows: Parameter(_rebuild_from_type_v2(_rebuild_tensor_v2, …)). */
static bool find_parts(const request *r, eg_ref ref, parts *out)
{
    const eg_pickle *p = r->torch->pickle;
    for (int layer = 0; layer < MAX_WRAPPERS; layer++) {
        const eg_py_node *node = eg_pickle_node(p, ref), *global = eg_py_maker(p, ref);
        const maker *m = find_maker(global);
        eg_ref next = 0;
        out->given = find_given(r->torch, ref);
        if (out->given) return true;
        if (!m) return mistyped(r, ref, "the data");
        const eg_py_node *args = eg_pickle_node(p, node->args);
        if (!check_count(r, m, args->count)) return false;
        if (m->action == FROM_TYPE) {
            const eg_py_node *function = eg_pickle_node(p, args->items[0]),
                             *inner = eg_pickle_node(p, args->items[2]);
            m = function->kind == EG_PY_GLOBAL ? find_maker(function) : NULL;
            if (!m || m->action == FROM_TYPE || m->action == PARAMETER)
                return mistyped(r, args->items[0], "the type");
            if (inner->kind != EG_PY_TUPLE) return mistyped(r, args->items[2], "the arguments");
            if (!check_count(r, m, inner->count)) return false;
            args = inner;
        }
        if (!open_layer(r, m, node, args, out, &next)) return false;
        if (!next) return true;
        ref = next;
    }
    return unsupported(r, "deeply wrapped", "more than 16 layers");
}

/* Non-negative integers of a size or stride tuple. */
static bool read_dims(const request *r, eg_ref ref, const char *what, int64_t *dims, uint32_t *rank)
{
    const eg_pickle *p = r->torch->pickle;
    const eg_ref *items;
    if (!eg_py_items(p, ref, &items, rank)) return mistyped(r, ref, what);
    if (*rank > MAX_RANK)
        return eg_fail_id(r->err, EG_MALFORMED, "PKL-011", "limit exceeded: %s (%llu > %llu)",
                          "tensor dimensions", (unsigned long long)*rank, (unsigned long long)MAX_RANK);
    for (uint32_t i = 0; i < *rank; i++) {
        if (!eg_py_int(p, items[i], &dims[i])) return mistyped(r, items[i], what);
        if (dims[i] < 0)
            return eg_fail_id(r->err, EG_MALFORMED, "TEN-002", "tensor '%s': negative %s %lld", r->name, what,
                              (long long)dims[i]);
    }
    return true;
}

static bool read_count(const request *r, eg_ref ref, const char *what, uint64_t *value)
{
    int64_t number;
    if (!eg_py_int(r->torch->pickle, ref, &number)) return mistyped(r, ref, what);
    if (number < 0)
        return eg_fail_id(r->err, EG_MALFORMED, "TEN-002", "tensor '%s': negative %s %lld", r->name, what,
                          (long long)number);
    *value = (uint64_t)number;
    return true;
}

/* A window of a storage, in elements of its class. */
typedef struct window {
    eg_torch_storage *storage;
    uint64_t start, numel;
} window;

static bool too_short(const request *r, const window *w, uint64_t has, uint64_t needs)
{
    return eg_fail_id(r->err, EG_MALFORMED, "TEN-001",
                      "tensor '%s': storage '%s' has %llu elements, view needs %llu", r->name,
                      w->storage->key, (unsigned long long)has, (unsigned long long)needs);
}

/* Legacy: (view_key, offset, view_size), in elements of the storage. */
static bool narrow(const request *r, eg_ref view, window *w)
{
    const eg_py_node *tuple = eg_pickle_node(r->torch->pickle, view);
    uint64_t end;
    if (tuple->kind == EG_PY_NONE) return true;
    if (tuple->kind != EG_PY_TUPLE || tuple->count != 3) return mistyped(r, view, "the storage view");
    if (w->storage->class->untyped) return unsupported(r, "untyped view", "a view of an UntypedStorage");
    if (!read_count(r, tuple->items[1], "view offset", &w->start) ||
        !read_count(r, tuple->items[2], "view size", &w->numel))
        return false;
    if (__builtin_add_overflow(w->start, w->numel, &end) || end > w->storage->numel)
        return too_short(r, w, w->storage->numel, end);
    return true;
}

/* The pickled torch file inside torch.storage._load_from_bytes(bytes): its object is a storage. */
static bool open_nested(const request *r, eg_ref ref, window *w);

static void open_view(const eg_torch *torch, const eg_torch_view *view, window *w)
{
    *w = (window){&torch->storages[view->storage], view->start, view->numel};
}

/* A tar's id is a key, or ('storage', class, key, location, numel). */
static bool find_view(const request *r, eg_ref id, window *w)
{
    const eg_py_node *node = eg_pickle_node(r->torch->pickle, id);
    if (node->kind == EG_PY_TUPLE) id = node->items[2];
    int64_t at = find_key(r->torch, r->torch->view_index, id);
    if (at < 0)
        return eg_fail_id(r->err, EG_MALFORMED, "TEN-007", "storage '%s' is referenced but missing",
                          eg_py_short(r->torch->arena, r->torch->pickle, id));
    open_view(r->torch, &r->torch->views[at], w);
    return true;
}

static bool find_window(const request *r, eg_ref ref, window *w)
{
    eg_torch *torch = r->torch;
    const eg_py_node *node = eg_pickle_node(torch->pickle, ref);
    if (eg_py_made_by(torch->pickle, ref, "torch.storage", "_load_from_bytes")) return open_nested(r, ref, w);
    if (node->kind != EG_PY_PERSISTENT || is_module_id(torch, node->args))
        return mistyped(r, ref, "the storage");
    if (torch->tar) return find_view(r, node->args, w);
    const eg_py_node *id = eg_pickle_node(torch->pickle, node->args);
    int64_t at = eg_map_find(torch->index, eg_py_text(torch->arena, torch->pickle, id->items[2]));
    *w = (window){&torch->storages[at], 0, torch->storages[at].numel};
    return torch->legacy ? narrow(r, id->items[5], w) : true;
}

static bool open_nested(const request *r, eg_ref ref, window *w)
{
    const eg_pickle *p = r->torch->pickle;
    const eg_py_node *args = eg_pickle_node(p, eg_pickle_node(p, ref)->args);
    const eg_py_node *bytes = args->count == 1 ? eg_pickle_node(p, args->items[0]) : NULL;
    if (!bytes || bytes->kind != EG_PY_BYTES)
        return eg_fail_id(r->err, EG_MALFORMED, "PKL-015", "%s called with %u arguments, expected %s",
                          "_load_from_bytes", args->count, "1 (bytes)");
    if (r->torch->nesting >= MAX_NESTING || !r->torch->nested)
        return eg_fail_id(r->err, EG_MALFORMED, "PKL-011", "limit exceeded: %s (%llu > %llu)",
                          "nested torch files", (unsigned long long)r->torch->nesting + 1,
                          (unsigned long long)MAX_NESTING);
    eg_torch *file = r->torch->nested(r->torch, (const uint8_t *)bytes->bytes, bytes->count, r->err);
    request nested = {file, r->name, r->err, r->inner};
    return file && find_window(&nested, file->pickle->root, w);
}

/* The dtype: the storage's, or the one that _rebuild_tensor_v3 names. Counts the window in its elements. */
static bool find_dtype(const request *r, const parts *from, window *w, eg_dtype *dtype)
{
    assert(w->storage);
    const eg_storage_class *class = w->storage->class;
    *dtype = class->dtype;
    if (from->dtype) {
        const eg_py_node *global = eg_pickle_node(r->torch->pickle, from->dtype);
        if (global->kind != EG_PY_GLOBAL) return mistyped(r, from->dtype, "the dtype");
        *dtype = eg_torch_dtype_find(global->name);
        if (*dtype == EG_DTYPE_COUNT) return unsupported(r, global->name, "no such element type here");
        size_t item = class->untyped || class->dtype == EG_DTYPE_COUNT ? 1 : eg_dtype_size(class->dtype);
        w->start = w->start * item / eg_dtype_size(*dtype);
        w->numel = w->numel * item / eg_dtype_size(*dtype);
    }
    if (*dtype == EG_DTYPE_COUNT) return unsupported(r, "packed", class->name);
    eg_dtype *read_as = &w->storage->read_as;
    if (w->storage->bytes->big_endian && *read_as != EG_DTYPE_COUNT && *read_as != *dtype)
        return unsupported(r, "big-endian untyped", "tensors of two types share the storage");
    *read_as = *dtype;
    return true;
}

static bool overflows(const request *r)
{
    return eg_fail_id(r->err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits", r->name);
}

/* extent = offset + sum((size - 1) * stride) + 1 must lie in the window; an empty tensor needs nothing. */
static bool check_extent(const request *r, const window *w, eg_shape shape, const int64_t *strides,
                         uint64_t offset)
{
    uint64_t extent = offset, numel;
    if (!eg_shape_numel(shape, &numel)) return overflows(r);
    if (numel == 0) return true;
    for (uint32_t i = 0; i < shape.rank; i++) {
        uint64_t reach;
        if (__builtin_mul_overflow((uint64_t)shape.dims[i] - 1, (uint64_t)strides[i], &reach) ||
            __builtin_add_overflow(extent, reach, &extent))
            return overflows(r);
    }
    if (__builtin_add_overflow(extent, 1, &extent)) return overflows(r);
    return extent <= w->numel ? true : too_short(r, w, w->numel, extent);
}

/* A stride of 0 makes much of little: 2^42 elements of one. */
static bool check_expansion(const request *r, eg_shape shape, eg_dtype dtype, uint64_t stored)
{
    uint64_t numel, bytes;
    uint64_t most =
        stored > EXPANSION_FLOOR / 4 ? (stored > UINT64_MAX / 4 ? UINT64_MAX : stored * 4) : EXPANSION_FLOOR;
    if (!eg_shape_numel(shape, &numel) || __builtin_mul_overflow(numel, eg_dtype_size(dtype), &bytes) ||
        bytes > INT64_MAX)
        return overflows(r);
    if (bytes <= most || r->torch->allow_expand) return true;
    return eg_fail_id(r->err, EG_MALFORMED, "TEN-008",
                      "tensor '%s' would expand to %llu bytes from %llu; refusing (--allow-expand)", r->name,
                      (unsigned long long)bytes, (unsigned long long)stored);
}

static bool is_contiguous(eg_shape shape, const int64_t *strides)
{
    int64_t expected = 1;
    for (uint32_t i = shape.rank; i-- > 0;) {
        if (shape.dims[i] == 0) return true;
        if (shape.dims[i] != 1 && strides[i] != expected) return false;
        expected *= shape.dims[i];
    }
    return true;
}

/* ---- lazy conjugates and negatives ---- */

/* A tensor that was saved as a flag over another's storage: the values are made on first use. */
typedef struct flipped {
    eg_entry source;
    bool conjugate, negative;
    void *block;
    size_t size;
} flipped;

static void free_flipped(void *object)
{
    flipped *f = object;
    eg_block_free(f->block, f->size);
}

/* Changes the sign bit of every step-th number, starting with number `first`. */
static void flip_signs(uint8_t *bytes, uint64_t count, size_t size, uint64_t first, uint64_t step)
{
    for (uint64_t i = first; i < count; i += step) bytes[i * size + size - 1] ^= 0x80;
}

static bool load_flipped(eg_storage *storage, eg_error *err)
{
    flipped *f = storage->context;
    uint64_t count = storage->size / eg_dtype_size(f->source.dtype);
    bool complex = f->source.dtype == EG_C64 || f->source.dtype == EG_C128;
    size_t size = eg_dtype_size(f->source.dtype) / (complex ? 2 : 1);
    f->block = eg_block_new(f->size, f->source.name, err);
    if (!f->block || !eg_entry_read(&f->source, f->block, err)) return false;
    if (complex) count *= 2;
    if (f->negative) flip_signs(f->block, count, size, 0, 1);
    if (f->conjugate && complex) flip_signs(f->block, count, size, 1, 2);
    storage->bytes = f->block;
    storage->load = NULL;
    return true;
}

static bool flag(const request *r, eg_ref metadata, const char *key)
{
    eg_ref value = eg_py_get(r->torch->pickle, metadata, key);
    const eg_py_node *node = value ? eg_pickle_node(r->torch->pickle, value) : NULL;
    return node && node->kind == EG_PY_BOOL && node->integer;
}

static bool apply_metadata(const request *r, eg_ref metadata, eg_entry *entry)
{
    bool conjugate = flag(r, metadata, "conj"), negative = flag(r, metadata, "neg");
    if (!conjugate && !negative) return true;
    bool is_float = entry->dtype <= EG_BF16 || entry->dtype == EG_C64 || entry->dtype == EG_C128;
    if (!is_float) return unsupported(r, "negated integer", eg_dtype_name(entry->dtype));
    flipped *f = EG_NEW(r->torch->arena, flipped);
    uint64_t numel = 0;
    eg_shape_numel(entry->shape, &numel);
    *f = (flipped){.source = *entry, .conjugate = conjugate, .negative = negative};
    f->size = numel * eg_dtype_size(entry->dtype);
    eg_arena_defer(r->torch->arena, free_flipped, f);
    eg_storage *storage = EG_NEW(r->torch->arena, eg_storage);
    *storage =
        (eg_storage){.key = entry->name, .size = f->size, .fd = -1, .load = load_flipped, .context = f};
    entry->storage = storage;
    entry->offset = 0;
    entry->strides = NULL;
    return true;
}

/* A tensor before its bounds are checked. */
typedef struct sketch {
    window over;
    eg_dtype dtype;
    uint64_t offset; /* elements into the window */
    uint32_t rank;
    int64_t dims[MAX_RANK], strides[MAX_RANK];
} sketch;

static void sketch_given(const request *r, const eg_torch_given *given, sketch *s)
{
    assert(given->rank <= MAX_RANK);
    open_view(r->torch, &given->over, &s->over);
    s->offset = given->offset;
    s->rank = given->rank;
    memcpy(s->dims, given->dims, given->rank * sizeof *s->dims);
    memcpy(s->strides, given->strides, given->rank * sizeof *s->strides);
}

static bool sketch_parts(const request *r, const parts *from, sketch *s)
{
    uint32_t strides;
    if (from->given) {
        sketch_given(r, from->given, s);
        return find_dtype(r, from, &s->over, &s->dtype);
    }
    if (!find_window(r, from->storage, &s->over) || !find_dtype(r, from, &s->over, &s->dtype) ||
        !read_count(r, from->offset, "offset", &s->offset) ||
        !read_dims(r, from->size, "size", s->dims, &s->rank) ||
        !read_dims(r, from->stride, "stride", s->strides, &strides))
        return false;
    if (s->rank == strides) return true;
    return eg_fail_id(r->err, EG_MALFORMED, "TEN-003", "tensor '%s': %u sizes but %u strides", r->name,
                      s->rank, strides);
}

static bool finish(const request *r, const sketch *s, eg_entry *entry)
{
    eg_shape shape = {s->rank, s->dims};
    const eg_torch_storage *storage = s->over.storage;
    if (!check_extent(r, &s->over, shape, s->strides, s->offset)) return false;
    if (!check_expansion(r, shape, s->dtype, storage->bytes->size)) return false;
    if (storage->meta)
        return eg_fail_id(r->err, EG_MALFORMED, "TEN-010",
                          "tensor '%s' is on the meta device and has no data", r->name);
    uint64_t numel = 0;
    eg_shape_numel(shape, &numel);
    *entry = (eg_entry){.name = r->name, .dtype = s->dtype};
    entry->shape = eg_shape_copy(r->torch->arena, s->dims, s->rank);
    entry->storage = storage->bytes;
    entry->offset = numel ? (s->over.start + s->offset) * eg_dtype_size(s->dtype) : 0;
    if (!is_contiguous(shape, s->strides))
        entry->strides = eg_arena_copy(r->torch->arena, s->strides, s->rank * sizeof *s->strides);
    return true;
}

bool eg_torch_place(eg_torch *torch, const eg_torch_given *given, eg_dtype dtype, const char *name,
                    eg_entry *entry, eg_error *err)
{
    request r = {torch, name, err, false};
    sketch s = {.dtype = dtype};
    sketch_given(&r, given, &s);
    return finish(&r, &s, entry);
}

/* ---- quantized ---- */

static bool build(const request *r, eg_ref ref, eg_entry *entry);

static bool bad_quantization(const request *r, const char *detail)
{
    return unsupported(r, "such quantized", detail);
}

/* A list of numbers as a tensor in memory (torch before 1.4 pickled scales so). */
static bool list_entry(const request *r, const eg_ref *items, uint32_t count, eg_entry *entry)
{
    double *values = EG_NEW_ARRAY(r->torch->arena, double, count + 1);
    const int64_t dims[] = {count};
    for (uint32_t i = 0; i < count; i++) {
        const eg_py_node *node = eg_pickle_node(r->torch->pickle, items[i]);
        if (node->kind != EG_PY_FLOAT && node->kind != EG_PY_INT) return mistyped(r, items[i], "a scale");
        values[i] = node->kind == EG_PY_FLOAT ? node->real : (double)node->integer;
    }
    eg_shape shape = eg_shape_copy(r->torch->arena, dims, 1);
    *entry = eg_entry_in_memory(r->torch->arena, r->name, EG_F64, shape, values);
    return true;
}

/* Scales or zero points: one for each index of the axis. */
static const eg_entry *read_channel(const request *r, eg_ref ref, int64_t count)
{
    const eg_ref *items;
    uint32_t n;
    eg_entry *entry = EG_NEW(r->torch->arena, eg_entry);
    request part = {r->torch, r->name, r->err, true};
    bool list = eg_py_items(r->torch->pickle, ref, &items, &n);
    if (!list && !eg_torch_is_tensor(r->torch, ref)) mistyped(r, ref, "the quantization parameters");
    bool ok =
        list ? list_entry(r, items, n, entry) : eg_torch_is_tensor(r->torch, ref) && build(&part, ref, entry);
    if (!ok) return NULL;
    if (entry->shape.rank == 1 && entry->shape.dims[0] == count && eg_can_convert_f32(entry->dtype))
        return entry;
    bad_quantization(r, "scales and zero points do not match the axis");
    return NULL;
}

static bool per_channel(const request *r, const eg_ref *items, const eg_entry *entry, eg_quantization *q)
{
    int64_t axis;
    if (!eg_py_int(r->torch->pickle, items[3], &axis)) return mistyped(r, items[3], "the axis");
    if (axis < 0 || axis >= entry->shape.rank)
        return bad_quantization(r, eg_arena_printf(r->torch->arena, "axis %lld of %u dimensions",
                                                   (long long)axis, entry->shape.rank));
    q->axis = (uint32_t)axis;
    q->scales = read_channel(r, items[1], entry->shape.dims[axis]);
    q->zero_points = q->scales ? read_channel(r, items[2], entry->shape.dims[axis]) : NULL;
    return q->zero_points != NULL;
}

/* (torch.per_tensor_affine, scale, zero point) or (torch.per_channel_affine, scales, zero points, axis). */
static bool apply_quantization(const request *r, eg_ref ref, eg_entry *entry)
{
    const eg_pickle *p = r->torch->pickle;
    const eg_py_node *tuple = eg_pickle_node(p, ref);
    eg_quantization *q = EG_NEW(r->torch->arena, eg_quantization);
    if (entry->dtype != EG_QI8 && entry->dtype != EG_QU8 && entry->dtype != EG_QI32)
        return bad_quantization(r, eg_dtype_name(entry->dtype));
    if (tuple->kind != EG_PY_TUPLE || tuple->count < 3)
        return mistyped(r, ref, "the quantization parameters");
    const eg_ref *items = tuple->items;
    const eg_py_node *scale = eg_pickle_node(p, items[1]);
    entry->quantization = q;
    if (eg_py_is_global(p, items[0], "torch", "per_tensor_affine")) {
        if (scale->kind != EG_PY_FLOAT) return mistyped(r, items[1], "the scale");
        if (!eg_py_int(p, items[2], &q->zero_point)) return mistyped(r, items[2], "the zero point");
        q->scale = scale->real;
        return true;
    }
    bool channels = eg_py_is_global(p, items[0], "torch", "per_channel_affine") ||
                    eg_py_is_global(p, items[0], "torch", "per_channel_affine_float_qparams");
    if (channels && tuple->count >= 4) return per_channel(r, items, entry, q);
    return bad_quantization(r, eg_py_short(r->torch->arena, p, items[0]));
}

/* ---- sparse ---- */

/* torch.sparse_coo, or _get_layout("torch.sparse_coo"), without "torch."; "" for anything else. */
static const char *layout_name(const request *r, eg_ref ref)
{
    const eg_pickle *p = r->torch->pickle;
    const eg_py_node *node = eg_pickle_node(p, ref);
    const char *name = node->kind == EG_PY_GLOBAL ? node->name : NULL;
    if (eg_py_made_by(p, ref, "torch.serialization", "_get_layout")) {
        const eg_py_node *args = eg_pickle_node(p, node->args);
        name = args->count == 1 ? eg_py_text(r->torch->arena, p, args->items[0]) : NULL;
    }
    if (!name) return "";
    return eg_starts_with(name, "torch.") ? name + strlen("torch.") : name;
}

static bool build_sparse(const request *r, const parts *from, eg_entry *entry)
{
    const eg_pickle *p = r->torch->pickle;
    const char *layout = layout_name(r, from->layout);
    const eg_py_node *data = eg_pickle_node(p, from->data);
    request part = {r->torch, r->name, r->err, true};
    bool coo = strcmp(layout, "sparse_coo") == 0;
    int64_t dims[MAX_RANK];
    uint32_t rank;
    eg_torch_sparse sparse = {.layout = layout};
    if (r->inner) return unsupported(r, "nested sparse", layout);
    if (!eg_torch_sparse_is_layout(layout))
        return unsupported(r, "sparse", *layout ? layout : "unknown layout");
    if (data->kind != EG_PY_TUPLE || data->count < (coo ? 3 : 4)) return mistyped(r, from->data, "the parts");
    const eg_ref *items = data->items;
    if (!build(&part, items[0], &sparse.indices) || !build(&part, items[coo ? 1 : 2], &sparse.values) ||
        (!coo && !build(&part, items[1], &sparse.plain)))
        return false;
    if (!read_dims(r, items[coo ? 2 : 3], "size", dims, &rank)) return false;
    sparse.shape = eg_shape_copy(r->torch->arena, dims, rank);
    if (!check_expansion(r, sparse.shape, sparse.values.dtype, sparse.values.storage->size)) return false;
    return eg_torch_sparse_place(r->torch->arena, &sparse, r->name, entry, r->err);
}

static bool build(const request *r, eg_ref ref, eg_entry *entry)
{
    parts from = {0};
    sketch s = {.dtype = EG_F32};
    if (!find_parts(r, ref, &from)) return false;
    if (from.data) return build_sparse(r, &from, entry);
    if (!sketch_parts(r, &from, &s) || !finish(r, &s, entry)) return false;
    if (from.qparams && r->inner) return unsupported(r, "nested quantized", "a part of another tensor");
    if (from.qparams) return apply_quantization(r, from.qparams, entry);
    return from.metadata ? apply_metadata(r, from.metadata, entry) : true;
}

bool eg_torch_tensor(eg_torch *torch, eg_ref ref, const char *name, eg_entry *entry, eg_error *err)
{
    request r = {torch, name, err, false};
    return build(&r, ref, entry);
}
