/* Manifests: what a checkpoint holds without its values, enough to plan against.
 *
 *   {"manifest": 1, "file": "x.pth", "format": "torch-zip", "state_dict": "",
 *    "tensors": [{"name": "fc.weight", "dtype": "F32", "shape": [2, 512], "sha256": …}]} */
#ifndef ENGRAFT_RUN_MANIFEST_H
#define ENGRAFT_RUN_MANIFEST_H

#include "engraft/checkpoint.h"

/* Prints one; with the digests where there are some (per tensor, 64 hex digits; NULL: none). */
bool eg_manifest_print(const eg_checkpoint *file, const char *const *digests, eg_error *err);
/* True when the file is a manifest. */
bool eg_manifest_is(const char *path);
/* Its tensors as a store that has names, dtypes and shapes, and no bytes; in the arena. */
bool eg_manifest_read(eg_arena *arena, const char *path, eg_store *store, eg_error *err);

#endif
