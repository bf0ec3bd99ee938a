/* The memory of an execution: one block for activations, their gradients and scratch, placed by liveness, and
 * one for the gradients of parameters. */
#ifndef ENGRAFT_NET_EXEC_MEMORY_H
#define ENGRAFT_NET_EXEC_MEMORY_H

#include "net/exec_state.h"

/* Decides what is made again, and points data, kept, grad, param_grads and runs into the blocks, which are
 * taken unless the options say dry. The graph is there. */
bool eg_exec_take_memory(eg_exec *exec, eg_error *err);

#endif
