/* PyTorch's stream container (0.1.10 to 1.5): reading.
 *
 *   pickle  0x1950a86a20f9469cfc6c        magic, one LONG
 *   pickle  1001                          protocol version
 *   pickle  {'little_endian': …}          of the writer; the data is little-endian whatever it says
 *   pickle  the object                    persistent ids ('storage', class, key, location, numel, view) and
 *                                         ('module', class, file, source)
 *   pickle  [key, …]                      sorted as strings
 *   each    i64le numel, numel elements   in that order
 *
 * view is None or (view key, offset, numel): the storage is a window of the one stored, in elements.
 * Source: torch/serialization.py, _legacy_save and _legacy_load. */
#ifndef ENGRAFT_FORMAT_TORCH_LEGACY_H
#define ENGRAFT_FORMAT_TORCH_LEGACY_H

#include "format/checkpoint_file.h"
#include "format/torch_tensor.h"

/* True when the first pickle is the magic number and nothing else. */
bool eg_torch_legacy_is(const uint8_t *bytes, uint64_t size);
/* Errors LEG-001 … LEG-005, PKL-…, TEN-…, SEL-…. */
bool eg_torch_legacy_read(eg_checkpoint_file *file, eg_error *err);
/* A stream pickled inside another file; for eg_torch.nested. */
eg_torch *eg_torch_legacy_nested(eg_torch *outer, const uint8_t *bytes, uint64_t size, eg_error *err);

#endif
