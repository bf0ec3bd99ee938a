#include "train/ema.h"

#include <string.h>

bool eg_ema_init(eg_ema *ema, eg_arena *arena, const eg_weights *weights, double decay, eg_error *err)
{
    ema->decay = decay;
    ema->moves = EG_NEW_ARRAY(arena, bool, (size_t)weights->net->param_count);
    if (!eg_weights_init(&ema->average, arena, weights->net, err)) return false;
    memcpy(ema->average.block, weights->block, weights->size);
    return true;
}

void eg_ema_clear(eg_ema *ema)
{
    eg_weights_clear(&ema->average);
}

void eg_ema_begin(eg_ema *ema, const bool *frozen)
{
    for (int32_t p = 0; p < ema->average.net->param_count; p++) ema->moves[p] |= !frozen[p];
}

typedef struct job {
    const eg_ema *ema;
    const eg_weights *weights;
} job;

static void move_param(void *context, int64_t task, int worker)
{
    (void)worker;
    const job *j = context;
    const eg_param *param = &j->weights->net->params[task];
    const float keep = (float)j->ema->decay, take = (float)(1 - j->ema->decay);
    uint64_t numel;
    if (!j->ema->moves[task] || !eg_shape_numel(param->shape, &numel)) return;
    if (param->dtype != EG_F32) {
        memcpy(j->ema->average.data[task], j->weights->data[task], numel * eg_dtype_size(param->dtype));
        return;
    }
    float *average = j->ema->average.data[task];
    const float *now = j->weights->data[task];
    for (uint64_t i = 0; i < numel; i++) average[i] = average[i] * keep + take * now[i];
}

void eg_ema_step(eg_ema *ema, const eg_weights *weights, eg_pool *pool)
{
    job j = {ema, weights};
    eg_pool_run(pool, weights->net->param_count, move_param, &j);
}
