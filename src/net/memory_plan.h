/* Where buffers lie in one block, so that those which live at the same time do not overlap. */
#ifndef ENGRAFT_NET_MEMORY_PLAN_H
#define ENGRAFT_NET_MEMORY_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engraft/arena.h"

enum { EG_BUFFER_ALIGNMENT = 64 };

typedef struct eg_buffer {
    int64_t first, last; /* lives at the times first … last */
    size_t size;         /* bytes */
    size_t offset;       /* the result, a multiple of EG_BUFFER_ALIGNMENT; 0 for an empty buffer */
} eg_buffer;

/* Places the buffers, the largest first (equal ones in their order), each at the lowest offset where it fits
 * between those that share a time with it. *total is the block's size. The arena holds working memory. False
 * when the sizes overflow. */
bool eg_memory_plan(eg_arena *arena, eg_buffer *buffers, size_t count, size_t *total);

#endif
