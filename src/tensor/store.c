#include <assert.h>
#include <string.h>

#include "base/crc32.h"
#include "base/file.h"
#include "base/map.h"
#include "base/memory.h"
#include "engraft/tensor.h"
#include "tensor/convert.h"
#include "tensor/part.h"
#include "tensor/quantization.h"

const eg_entry *eg_store_find(const eg_store *store, const char *name)
{
    assert(store->index || store->count == 0);
    int64_t at = store->index ? eg_map_find(store->index, name) : -1;
    return at < 0 ? NULL : &store->entries[at];
}

void eg_store_index(eg_store *store, eg_arena *arena)
{
    eg_map *index = eg_map_new(arena);
    for (size_t i = 0; i < store->count; i++) eg_map_add(index, store->entries[i].name, (int64_t)i);
    store->index = index;
}

eg_entry eg_entry_in_memory(eg_arena *arena, const char *name, eg_dtype dtype, eg_shape shape,
                            const void *bytes)
{
    eg_storage *storage = EG_NEW(arena, eg_storage);
    uint64_t numel = 0;
    bool fits = eg_shape_numel(shape, &numel);
    assert(fits);
    (void)fits;
    *storage = (eg_storage){.key = name, .bytes = bytes, .size = numel * eg_dtype_size(dtype), .fd = -1};
    return (eg_entry){.name = name, .dtype = dtype, .shape = shape, .storage = storage};
}

/* From the file, past the mapping: a mapped page counts as memory until it is unmapped. */
static bool read_checked(const eg_entry *entry, void *out, eg_error *err)
{
    eg_storage *storage = entry->storage;
    if (!eg_read_at(storage->fd, storage->file_offset, out, storage->size, err)) return false;
    return eg_storage_check(storage, eg_crc32(0, out, storage->size), err);
}

bool eg_entry_read(const eg_entry *entry, void *out, eg_error *err)
{
    uint64_t numel = 0;
    if (!eg_shape_numel(entry->shape, &numel))
        return eg_fail_id(err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits", entry->name);
    if (numel == 0) return true;
    if (eg_entry_is_checkable(entry)) return read_checked(entry, out, err);
    if (!eg_storage_load(entry->storage, err)) return false;
    const void *elements = eg_entry_part(entry, 0, numel, out, err);
    if (elements && elements != out) memcpy(out, elements, numel * eg_dtype_size(entry->dtype));
    return elements != NULL;
}

bool eg_entry_read_f32(const eg_entry *entry, float *out, eg_error *err)
{
    uint64_t numel = 0;
    if (entry->dtype == EG_F32) return eg_entry_read(entry, out, err);
    if (entry->quantization) return eg_dequantize(entry, out, err);
    if (!eg_can_convert_f32(entry->dtype))
        return eg_fail(err, EG_MALFORMED, "tensor '%s' is %s, which has no conversion to F32", entry->name,
                       eg_dtype_name(entry->dtype));
    if (!eg_shape_numel(entry->shape, &numel))
        return eg_fail_id(err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits", entry->name);
    size_t size = (size_t)numel * eg_dtype_size(entry->dtype);
    void *raw = eg_block_new(size, entry->name, err);
    if (!raw) return false;
    bool ok = eg_entry_read(entry, raw, err);
    if (ok) eg_convert_f32(raw, entry->dtype, out, numel);
    eg_block_free(raw, size);
    return ok;
}
