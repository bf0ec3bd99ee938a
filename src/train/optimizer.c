#include "train/optimizer.h"

#include <math.h>

#include "base/memory.h"

enum { CHUNK = 1 << 14 }; /* elements in a task: tens of microseconds of work */

/* A run of at most CHUNK elements of one item. */
typedef struct chunk {
    float *weight;
    const float *grad;
    float *first, *second; /* state, NULL when the formula has none */
    int64_t numel;
    int32_t group;
    double weight_decay;
} chunk;

typedef struct pace {
    double lr, step_size, root; /* step_size, root: AdamW's bias corrections */
} pace;

struct eg_optimizer {
    eg_arena arena;
    eg_optimizer_section section;
    chunk *chunks;
    int64_t chunk_count;
    float *state; /* one block: for each item its first moments, then its second */
    size_t bytes;
    int64_t steps; /* taken so far, the running one included */
    const double *lr;
};

static void sgd(const eg_optimizer *optimizer, const chunk *c, const pace *at)
{
    const eg_optimizer_section *section = &optimizer->section;
    const float decay = (float)c->weight_decay, momentum = (float)section->momentum, lr = (float)at->lr;
    const float fresh = (float)(1 - section->dampening);
    const bool first = optimizer->steps == 1;
    for (int64_t i = 0; i < c->numel; i++) {
        float g = c->grad[i];
        if (decay != 0) g += decay * c->weight[i];
        if (c->first) {
            float v = c->first[i] = first ? g : c->first[i] * momentum + fresh * g;
            g = section->nesterov ? g + momentum * v : v;
        }
        c->weight[i] -= lr * g;
    }
}

static void adamw(const eg_optimizer *optimizer, const chunk *c, const pace *at)
{
    const double *betas = optimizer->section.betas;
    const float b1 = (float)betas[0], b2 = (float)betas[1], c1 = (float)(1 - betas[0]),
                c2 = (float)(1 - betas[1]);
    const float keep = (float)(1 - at->lr * c->weight_decay), eps = (float)optimizer->section.eps;
    const float step_size = (float)at->step_size, root = (float)at->root;
    for (int64_t i = 0; i < c->numel; i++) {
        float g = c->grad[i];
        float m = c->first[i] = c->first[i] * b1 + c1 * g;
        float v = c->second[i] = c->second[i] * b2 + c2 * g * g;
        c->weight[i] = c->weight[i] * keep - step_size * m / (sqrtf(v) / root + eps);
    }
}

static const struct {
    void (*update)(const eg_optimizer *, const chunk *, const pace *);
    int states; /* moments; SGD keeps none without momentum */
} kinds[EG_OPTIMIZER_COUNT] = {
    [EG_SGD] = {sgd, 1},
    [EG_ADAMW] = {adamw, 2},
};

static int state_count(const eg_optimizer_section *section)
{
    return section->kind == EG_SGD && section->momentum == 0 ? 0 : kinds[section->kind].states;
}

static void run_chunk(void *context, int64_t task, int worker)
{
    (void)worker;
    const eg_optimizer *optimizer = context;
    const chunk *c = &optimizer->chunks[task];
    const double *betas = optimizer->section.betas;
    pace now = {.lr = optimizer->lr[c->group]};
    now.step_size = now.lr / (1 - pow(betas[0], (double)optimizer->steps));
    now.root = sqrt(1 - pow(betas[1], (double)optimizer->steps));
    kinds[optimizer->section.kind].update(optimizer, c, &now);
}

static void cut(eg_optimizer *optimizer, const eg_optimizer_item *item, float *state, int states)
{
    for (int64_t at = 0; at < item->numel; at += CHUNK) {
        int64_t left = item->numel - at;
        optimizer->chunks[optimizer->chunk_count++] = (chunk){
            .weight = item->weight + at,
            .grad = item->grad + at,
            .first = states > 0 ? state + at : NULL,
            .second = states > 1 ? state + item->numel + at : NULL,
            .numel = left < CHUNK ? left : CHUNK,
            .group = item->group,
            .weight_decay = item->weight_decay,
        };
    }
}

eg_optimizer *eg_optimizer_new(const eg_optimizer_section *section, const eg_optimizer_item *items,
                               size_t count, eg_error *err)
{
    eg_arena arena = {0};
    eg_optimizer *optimizer = EG_NEW(&arena, eg_optimizer);
    int states = state_count(section);
    size_t chunks = 0, elements = 0;
    for (size_t i = 0; i < count; i++) {
        chunks += (size_t)(items[i].numel + CHUNK - 1) / CHUNK;
        elements +=
            (size_t)items[i].numel * (size_t)states; /* the weights are in memory already: no overflow */
    }
    optimizer->section = *section;
    optimizer->chunks = EG_NEW_ARRAY(&arena, chunk, chunks);
    optimizer->bytes = elements * sizeof(float);
    optimizer->arena = arena;
    optimizer->state = eg_block_new(optimizer->bytes, "the optimizer's state", err);
    if (!optimizer->state) {
        eg_optimizer_free(optimizer);
        return NULL;
    }
    float *state = optimizer->state;
    for (size_t i = 0; i < count; i++) {
        cut(optimizer, &items[i], state, states);
        state += items[i].numel * states;
    }
    return optimizer;
}

void eg_optimizer_free(eg_optimizer *optimizer)
{
    if (!optimizer) return;
    eg_block_free(optimizer->state, optimizer->bytes);
    eg_arena arena = optimizer->arena; /* it holds the optimizer itself */
    eg_arena_clear(&arena);
}

void eg_optimizer_step(eg_optimizer *optimizer, const double *lr, eg_pool *pool)
{
    optimizer->steps++;
    optimizer->lr = lr;
    eg_pool_run(pool, optimizer->chunk_count, run_chunk, optimizer);
}

size_t eg_optimizer_bytes(const eg_optimizer *optimizer)
{
    return optimizer->bytes;
}
