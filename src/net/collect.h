/* The state dict and the list of modules, from the tree of a traced net. */
#ifndef ENGRAFT_NET_COLLECT_H
#define ENGRAFT_NET_COLLECT_H

#include "net/part.h"

/* Walks the tree in file order, as PyTorch's state_dict(): of each module its parameters, its buffers, then
 * its submodules. Fills params, modules and the nodes' parameter positions of net, whose nodes and values are
 * the graph's. A module that was never called is expanded here; false and a problem when its shapes need an
 * input. */
bool eg_collect(eg_builder *builder, eg_part *root, eg_net *net);

#endif
