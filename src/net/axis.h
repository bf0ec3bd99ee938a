/* An axis of a value as the architecture language counts them: without the batch, images as (channels,
 * height, width), tokens as (tokens, features), negative from the end. */
#ifndef ENGRAFT_NET_AXIS_H
#define ENGRAFT_NET_AXIS_H

#include "net/infer.h"

/* Where the axis is among a value's dims; or -1 and "dim must be between -2 and 1, not 3". */
int eg_axis_find(const eg_value *value, int64_t dim, eg_error *err);
/* The same for a dim that was found before. */
int eg_axis_of(const eg_value *value, int64_t dim);

/* "height", "channels", "tokens", … */
const char *eg_axis_name(const eg_value *value, int axis);

/* A value seen from one of its axes: (outer, size, inner). */
typedef struct eg_axis {
    int64_t outer, size, inner;
} eg_axis;

eg_axis eg_axis_view(const eg_value *value, int axis);

#endif
