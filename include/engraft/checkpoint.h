/* Checkpoints: files that hold state dicts. Nothing in a file is ever executed. */
#ifndef ENGRAFT_CHECKPOINT_H
#define ENGRAFT_CHECKPOINT_H

#include "engraft/tensor.h"

/* A value of a training checkpoint that is not part of the state dict ("epoch", "int", "5"). */
typedef struct eg_checkpoint_value {
    const char *name; /* dotted path */
    const char *type; /* "int", "float", "str", "NoneType", "dict", or the class's qualified name */
    const char *text; /* short rendering */
} eg_checkpoint_value;

/* A name that a Python loader would import. */
typedef struct eg_checkpoint_reference {
    const char *module, *name;
    uint64_t offset; /* in the pickle stream */
    bool dangerous;  /* on the list of names known to execute things */
} eg_checkpoint_reference;

/* A state dict's module version, from PyTorch's `_metadata` ("layer1.0.bn1" -> 2). */
typedef struct eg_module_version {
    const char *path;
    int64_t version;
} eg_module_version;

typedef struct eg_checkpoint {
    const char *path;
    const char *format;     /* torch-zip torch-legacy safetensors npz … */
    const char *state_dict; /* path of the selected state dict, "" for the top level */
    eg_store store;         /* in file order */
    const eg_checkpoint_value *values;
    size_t value_count;
    const eg_checkpoint_reference
        *references; /* every class or function that is not plain tensor machinery */
    size_t reference_count;
    const eg_module_version *versions;
    size_t version_count;
    const char *const *warnings;
    size_t warning_count;
    const char *card; /* engraft's own description of the model (JSON), or NULL */
    void *impl;       /* arena and mapping; closed with the checkpoint */
} eg_checkpoint;

typedef struct eg_checkpoint_options {
    const char *state_dict; /* path of the state dict, or NULL: must be unambiguous */
    bool inspect;           /* list unsafe references instead of refusing them */
    bool no_verify;         /* do not check CRCs */
    bool allow_expand;      /* views may repeat their storage without bound */
    bool allow_bare_pickle; /* with inspect: list what a pickle without a container holds */
    bool dequantize;        /* quantized tensors become the F32 numbers that they stand for */
    uint64_t max_pickle;    /* bytes of a zip's pickle; 0: 256 MiB */
} eg_checkpoint_options;

/* Opens a file of any known format by its content. Reads names, shapes and dtypes; tensor bytes stay in the
 * file until asked for. options may be NULL. Errors as in the format's own table; EG_UNSAFE where a dangerous
 * name stands on the tensors' path. */
eg_checkpoint *eg_checkpoint_open(const char *path, const eg_checkpoint_options *options, eg_error *err);
void eg_checkpoint_close(eg_checkpoint *checkpoint); /* NULL is fine */

/* Looks on while a checkpoint is written. */
typedef struct eg_write_watch {
    void *context;
    /* Elements first … first+count-1 of one of the store's entries, contiguous and little-endian, on their
     * way into the file. By several threads at once, in no order. */
    void (*see)(void *context, const eg_entry *entry, uint64_t first, const void *elements, uint64_t count);
    /* After all of them, before the file is put in place: false and err leave the old one there. */
    bool (*finish)(void *context, eg_error *err);
    /* A checkpoint whose file's SHA-256 is computed from the same bytes that are copied; NULL: none. The
     * digits are there for finish. */
    const eg_checkpoint *source;
    char sha256[65];
} eg_write_watch;

typedef struct eg_checkpoint_extra {
    const eg_module_version *versions; /* `_metadata`; may be NULL */
    size_t version_count;
    const char *card;        /* JSON text kept inside the file where the format has room; may be NULL */
    const char *format;      /* "pth", "pth-legacy"; NULL: by the path's extension */
    uint64_t max_shard_size; /* safetensors: bytes of tensors in a file before the next one is begun, with an
                              * index beside them; 0: one file */
    int threads;           /* that copy; 0: as many as there are processors. The bytes do not depend on it */
    eg_write_watch *watch; /* NULL: nobody looks on */
} eg_checkpoint_extra;

/* False and EG_USAGE when the path's extension names no format that eg_checkpoint_write knows. */
bool eg_checkpoint_writable(const char *path, eg_error *err);
/* What `checkpoint` holds that a file of that extension has no place for ("3 ties, 12 module versions"), in
 * the arena; NULL: nothing. */
const char *eg_checkpoint_losses(eg_arena *arena, const char *path, const eg_checkpoint *checkpoint);
/* Writes the store; the path's extension picks the format (.pth .pt: torch zip; .safetensors, and
 * .safetensors.index.json for shards; .npz). Temporary file in the same folder, fsync, rename: the old file
 * stays whole on any failure. The bytes depend on the arguments alone. */
bool eg_checkpoint_write(const char *path, const eg_store *store, const eg_checkpoint_extra *extra,
                         eg_error *err);

#endif
