#include "train/optimizer.h"

#include <assert.h>
#include <math.h>

#include "base/memory.h"

enum { CHUNK = 1 << 14, STATES = 3 }; /* elements in a task: tens of microseconds of work */

/* A run of at most CHUNK elements of one item. */
typedef struct chunk {
    float *weight;
    const float *grad;
    float *state[STATES];
    int64_t numel;
    size_t item;
    double sums[2]; /* of squares */
} chunk;

/* What a chunk's update goes by. */
typedef struct pace {
    double lr, decay, b1, b2;
    double step_size, root; /* the biases' corrections: lr / (1 - b1^t), sqrt(1 - b2^t) */
    double unbias, trust;   /* LAMB: 1 / (1 - b1^t); the ratio of norms */
    float scale;            /* of the gradients */
    bool first;
} pace;

typedef struct block {
    void *memory;
    size_t size;
    struct block *next;
} block;

struct eg_optimizer {
    eg_arena arena;
    eg_optimizer_section section;
    eg_optimizer_state *slots;
    block *blocks;
    size_t bytes;
    /* what trains */
    eg_optimizer_item *items;
    size_t item_count;
    chunk *chunks;
    int64_t chunk_count;
    double *trust; /* per item */
    /* the running step */
    const eg_optimizer_pace *pace;
    float scale;
};

/* ---- formulas ---- */

static void sgd(const eg_optimizer_section *section, const pace *at, chunk *c)
{
    const float decay = (float)at->decay, momentum = (float)at->b1, lr = (float)at->lr;
    const float fresh = (float)(1 - section->dampening);
    for (int64_t i = 0; i < c->numel; i++) {
        float g = c->grad[i] * at->scale;
        if (decay != 0) g += decay * c->weight[i];
        if (c->state[0]) {
            float v = c->state[0][i] = at->first ? g : c->state[0][i] * momentum + fresh * g;
            g = section->nesterov ? g + momentum * v : v;
        }
        c->weight[i] -= lr * g;
    }
}

/* Adam, or AdamW where `keep` is not 1. */
static void adam_step(const pace *at, chunk *c, float l2, float keep, float eps)
{
    const float b1 = (float)at->b1, b2 = (float)at->b2, c1 = (float)(1 - at->b1), c2 = (float)(1 - at->b2);
    const float step_size = (float)at->step_size, root = (float)at->root;
    for (int64_t i = 0; i < c->numel; i++) {
        float g = c->grad[i] * at->scale;
        if (l2 != 0) g += l2 * c->weight[i];
        float m = c->state[0][i] = c->state[0][i] * b1 + c1 * g;
        float v = c->state[1][i] = c->state[1][i] * b2 + c2 * g * g;
        c->weight[i] = c->weight[i] * keep - step_size * m / (sqrtf(v) / root + eps);
    }
}

static void adam(const eg_optimizer_section *section, const pace *at, chunk *c)
{
    adam_step(at, c, (float)at->decay, 1, (float)section->eps);
}

static void adamw(const eg_optimizer_section *section, const pace *at, chunk *c)
{
    adam_step(at, c, 0, (float)(1 - at->lr * at->decay), (float)section->eps);
}

/* State: the squares, then the momentum and the mean, where there are. */
static void rmsprop(const eg_optimizer_section *section, const pace *at, chunk *c)
{
    const float alpha = (float)section->alpha, fresh = (float)(1 - section->alpha), lr = (float)at->lr;
    const float eps = (float)section->eps, momentum = (float)section->momentum, decay = (float)at->decay;
    float *velocity = section->momentum > 0 ? c->state[1] : NULL;
    float *mean = section->centered ? c->state[velocity ? 2 : 1] : NULL;
    for (int64_t i = 0; i < c->numel; i++) {
        float g = c->grad[i] * at->scale;
        if (decay != 0) g += decay * c->weight[i];
        float square = c->state[0][i] = c->state[0][i] * alpha + fresh * g * g;
        if (mean) {
            mean[i] = mean[i] * alpha + fresh * g;
            square -= mean[i] * mean[i];
        }
        float root = sqrtf(square) + eps;
        if (velocity) {
            velocity[i] = velocity[i] * momentum + g / root;
            c->weight[i] -= lr * velocity[i];
        } else {
            c->weight[i] -= lr * g / root;
        }
    }
}

static void lion(const eg_optimizer_section *section, const pace *at, chunk *c)
{
    (void)section;
    const float b1 = (float)at->b1, b2 = (float)at->b2, c1 = (float)(1 - at->b1), c2 = (float)(1 - at->b2);
    const float keep = (float)(1 - at->lr * at->decay), lr = (float)at->lr;
    for (int64_t i = 0; i < c->numel; i++) {
        float g = c->grad[i] * at->scale, m = c->state[0][i], u = m * b1 + c1 * g;
        float sign = (float)((u > 0) - (u < 0));
        c->weight[i] = c->weight[i] * keep - lr * sign;
        c->state[0][i] = m * b2 + c2 * g;
    }
}

