/* The freeze proof: a copy of every tensor and buffer that is frozen before a phase, compared bit for bit
 * after it. */
#ifndef ENGRAFT_RUN_PROOF_H
#define ENGRAFT_RUN_PROOF_H

#include "net/weights.h"

typedef struct eg_proof {
    const eg_net *net;
    const bool *frozen; /* per parameter and buffer; borrowed */
    uint8_t *copy;      /* the frozen tensors one after the other, in the net's order */
    size_t size;
    size_t tensors;
} eg_proof;

/* Copies what is frozen. */
bool eg_proof_init(eg_proof *proof, const eg_net *net, const bool *frozen, const eg_weights *weights,
                   eg_error *err);
/* EG_MISMATCH, naming the first tensor and element that changed: never a user's fault. */
bool eg_proof_check(const eg_proof *proof, const eg_weights *weights, eg_error *err);
void eg_proof_clear(eg_proof *proof);

#endif
