/* The parameter block of a network: every entry of its state dict, in one allocation, in PyTorch's layouts.
 */
#ifndef ENGRAFT_NET_WEIGHTS_H
#define ENGRAFT_NET_WEIGHTS_H

#include "engraft/net.h"

typedef struct eg_weights {
    const eg_net *net;
    void *block;
    size_t size;
    void **data; /* per parameter: float, or int64_t for counters; each aligned to 64 bytes */
} eg_weights;

/* Zeroed. The arena holds the pointer table; the block is freed by eg_weights_clear. */
bool eg_weights_init(eg_weights *weights, eg_arena *arena, const eg_net *net, eg_error *err);
/* Bytes of the block. */
bool eg_weights_bytes(const eg_net *net, size_t *bytes, eg_error *err);
void eg_weights_clear(eg_weights *weights);
/* The block as a store in state-dict order, names with `prefix` before them; views of the block. */
eg_store eg_weights_store(eg_arena *arena, const eg_weights *weights, const char *prefix);
/* False and a sentence when the distribution cannot be drawn for this tensor (kaiming and xavier need a
 * layer's fan). */
bool eg_init_check(const eg_param *param, const eg_init *init, eg_error *err);
/* Draws one tensor from a distribution; the numbers depend on seed and tensor name alone. */
void eg_init_fill(const eg_param *param, const eg_init *init, uint64_t seed, void *out);

#endif
