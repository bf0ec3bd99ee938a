#include "format/safetensors_writer.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/str.h"
#include "format/json.h"
#include "format/module_versions.h"
#include "format/payload.h"
#include "format/safetensors.h"
#include "format/safetensors_header.h"
#include "format/shard_index.h"

enum { MAX_NAME = 4096 };

static const uint64_t SHARD_SIZE = 5000000000;

typedef struct item {
    const eg_entry *entry;
    const eg_entry *kept; /* the entry that stands for it; itself unless it is dropped */
    uint64_t size;        /* in bytes */
    int rank;             /* of its type in a file */
    size_t shard;
} item;

/* A place in a sorted list. */
typedef struct order {
    item *item;
} order;

typedef struct layout {
    eg_arena *arena;
    item *items; /* in the order of the store */
    size_t count, shards;
    const eg_checkpoint_extra *extra; /* or NULL */
    const char *versions;             /* or NULL */
} layout;

static bool cannot(eg_error *err, const char *what, const char *name)
{
    return eg_fail_id(err, EG_MALFORMED, "WR-001", "%s cannot represent %s '%s'", "safetensors", what, name);
}

/* ---- what is written ---- */

static int find_rank(eg_dtype dtype)
{
    int rank = 0;
    while (rank < EG_SAFETENSORS_TYPE_COUNT && eg_safetensors_types[rank].dtype != dtype) rank++;
    return rank;
}

static bool is_reserved(const char *name)
{
    return strcmp(name, "format") == 0 || strcmp(name, EG_SAFETENSORS_CARD) == 0 ||
           strcmp(name, EG_SAFETENSORS_VERSIONS) == 0;
}

static bool make_item(layout *l, const eg_entry *entry, item *out, eg_map *names, eg_error *err)
{
    size_t length = strlen(entry->name);
    *out = (item){.entry = entry, .kept = entry, .rank = find_rank(entry->dtype)};
    if (length > MAX_NAME || !eg_is_utf8(entry->name, length) || strcmp(entry->name, "__metadata__") == 0)
        return cannot(err, "the name", eg_printable(l->arena, entry->name, length < 80 ? length : 80));
    if (!eg_map_add(names, entry->name, 1)) return cannot(err, "two tensors with the name", entry->name);
    if (out->rank == EG_SAFETENSORS_TYPE_COUNT)
        return cannot(err, eg_arena_printf(l->arena, "the %s tensor", eg_dtype_name(entry->dtype)),
                      entry->name);
    if (!eg_shape_numel(entry->shape, &out->size) ||
        __builtin_mul_overflow(out->size, eg_dtype_size(entry->dtype), &out->size))
        return cannot(err, "the size of", entry->name);
    return true;
}

static int compare_numbers(const int64_t *a, const int64_t *b, uint32_t rank)
{
    for (uint32_t i = 0; i < rank; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* 0 when both are the same view of the same bytes. Pointers decide only what stands side by side. */
static int by_view(const item *x, const item *y)
{
    const eg_entry *a = x->entry, *b = y->entry;
    uintptr_t s = (uintptr_t)a->storage, t = (uintptr_t)b->storage;
    if (s != t) return s < t ? -1 : 1;
    if (a->offset != b->offset) return a->offset < b->offset ? -1 : 1;
    if (a->dtype != b->dtype) return a->dtype < b->dtype ? -1 : 1;
    if (a->shape.rank != b->shape.rank) return a->shape.rank < b->shape.rank ? -1 : 1;
    int dims = compare_numbers(a->shape.dims, b->shape.dims, a->shape.rank);
    if (dims) return dims;
    if (!a->strides || !b->strides) return (a->strides != NULL) - (b->strides != NULL);
    return compare_numbers(a->strides, b->strides, a->shape.rank);
}

static int by_view_and_name(const void *a, const void *b)
{
    const item *x = ((const order *)a)->item, *y = ((const order *)b)->item;
    int view = by_view(x, y);
    return view ? view : strcmp(x->entry->name, y->entry->name);
}

/* Ties become pairs in the metadata, whose other keys no dropped tensor may be called. */
static bool drop_ties(layout *l, eg_error *err)
{
    order *sorted = eg_malloc(eg_size_product(l->count, sizeof *sorted));
    bool ok = true;
    for (size_t i = 0; i < l->count; i++) sorted[i].item = &l->items[i];
    if (l->count) qsort(sorted, l->count, sizeof *sorted, by_view_and_name);
    for (size_t i = 1; ok && i < l->count; i++) {
        item *it = sorted[i].item;
        if (it->size == 0 || by_view(sorted[i - 1].item, it) != 0) continue;
        it->kept = sorted[i - 1].item->kept;
        if (is_reserved(it->entry->name)) ok = cannot(err, "the tied tensor's name", it->entry->name);
    }
    free(sorted);
    return ok;
}

static bool is_written(const item *i)
{
    return i->kept == i->entry;
}

/* Fills shards in the order of the store; a tensor that is larger than a shard has one of its own. A dropped
 * tensor's pair goes where the kept one is. */
static void fill_shards(layout *l, const eg_store *store, uint64_t most)
{
    uint64_t used = 0;
    l->shards = 1;
    for (size_t i = 0; i < l->count; i++) {
        item *it = &l->items[i];
        if (!is_written(it)) continue;
        if (used && (used > most || it->size > most - used)) {
            l->shards++;
            used = 0;
        }
        used += it->size;
        it->shard = l->shards - 1;
    }
    for (size_t i = 0; i < l->count; i++)
        l->items[i].shard = l->items[l->items[i].kept - store->entries].shard;
}

/* most: bytes in a shard; 0: one file. */
static bool plan(layout *l, const eg_store *store, const eg_checkpoint_extra *extra, uint64_t most,
                 eg_error *err)
{
    eg_map *names = eg_map_new(l->arena);
    l->items = EG_NEW_ARRAY(l->arena, item, store->count);
    l->count = store->count;
    l->extra = extra;
    l->versions = extra ? eg_module_versions_text(l->arena, extra->versions, extra->version_count) : NULL;
    for (size_t i = 0; i < l->count; i++)
        if (!make_item(l, &store->entries[i], &l->items[i], names, err)) return false;
    if (!drop_ties(l, err)) return false;
    fill_shards(l, store, most ? most : UINT64_MAX);
    return true;
}

/* ---- one file ---- */

/* As serde_json writes it: only what JSON demands is escaped. */
static void put_text(eg_buf *out, const char *text)
{
    static const char names[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    eg_buf_puts(out, "\"");
    for (; *text; text++) {
        const char *name = strchr(names, *text);
        if (name)
            eg_buf_printf(out, "\\%c", letters[name - names]);
        else if ((unsigned char)*text < 0x20)
            eg_buf_printf(out, "\\u%04x", (unsigned)*text);
        else
            eg_buf_add(out, text, 1);
    }
    eg_buf_puts(out, "\"");
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const eg_safetensors_pair *)a)->key, ((const eg_safetensors_pair *)b)->key);
}

