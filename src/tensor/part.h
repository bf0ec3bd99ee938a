/* Parts of tensors, so that large ones pass through small memory. */
#ifndef ENGRAFT_TENSOR_PART_H
#define ENGRAFT_TENSOR_PART_H

#include "engraft/tensor.h"

/* True when the elements stand in the storage's file as eg_entry_read would give them: contiguous,
 * little-endian, and no BOOL, whose bytes may be others than 0 and 1. */
bool eg_entry_in_file(const eg_entry *entry);
/* True when they do, are the whole storage, and it waits to be verified: to read them all and call
 * eg_storage_check then does for eg_storage_load. */
bool eg_entry_is_checkable(const eg_entry *entry);
/* Makes the storage's bytes valid, once. */
bool eg_storage_load(eg_storage *storage, eg_error *err);
/* The same from the CRC-32 of its bytes, of a storage that an entry makes checkable. */
bool eg_storage_check(eg_storage *storage, uint32_t crc, eg_error *err);
/* Gives back the memory that loading took, where it can be taken again. */
void eg_storage_unload(eg_storage *storage);
/* Elements first … first+count-1 in row-major order, contiguous and little-endian: where they stand, or in
 * `buffer`, which has room for them. The storage is loaded, or the entry is in a file. Threads may read parts
 * of one entry at once. NULL and err when the file cannot be read. */
const void *eg_entry_part(const eg_entry *entry, uint64_t first, uint64_t count, void *buffer, eg_error *err);

#endif
