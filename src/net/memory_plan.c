#include "net/memory_plan.h"

#include <stdlib.h>

/* Larger first, then by position: a total order, so that every sort gives the same one. */
static int by_size(const void *a, const void *b)
{
    const eg_buffer *left = *(eg_buffer *const *)a, *right = *(eg_buffer *const *)b;
    if (left->size != right->size) return left->size < right->size ? 1 : -1;
    return left < right ? -1 : left > right;
}

static bool align_up(size_t size, size_t *aligned)
{
    if (__builtin_add_overflow(size, (size_t)EG_BUFFER_ALIGNMENT - 1, &size)) return false;
    *aligned = size / EG_BUFFER_ALIGNMENT * EG_BUFFER_ALIGNMENT;
    return true;
}

static bool share_time(const eg_buffer *a, const eg_buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset for `buffer` between the placed ones, which are in order of their offsets; and its
 * position there. */
static bool find_gap(eg_buffer *buffer, eg_buffer *const *placed, size_t count, size_t *end)
{
    size_t offset = 0;
    if (__builtin_add_overflow(offset, buffer->size, end)) return false;
    for (size_t i = 0; i < count; i++) {
        if (!share_time(buffer, placed[i])) continue;
        if (placed[i]->offset >= *end) break;
        size_t after;
        if (!align_up(placed[i]->offset + placed[i]->size, &after)) return false;
        if (after > offset) offset = after;
        if (__builtin_add_overflow(offset, buffer->size, end)) return false;
    }
    buffer->offset = offset;
    return true;
}

static void insert(eg_buffer *buffer, eg_buffer **placed, size_t count)
{
    for (; count > 0 && placed[count - 1]->offset > buffer->offset; count--)
        placed[count] = placed[count - 1];
    placed[count] = buffer;
}

bool eg_memory_plan(eg_arena *arena, eg_buffer *buffers, size_t count, size_t *total)
{
    eg_buffer **order = EG_NEW_ARRAY(arena, eg_buffer *, count),
              **placed = EG_NEW_ARRAY(arena, eg_buffer *, count);
    size_t used = 0;
    *total = 0;
    for (size_t i = 0; i < count; i++) order[i] = &buffers[i];
    if (count) qsort(order, count, sizeof(void *), by_size);
    for (size_t i = 0; i < count; i++) {
        size_t end;
        order[i]->offset = 0;
        if (order[i]->size == 0) continue;
        if (!find_gap(order[i], placed, used, &end)) return false;
        insert(order[i], placed, used++);
        if (end > *total) *total = end;
    }
    return true;
}
