/* Averages over rectangles of an image: what average pooling and its adaptive form share. */
#ifndef ENGRAFT_NET_MEAN_POOL_H
#define ENGRAFT_NET_MEAN_POOL_H

#include "net/op.h"

/* The pixels that one output pixel is the scaled sum of. */
typedef struct eg_area {
    int64_t row, column, rows, columns;
    float scale;
} eg_area;

typedef eg_area eg_area_fn(const eg_call *call, int64_t p, int64_t q);

/* One task an image; y (n, p, q, c) from x (n, h, w, c), dx from dy. */
void eg_mean_pool_forward(const eg_call *call, eg_area_fn *area);
void eg_mean_pool_backward(const eg_call *call, eg_area_fn *area);
/* See eg_op's: it does. */
bool eg_mean_pool_adds_dx(const eg_net *net, const eg_node *node);

#endif
