#include "tensor/part.h"

#include <assert.h>
#include <string.h>

#include "base/file.h"
#include "tensor/convert.h"

enum { MOST_DIMS = 64 };

static bool is_contiguous(const eg_entry *entry)
{
    int64_t expected = 1;
    if (!entry->strides) return true;
    for (uint32_t i = entry->shape.rank; i-- > 0;) {
        if (entry->shape.dims[i] != 1 && entry->strides[i] != expected) return false;
        expected *= entry->shape.dims[i];
    }
    return true;
}

static bool is_raw(const eg_entry *entry)
{
    return !entry->storage->big_endian && entry->dtype != EG_BOOL && is_contiguous(entry);
}

bool eg_entry_in_file(const eg_entry *entry)
{
    return entry->storage->fd >= 0 && is_raw(entry);
}

bool eg_entry_is_checkable(const eg_entry *entry)
{
    const eg_storage *storage = entry->storage;
    uint64_t numel = 0;
    return storage->load && storage->check && entry->offset == 0 && eg_entry_in_file(entry) &&
           eg_shape_numel(entry->shape, &numel) && numel * eg_dtype_size(entry->dtype) == storage->size;
}

bool eg_storage_load(eg_storage *storage, eg_error *err)
{
    return !storage->load || storage->load(storage, err);
}

bool eg_storage_check(eg_storage *storage, uint32_t crc, eg_error *err)
{
    if (!storage->check(storage, crc, err)) return false;
    storage->load = NULL;
    return true;
}

void eg_storage_unload(eg_storage *storage)
{
    if (storage->unload && !storage->load) storage->unload(storage);
}

/* Copies a strided view element by element; the reader of the file has checked that it lies inside the
 * storage. */
static void gather(const eg_entry *entry, uint64_t first, uint64_t count, uint8_t *out)
{
    const uint8_t *base = entry->storage->bytes + entry->offset;
    size_t size = eg_dtype_size(entry->dtype);
    uint32_t rank = entry->shape.rank;
    int64_t index[MOST_DIMS] = {0};
    assert(rank <= MOST_DIMS);
    for (uint32_t d = rank; d-- > 0; first /= (uint64_t)entry->shape.dims[d])
        index[d] = (int64_t)(first % (uint64_t)entry->shape.dims[d]);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at = 0;
        for (uint32_t d = 0; d < rank; d++) at += (uint64_t)(index[d] * entry->strides[d]);
        memcpy(out + i * size, base + at * size, size);
        for (uint32_t d = rank; d-- > 0;) {
            if (++index[d] < entry->shape.dims[d]) break;
            index[d] = 0;
        }
    }
}

/* What is neither contiguous nor little-endian, nor free of other truths than 1. */
static void normalise(const eg_entry *entry, uint64_t first, uint64_t count, uint8_t *out)
{
    size_t size = eg_dtype_size(entry->dtype);
    if (is_contiguous(entry))
        memcpy(out, entry->storage->bytes + entry->offset + first * size, count * size);
    else
        gather(entry, first, count, out);
    if (entry->storage->big_endian) eg_swap_bytes(out, count, entry->dtype);
    if (entry->dtype == EG_BOOL)
        for (uint64_t i = 0; i < count; i++) out[i] = out[i] != 0;
}

const void *eg_entry_part(const eg_entry *entry, uint64_t first, uint64_t count, void *buffer, eg_error *err)
{
    const eg_storage *storage = entry->storage;
    size_t size = eg_dtype_size(entry->dtype);
    uint64_t at = entry->offset + first * size;
    if (eg_entry_in_file(entry))
        return eg_read_at(storage->fd, storage->file_offset + at, buffer, count * size, err) ? buffer : NULL;
    assert(!storage->load);
    if (is_raw(entry)) return storage->bytes + at;
    normalise(entry, first, count, buffer);
    return buffer;
}
