#include <assert.h>
#include <string.h>

#include "base/crc32.h"
#include "base/map.h"
#include "base/memory.h"
#include "engraft/tensor.h"
#include "tensor/convert.h"
#include "tensor/elements.h"
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

bool eg_entry_read(const eg_entry *entry, void *out, eg_error *err)
{
    uint64_t numel = 0;
    if (!eg_shape_numel(entry->shape, &numel))
        return eg_fail_id(err, EG_MALFORMED, "TEN-004", "tensor '%s': size overflows 64 bits", entry->name);
    if (numel == 0) return true;
    size_t size = numel * eg_dtype_size(entry->dtype);
    bool checkable = eg_entry_is_checkable(entry);
    if (!checkable && !eg_storage_load(entry->storage, err)) return false;
    const void *elements = eg_entry_part(entry, 0, numel, out, err);
    if (!elements) return false;
    if (elements != out) memcpy(out, elements, size);
    return !checkable || eg_storage_check(entry->storage, eg_crc32(0, out, size), err);
}

/* Stretch by stretch: the tensor is in memory once, as floats. */
static bool convert(const eg_entry *entry, float *out, uint64_t numel, eg_error *err)
{
    enum { STRETCH = 1 << 13 };
    uint64_t buffer[STRETCH]; /* room for the largest elements that convert */
    size_t size = eg_dtype_size(entry->dtype);
    bool checkable = eg_entry_is_checkable(entry);
    uint32_t crc = 0;
    if (!checkable && !eg_storage_load(entry->storage, err)) return false;
    uint64_t at = 0, n = 0;
    for (; at < numel; at += n) {
        n = numel - at < STRETCH ? numel - at : STRETCH;
        const void *part = eg_entry_part(entry, at, n, buffer, err);
        if (!part) break;
        if (checkable) crc = eg_crc32(crc, part, n * size);
        eg_convert_f32(part, entry->dtype, out + at, n);
    }
    return at == numel && (!checkable || eg_storage_check(entry->storage, crc, err));
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
    return numel == 0 || convert(entry, out, numel, err);
}
