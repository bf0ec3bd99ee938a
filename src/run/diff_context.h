/* What differs between two checkpoints beside their tensors' own bits: which names share bytes, and PyTorch's
 * module versions. Formats that cannot keep either lose them silently, so they are told of, but do not make
 * the checkpoints unequal. */
#ifndef ENGRAFT_RUN_DIFF_CONTEXT_H
#define ENGRAFT_RUN_DIFF_CONTEXT_H

#include "engraft/checkpoint.h"

/* A name of both files that shares its bytes with another name in one of them, or with different ones. */
typedef struct eg_tie_change {
    const char *name;
    const char *with[2]; /* the first name of both files over the same bytes in A, in B; NULL: none */
} eg_tie_change;

/* Versions that differ, and those that one file lacks although both have tensors of the module. */
typedef struct eg_version_change {
    const char *path; /* of the module, "" for the top */
    int64_t version[2];
    bool known[2];
} eg_version_change;

typedef struct eg_diff_context {
    const eg_tie_change *ties;
    size_t tie_count;
    const eg_version_change *versions;
    size_t version_count;
} eg_diff_context;

void eg_diff_context_build(eg_diff_context *out, eg_arena *arena, const eg_checkpoint *a,
                           const eg_checkpoint *b);

#endif
