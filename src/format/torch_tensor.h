/* Tensors of a torch pickle: which nodes are tensors, over which storages, and what view of them each one is.
 *
 * A storage is a persistent id, ('storage', class, key, location, numel[, view]). A tensor is what
 * torch._utils._rebuild_tensor* would have built (torch/_utils.py), perhaps inside a Parameter or a subclass,
 * or a torch.FloatTensor with a BUILD of (storage, offset, size, stride) as in 0.1.10. Sizes, strides and
 * offsets count elements. Every bound is checked before an entry is handed out. */
#ifndef ENGRAFT_FORMAT_TORCH_TENSOR_H
#define ENGRAFT_FORMAT_TORCH_TENSOR_H

#include "engraft/tensor.h"
#include "format/pickle.h"
#include "format/torch_global.h"

typedef struct eg_torch_storage {
    const char *key;
    const eg_storage_class *class;
    uint64_t numel;    /* elements of the class; bytes when it is untyped */
    eg_dtype read_as;  /* by the tensors so far; EG_DTYPE_COUNT: none yet */
    bool meta;         /* on the meta device: no bytes anywhere */
    eg_storage *bytes; /* its size is set; where the bytes are is up to the container's reader */
} eg_torch_storage;

/* A window of a storage under a key of its own, in elements; `storage` is a position in eg_torch.storages. */
typedef struct eg_torch_view {
    size_t storage;
    uint64_t start, numel;
} eg_torch_view;

/* A tensor that the container describes outside the pickle, where its key stands for it (tar). */
typedef struct eg_torch_given {
    eg_torch_view over;
    uint64_t offset; /* elements into the view */
    uint32_t rank;
    const int64_t *dims, *strides;
} eg_torch_given;

/* What TorchScript's code says of classes and attributes. */
typedef enum eg_script_role {
    EG_SCRIPT_OTHER,     /* a class that is no module */
    EG_SCRIPT_MODULE,    /* a class that is one */
    EG_SCRIPT_PARAMETER, /* an attribute */
    EG_SCRIPT_BUFFER,
} eg_script_role;

typedef struct eg_torch {
    eg_arena *arena;
    const eg_pickle *pickle;
    eg_torch_storage *storages; /* in order of first use */
    size_t count, capacity;
    struct eg_map *index; /* key -> storage */
    bool legacy;          /* persistent ids have a view, and may name modules */
    bool tar;             /* persistent ids are keys of given tensors and views, and may name classes */
    const eg_torch_given *given; /* tar only, as are the next three */
    struct eg_map *given_index;  /* key -> given */
    const eg_torch_view *views;
    struct eg_map *view_index; /* key -> view; every storage of a tar is a view of itself, too */
    /* TorchScript only: "package.Class" and "package.Class\nattribute" -> eg_script_role. */
    const struct eg_map *script;
    bool allow_expand; /* options.allow_expand */
    unsigned nesting;  /* of torch files inside this one */
    /* Reads a torch file pickled inside this one (torch.storage._load_from_bytes). */
    struct eg_torch *(*nested)(struct eg_torch *outer, const uint8_t *bytes, uint64_t size, eg_error *err);
} eg_torch;

/* Adds a storage, or checks that the one known under its key is the same. Errors TEN-004, TEN-006. */
bool eg_torch_storage_add(eg_torch *torch, const eg_torch_storage *storage, eg_error *err);
/* Finds and checks every storage of the pickle, used by a tensor or not. Errors PKL-014, TEN-002, TEN-004,
 * TEN-006. */
bool eg_torch_collect(eg_torch *torch, eg_error *err);
bool eg_torch_is_tensor(const eg_torch *torch, eg_ref ref);
/* Fills an entry described by numbers instead of a pickle, with the same checks; the view counts elements of
 * dtype. */
bool eg_torch_place(eg_torch *torch, const eg_torch_given *given, eg_dtype dtype, const char *name,
                    eg_entry *entry, eg_error *err);
/* Fills an entry of that name. Errors TEN-001 … TEN-010, PKL-015. */
bool eg_torch_tensor(eg_torch *torch, eg_ref ref, const char *name, eg_entry *entry, eg_error *err);

#endif
