/* Optimizers, with torch.optim's formulas in its order of operations (single-tensor form of SGD and AdamW).
 *
 * SGD    g += wd w;  v = g at the first step, then v = momentum v + (1 - dampening) g;
 *        g = nesterov ? g + momentum v : v;  w -= lr g                      (momentum 0: no v)
 * AdamW  w *= 1 - lr wd;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g g;
 *        w -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps) */
#ifndef ENGRAFT_TRAIN_OPTIMIZER_H
#define ENGRAFT_TRAIN_OPTIMIZER_H

#include "base/pool.h"
#include "engraft/recipe.h"

/* A trainable tensor: what changes, its gradient, and the group that its learning rate comes from. */
typedef struct eg_optimizer_item {
    float *weight;
    const float *grad;
    int64_t numel;
    int32_t group;
    double weight_decay;
} eg_optimizer_item;

typedef struct eg_optimizer eg_optimizer;

/* Borrows what the items point to; the items themselves and the section are copied. State starts at zero. */
eg_optimizer *eg_optimizer_new(const eg_optimizer_section *section, const eg_optimizer_item *items,
                               size_t count, eg_error *err);
void eg_optimizer_free(eg_optimizer *optimizer); /* NULL is fine */
/* One step; lr holds one rate a group. Every element is computed alone, so the cut into tasks changes no bit.
 */
void eg_optimizer_step(eg_optimizer *optimizer, const double *lr, eg_pool *pool);
/* Bytes of state. */
size_t eg_optimizer_bytes(const eg_optimizer *optimizer);

#endif
