#include "format/torch_legacy.h"

#include <string.h>

#include "base/map.h"
#include "format/cursor.h"
#include "format/pickle_value.h"
#include "format/state_dict.h"

enum { PROTOCOL = 1001, MAX_MAGIC = 64 /* bytes of the first pickle */ };

/* PROTO 2, LONG1 of ten bytes: 0x1950a86a20f9469cfc6c; torch compares the number, so any protocol byte will
 * do. */
static const uint8_t magic[] = {0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19};

typedef struct stream {
    eg_arena *arena;
    const uint8_t *bytes;
    uint64_t size, at;
    eg_error *err;
} stream;

static eg_pickle *next_pickle(stream *s)
{
    uint64_t used = 0;
    eg_pickle *pickle = eg_pickle_parse(s->arena, s->bytes + s->at, s->size - s->at, &used, s->err);
    s->at += used;
    return pickle;
}

static bool is_magic(const eg_pickle *pickle)
{
    const eg_py_node *node = eg_pickle_node(pickle, pickle->root);
    return node->kind == EG_PY_BIGINT && node->count == sizeof magic &&
           memcmp(node->bytes, magic, sizeof magic) == 0;
}

/* Protocols 4 and 5 put a frame before the number, so the first pickle is parsed, not compared. */
bool eg_torch_legacy_is(const uint8_t *bytes, uint64_t size)
{
    eg_arena arena = {0};
    uint64_t used = 0;
    bool possible = size > 4 && bytes[0] == 0x80;
    const eg_pickle *pickle =
        possible ? eg_pickle_parse(&arena, bytes, size < MAX_MAGIC ? size : MAX_MAGIC, &used, NULL) : NULL;
    bool is = pickle && is_magic(pickle);
    eg_arena_clear(&arena);
    return is;
}

/* The three pickles before the object. */
static bool read_prologue(stream *s)
{
    int64_t version = 0;
    eg_pickle *pickle = next_pickle(s);
    if (!pickle) return false;
    if (!is_magic(pickle))
        return eg_fail_id(s->err, EG_MALFORMED, "LEG-001", "bad magic number: not a PyTorch legacy file");
    if (!(pickle = next_pickle(s))) return false;
    if (!eg_py_int(pickle, pickle->root, &version) || version != PROTOCOL)
        return eg_fail_id(s->err, EG_MALFORMED, "LEG-002", "legacy protocol version %lld, expected 1001",
                          (long long)version);
    return next_pickle(s) != NULL;
}

/* Bytes of one element on disk. Sub-byte storages are packed; their numel counts bytes. */
static uint64_t item_size(const eg_torch_storage *storage)
{
    return storage->class->dtype == EG_DTYPE_COUNT ? 1 : eg_dtype_size(storage->class->dtype);
}

static bool truncated(stream *s, const char *key, uint64_t need)
{
    return eg_fail_id(s->err, EG_MALFORMED, "LEG-004",
                      "truncated: storage '%s' needs %llu bytes, file ends after %llu", key,
                      (unsigned long long)need, (unsigned long long)(s->size - s->at));
}

static bool read_storage(stream *s, eg_torch *torch, const char *key, int fd, uint64_t base)
{
    int64_t at = eg_map_find(torch->index, key);
    if (at < 0)
        return eg_fail_id(s->err, EG_MALFORMED, "LEG-005",
                          "storage '%s' is in the file but nothing references it", key);
    eg_torch_storage *storage = &torch->storages[at];
    eg_cursor in = eg_cursor_over(s->bytes, s->size);
    eg_cursor_seek(&in, s->at);
    int64_t numel = (int64_t)eg_cursor_u64(&in);
    if (in.failed) return truncated(s, key, 8);
    if (numel < 0 || (uint64_t)numel != storage->numel)
        return eg_fail_id(s->err, EG_MALFORMED, "LEG-003",
                          "storage '%s': header says %lld elements, pickle says %lld", key, (long long)numel,
                          (long long)storage->numel);
    s->at = in.at;
    uint64_t size = storage->numel * item_size(storage); /* checked when the pickle was read */
    if (size > s->size - s->at) return truncated(s, key, size);
    storage->bytes->bytes = s->bytes + s->at;
    storage->bytes->fd = fd;
    storage->bytes->file_offset = base + s->at;
    s->at += size;
    return true;
}

