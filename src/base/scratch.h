/* Memory for one task at a time: taken piece by piece, given back all at once. It grows until the largest
 * task has fitted, and then no longer asks the system.
 *
 * Where a scratch may be NULL, pieces come from the heap and eg_scratch_free gives each one back. */
#ifndef ENGRAFT_BASE_SCRATCH_H
#define ENGRAFT_BASE_SCRATCH_H

#include <stddef.h>

typedef struct eg_scratch {
    struct eg_scratch_chunk *chunks; /* newest first */
    size_t used, size;               /* bytes taken since the last reset; of the newest chunk */
    size_t taken;                    /* from the newest chunk */
} eg_scratch;                        /* a zeroed struct is empty */

/* Aligned to 16 bytes, contents undefined; never NULL. */
void *eg_scratch_new(eg_scratch *scratch, size_t size);
/* Of the heap: frees; of a scratch: nothing, until its reset. */
void eg_scratch_free(const eg_scratch *scratch, void *memory);
/* Everything that was taken is free again. */
void eg_scratch_reset(eg_scratch *scratch);
/* Frees the memory itself. */
void eg_scratch_clear(eg_scratch *scratch);

#endif
