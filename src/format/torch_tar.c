#include "format/torch_tar.h"

#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "format/cursor.h"
#include "format/pickle_value.h"
#include "format/state_dict.h"
#include "format/torch_legacy.h"
#include "format/torch_tensor.h"

enum { BLOCK = 512, MAX_MEMBERS = 64, MAX_RANK = 64, PROTOCOL = 1000 };

typedef enum member { SYS_INFO, PICKLE, TENSORS, STORAGES, MEMBER_COUNT } member;

static const char *const member_names[MEMBER_COUNT] = {
    [SYS_INFO] = "sys_info", [PICKLE] = "pickle", [TENSORS] = "tensors", [STORAGES] = "storages"};

typedef struct span {
    const uint8_t *bytes; /* NULL: there is no such member */
    uint64_t size;
} span;

typedef struct reader {
    eg_checkpoint_file *file;
    eg_arena *arena;
    span members[MEMBER_COUNT];
    eg_torch torch;
    eg_torch_view *views;
    eg_torch_given *given;
    size_t view_count, view_capacity, given_count, given_capacity;
    eg_error *err;
} reader;

/* ---- the archive ---- */

/* Octal digits, or base 256 when the first bit is set; false when it is neither or beyond 63 bits. */
static bool read_number(const uint8_t *field, size_t width, uint64_t *value)
{
    size_t i = 0;
    *value = 0;
    if (field[0] & 0x80) {
        *value = field[0] & 0x7F;
        for (i = 1; i < width; i++) {
            if (*value >> 55) return false;
            *value = *value << 8 | field[i];
        }
        return true;
    }
    while (i < width && field[i] == ' ') i++;
    for (; i < width && field[i] >= '0' && field[i] <= '7'; i++) *value = *value * 8 + (field[i] - '0');
    return i == width || field[i] == ' ' || field[i] == '\0';
}

