/* What tensors hold, whatever their names: digests by which equal ones find each other. A tensor is read in
 * pieces, so that none needs more memory than a few megabytes. */
#ifndef ENGRAFT_PLAN_CONTENT_H
#define ENGRAFT_PLAN_CONTENT_H

#include "engraft/tensor.h"

typedef struct eg_content {
    char digest[65]; /* SHA-256 of the elements in row-major order, and of their dtype */
    uint64_t bag;    /* the same for the same elements in any order */
} eg_content;

/* Of the elements as `dtype`: the entry's own, or F32. */
bool eg_content_read(const eg_entry *entry, eg_dtype dtype, eg_content *out, eg_error *err);
/* F16, BF16 and F64, which a plan turns into F32. */
bool eg_content_casts(eg_dtype dtype);
/* The first elements, hashed: unequal for views that differ in them. */
bool eg_content_head(const eg_entry *entry, eg_dtype dtype, uint64_t *out, eg_error *err);

#endif