static void put_metadata(eg_buf *out, const layout *l, size_t shard)
{
    eg_safetensors_pair *pairs = EG_NEW_ARRAY(l->arena, eg_safetensors_pair, l->count + 3);
    size_t count = 0;
    pairs[count++] = (eg_safetensors_pair){"format", "pt"};
    if (l->extra && l->extra->card && shard == 0)
        pairs[count++] = (eg_safetensors_pair){EG_SAFETENSORS_CARD, l->extra->card};
    if (l->versions && shard == 0)
        pairs[count++] = (eg_safetensors_pair){EG_SAFETENSORS_VERSIONS, l->versions};
    for (size_t i = 0; i < l->count; i++)
        if (!is_written(&l->items[i]) && l->items[i].shard == shard)
            pairs[count++] = (eg_safetensors_pair){l->items[i].entry->name, l->items[i].kept->name};
    qsort(pairs, count, sizeof *pairs, by_key);
    eg_buf_puts(out, "{\"__metadata__\":{");
    for (size_t i = 0; i < count; i++) {
        if (i) eg_buf_puts(out, ",");
        put_text(out, pairs[i].key);
        eg_buf_puts(out, ":");
        put_text(out, pairs[i].value);
    }
    eg_buf_puts(out, "}");
}

static void put_tensor(eg_buf *out, const item *it, uint64_t offset)
{
    eg_shape shape = it->entry->shape;
    uint64_t end = offset + it->size;
    eg_buf_puts(out, ",");
    put_text(out, it->entry->name);
    eg_buf_printf(out, ":{\"dtype\":\"%s\",\"shape\":[", eg_safetensors_types[it->rank].name);
    for (uint32_t i = 0; i < shape.rank; i++)
        eg_buf_printf(out, "%s%lld", i ? "," : "", (long long)shape.dims[i]);
    eg_buf_printf(out, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)offset,
                  (unsigned long long)end);
}

static int by_type_and_name(const void *a, const void *b)
{
    const item *x = ((const order *)a)->item, *y = ((const order *)b)->item;
    return x->rank != y->rank ? x->rank - y->rank : strcmp(x->entry->name, y->entry->name);
}

static bool write_header(eg_output *output, const layout *l, size_t shard, const order *items, size_t count,
                         eg_error *err)
{
    eg_buf text = {0};
    uint64_t offset = 0;
    uint8_t size[8];
    put_metadata(&text, l, shard);
    for (size_t i = 0; i < count; offset += items[i++].item->size) put_tensor(&text, items[i].item, offset);
    eg_buf_puts(&text, "}");
    while (text.length % 8) eg_buf_puts(&text, " ");
    for (int i = 0; i < 8; i++) size[i] = (uint8_t)(text.length >> 8 * i);
    bool ok =
        text.length <= EG_SAFETENSORS_MAX_HEADER
            ? eg_output_write(output, size, 8, err) && eg_output_write(output, text.data, text.length, err)
            : cannot(err, "a header of", eg_arena_printf(l->arena, "%zu bytes", text.length));
    eg_buf_clear(&text);
    return ok;
}

