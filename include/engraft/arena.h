/* An arena owns a tree of small objects (document, recipe, net, plan, index) and frees it at once.
 *
 * Memory from an arena is zeroed and aligned to 16 bytes. Small allocations never return NULL: when the
 * system has no memory left, the process says so in one sentence, removes its unfinished output files and
 * exits with EG_SYSTEM. Large blocks (tensors, activations) come from eg_block_new instead, which reports an
 * error. */
#ifndef ENGRAFT_ARENA_H
#define ENGRAFT_ARENA_H

#include <stdarg.h>
#include <stddef.h>

typedef struct eg_arena {
    struct eg_arena_chunk *chunks;     /* newest first */
    struct eg_arena_cleanup *cleanups; /* newest first */
} eg_arena;                            /* a zeroed struct is an empty arena */

void *eg_arena_alloc(eg_arena *arena, size_t size);
/* count * size with a checked product. */
void *eg_arena_array(eg_arena *arena, size_t count, size_t size);
void *eg_arena_copy(eg_arena *arena, const void *bytes, size_t size);
char *eg_arena_string(eg_arena *arena, const char *text);
char *eg_arena_substring(eg_arena *arena, const char *text, size_t length);
char *eg_arena_printf(eg_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *eg_arena_vprintf(eg_arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* Calls run(object) when the arena is cleared, newest first. */
void eg_arena_defer(eg_arena *arena, void (*run)(void *object), void *object);
/* Frees everything; the arena is empty and usable again. */
void eg_arena_clear(eg_arena *arena);

#define EG_NEW(arena, type)          ((type *)eg_arena_alloc((arena), sizeof(type)))
#define EG_NEW_ARRAY(arena, type, n) ((type *)eg_arena_array((arena), (n), sizeof(type)))

#endif
