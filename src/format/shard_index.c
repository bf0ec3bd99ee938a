#include "format/shard_index.h"

#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/str.h"
#include "format/json.h"
#include "format/state_dict.h"

enum { MAX_INDEX = 100 * 1000 * 1000, MAX_SHOWN = 200 };

typedef struct shard {
    const char *name;
    eg_checkpoint_file *file;
} shard;

typedef struct mapping {
    const char *tensor;
    size_t shard;
} mapping;

typedef struct shard_index {
    eg_checkpoint_file *file;
    const char *folder;
    shard *shards; /* in the order in which the index names them */
    mapping *map;  /* in the order of the index */
    size_t shard_count, count;
    eg_map *names; /* tensor -> position in map; then in the store, for those that follow */
    double total;  /* bytes, as the index says; negative: it does not */
    eg_error *err;
} shard_index;

bool eg_shard_index_is(const uint8_t *bytes, uint64_t size)
{
    uint64_t at = 0;
    while (at < size && bytes[at] && strchr(" \t\r\n", bytes[at])) at++;
    return at < size && bytes[at] == '{';
}

bool eg_shard_name_allowed(const char *name)
{
    size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return length && name[length] == '\0' && name[0] != '.' && length <= 255;
}

static const char *shown(const shard_index *x, const char *name)
{
    return eg_printable(&x->file->arena, name, strnlen(name, MAX_SHOWN));
}

/* ---- the index ---- */

static bool malformed(shard_index *x, const char *what)
{
    return eg_fail_id(x->err, EG_MALFORMED, "STF-010", "not an index of shards: %s", what);
}

static bool add_mapping(shard_index *x, eg_map *shards, const char *tensor, const char *name)
{
    eg_arena *arena = &x->file->arena;
    if (!name)
        return malformed(
            x, eg_arena_printf(arena, "expected the name of a file for tensor '%s'", shown(x, tensor)));
    if (!eg_shard_name_allowed(name))
        return eg_fail_id(x->err, EG_MALFORMED, "STF-008", "shard name '%s' is not allowed", shown(x, name));
    int64_t at = eg_map_find(shards, name);
    if (at < 0) {
        at = (int64_t)x->shard_count++;
        x->shards[at].name = eg_arena_string(arena, name);
        eg_map_add(shards, x->shards[at].name, at);
    }
    mapping *m = &x->map[x->count];
    *m = (mapping){eg_arena_string(arena, tensor), (size_t)at};
    eg_map_add(x->names, m->tensor, (int64_t)x->count++);
    return true;
}

static bool read_map(shard_index *x, const eg_json *json)
{
    eg_arena *arena = &x->file->arena;
    const eg_json *map = eg_json_get(json, "weight_map"), *value;
    const char *tensor;
    void *at = NULL;
    size_t most = 0;
    if (!eg_json_is_object(map)) return malformed(x, "expected the member weight_map, from tensors to files");
    while (eg_json_next(map, &at, &tensor, &value)) most++;
    x->map = EG_NEW_ARRAY(arena, mapping, most);
    x->shards = EG_NEW_ARRAY(arena, shard, most);
    x->names = eg_map_new(arena);
    x->total = -1;
    eg_json_get_real(eg_json_get(json, "metadata"), "total_size", &x->total);
    eg_map *shards = eg_map_new(arena);
    while (eg_json_next(map, &at, &tensor, &value))
        if (!add_mapping(x, shards, tensor, eg_json_string_of(value))) return false;
    return true;
}

static bool read_index(shard_index *x)
{
    const eg_mapping *m = &x->file->mapping;
    eg_arena scratch = {0};
    eg_error why = {0};
    if (m->size > MAX_INDEX)
        return eg_fail_id(x->err, EG_MALFORMED, "PKL-011", "limit exceeded: %s (%llu > %llu)",
                          "bytes of the index", (unsigned long long)m->size, (unsigned long long)MAX_INDEX);
    if (memchr(m->bytes, '\0', m->size)) return malformed(x, "it holds a zero byte");
    eg_json *json = eg_json_parse(eg_arena_substring(&scratch, (const char *)m->bytes, m->size), &why);
    bool ok = json ? read_map(x, json) : malformed(x, why.text);
    eg_json_free(json);
    eg_arena_clear(&scratch);
    return ok;
}

/* ---- the shards ---- */

static void close_shard(void *object)
{
    eg_checkpoint_close(&((eg_checkpoint_file *)object)->checkpoint);
}

static bool open_shard(shard_index *x, shard *s)
{
    eg_checkpoint_file *file = eg_malloc(sizeof *file);
    *file = (eg_checkpoint_file){.options = x->file->options, .is_shard = true};
    file->options.state_dict = NULL;
    file->checkpoint.path = eg_path_join(&file->arena, x->folder, s->name);
    file->checkpoint.state_dict = "";
    file->checkpoint.impl = file;
    eg_arena_defer(&x->file->arena, close_shard, file);
    s->file = file;
    return (eg_mapping_open_in(&file->mapping, x->folder, s->name, x->err) &&
            eg_checkpoint_file_read(file, x->err)) ||
           eg_error_in(x->err, file->checkpoint.path);
}

static bool in_two(shard_index *x, const char *tensor, size_t a, size_t b)
{
    return eg_fail_id(x->err, EG_MALFORMED, "STF-011", "tensor '%s' is in '%s' and in '%s'", shown(x, tensor),
                      x->shards[a].name, x->shards[b].name);
}

/* A tensor that is in the shard must be mapped to it. Names that the shard gives as ties to its tensors need
 * no mapping of their own. */