/* LAMB's r of one element, from moments that are up to date. */
static float lamb_direction(const eg_optimizer_section *section, const pace *at, const chunk *c, int64_t i)
{
    float m = c->state[0][i] * (float)at->unbias, v = c->state[1][i];
    return m / (sqrtf(v) / (float)at->root + (float)section->eps) + (float)at->decay * c->weight[i];
}

/* The moments, and the norms of the weight and of its direction. */
static void lamb(const eg_optimizer_section *section, const pace *at, chunk *c)
{
    const float b1 = (float)at->b1, b2 = (float)at->b2, c1 = (float)(1 - at->b1), c2 = (float)(1 - at->b2);
    c->sums[0] = c->sums[1] = 0;
    for (int64_t i = 0; i < c->numel; i++) {
        float g = c->grad[i] * at->scale;
        c->state[0][i] = c->state[0][i] * b1 + c1 * g;
        c->state[1][i] = c->state[1][i] * b2 + c2 * g * g;
        double r = lamb_direction(section, at, c, i), w = c->weight[i];
        c->sums[0] += w * w;
        c->sums[1] += r * r;
    }
}

static void lamb_move(const eg_optimizer_section *section, const pace *at, chunk *c)
{
    const float step = (float)(at->lr * at->trust);
    for (int64_t i = 0; i < c->numel; i++) c->weight[i] -= step * lamb_direction(section, at, c, i);
}

typedef void (*formula)(const eg_optimizer_section *, const pace *, chunk *);

static const struct {
    formula update;
    formula move; /* after the tensors' norms are known; NULL: update has done it all */
    int states;
} kinds[EG_OPTIMIZER_COUNT] = {
    [EG_SGD] = {sgd, NULL, 0},         [EG_ADAM] = {adam, NULL, 2},      [EG_ADAMW] = {adamw, NULL, 2},
    [EG_RMSPROP] = {rmsprop, NULL, 1}, [EG_LAMB] = {lamb, lamb_move, 2}, [EG_LION] = {lion, NULL, 1},
};

int eg_optimizer_states(const eg_optimizer_section *section)
{
    bool momentum = section->kind == EG_SGD || section->kind == EG_RMSPROP;
    return kinds[section->kind].states + (momentum && section->momentum > 0) +
           (section->kind == EG_RMSPROP && section->centered);
}

/* ---- what trains ---- */

eg_optimizer *eg_optimizer_new(const eg_optimizer_section *section, size_t slots)
{
    eg_arena arena = {0};
    eg_optimizer *optimizer = EG_NEW(&arena, eg_optimizer);
    optimizer->section = *section;
    optimizer->slots = EG_NEW_ARRAY(&arena, eg_optimizer_state, slots);
    optimizer->arena = arena;
    return optimizer;
}

void eg_optimizer_free(eg_optimizer *optimizer)
{
    if (!optimizer) return;
    for (block *b = optimizer->blocks; b; b = b->next) eg_block_free(b->memory, b->size);
    eg_arena arena = optimizer->arena; /* it holds the optimizer itself */
    eg_arena_clear(&arena);
}

/* One block for all that trains for the first time. */
static bool add_states(eg_optimizer *optimizer, const eg_optimizer_item *items, size_t count, eg_error *err)
{
    int64_t states = eg_optimizer_states(&optimizer->section), total = 0;
    for (size_t i = 0; i < count; i++) {
        eg_optimizer_state *slot = &optimizer->slots[items[i].slot];
        if (!slot->values) total += items[i].numel * states; /* the weights are in memory: no overflow */
    }
    if (!total) return true;
    block *added = EG_NEW(&optimizer->arena, block);
    *added = (block){.size = (size_t)total * sizeof(float), .next = optimizer->blocks};
    added->memory = eg_block_new(added->size, "the optimizer's state", err);
    if (!added->memory) return false;
    optimizer->blocks = added;
    optimizer->bytes += added->size;
    float *at = added->memory;
    for (size_t i = 0; i < count; i++) {
        eg_optimizer_state *slot = &optimizer->slots[items[i].slot];
        if (slot->values) continue;
        *slot = (eg_optimizer_state){at, items[i].numel * states, 0};
        at += slot->count;
    }
    return true;
}

static void cut(eg_optimizer *optimizer, size_t number)
{
    const eg_optimizer_item *item = &optimizer->items[number];
    float *state = optimizer->slots[item->slot].values;
    int states = eg_optimizer_states(&optimizer->section);
    for (int64_t at = 0; at < item->numel; at += CHUNK) {
        int64_t left = item->numel - at;
        chunk *c = &optimizer->chunks[optimizer->chunk_count++];
        *c = (chunk){.weight = item->weight + at,
                     .grad = item->grad + at,
                     .numel = left < CHUNK ? left : CHUNK,
                     .item = number};
        for (int s = 0; s < states; s++) c->state[s] = state + s * item->numel + at;
    }
}

