#include "run/reference.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

const char *eg_reference(eg_arena *arena, const char *path, const char *in)
{
    if (!in || path[0] == '/' || strcmp(eg_path_folder(arena, in), ".") == 0) return path;
    char *real = realpath(path, NULL);
    const char *whole = eg_arena_string(arena, real ? real : path);
    free(real);
    return whole;
}