static bool check_shard(shard_index *x, size_t number)
{
    const eg_store *store = &x->shards[number].file->checkpoint.store;
    for (size_t i = 0; i < store->count - x->shards[number].file->ties; i++) {
        const char *name = store->entries[i].name;
        int64_t at = eg_map_find(x->names, name);
        if (at >= 0 && x->map[at].shard != number &&
            eg_store_find(&x->shards[x->map[at].shard].file->checkpoint.store, name))
            return in_two(x, name, x->map[at].shard, number);
        if (at >= 0 && x->map[at].shard == number) continue;
        const char *text =
            eg_arena_printf(&x->file->arena, "tensor '%s' is in '%s' but is mapped to %s", shown(x, name),
                            x->shards[number].name, at < 0 ? "no file" : x->shards[x->map[at].shard].name);
        if (!x->file->options.inspect) return eg_fail_id(x->err, EG_MALFORMED, "STF-011", "%s", text);
        eg_checkpoint_warn(&x->file->arena, &x->file->checkpoint, "STF-011: %s", text);
    }
    return true;
}

/* ---- one state dict of all ---- */

static bool merge_mapped(shard_index *x, eg_entry *entries)
{
    for (size_t i = 0; i < x->count; i++) {
        const shard *s = &x->shards[x->map[i].shard];
        const eg_entry *entry = eg_store_find(&s->file->checkpoint.store, x->map[i].tensor);
        if (!entry)
            return eg_fail_id(x->err, EG_MALFORMED, "STF-009",
                              "tensor '%s' is mapped to '%s' but is not in it", shown(x, x->map[i].tensor),
                              s->name);
        entries[i] = *entry;
    }
    return true;
}

/* A tie's name may be mapped, too; then it is in the store already. */
static bool merge_ties(shard_index *x, eg_entry *entries, size_t *count)
{
    for (size_t s = 0; s < x->shard_count; s++) {
        const eg_checkpoint_file *file = x->shards[s].file;
        const eg_store *store = &file->checkpoint.store;
        for (size_t i = store->count - file->ties; i < store->count; i++) {
            const char *name = store->entries[i].name;
            int64_t at = eg_map_find(x->names, name);
            if (at >= 0 && (size_t)at < x->count && x->map[at].shard == s) continue;
            if (!eg_map_add(x->names, name, (int64_t)*count))
                return eg_fail_id(x->err, EG_MALFORMED, "STF-011", "tensor '%s' is in two shards",
                                  shown(x, name));
            entries[(*count)++] = store->entries[i];
        }
    }
    return true;
}

static bool merge_stores(shard_index *x)
{
    size_t most = x->count, count = x->count;
    for (size_t s = 0; s < x->shard_count; s++) most += x->shards[s].file->ties;
    eg_entry *entries = EG_NEW_ARRAY(&x->file->arena, eg_entry, most);
    if (!merge_mapped(x, entries) || !merge_ties(x, entries, &count)) return false;
    x->file->checkpoint.store = (eg_store){.entries = entries, .count = count};
    eg_store_index(&x->file->checkpoint.store, &x->file->arena);
    return true;
}

/* Appends a shard's list to the index's own. */
#define MERGE(arena, out, in, list, number)                                                                  \
    do {                                                                                                     \
        void *all = eg_arena_array((arena), (out)->number + (in)->number, sizeof *(out)->list);              \
        if ((out)->number) memcpy(all, (out)->list, (out)->number * sizeof *(out)->list);                    \
        if ((in)->number)                                                                                    \
            memcpy((char *)all + (out)->number * sizeof *(out)->list, (in)->list,                            \
                   (in)->number * sizeof *(out)->list);                                                      \
        (out)->list = all;                                                                                   \
        (out)->number += (in)->number;                                                                       \
    } while (0)

static void merge_lists(shard_index *x, const eg_checkpoint *in)
{
    eg_arena *arena = &x->file->arena;
    eg_checkpoint *out = &x->file->checkpoint;
    if (!out->value_count) MERGE(arena, out, in, values, value_count); /* every shard says the same */
    MERGE(arena, out, in, references, reference_count);
    MERGE(arena, out, in, versions, version_count);
    MERGE(arena, out, in, warnings, warning_count);
    if (!out->card) out->card = in->card;
}

static void check_total(shard_index *x)
{
    uint64_t bytes = 0, numel;
    for (size_t i = 0; i < x->count; i++) {
        const eg_entry *entry = &x->file->checkpoint.store.entries[i];
        if (eg_shape_numel(entry->shape, &numel)) bytes += numel * eg_dtype_size(entry->dtype);
    }
    if (x->total >= 0 && x->total != (double)bytes)
        eg_checkpoint_warn(&x->file->arena, &x->file->checkpoint,
                           "the index says that the tensors have %.0f bytes, and they have %llu", x->total,
                           (unsigned long long)bytes);
}

bool eg_shard_index_read(eg_checkpoint_file *file, eg_error *err)
{
    shard_index x = {.file = file, .err = err};
    eg_checkpoint *out = &file->checkpoint;
    if (file->is_shard) return malformed(&x, "an index names another index");
    x.folder = eg_path_folder(&file->arena, out->path);
    if (!read_index(&x)) return false;
    for (size_t i = 0; i < x.shard_count; i++)
        if (!open_shard(&x, &x.shards[i])) return false;
    for (size_t i = 0; i < x.shard_count; i++)
        if (!check_shard(&x, i)) return false;
    if (!merge_stores(&x)) return false;
    for (size_t i = 0; i < x.shard_count; i++) merge_lists(&x, &x.shards[i].file->checkpoint);
    check_total(&x);
    out->format = x.shard_count
                      ? eg_arena_printf(&file->arena, "%s-sharded", x.shards[0].file->checkpoint.format)
                      : "safetensors-sharded";
    return true;
}