/* The sum of the header's bytes, its own field taken as spaces. */
static bool is_checksum_right(const uint8_t *header)
{
    uint64_t sum = 0, said;
    for (int i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? ' ' : header[i];
    return read_number(header + 148, 8, &said) && sum == said;
}

bool eg_torch_tar_is(const uint8_t *bytes, uint64_t size)
{
    if (size < BLOCK || !bytes[0]) return false;
    return memcmp(bytes + 257, "ustar", 5) == 0 || is_checksum_right(bytes);
}

static bool bad_member(reader *t, const char *name, const char *why)
{
    return eg_fail_id(t->err, EG_MALFORMED, "TAR-001", "tar member '%s' %s", name, why);
}

/* A name that would leave a folder has no business in a checkpoint, even though nothing is unpacked. */
static bool is_plain_name(const char *name)
{
    return *name && *name != '/' && !strchr(name, '\\') && strcmp(name, "..") != 0 &&
           !eg_starts_with(name, "../") && !strstr(name, "/../") && !eg_ends_with(name, "/..");
}

/* Extended headers may carry times and owners; those that replace a name or a size would make two readers
 * differ. Records are "LENGTH key=value\n". */
static bool check_extended(reader *t, const char *name, const uint8_t *bytes, uint64_t size)
{
    static const char *const replacing[] = {" size=", " path=", " linkpath=", " GNU.sparse."};
    for (uint64_t at = 0; at < size; at++)
        for (size_t i = 0; i < sizeof replacing / sizeof *replacing; i++) {
            size_t n = strlen(replacing[i]);
            if (n <= size - at && memcmp(bytes + at, replacing[i], n) == 0)
                return bad_member(t, name, "replaces a member's name or size, which is not supported");
        }
    return true;
}

static bool keep_member(reader *t, const char *name, const uint8_t *bytes, uint64_t size)
{
    while (eg_starts_with(name, "./")) name += 2;
    if (!is_plain_name(name)) return bad_member(t, name, "has a name that is not allowed");
    for (member m = 0; m < MEMBER_COUNT; m++) {
        if (strcmp(name, member_names[m]) != 0) continue;
        if (t->members[m].bytes) return bad_member(t, name, "appears twice");
        t->members[m] = (span){bytes, size};
    }
    return true;
}

/* One member at *at; *end is set behind the last one (a block of zeros, or the end of the file). */
static bool read_member(reader *t, uint64_t *at, bool *end)
{
    const eg_mapping *file = &t->file->mapping;
    const uint8_t *header = file->bytes + *at;
    uint64_t size = 0, left = file->size - *at;
    *end = left == 0 || (left >= BLOCK && !header[0] && header[148] == 0);
    if (*end) return true;
    if (left < BLOCK) return bad_member(t, "?", "has a header that is cut short");
    const char *name = eg_printable(t->arena, (const char *)header, strnlen((const char *)header, 100));
    if (!is_checksum_right(header)) return bad_member(t, name, "has a wrong header checksum");
    if (!read_number(header + 124, 12, &size) || size > INT64_MAX)
        return bad_member(t, name, "has a size that is no number below 2^63");
    left -= BLOCK;
    if (size > left)
        return bad_member(t, name,
                          eg_arena_printf(t->arena, "needs %llu bytes, file ends after %llu",
                                          (unsigned long long)size, (unsigned long long)left));
    const uint8_t *bytes = header + BLOCK;
    uint64_t padded = size > left - left % BLOCK ? left : (size + BLOCK - 1) / BLOCK * BLOCK;
    *at += BLOCK + padded;
    switch (header[156]) {
    case '\0':
    case '0': return keep_member(t, name, bytes, size);
    case '1': return bad_member(t, name, "is a hard link; only regular files are read");
    case '2': return bad_member(t, name, "is a symbolic link; only regular files are read");
    case '5': return size ? bad_member(t, name, "is a folder with contents") : true;
    case 'x':
    case 'g': return check_extended(t, name, bytes, size);
    default: return bad_member(t, name, "is not a regular file");
    }
}

static bool find_members(reader *t)
{
    uint64_t at = 0;
    bool end = false;
    for (int i = 0; i <= MAX_MEMBERS; i++) {
        if (!read_member(t, &at, &end)) return false;
        if (end) break;
    }
    if (!end)
        return eg_fail_id(t->err, EG_MALFORMED, "PKL-011", "limit exceeded: %s (%llu > %llu)", "tar members",
                          MAX_MEMBERS + 1ULL, (unsigned long long)MAX_MEMBERS);
    if (!t->members[PICKLE].bytes && !t->members[STORAGES].bytes)
        return eg_fail_id(t->err, EG_MALFORMED, "FMT-002",
                          "%s file: unpack it first (engraft reads the checkpoint inside)", "tar");
    for (member m = PICKLE; m < MEMBER_COUNT; m++)
        if (!t->members[m].bytes) return bad_member(t, member_names[m], "is missing");
    return true;
}

/* ---- pickles inside members ---- */

/* A pickle at the cursor, in an arena that lives as long as one record. What a Python loader would execute
 * there is refused, or told of when the file is only inspected. */
static const eg_pickle *next_pickle(reader *t, eg_arena *scratch, eg_cursor *in)
{
    static const eg_checkpoint_options strict = {0};
    eg_checkpoint found = {0};
    eg_error why = {0};
    uint64_t used = 0;
    const eg_pickle *pickle = eg_pickle_parse(scratch, in->bytes + in->at, eg_cursor_left(in), &used, t->err);
    in->at += used;
    if (!pickle || eg_state_dict_references(pickle, &strict, scratch, &found, &why)) return pickle;
    eg_checkpoint_warn(t->arena, &t->file->checkpoint, "%s: %s", why.id, why.text);
    if (t->file->options.inspect) return pickle;
    eg_fail_id(t->err, why.code, why.id, "%s", why.text);
    return NULL;
}

static bool mistyped(reader *t, const eg_pickle *pickle, eg_ref ref, const char *what)
{
    return eg_fail_id(t->err, EG_MALFORMED, "PKL-006", "offset %llu: %s applied to a %s",
                      (unsigned long long)eg_pickle_node(pickle, ref)->offset, what,
                      eg_py_type(t->arena, pickle, ref));
}

static bool next_count(reader *t, eg_cursor *in, const char *what, int64_t *count)
{
    eg_arena scratch = {0};
    const eg_pickle *pickle = next_pickle(t, &scratch, in);
    bool ok = pickle != NULL;
    if (ok && (!eg_py_int(pickle, pickle->root, count) || *count < 0))
        ok = mistyped(t, pickle, pickle->root, what);
    eg_arena_clear(&scratch);
    return ok;
}

/* The items of a tuple; NULL and an error when it has another number of them. */
static const eg_ref *tuple_of(reader *t, const eg_pickle *pickle, eg_ref ref, uint32_t count,
                              const char *what)
{
    const eg_py_node *node = eg_pickle_node(pickle, ref);
    if (node->kind == EG_PY_TUPLE && node->count == count) return node->items;
    mistyped(t, pickle, ref, what);
    return NULL;
}

/* A key as decimal text in the arena, or NULL and an error. */
static const char *key_of(reader *t, const eg_pickle *pickle, eg_ref ref, const char *what)
{
    int64_t key;
    if (eg_py_int(pickle, ref, &key)) return eg_arena_printf(t->arena, "%lld", (long long)key);
    mistyped(t, pickle, ref, what);
    return NULL;
}

static bool cut_short(reader *t, const char *key, uint64_t need, uint64_t left)
{
    return eg_fail_id(t->err, EG_MALFORMED, "LEG-004",
                      "truncated: storage '%s' needs %llu bytes, file ends after %llu", key,
                      (unsigned long long)need, (unsigned long long)left);
}

/* ---- storages ---- */

static bool add_view(reader *t, const char *key, eg_torch_view view)
{
    if (!eg_map_add(t->torch.view_index, key, (int64_t)t->view_count))
        return bad_member(t, "storages", eg_arena_printf(t->arena, "declares storage '%s' twice", key));
    if (t->view_count == t->view_capacity) {
        t->view_capacity = t->view_capacity ? t->view_capacity * 2 : 64;
        eg_torch_view *more = EG_NEW_ARRAY(t->arena, eg_torch_view, t->view_capacity);
        if (t->view_count) memcpy(more, t->views, t->view_count * sizeof *more);
        t->torch.views = t->views = more;
    }
    t->views[t->view_count++] = view;
    return true;
}

/* (key, location, class), read from its pickle. */
static bool read_declaration(reader *t, eg_cursor *in, eg_torch_storage *storage)
{
    eg_arena scratch = {0};
    const eg_pickle *pickle = next_pickle(t, &scratch, in);
    const eg_ref *items =
        pickle ? tuple_of(t, pickle, pickle->root, 3, "the description of a storage") : NULL;
    storage->key = items ? key_of(t, pickle, items[0], "the key of a storage") : NULL;
    bool ok = storage->key != NULL;
    if (ok) {
        const eg_py_node *class = eg_pickle_node(pickle, items[2]);
        storage->class = class->kind == EG_PY_GLOBAL ? eg_storage_class_find(class->name) : NULL;
        if (!storage->class) ok = mistyped(t, pickle, items[2], "the class of a storage");
    }
    eg_arena_clear(&scratch);
    return ok;
}

static bool read_storage(reader *t, eg_cursor *in)
{
    eg_torch_storage storage = {.read_as = EG_DTYPE_COUNT};
    if (!read_declaration(t, in, &storage)) return false;
    int64_t numel = (int64_t)eg_cursor_u64(in);
    if (in->failed) return cut_short(t, storage.key, 8, eg_cursor_left(in));
    if (numel < 0)
        return eg_fail_id(t->err, EG_MALFORMED, "TEN-002", "tensor '%s': negative %s %lld",
                          eg_arena_printf(t->arena, "storage %s", storage.key), "number of elements",
                          (long long)numel);
    storage.numel = (uint64_t)numel;
    size_t position = t->torch.count;
    if (!add_view(t, storage.key, (eg_torch_view){position, 0, storage.numel})) return false;
    if (!eg_torch_storage_add(&t->torch, &storage, t->err)) return false;
    eg_storage *out = t->torch.storages[position].bytes;
    const uint8_t *bytes = eg_cursor_take(in, out->size);
    if (!bytes) return cut_short(t, storage.key, out->size, eg_cursor_left(in));
    out->bytes = bytes;
    out->fd = t->file->mapping.fd;
    out->file_offset = (uint64_t)(bytes - t->file->mapping.bytes);
    return true;
}

/* (key, root key, offset, numel) */
static bool read_view(reader *t, const eg_pickle *pickle, eg_ref ref)
{
    int64_t offset, numel;
    uint64_t end;
    const eg_ref *items = tuple_of(t, pickle, ref, 4, "a storage view");
    if (!items) return false;
    const char *key = key_of(t, pickle, items[0], "the key of a storage view"),
               *root = key_of(t, pickle, items[1], "the root of a storage view");
    if (!key || !root) return false;
    if (!eg_py_int(pickle, items[2], &offset) || offset < 0 || !eg_py_int(pickle, items[3], &numel) ||
        numel < 0)
        return mistyped(t, pickle, ref, "a window");
    int64_t at = eg_map_find(t->torch.view_index, root);
    if (at < 0)
        return eg_fail_id(t->err, EG_MALFORMED, "TEN-007", "storage '%s' is referenced but missing", root);
    eg_torch_view view = t->views[at];
    if (__builtin_add_overflow((uint64_t)offset, (uint64_t)numel, &end) || end > view.numel)
        return eg_fail_id(t->err, EG_MALFORMED, "TEN-001",
                          "tensor '%s': storage '%s' has %llu elements, view needs %llu", key, root,
                          (unsigned long long)view.numel, (unsigned long long)end);
    view.start += (uint64_t)offset;
    view.numel = (uint64_t)numel;
    return add_view(t, key, view);
}

static bool read_views(reader *t, eg_cursor *in)
{
    eg_arena scratch = {0};
    const eg_pickle *pickle = next_pickle(t, &scratch, in);
    const eg_ref *items;
    uint32_t count = 0;
    bool ok = pickle != NULL;
    if (ok && !eg_py_items(pickle, pickle->root, &items, &count))
        ok = mistyped(t, pickle, pickle->root, "the list of storage views");
    for (uint32_t i = 0; ok && i < count; i++) ok = read_view(t, pickle, items[i]);
    eg_arena_clear(&scratch);
    return ok;
}

static bool read_storages(reader *t)
{
    eg_cursor in = eg_cursor_over(t->members[STORAGES].bytes, t->members[STORAGES].size);
    int64_t count = 0;
    if (!next_count(t, &in, "the number of storages", &count)) return false;
    for (int64_t i = 0; i < count; i++)
        if (!read_storage(t, &in)) return false;
    return read_views(t, &in);
}

/* ---- tensors ---- */

/* A tensor without a storage is empty; its class, torch.FloatTensor, tells the type. */
static bool empty_storage(reader *t, const eg_pickle *pickle, eg_ref ref, eg_torch_view *out)
{
    const eg_py_node *class = eg_pickle_node(pickle, ref);
    size_t n =
        class->kind == EG_PY_GLOBAL && eg_ends_with(class->name, "Tensor") ? strlen(class->name) - 6 : 0;
    const char *name = eg_arena_printf(t->arena, "%.*sStorage", (int)n, n ? class->name : "");
    eg_torch_storage storage = {.class = eg_storage_class_find(name), .read_as = EG_DTYPE_COUNT};
    if (!storage.class) return mistyped(t, pickle, ref, "the class of a tensor");
    storage.key = eg_arena_printf(t->arena, "none/%s", name);
    if (!eg_torch_storage_add(&t->torch, &storage, t->err)) return false;
    *out = (eg_torch_view){(size_t)eg_map_find(t->torch.index, storage.key), 0, 0};
    return true;
}

/* (key, storage key or None, class) */
static bool read_owner(reader *t, eg_cursor *in, const char **key, eg_torch_view *over)
{
    eg_arena scratch = {0};
    const eg_pickle *pickle = next_pickle(t, &scratch, in);
    const eg_ref *items = pickle ? tuple_of(t, pickle, pickle->root, 3, "the description of a tensor") : NULL;
    *key = items ? key_of(t, pickle, items[0], "the key of a tensor") : NULL;
    bool ok = *key != NULL;
    if (ok && eg_py_is_none(pickle, items[1])) {
        ok = empty_storage(t, pickle, items[2], over);
    } else if (ok) {
        const char *root = key_of(t, pickle, items[1], "the storage of a tensor");
        int64_t at = root ? eg_map_find(t->torch.view_index, root) : -1;
        ok = root != NULL;
        if (ok && at < 0)
            ok = eg_fail_id(t->err, EG_MALFORMED, "TEN-007", "storage '%s' is referenced but missing", root);
        if (ok) *over = t->views[at];
    }
    eg_arena_clear(&scratch);
    return ok;
}

static bool read_dims(reader *t, eg_cursor *in, const char *key, const char *what, uint32_t rank,
                      const int64_t **out)
{
    int64_t *dims = EG_NEW_ARRAY(t->arena, int64_t, rank + 1);
    *out = dims;
    for (uint32_t i = 0; i < rank; i++) {
        dims[i] = (int64_t)eg_cursor_u64(in);
        if (dims[i] < 0)
            return eg_fail_id(t->err, EG_MALFORMED, "TEN-002", "tensor '%s': negative %s %lld", key, what,
                              (long long)dims[i]);
    }
    return true;
}

static bool read_rank(reader *t, eg_cursor *in, const char *key, uint32_t *rank)
{
    *rank = eg_cursor_u32(in);
    eg_cursor_take(in, 4); /* the writer put eight bytes of a four-byte number there */
    if ((int32_t)*rank < 0)
        return eg_fail_id(t->err, EG_MALFORMED, "TEN-002", "tensor '%s': negative %s %lld", key,
                          "number of dimensions", (long long)(int32_t)*rank);
    if (*rank <= MAX_RANK) return true;
    return eg_fail_id(t->err, EG_MALFORMED, "PKL-011", "limit exceeded: %s (%llu > %llu)",
                      "tensor dimensions", (unsigned long long)*rank, (unsigned long long)MAX_RANK);
}

static void add_given(reader *t, eg_torch_given one)
{
    static const int64_t none[1] = {0}, step[1] = {1};
    if (one.rank == 0 && one.over.numel == 0) /* before 0.4 no dimensions meant no elements */
        one = (eg_torch_given){.over = one.over, .rank = 1, .dims = none, .strides = step};
    if (t->given_count == t->given_capacity) {
        t->given_capacity = t->given_capacity ? t->given_capacity * 2 : 64;
        eg_torch_given *more = EG_NEW_ARRAY(t->arena, eg_torch_given, t->given_capacity);
        if (t->given_count) memcpy(more, t->given, t->given_count * sizeof *more);
        t->torch.given = t->given = more;
    }
    t->given[t->given_count++] = one;
}

static bool read_tensor(reader *t, eg_cursor *in)
{
    const char *key;
    eg_torch_given one = {0};
    if (!read_owner(t, in, &key, &one.over) || !read_rank(t, in, key, &one.rank) ||
        !read_dims(t, in, key, "size", one.rank, &one.dims) ||
        !read_dims(t, in, key, "stride", one.rank, &one.strides))
        return false;
    int64_t offset = (int64_t)eg_cursor_u64(in);
    if (in->failed)
        return bad_member(t, "tensors", eg_arena_printf(t->arena, "ends within tensor '%s'", key));
    if (offset < 0)
        return eg_fail_id(t->err, EG_MALFORMED, "TEN-002", "tensor '%s': negative %s %lld", key, "offset",
                          (long long)offset);
    one.offset = (uint64_t)offset;
    if (!eg_map_add(t->torch.given_index, key, (int64_t)t->given_count))
        return bad_member(t, "tensors", eg_arena_printf(t->arena, "declares tensor '%s' twice", key));
    add_given(t, one);
    return true;
}

static bool read_tensors(reader *t)
{
    eg_cursor in = eg_cursor_over(t->members[TENSORS].bytes, t->members[TENSORS].size);
    int64_t count = 0;
    if (!next_count(t, &in, "the number of tensors", &count)) return false;
    for (int64_t i = 0; i < count; i++)
        if (!read_tensor(t, &in)) return false;
    return true;
}

/* ---- the object ---- */

static bool check_protocol(reader *t)
{
    const span *info = &t->members[SYS_INFO];
    eg_arena scratch = {0};
    int64_t version = PROTOCOL;
    if (!info->bytes) return true;
    const eg_pickle *pickle = eg_pickle_parse(&scratch, info->bytes, info->size, NULL, t->err);
    eg_ref number = pickle ? eg_py_get(pickle, pickle->root, "protocol_version") : 0;
    if (number && !eg_py_int(pickle, number, &version)) version = 0;
    eg_arena_clear(&scratch);
    if (!pickle) return false;
    if (version == PROTOCOL) return true;
    return eg_fail_id(t->err, EG_MALFORMED, "LEG-002", "legacy protocol version %lld, expected %d",
                      (long long)version, PROTOCOL);
}

/* Storages that the object declares itself must be in the file. */
static bool check_storages(reader *t)
{
    for (size_t i = 0; i < t->torch.count; i++) {
        const eg_torch_storage *storage = &t->torch.storages[i];
        if (!storage->bytes->bytes && storage->bytes->size && !storage->meta)
            return eg_fail_id(t->err, EG_MALFORMED, "TEN-007", "storage '%s' is referenced but missing",
                              storage->key);
    }
    return true;
}

bool eg_torch_tar_read(eg_checkpoint_file *file, eg_error *err)
{
    eg_arena *arena = &file->arena;
    reader t = {.file = file, .arena = arena, .err = err};
    const span *object = &t.members[PICKLE];
    file->checkpoint.format = "torch-tar";
    t.torch = (eg_torch){.arena = arena,
                         .tar = true,
                         .allow_expand = file->options.allow_expand,
                         .nested = eg_torch_legacy_nested};
    t.torch.view_index = eg_map_new(arena);
    t.torch.given_index = eg_map_new(arena);
    if (!find_members(&t) || !check_protocol(&t)) return false;
    t.torch.pickle = eg_pickle_parse(arena, object->bytes, object->size, NULL, err);
    if (!t.torch.pickle) return false;
    if (!eg_state_dict_references(t.torch.pickle, &file->options, arena, &file->checkpoint, err))
        return false;
    if (!read_storages(&t) || !read_tensors(&t)) return false;
    if (!eg_torch_collect(&t.torch, err) || !check_storages(&t)) return false;
    return eg_state_dict_extract(&t.torch, &file->options, &file->checkpoint, err);
}
