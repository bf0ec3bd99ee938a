/* An execution while it is planned and run: what net/exec.c, exec_graph.c and exec_memory.c share. */
#ifndef ENGRAFT_NET_EXEC_STATE_H
#define ENGRAFT_NET_EXEC_STATE_H

#include "net/exec.h"
#include "net/fuse.h"

/* AGAIN: forward once more, before the first node whose backward needs the result. */
typedef enum eg_turn { EG_TURN_FORWARD, EG_TURN_BACKWARD, EG_TURN_AGAIN, EG_TURN_COUNT } eg_turn;

/* What a node needs to run; NULL where there is nothing. Pointers into the block. */
typedef struct eg_run_state {
    bool backward;
    void *saved;
    void *scratch[EG_TURN_COUNT], *worker[EG_TURN_COUNT];
    int64_t again; /* when the result is made again; 0: never */
    int32_t masks; /* the node whose activation's gradient this one takes, -1: none */
    bool masked;   /* another node takes it */
    size_t worker_stride;
    void *line; /* scale and shift of the batch norm that a convolution took in, or that its reader makes */
    void *dx[EG_OP_INPUTS];    /* the input's gradient, or a buffer of its own to be added to it */
    bool add_dx[EG_OP_INPUTS]; /* the gradient has been written to already: what comes is added */
    bool own_dx[EG_OP_INPUTS]; /* dx is a buffer of its own */
    bool add_grads[EG_NODE_PARAMS];
} eg_run_state;

struct eg_exec {
    eg_arena arena;
    const eg_net *net;
    eg_weights *weights;
    eg_exec_options options;
    eg_cut cut;
    bool recompute;
    int32_t *order; /* nodes as they run: constants, before the cut, behind it; else the network's order */
    int32_t *place; /* per node: its place there */
    int32_t begin_end, before_end; /* places where the sides end */
    eg_fused *fused;               /* per node */
    int32_t *root;                 /* per value: the value whose memory it shares, itself if none */
    bool *wants;                   /* per value: it depends on a trainable parameter */
    bool *reached;                 /* per value: the loss depends on it through nodes that have a backward */
    void **data;                   /* per value */
    void **kept;                   /* per value: the same, or where it is made again for backward */
    int32_t *again;                /* nodes that run again, in order of time */
    int32_t again_count;
    void **grad;        /* per value; NULL: has none */
    int32_t *over;      /* per value: the value whose gradient's memory its own takes over, -1: none */
    eg_run_state *runs; /* per node */
    float **param_grads;
    int32_t stop; /* first node with a backward */
    void *block, *grad_block;
    size_t block_size, grad_size;
    int64_t n; /* of the last forward */
    bool training;
    uint64_t step;
};

/* Forward a node runs at its place, the loss at node_count, backward a node runs at 2 * node_count - place.
 */
static inline int64_t eg_exec_backward_time(const eg_exec *exec, int32_t node)
{
    return 2 * (int64_t)exec->net->node_count - exec->place[node];
}

/* Nothing to be done: a view, or another node does its work. */
static inline bool eg_exec_is_idle(const eg_exec *exec, int32_t at)
{
    return exec->net->nodes[at].op->view || exec->fused[at].absorbed;
}

/* With the residual, the last one. */
static inline int32_t eg_exec_inputs_of(const eg_exec *exec, int32_t at)
{
    return exec->net->nodes[at].input_count + (exec->fused[at].residual >= 0);
}

static inline int32_t eg_exec_input_of(const eg_exec *exec, int32_t at, int32_t i)
{
    const eg_node *node = &exec->net->nodes[at];
    return exec->root[i < node->input_count ? node->inputs[i] : exec->fused[at].residual];
}

/* The value that is read for it: behind a batch norm that is not made, what that reads. */
static inline int32_t eg_exec_read_of(const eg_exec *exec, int32_t at, int32_t i)
{
    int32_t mapped = exec->fused[at].mapped;
    return i == 0 && mapped >= 0 ? eg_exec_input_of(exec, mapped, 0) : eg_exec_input_of(exec, at, i);
}

static inline int32_t eg_exec_output_of(const eg_exec *exec, int32_t at)
{
    return exec->root[exec->net->nodes[at].output];
}

/* Of the node's output. */
static inline int64_t eg_exec_channels_of(const eg_exec *exec, int32_t at)
{
    const eg_value *y = eg_node_output(exec->net, &exec->net->nodes[at]);
    return y->dims[y->rank - 1];
}

#endif
