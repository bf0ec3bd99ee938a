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

typedef struct eg_torch {
    eg_arena *arena;
    const eg_pickle *pickle;
    eg_torch_storage *storages; /* in order of first use */
    size_t count, capacity;
    struct eg_map *index; /* key -> storage */
    bool legacy;          /* persistent ids have a view, and may name modules */
    unsigned nesting;     /* of torch files inside this one */
    /* Reads a torch file pickled inside this one (torch.storage._load_from_bytes). */
    struct eg_torch *(*nested)(struct eg_torch *outer, const uint8_t *bytes, uint64_t size, eg_error *err);
} eg_torch;

/* Finds and checks every storage of the pickle, used by a tensor or not. Errors PKL-014, TEN-002, TEN-004,
 * TEN-006. */
bool eg_torch_collect(eg_torch *torch, eg_error *err);
bool eg_torch_is_tensor(const eg_torch *torch, eg_ref ref);
/* Fills an entry of that name. Errors TEN-001 … TEN-010, PKL-015. */
bool eg_torch_tensor(eg_torch *torch, eg_ref ref, const char *name, eg_entry *entry, eg_error *err);

#endif
