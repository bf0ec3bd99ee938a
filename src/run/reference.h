/* How a file that is written names another. */
#ifndef ENGRAFT_RUN_REFERENCE_H
#define ENGRAFT_RUN_REFERENCE_H

#include "engraft/arena.h"

/* The path as the file at `in` will see it: relative to the same folder, or absolute. in NULL: the folder
 * that the process is in. In the arena, or path itself. */
const char *eg_reference(eg_arena *arena, const char *path, const char *in);

#endif
