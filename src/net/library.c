#include "net/library.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "format/yaml.h"

typedef struct library {
    eg_arena *arena;
    eg_family *items;
    size_t count, capacity;
} library;

static void add_family(library *l, const char *path)
{
    const eg_doc *doc = eg_doc_read(l->arena, path, NULL);
    const eg_doc *arch = eg_doc_find(doc, "arch"), *variants = eg_doc_find(doc, "variants");
    if (!arch || arch->kind != EG_DOC_SCALAR) return;
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].arch, arch->text) == 0) return;
    if (l->count == l->capacity) {
        l->capacity = l->capacity ? l->capacity * 2 : 16;
        eg_family *items = EG_NEW_ARRAY(l->arena, eg_family, l->capacity);
        if (l->count) memcpy(items, l->items, l->count * sizeof *items);
        l->items = items;
    }
    eg_family *family = &l->items[l->count++];
    *family = (eg_family){.path = path, .arch = arch->text};
    if (!variants || variants->kind != EG_DOC_MAP) return;
    const char **names = EG_NEW_ARRAY(l->arena, const char *, variants->count);
    for (size_t i = 0; i < variants->count; i++) names[i] = variants->keys[i]->text;
    family->variants = names;
    family->variant_count = variants->count;
}

static void add_folder(library *l, const char *folder)
{
    const char *const *names;
    size_t count;
    if (!folder[0] || !eg_path_is_folder(folder) || !eg_folder_list(l->arena, folder, &names, &count, NULL))
        return;
    for (size_t i = 0; i < count; i++)
        if (eg_ends_with(names[i], ".yaml")) add_family(l, eg_path_join(l->arena, folder, names[i]));
}

const eg_family *eg_library_list(eg_arena *arena, size_t *count)
{
    library l = {.arena = arena};
    const char *path = getenv("ENGRAFT_ARCH_PATH");
    while (path && *path) {
        size_t length = strcspn(path, ":");
        add_folder(&l, eg_arena_substring(arena, path, length));
        path += length + (path[length] == ':');
    }
    add_folder(&l, ENGRAFT_ARCH_INSTALLED);
    add_folder(&l, ENGRAFT_ARCH_SOURCE);
    *count = l.count;
    return l.items;
}

static const char *nearest_name(eg_arena *arena, const eg_family *families, size_t count, const char *name)
{
    size_t total = 0, n = 0;
    for (size_t i = 0; i < count; i++) total += 1 + families[i].variant_count;
    const char **names = EG_NEW_ARRAY(arena, const char *, total);
    for (size_t i = 0; i < count; i++) {
        names[n++] = families[i].arch;
        for (size_t k = 0; k < families[i].variant_count; k++) names[n++] = families[i].variants[k];
    }
    return eg_nearest(name, names, n);
}

const char *eg_library_find(eg_arena *arena, const char *name, const char **variant, eg_error *err)
{
    size_t count;
    const eg_family *families = eg_library_list(arena, &count);
    *variant = NULL;
    for (size_t i = 0; i < count; i++)
        if (strcmp(families[i].arch, name) == 0) return families[i].path;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < families[i].variant_count; k++) {
            if (strcmp(families[i].variants[k], name) != 0) continue;
            *variant = families[i].variants[k];
            return families[i].path;
        }
    }
    const char *nearest = nearest_name(arena, families, count, name);
    if (nearest)
        eg_fail(err, EG_RECIPE, "there is no architecture '%s' (did you mean '%s'?)", name, nearest);
    else
        eg_fail(err, EG_RECIPE,
                "there is no architecture '%s'; a file of your own is named with its path, as in ./%s.yaml",
                name, name);
    return NULL;
}
