/* Folders of images, one sub-folder a class, as torchvision's ImageFolder walks them. */
#ifndef ENGRAFT_DATA_FOLDER_H
#define ENGRAFT_DATA_FOLDER_H

#include "engraft/arena.h"
#include "engraft/error.h"

typedef struct eg_file_list {
    const char **paths;
    size_t count;
    size_t skipped; /* files that are not images by name; hidden ones are not counted */
} eg_file_list;

/* The names of the sub-folders, sorted by byte; hidden ones are left out. */
bool eg_folder_classes(eg_arena *arena, const char *folder, const char *const **names, size_t *count,
                       eg_error *err);
/* The images in a folder and the folders within it (at most 16 deep, links are followed), sorted by the
 * folder's path, then by name, both by byte. Whatever starts with a dot is left out. */
bool eg_folder_images(eg_arena *arena, const char *folder, eg_file_list *list, eg_error *err);

#endif
