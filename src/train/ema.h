/* A moving average of the weights: after every step average = decay * average + (1 - decay) * weight, in
 * float, for all that has trained so far and for running statistics; counters are copied. Starts as the
 * weights. */
#ifndef ENGRAFT_TRAIN_EMA_H
#define ENGRAFT_TRAIN_EMA_H

#include "base/pool.h"
#include "net/weights.h"

typedef struct eg_ema {
    double decay;
    eg_weights average;
    bool *moves; /* per parameter and buffer: it is not what it was at the start */
} eg_ema;

/* Copies the weights; the arena holds the tables, eg_ema_clear frees the block. */
bool eg_ema_init(eg_ema *ema, eg_arena *arena, const eg_weights *weights, double decay, eg_error *err);
void eg_ema_clear(eg_ema *ema);
/* From now on these change, too: all that is not frozen. */
void eg_ema_begin(eg_ema *ema, const bool *frozen);
/* Every element is computed alone, so that threads change no bit. */
void eg_ema_step(eg_ema *ema, const eg_weights *weights, eg_pool *pool);

#endif
