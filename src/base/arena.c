#include "engraft/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#if defined(__SANITIZE_ADDRESS__)
#define EG_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EG_ASAN 1
#endif
#endif

enum { ALIGNMENT = 16, CHUNK_SIZE = 1 << 16 };

struct eg_arena_chunk {
    struct eg_arena_chunk *next;
    size_t used, size; /* of data */
    _Alignas(ALIGNMENT) unsigned char data[];
};

struct eg_arena_cleanup {
    struct eg_arena_cleanup *next;
    void (*run)(void *object);
    void *object;
};

static struct eg_arena_chunk *add_chunk(eg_arena *arena, size_t size)
{
    struct eg_arena_chunk *chunk = eg_malloc(sizeof *chunk + size);
    chunk->used = 0;
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

void *eg_arena_alloc(eg_arena *arena, size_t size)
{
    if (size > SIZE_MAX - CHUNK_SIZE) size = eg_size_product(SIZE_MAX, 2);
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
#ifdef EG_ASAN
    /* One chunk an object, so that the address sanitizer sees every overrun. */
    struct eg_arena_chunk *chunk = add_chunk(arena, size);
    rounded = size;
#else
    struct eg_arena_chunk *chunk = arena->chunks;
    if (!chunk || chunk->size - chunk->used < rounded) {
        if (rounded > CHUNK_SIZE / 4 && chunk) {
            /* A large object gets a chunk of its own behind the current one, which keeps its room. */
            chunk = add_chunk(arena, rounded);
            arena->chunks = chunk->next;
            chunk->next = arena->chunks->next;
            arena->chunks->next = chunk;
        } else {
            chunk = add_chunk(arena, rounded > CHUNK_SIZE ? rounded : CHUNK_SIZE);
        }
    }
#endif
    void *memory = chunk->data + chunk->used;
    chunk->used += rounded;
    return memset(memory, 0, size);
}

void *eg_arena_array(eg_arena *arena, size_t count, size_t size)
{
    return eg_arena_alloc(arena, eg_size_product(count, size));
}

void *eg_arena_copy(eg_arena *arena, const void *bytes, size_t size)
{
    void *memory = eg_arena_alloc(arena, size);
    return size ? memcpy(memory, bytes, size) : memory;
}

char *eg_arena_substring(eg_arena *arena, const char *text, size_t length)
{
    char *copy = eg_arena_alloc(arena, length + 1);
    if (length) memcpy(copy, text, length);
    return copy;
}

char *eg_arena_string(eg_arena *arena, const char *text)
{
    return eg_arena_substring(arena, text, strlen(text));
}

char *eg_arena_vprintf(eg_arena *arena, const char *format, va_list args)
{
    va_list again;
    assert(format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = eg_arena_alloc(arena, (size_t)(length < 0 ? 0 : length) + 1);
    if (length > 0) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

char *eg_arena_printf(eg_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = eg_arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void eg_arena_defer(eg_arena *arena, void (*run)(void *object), void *object)
{
    struct eg_arena_cleanup *cleanup = EG_NEW(arena, struct eg_arena_cleanup);
    cleanup->run = run;
    cleanup->object = object;
    cleanup->next = arena->cleanups;
    arena->cleanups = cleanup;
}

void eg_arena_clear(eg_arena *arena)
{
    for (struct eg_arena_cleanup *c = arena->cleanups; c; c = c->next) c->run(c->object);
    for (struct eg_arena_chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    *arena = (eg_arena){0};
}
