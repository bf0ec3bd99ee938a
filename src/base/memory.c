#include "base/memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void (*on_exit_cleanup)(void);

void eg_memory_on_exit(void (*cleanup)(void))
{
    on_exit_cleanup = cleanup;
}

static _Noreturn void out_of_memory(size_t size)
{
    fprintf(stderr, "engraft: out of memory (%zu bytes more were needed)\n", size);
    if (on_exit_cleanup) on_exit_cleanup();
    _exit(EG_SYSTEM);
}

void *eg_malloc(size_t size)
{
    void *memory = malloc(size ? size : 1);
    if (!memory) out_of_memory(size);
    return memory;
}

void *eg_realloc(void *old, size_t size)
{
    void *memory = realloc(old, size ? size : 1);
    if (!memory) out_of_memory(size);
    return memory;
}

size_t eg_size_product(size_t count, size_t size)
{
    size_t product;
    if (__builtin_mul_overflow(count, size, &product)) out_of_memory(SIZE_MAX);
    return product;
}

void *eg_block_new(size_t size, const char *what, eg_error *err)
{
    if (size == 0) size = 1;
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) {
        eg_fail(err, EG_SYSTEM, "no memory for %s (%zu bytes)", what, size);
        return NULL;
    }
    if (size >= (size_t)1 << 21) madvise(block, size, MADV_HUGEPAGE);
    return block;
}

void eg_block_free(void *block, size_t size)
{
    if (block) munmap(block, size ? size : 1);
}
