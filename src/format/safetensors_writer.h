/* Writing safetensors as the reference does, byte for byte: tensors by type (widest first) and then by name,
 * the header as compact JSON, padded with spaces to a multiple of 8.
 *
 * The format cannot hold ties: of tied tensors the first by name is written, and the metadata say
 * "dropped": "kept" for each other one, as safetensors.torch does. The metadata are sorted; they hold
 * "format": "pt", which transformers asks for, and the card under "engraft". The bytes depend on the
 * arguments alone. */
#ifndef ENGRAFT_FORMAT_SAFETENSORS_WRITER_H
#define ENGRAFT_FORMAT_SAFETENSORS_WRITER_H

#include "engraft/checkpoint.h"

#define EG_SAFETENSORS_EXTENSION       ".safetensors"
#define EG_SAFETENSORS_INDEX_EXTENSION ".safetensors.index.json"

/* One file, or an index beside it when extra asks for shards and the tensors need more than one. Errors
 * WR-001. */
bool eg_safetensors_write(const char *path, const eg_store *store, const eg_checkpoint_extra *extra,
                          eg_error *err);
/* NAME.safetensors.index.json, after the files NAME-00001-of-00002.safetensors … that it names: tensors in
 * the order of the store, each file as full as it gets. Shards hold 5 GB unless extra says otherwise. */
bool eg_safetensors_index_write(const char *path, const eg_store *store, const eg_checkpoint_extra *extra,
                                eg_error *err);

#endif
