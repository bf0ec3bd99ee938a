/* Checkpoints in several files, and the index that names them.
 *
 *   {"metadata": {"total_size": bytes}, "weight_map": {TENSOR: "model-00001-of-00005.safetensors", …}}
 *
 * model.safetensors.index.json and pytorch_model.bin.index.json have the same form, and the shards may be of
 * any format that holds a state dict. Every mapped tensor must be in its shard and in no other. A shard is a
 * plain name in the index's own folder, never a link. */
#ifndef ENGRAFT_FORMAT_SHARD_INDEX_H
#define ENGRAFT_FORMAT_SHARD_INDEX_H

#include "format/checkpoint_file.h"

/* True for a text that starts as a JSON object. */
bool eg_shard_index_is(const uint8_t *bytes, uint64_t size);
/* Reads the headers of every shard. Errors STF-008 … STF-011 and those of the shards. A tensor that the index
 * does not map is an error, and a warning when options ask to inspect. */
bool eg_shard_index_read(eg_checkpoint_file *file, eg_error *err);
/* Letters, digits, '.', '_' and '-', not starting with a dot. */
bool eg_shard_name_allowed(const char *name);

#endif