static bool write_tensors(eg_output *output, const layout *l, const order *items, size_t count, eg_error *err)
{
    eg_payload *payloads = EG_NEW_ARRAY(l->arena, eg_payload, count);
    for (size_t i = 0; i < count; i++)
        if (!eg_payload_place(&payloads[i], items[i].item->entry, output, err)) return false;
    return eg_payloads_write(output, payloads, count, l->extra, err);
}

static bool write_file(const char *path, const layout *l, size_t shard, eg_error *err)
{
    order *items = EG_NEW_ARRAY(l->arena, order, l->count);
    size_t count = 0;
    for (size_t i = 0; i < l->count; i++)
        if (is_written(&l->items[i]) && l->items[i].shard == shard) items[count++].item = &l->items[i];
    if (count) qsort(items, count, sizeof *items, by_type_and_name);
    eg_output *output = eg_output_open(path, err);
    bool ok = output && write_header(output, l, shard, items, count, err) &&
              write_tensors(output, l, items, count, err);
    if (ok) return eg_output_commit(output, err);
    eg_output_abandon(output);
    return eg_error_in(err, path);
}

/* ---- shards ---- */

static int by_entry_name(const void *a, const void *b)
{
    return strcmp(((const order *)a)->item->entry->name, ((const order *)b)->item->entry->name);
}

static bool write_index(const char *path, const layout *l, const char *const *names, eg_error *err)
{
    order *items = EG_NEW_ARRAY(l->arena, order, l->count);
    eg_json *index = eg_json_object(), *metadata = eg_json_object(), *map = eg_json_object();
    uint64_t total = 0;
    size_t count = 0;
    for (size_t i = 0; i < l->count; i++)
        if (is_written(&l->items[i])) items[count++].item = &l->items[i];
    if (count) qsort(items, count, sizeof *items, by_entry_name);
    for (size_t i = 0; i < count; total += items[i++].item->size)
        eg_json_string(map, items[i].item->entry->name, names[items[i].item->shard]);
    eg_json_int(metadata, "total_size", (int64_t)total);
    eg_json_add(index, "metadata", metadata);
    eg_json_add(index, "weight_map", map);
    const char *text = eg_arena_printf(l->arena, "%s\n", eg_json_text(l->arena, index, 2));
    eg_json_free(index);
    return eg_file_write(path, text, strlen(text), err);
}

/* stem: the path without extensions. The index comes last, so that it never names a file that is not there.
 */
static bool write_shards(const char *stem, const layout *l, eg_error *err)
{
    const char **names = EG_NEW_ARRAY(l->arena, const char *, l->shards);
    const char *folder = eg_path_folder(l->arena, stem);
    for (size_t i = 0; i < l->shards; i++) {
        names[i] = eg_arena_printf(l->arena, "%s-%05zu-of-%05zu%s", eg_path_name(stem), i + 1, l->shards,
                                   EG_SAFETENSORS_EXTENSION);
        if (!eg_shard_name_allowed(names[i])) return cannot(err, "in an index a file of the name", names[i]);
    }
    for (size_t i = 0; i < l->shards; i++)
        if (!write_file(eg_path_join(l->arena, folder, names[i]), l, i, err)) return false;
    return write_index(eg_arena_printf(l->arena, "%s%s", stem, EG_SAFETENSORS_INDEX_EXTENSION), l, names,
                       err);
}

static const char *without(eg_arena *arena, const char *path, const char *extension)
{
    size_t length = strlen(path), cut = eg_ends_with(path, extension) ? strlen(extension) : 0;
    return eg_arena_substring(arena, path, length - cut);
}

bool eg_safetensors_write(const char *path, const eg_store *store, const eg_checkpoint_extra *extra,
                          eg_error *err)
{
    eg_arena arena = {0};
    layout l = {.arena = &arena};
    bool ok = plan(&l, store, extra, extra ? extra->max_shard_size : 0, err);
    if (ok)
        ok = l.shards == 1 ? write_file(path, &l, 0, err)
                           : write_shards(without(&arena, path, EG_SAFETENSORS_EXTENSION), &l, err);
    eg_arena_clear(&arena);
    return ok || eg_error_in(err, path);
}

bool eg_safetensors_index_write(const char *path, const eg_store *store, const eg_checkpoint_extra *extra,
                                eg_error *err)
{
    eg_arena arena = {0};
    layout l = {.arena = &arena};
    uint64_t most = extra && extra->max_shard_size ? extra->max_shard_size : SHARD_SIZE;
    bool ok = plan(&l, store, extra, most, err) &&
              write_shards(without(&arena, path, EG_SAFETENSORS_INDEX_EXTENSION), &l, err);
    eg_arena_clear(&arena);
    return ok || eg_error_in(err, path);
}
