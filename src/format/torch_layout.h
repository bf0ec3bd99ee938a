/* What both of PyTorch's writers share: which tensors get a storage of their own, which are windows of
 * another's, and the pickle that says so. Tied tensors, and slices of another tensor that is written, share
 * its storage; everything else is made contiguous. */
#ifndef ENGRAFT_FORMAT_TORCH_LAYOUT_H
#define ENGRAFT_FORMAT_TORCH_LAYOUT_H

#include "engraft/checkpoint.h"

/* Where an entry's elements go: a storage of its own, or a window of another entry's. */
typedef struct eg_torch_placed {
    const eg_entry *entry;
    const eg_entry *host; /* the entry whose elements are the storage; itself when it has its own */
    uint64_t numel;
    uint64_t offset; /* elements into the host */
    size_t record;   /* number of the storage; valid for hosts */
    size_t position; /* in the store */
} eg_torch_placed;

typedef struct eg_torch_layout {
    eg_torch_placed *items; /* store order */
    size_t count;
    const eg_torch_placed **records; /* the hosts, in order of first use */
    size_t record_count;
    bool legacy; /* keys padded with zeros, so that their order as strings is the order of writing; storages
                  * with a view (None) */
} eg_torch_layout;

/* Errors WR-001. */
bool eg_torch_layout_plan(eg_arena *arena, const eg_store *store, eg_torch_layout *layout, eg_error *err);
/* The state dict's pickle, in the arena. */
const char *eg_torch_layout_pickle(eg_arena *arena, const eg_torch_layout *layout,
                                   const eg_checkpoint_extra *extra, size_t *length);
/* The key of a storage, in the arena. */
const char *eg_torch_layout_key(eg_arena *arena, const eg_torch_layout *layout, size_t record);

#endif
