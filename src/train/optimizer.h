/* Optimizers, with torch.optim's formulas in its order of operations (its single-tensor forms). t counts a
 * tensor's own steps, so that one that trains later starts like any other.
 *
 * SGD      g += wd w;  v = g at the first step, then v = momentum v + (1 - dampening) g;
 *          g = nesterov ? g + momentum v : v;  w -= lr g                      (momentum 0: no v)
 * Adam     g += wd w;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g g;
 *          w -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 * AdamW    as Adam, with w *= 1 - lr wd instead of the first term
 * RMSprop  g += wd w;  s = alpha s + (1 - alpha) g g;  d = sqrt(s) + eps;
 *          centered: a = alpha a + (1 - alpha) g, d = sqrt(s - a a) + eps;
 *          momentum 0: w -= lr g / d, else v = momentum v + g / d, w -= lr v
 * LAMB     m and v as Adam;  r = m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + wd w;
 *          w -= lr (|w| / |r|) r, the ratio of the tensor's norms being 1 where one is 0
 *          (You et al., "Large batch optimization for deep learning", ICLR 2020, algorithm 2)
 * Lion     w *= 1 - lr wd;  w -= lr sign(b1 m + (1 - b1) g);  m = b2 m + (1 - b2) g
 *          (Chen et al., "Symbolic discovery of optimization algorithms", 2023) */
#ifndef ENGRAFT_TRAIN_OPTIMIZER_H
#define ENGRAFT_TRAIN_OPTIMIZER_H

#include "base/pool.h"
#include "engraft/recipe.h"

/* A tensor that trains: what changes, its gradient, and the group that its learning rate comes from. */
typedef struct eg_optimizer_item {
    size_t slot; /* says which tensor it is, from phase to phase */
    float *weight;
    const float *grad;
    int64_t numel;
    int32_t group;
    double weight_decay;
} eg_optimizer_item;

/* What one step goes by. */
typedef struct eg_optimizer_pace {
    const double *lr; /* one a group */
    double momentum;  /* instead of momentum or the first beta; NaN: the section's */
    double clip_norm; /* the gradients' norm is lowered to this (as clip_grad_norm_); 0: it is not */
} eg_optimizer_pace;

/* What an optimizer keeps of a tensor. */
typedef struct eg_optimizer_state {
    float *values; /* NULL: it has not trained yet, or nothing is kept */
    int64_t count;
    int64_t steps; /* taken so far */
} eg_optimizer_state;

typedef struct eg_optimizer eg_optimizer;

/* The section is copied; nothing trains yet. slots: all tensors that may ever train. */
eg_optimizer *eg_optimizer_new(const eg_optimizer_section *section, size_t slots);
void eg_optimizer_free(eg_optimizer *optimizer); /* NULL is fine */
/* From now on these train, and no others. Borrows what the items point to; the items are copied. The state of
 * tensors that trained before is kept, that of new ones starts at zero. */
bool eg_optimizer_train(eg_optimizer *optimizer, const eg_optimizer_item *items, size_t count, eg_error *err);
/* One step. Every element is computed alone, and norms are summed in a fixed order, so that the cut into
 * tasks changes no bit. Nothing is allocated. */
void eg_optimizer_step(eg_optimizer *optimizer, const eg_optimizer_pace *pace, eg_pool *pool);
/* Bytes of state so far. */
size_t eg_optimizer_bytes(const eg_optimizer *optimizer);
/* Numbers of state that are kept for each of a tensor's. */
int eg_optimizer_states(const eg_optimizer_section *section);
/* The state of a slot, to be saved, or written to after eg_optimizer_train. */
eg_optimizer_state *eg_optimizer_slot(eg_optimizer *optimizer, size_t slot);

#endif
