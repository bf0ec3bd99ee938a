/* A network of which only the state dict is known: names, shapes and dtypes, no data flow. */
#ifndef ENGRAFT_NET_STORED_H
#define ENGRAFT_NET_STORED_H

#include "engraft/net.h"

/* One parameter per entry, in the store's order; no nodes. Running statistics, counters and whatever is not
 * F32 are buffers. A buffer starts as BatchNorm's does; parameters have no start of their own
 * (EG_INIT_DEFAULT), as their layers are unknown. Fans are those of torch.nn.init's
 * _calculate_fan_in_and_fan_out. `name` is the network's. The arena owns the result, texts and dims among it.
 */
const eg_net *eg_net_stored(eg_arena *arena, const char *name, const eg_store *store);
/* True for a network that can be computed, not only filled. */
bool eg_net_runs(const eg_net *net);

#endif
