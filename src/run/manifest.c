#include "run/manifest.h"

#include <string.h>

#include "base/file.h"
#include "base/map.h"
#include "base/str.h"
#include "format/json.h"
#include "recipe/schema.h"

static eg_json *tensor_json(const eg_entry *entry, const char *digest)
{
    eg_json *json = eg_json_object(), *shape = eg_json_array();
    for (uint32_t d = 0; d < entry->shape.rank; d++) eg_json_int(shape, NULL, entry->shape.dims[d]);
    eg_json_string(json, "name", entry->name);
    eg_json_string(json, "dtype", eg_dtype_name(entry->dtype));
    eg_json_add(json, "shape", shape);
    if (digest) eg_json_string(json, "sha256", digest);
    return json;
}

bool eg_manifest_print(const eg_checkpoint *file, const char *const *digests, eg_error *err)
{
    eg_json *json = eg_json_object(), *tensors = eg_json_array();
    for (size_t i = 0; i < file->store.count; i++)
        eg_json_add(tensors, NULL, tensor_json(&file->store.entries[i], digests ? digests[i] : NULL));
    eg_json_int(json, "manifest", 1);
    eg_json_string(json, "file", eg_path_name(file->path));
    eg_json_string(json, "format", file->format);
    eg_json_string(json, "state_dict", file->state_dict);
    eg_json_add(json, "tensors", tensors);
    bool ok = eg_json_print(json, stdout, err);
    eg_json_free(json);
    return ok;
}

bool eg_manifest_is(const char *path)
{
    eg_arena arena = {0};
    bool is = eg_ends_with(path, ".json") && eg_doc_find(eg_doc_read(&arena, path, NULL), "manifest");
    eg_arena_clear(&arena);
    return is;
}

static bool malformed(const eg_doc *doc, const char *expected, eg_error *err)
{
    return eg_fail_at(err, EG_MALFORMED, doc->place, "not a manifest: expected %s", expected);
}

static bool read_tensor(eg_arena *arena, const eg_doc *doc, eg_storage *none, eg_entry *out, eg_error *err)
{
    enum { MOST_DIMS = 32 };
    const eg_doc *name = eg_doc_find(doc, "name"), *dtype = eg_doc_find(doc, "dtype"),
                 *shape = eg_doc_find(doc, "shape");
    int64_t dims[MOST_DIMS];
    uint64_t numel;
    if (!name || !dtype || !shape || name->kind != EG_DOC_SCALAR || dtype->kind != EG_DOC_SCALAR ||
        shape->kind != EG_DOC_LIST || shape->count > MOST_DIMS)
        return malformed(doc, "{\"name\", \"dtype\", \"shape\"}", err);
    *out = (eg_entry){.name = name->text, .dtype = eg_dtype_find(dtype->text), .storage = none};
    if (out->dtype == EG_DTYPE_COUNT) return malformed(dtype, "a dtype such as \"F32\"", err);
    for (size_t d = 0; d < shape->count; d++)
        if (!eg_scalar_int(shape->items[d], &dims[d]) || dims[d] < 0)
            return malformed(shape, "sizes of 0 or more", err);
    out->shape = eg_shape_copy(arena, dims, (uint32_t)shape->count);
    return eg_shape_numel(out->shape, &numel) || malformed(shape, "a number of elements below 2^63", err);
}

static bool no_bytes(eg_storage *storage, eg_error *err)
{
    return eg_fail(
        err, EG_SYSTEM,
        "'%s' is a manifest: names and shapes without values, enough to plan; name the checkpoint itself to "
        "go on",
        storage->key);
}

bool eg_manifest_read(eg_arena *arena, const char *path, eg_store *store, eg_error *err)
{
    const eg_doc *doc = eg_doc_read(arena, path, err), *tensors = eg_doc_find(doc, "tensors");
    int64_t version = 0;
    if (!doc) return false;
    const eg_doc *number = eg_doc_find(doc, "manifest");
    if (!number || !eg_scalar_int(number, &version) || version != 1 || !tensors ||
        tensors->kind != EG_DOC_LIST)
        return malformed(doc, "{\"manifest\": 1, \"tensors\": [...]}", err);
    eg_storage *none = EG_NEW(arena, eg_storage);
    eg_entry *entries = EG_NEW_ARRAY(arena, eg_entry, tensors->count);
    eg_map *names = eg_map_new(arena);
    *none = (eg_storage){.key = eg_arena_string(arena, path), .fd = -1, .load = no_bytes};
    for (size_t i = 0; i < tensors->count; i++) {
        if (!read_tensor(arena, tensors->items[i], none, &entries[i], err)) return false;
        if (!eg_map_add(names, entries[i].name, (int64_t)i))
            return malformed(tensors->items[i], "distinct names", err);
    }
    *store = (eg_store){.entries = entries, .count = tensors->count, .index = names};
    return true;
}
