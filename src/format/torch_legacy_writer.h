/* Writing the stream container that PyTorch used before 1.6 and still reads
 * (torch.save(…, _use_new_zipfile_serialization=False)); layout in torch_legacy.h. The prologue is byte for
 * byte Python 3's. There is no room for a card. The bytes depend on the arguments alone. */
#ifndef ENGRAFT_FORMAT_TORCH_LEGACY_WRITER_H
#define ENGRAFT_FORMAT_TORCH_LEGACY_WRITER_H

#include "engraft/checkpoint.h"

bool eg_torch_legacy_write(const char *path, const eg_store *store, const eg_checkpoint_extra *extra,
                           eg_error *err);

#endif
