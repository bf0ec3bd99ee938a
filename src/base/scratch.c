#include "base/scratch.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"

enum { ALIGNMENT = 16, LEAST = 1 << 16 };

typedef struct eg_scratch_chunk {
    struct eg_scratch_chunk *next;
    size_t padding; /* the memory behind is aligned */
} chunk;

static void add_chunk(eg_scratch *scratch, size_t size)
{
    size_t least = scratch->used > LEAST ? scratch->used : LEAST; /* twice what there is, at least */
    if (size < least) size = least;
    chunk *added = eg_malloc(eg_size_product(1, size + sizeof *added));
    added->next = scratch->chunks;
    *scratch = (eg_scratch){added, scratch->used, size, 0};
}

void *eg_scratch_new(eg_scratch *scratch, size_t size)
{
    if (!scratch) return eg_malloc(size);
    size = (eg_size_product(size, 1) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > scratch->size - scratch->taken) add_chunk(scratch, size);
    void *memory = (uint8_t *)(scratch->chunks + 1) + scratch->taken;
    scratch->taken += size;
    scratch->used += size;
    return memory;
}

void eg_scratch_free(const eg_scratch *scratch, void *memory)
{
    if (!scratch) free(memory);
}

void eg_scratch_reset(eg_scratch *scratch)
{
    size_t used = scratch->used;
    if (scratch->chunks && scratch->chunks->next) { /* next time in one piece */
        eg_scratch_clear(scratch);
        add_chunk(scratch, used);
    }
    scratch->used = scratch->taken = 0;
}

void eg_scratch_clear(eg_scratch *scratch)
{
    for (chunk *at = scratch->chunks, *next; at; at = next) {
        next = at->next;
        free(at);
    }
    *scratch = (eg_scratch){0};
}
