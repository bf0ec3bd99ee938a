/* Memory from the system. Small objects come from arenas; tensors and activations from blocks. */
#ifndef ENGRAFT_BASE_MEMORY_H
#define ENGRAFT_BASE_MEMORY_H

#include <stddef.h>

#include "engraft/error.h"

/* malloc and realloc that never return NULL: without memory the process says so, removes its unfinished
 * output files and exits with EG_SYSTEM. */
void *eg_malloc(size_t size);
void *eg_realloc(void *old, size_t size);
/* count * size, or the end of the process when that overflows. */
size_t eg_size_product(size_t count, size_t size);

/* A zeroed block aligned to 64 bytes (whole pages for large ones); NULL and err when there is no memory.
 * `what` names it in the message ("activations"). */
void *eg_block_new(size_t size, const char *what, eg_error *err);
void eg_block_free(void *block, size_t size); /* NULL is fine */

/* Runs before the process ends for want of memory (unfinished output files are removed). */
void eg_memory_on_exit(void (*cleanup)(void));

#endif
