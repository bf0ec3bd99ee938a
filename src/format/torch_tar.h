/* PyTorch's tar container (before 0.1.10): reading.
 *
 *   sys_info   pickle {'protocol_version': 1000, …}
 *   storages   pickle n, n times (pickle (key, location, class), i64le numel, numel elements, little-endian),
 *              pickle [(key, root key, offset, numel), …]: windows of those storages, in elements
 *   tensors    pickle n, n times (pickle (key, storage key or None, class), i32le rank, 4 bytes of anything,
 *              rank x i64le size, rank x i64le stride, i64le offset)
 *   pickle     the object; persistent ids are keys, or (class, file, source) for a module's class
 *
 * Keys are integers, in the object's pickle their decimal text. Members are found in the mapping, nothing is
 * unpacked. Source: torch/serialization.py, legacy_load. */
#ifndef ENGRAFT_FORMAT_TORCH_TAR_H
#define ENGRAFT_FORMAT_TORCH_TAR_H

#include "format/checkpoint_file.h"

/* True for a ustar header, or an older one whose checksum is right. */
bool eg_torch_tar_is(const uint8_t *bytes, uint64_t size);
/* Errors TAR-001, FMT-002 (a tar without PyTorch's members), LEG-…, PKL-…, TEN-…, SEL-…. */
bool eg_torch_tar_read(eg_checkpoint_file *file, eg_error *err);

#endif
