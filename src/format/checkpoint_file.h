/* What every checkpoint reader gets: the open file, and the checkpoint to be filled. A reader is a function
 * of src/format/<kind>.h, named in the table of checkpoint.c. */
#ifndef ENGRAFT_FORMAT_CHECKPOINT_FILE_H
#define ENGRAFT_FORMAT_CHECKPOINT_FILE_H

#include "base/file.h"
#include "engraft/checkpoint.h"

typedef struct eg_checkpoint_file {
    eg_arena arena; /* owns everything below, the checkpoint's lists included */
    eg_mapping mapping;
    eg_checkpoint_options options;
    eg_checkpoint checkpoint;
    size_t ties;   /* names at the end of the store that the file gives as ties to others, not as tensors */
    bool is_shard; /* named by an index, so it may not be one itself */
} eg_checkpoint_file;

/* Fills file->checkpoint from the mapping. Reads names, shapes and dtypes; no tensor byte is touched. */
typedef bool eg_checkpoint_reader(eg_checkpoint_file *file, eg_error *err);

/* The reader of every known format, chosen by the mapping's content (checkpoint.c). */
bool eg_checkpoint_file_read(eg_checkpoint_file *file, eg_error *err);

#endif