bool eg_optimizer_train(eg_optimizer *optimizer, const eg_optimizer_item *items, size_t count, eg_error *err)
{
    size_t chunks = 0;
    if (!add_states(optimizer, items, count, err)) return false;
    for (size_t i = 0; i < count; i++) chunks += (size_t)((items[i].numel + CHUNK - 1) / CHUNK);
    optimizer->items = EG_NEW_ARRAY(&optimizer->arena, eg_optimizer_item, count);
    optimizer->trust = EG_NEW_ARRAY(&optimizer->arena, double, count);
    optimizer->chunks = EG_NEW_ARRAY(&optimizer->arena, chunk, chunks);
    optimizer->item_count = count;
    optimizer->chunk_count = 0;
    for (size_t i = 0; i < count; i++) {
        optimizer->items[i] = items[i];
        cut(optimizer, i);
    }
    return true;
}

/* ---- a step ---- */

static pace pace_of(const eg_optimizer *optimizer, const chunk *c)
{
    const eg_optimizer_section *section = &optimizer->section;
    const eg_optimizer_item *item = &optimizer->items[c->item];
    double steps = (double)optimizer->slots[item->slot].steps, given = optimizer->pace->momentum;
    double standard = section->kind == EG_SGD ? section->momentum : section->betas[0];
    pace now = {.lr = optimizer->pace->lr[item->group],
                .decay = item->weight_decay,
                .b1 = isnan(given) ? standard : given,
                .b2 = section->betas[1],
                .trust = optimizer->trust[c->item],
                .scale = optimizer->scale,
                .first = steps == 1};
    now.step_size = now.lr / (1 - pow(now.b1, steps));
    now.unbias = 1 / (1 - pow(now.b1, steps));
    now.root = sqrt(1 - pow(now.b2, steps));
    return now;
}

static void update_chunk(void *context, int64_t task, int worker)
{
    (void)worker;
    eg_optimizer *optimizer = context;
    chunk *c = &optimizer->chunks[task];
    pace at = pace_of(optimizer, c);
    kinds[optimizer->section.kind].update(&optimizer->section, &at, c);
}

static void move_chunk(void *context, int64_t task, int worker)
{
    (void)worker;
    eg_optimizer *optimizer = context;
    chunk *c = &optimizer->chunks[task];
    pace at = pace_of(optimizer, c);
    kinds[optimizer->section.kind].move(&optimizer->section, &at, c);
}

static void square_chunk(void *context, int64_t task, int worker)
{
    (void)worker;
    chunk *c = &((eg_optimizer *)context)->chunks[task];
    c->sums[0] = 0;
    for (int64_t i = 0; i < c->numel; i++) c->sums[0] += (double)c->grad[i] * c->grad[i];
}

/* torch.nn.utils.clip_grad_norm_: 1e-6 keeps it from dividing by nothing. */
static float clip_scale(eg_optimizer *optimizer, double most, eg_pool *pool)
{
    double sum = 0;
    if (!(most > 0)) return 1;
    eg_pool_run(pool, optimizer->chunk_count, square_chunk, optimizer);
    for (int64_t i = 0; i < optimizer->chunk_count; i++) sum += optimizer->chunks[i].sums[0];
    return (float)fmin(most / (sqrt(sum) + 1e-6), 1);
}

static void find_trust(eg_optimizer *optimizer)
{
    int64_t at = 0;
    for (size_t i = 0; i < optimizer->item_count; i++) {
        double weight = 0, direction = 0;
        for (; at < optimizer->chunk_count && optimizer->chunks[at].item == i; at++) {
            weight += optimizer->chunks[at].sums[0];
            direction += optimizer->chunks[at].sums[1];
        }
        optimizer->trust[i] = weight > 0 && direction > 0 ? sqrt(weight) / sqrt(direction) : 1;
    }
}

void eg_optimizer_step(eg_optimizer *optimizer, const eg_optimizer_pace *at, eg_pool *pool)
{
    optimizer->pace = at;
    optimizer->scale = clip_scale(optimizer, at->clip_norm, pool);
    for (size_t i = 0; i < optimizer->item_count; i++) optimizer->slots[optimizer->items[i].slot].steps++;
    eg_pool_run(pool, optimizer->chunk_count, update_chunk, optimizer);
    if (!kinds[optimizer->section.kind].move) return;
    find_trust(optimizer);
    eg_pool_run(pool, optimizer->chunk_count, move_chunk, optimizer);
}

size_t eg_optimizer_bytes(const eg_optimizer *optimizer)
{
    return optimizer->bytes;
}

eg_optimizer_state *eg_optimizer_slot(eg_optimizer *optimizer, size_t slot)
{
    return &optimizer->slots[slot];
}
