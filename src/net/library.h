/* Where shipped architectures are: files of families, each with the names of its variants. */
#ifndef ENGRAFT_NET_LIBRARY_H
#define ENGRAFT_NET_LIBRARY_H

#include "engraft/arena.h"
#include "engraft/error.h"

/* A shipped architecture. */
typedef struct eg_family {
    const char *path;            /* of the file */
    const char *arch;            /* the family's name */
    const char *const *variants; /* other names that the file answers to */
    size_t variant_count;
} eg_family;

/* All families: of the folders in ENGRAFT_ARCH_PATH (separated by ':'), of the installed folder, of the
 * source tree; an earlier file hides later ones of the same family. Files that are not architectures are
 * passed over. */
const eg_family *eg_library_list(eg_arena *arena, size_t *count);
/* The path of the file that has the name as its family or among its variants; *variant is the name when it is
 * a variant's, else NULL. An unknown name fails with the nearest known one. */
const char *eg_library_find(eg_arena *arena, const char *name, const char **variant, eg_error *err);

#endif
