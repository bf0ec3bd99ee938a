#include "data/folder.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "format/image.h"

enum { DEPTH = 16 };

/* One folder of the tree, with the images right in it. */
typedef struct branch {
    const char *path;
    const char **files;
    size_t count;
    int depth;
} branch;

typedef struct tree {
    branch *branches;
    size_t count, capacity, skipped, files;
} tree;

static void add_branch(tree *t, const char *path, int depth)
{
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? 2 * t->capacity : 8;
        t->branches = eg_realloc(t->branches, eg_size_product(t->capacity, sizeof *t->branches));
    }
    t->branches[t->count++] = (branch){.path = path, .depth = depth};
}

/* Sorts a folder's entries into images, folders to be read later, and the rest. */
static bool read_branch(eg_arena *arena, tree *t, size_t at, eg_error *err)
{
    branch b = t->branches[at];
    const char *const *names;
    size_t count;
    if (!eg_folder_list(arena, b.path, &names, &count, err)) return false;
    b.files = EG_NEW_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        if (names[i][0] == '.') continue;
        const char *path = eg_arena_printf(arena, "%s/%s", b.path, names[i]);
        if (eg_path_is_folder(path))
            add_branch(t, path, b.depth + 1);
        else if (eg_image_is_named(names[i]))
            b.files[b.count++] = path;
        else
            t->skipped++;
    }
    t->branches[at] = b;
    t->files += b.count;
    return true;
}

static bool read_tree(eg_arena *arena, tree *t, const char *folder, eg_error *err)
{
    add_branch(t, folder, 0);
    for (size_t i = 0; i < t->count; i++) {
        if (t->branches[i].depth > DEPTH) {
            eg_fail(err, EG_SYSTEM, "folders are nested more than %d deep: does a link lead back?", DEPTH);
            return eg_error_in(err, t->branches[i].path);
        }
        if (!read_branch(arena, t, i, err)) return false;
    }
    return true;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const branch *)a)->path, ((const branch *)b)->path);
}

bool eg_folder_images(eg_arena *arena, const char *folder, eg_file_list *list, eg_error *err)
{
    tree t = {0};
    bool ok = read_tree(arena, &t, folder, err);
    if (ok) {
        qsort(t.branches, t.count, sizeof *t.branches, by_path);
        *list = (eg_file_list){EG_NEW_ARRAY(arena, const char *, t.files), 0, t.skipped};
        for (size_t i = 0; i < t.count; i++)
            for (size_t j = 0; j < t.branches[i].count; j++)
                list->paths[list->count++] = t.branches[i].files[j];
    }
    free(t.branches);
    return ok;
}

bool eg_folder_classes(eg_arena *arena, const char *folder, const char *const **names, size_t *count,
                       eg_error *err)
{
    const char *const *all;
    size_t n, kept = 0;
    if (!eg_folder_list(arena, folder, &all, &n, err)) return false;
    const char **out = EG_NEW_ARRAY(arena, const char *, n);
    for (size_t i = 0; i < n; i++)
        if (all[i][0] != '.' && eg_path_is_folder(eg_arena_printf(arena, "%s/%s", folder, all[i])))
            out[kept++] = all[i];
    *names = out;
    *count = kept;
    return true;
}
