/* Running a network: memory planned once by liveness (activations, gradients, scratch), then forward and
 * backward without any allocation. */
#ifndef ENGRAFT_NET_EXEC_H
#define ENGRAFT_NET_EXEC_H

#include "base/pool.h"
#include "net/cut.h"
#include "net/weights.h"

typedef struct eg_exec eg_exec;

/* Told after each node's forward (or that done again for backward) and backward pass: for who measures. */
typedef struct eg_exec_watch {
    void *context;
    void (*done)(void *context, int32_t node, bool backward);
} eg_exec_watch;

typedef struct eg_exec_options {
    int64_t batch;                /* most samples at a time */
    const bool *trainable;        /* per parameter (buffers false); NULL: inference only, nothing is kept */
    const eg_bn_mode *batch_norm; /* per node, as eg_call's; NULL: EG_BN_EVAL */
    uint64_t seed;                /* of dropout */
    eg_pool *pool;
    bool plain; /* every node by itself, for comparison: nothing is fused */
    eg_recompute recompute;
    bool apart; /* before the cut every sample has the same bits whatever its batch, at some cost in time */
    eg_exec_watch watch;
    bool dry; /* memory is planned and not taken: to be asked for its costs, never to be run */
} eg_exec_options;

/* The weights (NULL: dry) are borrowed and must outlive it; they are changed by batch statistics alone.
 * Options' arrays are copied. */
eg_exec *eg_exec_new(const eg_net *net, eg_weights *weights, const eg_exec_options *options, eg_error *err);
void eg_exec_free(eg_exec *exec); /* NULL is fine */

/* Where the caller puts the samples: (batch, height, width, channels). */
float *eg_exec_input(eg_exec *exec);
/* Runs n <= batch samples. training: dropout draws (keyed by step) and batch statistics are taken. */
void eg_exec_forward(eg_exec *exec, int64_t n, bool training, uint64_t step);

/* The same in parts, cut where training begins to matter (see cut.h): eg_exec_begin, then either
 * eg_exec_before on the input or eg_exec_put_features for each sample, then eg_exec_behind. */
void eg_exec_begin(eg_exec *exec, int64_t n);
void eg_exec_before(eg_exec *exec);
void eg_exec_behind(eg_exec *exec, bool training, uint64_t step);
const eg_cut *eg_exec_cut(const eg_exec *exec);
/* Features of one sample of the batch, cut->numel floats; of a batch from eg_exec_before until
 * eg_exec_behind. */
void eg_exec_get_features(const eg_exec *exec, int64_t sample, float *features);
void eg_exec_put_features(eg_exec *exec, int64_t sample, const float *features);
/* (n, features), valid until the next forward. */
const float *eg_exec_output(const eg_exec *exec);
/* Where the caller puts the loss's gradient, (n, features), after a forward and before backward. */
float *eg_exec_output_grad(eg_exec *exec);
/* Backward of the last forward, down to the lowest trainable parameter. */
void eg_exec_backward(eg_exec *exec);
/* The gradient of a parameter, in its own layout; NULL when it is not trainable. */
float *eg_exec_grad(eg_exec *exec, int32_t param);
/* Bytes of activations, gradients and scratch. */
size_t eg_exec_bytes(const eg_exec *exec);
/* The part of them that the parameters' gradients take. */
size_t eg_exec_grad_bytes(const eg_exec *exec);
/* Operations of one sample's backward pass: of a node as many as forward for its inputs' gradients, and as
 * many for its parameters'. */
double eg_exec_backward_flops(const eg_exec *exec);
/* The first node that has a backward pass; node_count when there is none. */
int32_t eg_exec_backward_stop(const eg_exec *exec);

#endif