/* The list of keys, then the data of each. */
static bool read_storages(stream *s, eg_torch *torch, int fd, uint64_t base)
{
    const eg_ref *items;
    uint32_t count;
    eg_checkpoint ignored = {0};
    const eg_checkpoint_options strict = {0};
    eg_pickle *keys = next_pickle(s);
    if (!keys || !eg_state_dict_references(keys, &strict, s->arena, &ignored, s->err)) return false;
    if (!eg_py_items(keys, keys->root, &items, &count))
        return eg_fail_id(s->err, EG_MALFORMED, "PKL-006", "offset %llu: %s applied to a %s", 0ULL,
                          "the list of storages", eg_py_type(s->arena, keys, keys->root));
    for (uint32_t i = 0; i < count; i++) {
        const char *key = eg_py_text(s->arena, keys, items[i]);
        if (!key)
            return eg_fail_id(s->err, EG_MALFORMED, "PKL-006", "offset %llu: %s applied to a %s",
                              (unsigned long long)eg_pickle_node(keys, items[i])->offset, "a storage key",
                              eg_py_type(s->arena, keys, items[i]));
        if (!read_storage(s, torch, key, fd, base)) return false;
    }
    for (size_t i = 0; i < torch->count; i++) {
        const eg_torch_storage *storage = &torch->storages[i];
        if (!storage->bytes->bytes && storage->bytes->size && !storage->meta)
            return eg_fail_id(s->err, EG_MALFORMED, "TEN-007", "storage '%s' is referenced but missing",
                              storage->key);
    }
    return true;
}

static bool read_object(stream *s, eg_torch *torch)
{
    torch->arena = s->arena;
    torch->legacy = true;
    torch->nested = eg_torch_legacy_nested;
    torch->pickle = next_pickle(s);
    return torch->pickle != NULL;
}

bool eg_torch_legacy_read(eg_checkpoint_file *file, eg_error *err)
{
    stream s = {.arena = &file->arena, .bytes = file->mapping.bytes, .size = file->mapping.size, .err = err};
    eg_checkpoint *out = &file->checkpoint;
    eg_torch torch = {.allow_expand = file->options.allow_expand};
    out->format = "torch-legacy";
    if (!read_prologue(&s) || !read_object(&s, &torch)) return false;
    if (!eg_state_dict_references(torch.pickle, &file->options, s.arena, out, err)) return false;
    if (!eg_torch_collect(&torch, err) || !read_storages(&s, &torch, file->mapping.fd, 0)) return false;
    if (s.at < s.size)
        eg_checkpoint_warn(
            s.arena, out, "%llu bytes after the last storage were not read%s",
            (unsigned long long)(s.size - s.at),
            eg_torch_legacy_is(s.bytes + s.at, s.size - s.at) ? ": another saved object starts there" : "");
    return eg_state_dict_extract(&torch, &file->options, out, err);
}

eg_torch *eg_torch_legacy_nested(eg_torch *outer, const uint8_t *bytes, uint64_t size, eg_error *err)
{
    stream s = {.arena = outer->arena, .bytes = bytes, .size = size, .err = err};
    eg_torch *torch = EG_NEW(outer->arena, eg_torch);
    eg_checkpoint ignored = {0};
    const eg_checkpoint_options strict = {0};
    if (!read_prologue(&s) || !read_object(&s, torch)) return NULL;
    torch->nesting = outer->nesting + 1;
    if (!eg_state_dict_references(torch->pickle, &strict, s.arena, &ignored, err)) return NULL;
    if (!eg_torch_collect(torch, err) || !read_storages(&s, torch, -1, 0)) return NULL;
    return torch;
}
