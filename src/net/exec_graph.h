/* The graph of an execution: in which order nodes run, whose memory values share, what goes backward. */
#ifndef ENGRAFT_NET_EXEC_GRAPH_H
#define ENGRAFT_NET_EXEC_GRAPH_H

#include "net/exec_state.h"

/* Fills order, root, wants, reached, stop and what of runs says which nodes go backward, and how. The cut and
 * the fused nodes are there. */
void eg_exec_find_graph(eg_exec *exec);
/* Whether a parameter of the node trains. */
bool eg_exec_trains(const eg_exec *exec, const eg_node *node);
/* Whether backward needs the node's result. */
bool eg_exec_reads_y(const eg_exec *exec, int32_t at);

#endif
