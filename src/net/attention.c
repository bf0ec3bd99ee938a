#include "net/attention.h"

#include <math.h>
#include <string.h>

#include "kernel/elementwise.h"
#include "kernel/gemm.h"
#include "kernel/smooth.h"
#include "net/range.h"

typedef struct job {
    const eg_attention *a;
    int64_t blocks, block; /* how many, sequences of each */
    float *out;
    const float *dout;
    float *dqkv;
    double *bias_sums;
} job;

/* Three matrices (t, t). */
size_t eg_attention_worker(int64_t t)
{
    return (size_t)(3 * t * t) * sizeof(float);
}

static int64_t block_size(int64_t count, int64_t t)
{
    return eg_clamp(EG_GRAIN / (t * t), 1, count);
}

int64_t eg_attention_blocks(int64_t count, int64_t t)
{
    return eg_div_up(count, block_size(count, t));
}

double eg_attention_flops(int64_t t, int64_t features)
{
    return 4 * (double)t * (double)t * (double)features;
}

/* One head of one sequence, as matrices (t, width) within the larger arrays. */
typedef struct head {
    const eg_attention *a;
    int64_t sequence, at, pitch; /* pitch: from one token of qkv to the next */
    float scale;
} head;

static head find_head(const eg_attention *a, int64_t sequence, int64_t at)
{
    return (head){a, sequence, at, 3 * a->heads * a->width, (float)(1 / sqrt((double)a->width))};
}

/* Where q, k or v (0, 1, 2) lies in qkv and in dqkv; and where the head lies in the output. */
static int64_t part_at(const head *h, int part)
{
    const eg_attention *a = h->a;
    return h->sequence * a->t * h->pitch + (part * a->heads + h->at) * a->width;
}

static eg_matrix part_of(const head *h, int part, bool transpose)
{
    return (eg_matrix){h->a->qkv + part_at(h, part), h->pitch, transpose};
}

static int64_t output_at(const head *h)
{
    return (h->sequence * h->a->t * h->a->heads + h->at) * h->a->width;
}

static int64_t output_pitch(const head *h)
{
    return h->a->heads * h->a->width;
}

static void hide_regions(const head *h, float *scores)
{
    const int32_t *region = h->a->regions + h->sequence % h->a->period * h->a->t;
    for (int64_t i = 0; i < h->a->t; i++)
        for (int64_t j = 0; j < h->a->t; j++)
            scores[i * h->a->t + j] -= region[i] == region[j] ? 0.0F : 100.0F;
}

/* The weights (t, t), each row of them with the sum 1; scores is scratch. */
static void find_weights(const head *h, float *scores, float *weights)
{
    int64_t t = h->a->t, size = t * t;
    eg_gemm(t, t, h->a->width, part_of(h, 0, false), part_of(h, 1, true), weights, t, false);
    eg_scale(size, weights, h->scale, 0, scores);
    if (h->a->bias) eg_accumulate(size, h->a->bias + h->at * size, scores);
    if (h->a->regions) hide_regions(h, scores);
    eg_softmax_forward(t, t, scores, weights);
}

static float *worker_memory(const eg_attention *a, int worker)
{
    return (float *)(void *)(a->worker + (size_t)worker * a->stride);
}

/* The sequences of a task: it belongs to one head. */
static int64_t task_end(const job *j, int64_t first)
{
    return first + j->block < j->a->count ? first + j->block : j->a->count;
}

static void forward_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last;
    const job *j = context;
    int64_t t = j->a->t, first = task % j->blocks * j->block;
    float *scores = worker_memory(j->a, worker), *weights = scores + t * t;
    for (int64_t sequence = first; sequence < task_end(j, first); sequence++) {
        head h = find_head(j->a, sequence, task / j->blocks);
        find_weights(&h, scores, weights);
        eg_gemm(t, j->a->width, t, (eg_matrix){weights, t, false}, part_of(&h, 2, false),
                j->out + output_at(&h), output_pitch(&h), false);
    }
}

static void run(job *j, eg_range_fn *task)
{
    const eg_attention *a = j->a;
    j->block = block_size(a->count, a->t);
    j->blocks = eg_attention_blocks(a->count, a->t);
    eg_range_run(a->pool, j->blocks * a->heads, 1, task, j);
}

void eg_attention_forward(const eg_attention *attention, float *out)
{
    job j = {.a = attention, .out = out};
    run(&j, forward_task);
}

/* With P the weights: dv = P^T dout, dP = dout v^T, dS = P (dP - rowsum(P dP)), dq = dS k, dk = dS^T q. */
static void backward_head(const job *j, const head *h, float *memory, double *bias_sum)
{
    int64_t t = j->a->t, width = j->a->width, size = t * t;
    float *scores = memory, *weights = memory + size, *dscores = memory + 2 * size;
    const float *dout = j->dout + output_at(h);
    find_weights(h, scores, weights);
    eg_gemm(t, width, t, (eg_matrix){weights, t, true}, (eg_matrix){dout, output_pitch(h), false},
            j->dqkv + part_at(h, 2), h->pitch, false);
    eg_gemm(t, t, width, (eg_matrix){dout, output_pitch(h), false}, part_of(h, 2, true), scores, t, false);
    eg_softmax_backward(t, t, weights, scores, dscores);
    for (int64_t i = 0; bias_sum && i < size; i++) bias_sum[i] += (double)dscores[i];
    eg_scale(size, dscores, h->scale, 0, scores);
    eg_gemm(t, width, t, (eg_matrix){scores, t, false}, part_of(h, 1, false), j->dqkv + part_at(h, 0),
            h->pitch, false);
    eg_gemm(t, width, t, (eg_matrix){scores, t, true}, part_of(h, 0, false), j->dqkv + part_at(h, 1),
            h->pitch, false);
}

static void backward_task(const void *context, int64_t task, int64_t last, int worker)
{
    (void)last;
    const job *j = context;
    int64_t at = task / j->blocks, block = task % j->blocks, first = block * j->block,
            size = j->a->t * j->a->t;
    double *sum = j->bias_sums ? j->bias_sums + (block * j->a->heads + at) * size : NULL;
    if (sum) memset(sum, 0, (size_t)size * sizeof *sum);
    for (int64_t sequence = first; sequence < task_end(j, first); sequence++) {
        head h = find_head(j->a, sequence, at);
        backward_head(j, &h, worker_memory(j->a, worker), sum);
    }
}

void eg_attention_backward(const eg_attention *attention, const float *dout, float *dqkv, double *bias_sums)
{
    job j = {.a = attention, .dout = dout, .dqkv = dqkv, .bias_sums = bias_sums};
    run(&j, backward_task);
}
