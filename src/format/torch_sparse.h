/* Sparse tensors, made dense when their elements are first read.
 *
 *   sparse_coo   indices (sparse rank, n), values (n, dense dims…): value k stands at index column k; equal
 *                columns add up
 *   sparse_csr   indices = row starts (rows + 1), plain = columns (n), values (n); two dimensions
 *   sparse_csc   the same with rows and columns exchanged
 *   sparse_bsr   as csr, of blocks: values (n, block rows, block columns), the starts count rows of blocks
 *   sparse_bsc   as csc, of blocks
 *
 * Source: torch/_utils.py, _rebuild_sparse_tensor; ATen/native/sparse. */
#ifndef ENGRAFT_FORMAT_TORCH_SPARSE_H
#define ENGRAFT_FORMAT_TORCH_SPARSE_H

#include "engraft/tensor.h"

typedef struct eg_torch_sparse {
    const char *layout;
    eg_entry indices, plain, values;
    eg_shape shape; /* of the dense tensor */
} eg_torch_sparse;

/* True for the layouts above. */
bool eg_torch_sparse_is_layout(const char *name);
/* A dense entry of that name; its storage is filled on first use and lives as long as the arena. Errors
 * TEN-009 for parts that do not fit together; when read, TEN-011 for an index outside the shape. */
bool eg_torch_sparse_place(eg_arena *arena, const eg_torch_sparse *sparse, const char *name, eg_entry *entry,
                           eg_error *err);

#endif
