/* Reading safetensors files. Every tensor is a storage of its own that points into the mapping.
 *
 * Metadata become values ("__metadata__.format"), but for engraft's card under "engraft" and the module
 * versions under "engraft.versions" (module_versions.h; absent when all of them are 1). An entry "dropped":
 * "kept", where only `kept` is a tensor, is what writers leave of a tied pair (the format cannot hold one):
 * the tie is restored, at the end of the state dict. */
#ifndef ENGRAFT_FORMAT_SAFETENSORS_H
#define ENGRAFT_FORMAT_SAFETENSORS_H

#include "format/checkpoint_file.h"

#define EG_SAFETENSORS_CARD     "engraft"
#define EG_SAFETENSORS_VERSIONS "engraft.versions"

/* Errors STF-001 … STF-007, TEN-004; TEN-009 for element types that engraft lacks, a warning when options ask
 * to inspect. */
bool eg_safetensors_read(eg_checkpoint_file *file, eg_error *err);

#endif
