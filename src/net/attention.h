/* Scaled dot-product attention within sequences of tokens, by heads: softmax(q k^T / sqrt(width) + bias) v.
 * What multi-head attention and windowed attention share. */
#ifndef ENGRAFT_NET_ATTENTION_H
#define ENGRAFT_NET_ATTENTION_H

#include <stddef.h>

#include "base/pool.h"

typedef struct eg_attention {
    eg_pool *pool;
    int64_t count, t;       /* sequences, tokens of each */
    int64_t heads, width;   /* features of a head */
    const float *qkv;       /* (count, t, 3, heads, width) */
    const float *bias;      /* (heads, t, t), added to the scores, or NULL */
    const int32_t *regions; /* (period, t): where two tokens of sequence i differ in row i % period, the score
                               is lowered by 100; or NULL */
    int64_t period;
    uint8_t *worker; /* scratch of worker w at w * stride, eg_attention_worker bytes each */
    size_t stride;
} eg_attention;

/* Bytes for a worker; and the blocks of sequences that the bias's gradient is summed by. */
size_t eg_attention_worker(int64_t t);
int64_t eg_attention_blocks(int64_t count, int64_t t);
/* out (count, t, heads, width). */
void eg_attention_forward(const eg_attention *attention, float *out);
/* dqkv as qkv, from the gradient of out; the scores are made again. bias_sums (blocks, heads, t, t), or NULL,
 * receives the bias's gradient in parts, to be summed in order. */
void eg_attention_backward(const eg_attention *attention, const float *dout, float *dqkv, double *bias_sums);
/* Multiply-adds times two of one sequence's scores and weighted sums. */
double eg_attention_flops(int64_t t, int64_t features);

#endif
