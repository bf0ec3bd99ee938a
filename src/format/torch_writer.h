/* Writing state dicts as torch.save does today (2.7 and later), byte for byte, so that every PyTorch
 * since 1.6 reads them with weights_only=True and mmap=True.
 *
 * Records: data.pkl, .format_version, .storage_alignment, byteorder, data/0 …, [.data/engraft.json,] version,
 * .data/serialization_id, all in the folder "archive". Tensors are contiguous, on the CPU, without gradients;
 * tied tensors, and slices of another tensor that is written, share its record. The bytes depend on the
 * arguments alone. */
#ifndef ENGRAFT_FORMAT_TORCH_WRITER_H
#define ENGRAFT_FORMAT_TORCH_WRITER_H

#include "base/output.h"
#include "engraft/checkpoint.h"

bool eg_torch_zip_write(const char *path, const eg_store *store, const eg_checkpoint_extra *extra,
                        eg_error *err);
/* The same into an open output. serialization_id NULL: derived from the content. */
bool eg_torch_zip_write_to(eg_output *output, const eg_store *store, const eg_checkpoint_extra *extra,
                           const char *serialization_id, eg_error *err);
/* data.pkl alone, in the arena. */
const char *eg_torch_pickle_text(eg_arena *arena, const eg_store *store, const eg_checkpoint_extra *extra,
                                 size_t *length, eg_error *err);

#endif
