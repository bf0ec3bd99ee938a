#include "run/diff_context.h"

#include <string.h>

#include "base/map.h"
#include "tensor/tie.h"

/* ---- ties ---- */

/* Per entry of a store: the first name over the same bytes that the other store has, too. */
static const char **common_ties(eg_arena *arena, const eg_store *store, const eg_store *other)
{
    const char **ties = eg_store_ties(arena, store);
    eg_map *first = eg_map_new(arena); /* a store's first name -> the first common one */
    for (size_t i = 0; i < store->count; i++) {
        const char *name = store->entries[i].name, *group = ties[i] ? ties[i] : name;
        if (!eg_store_find(other, name)) continue;
        int64_t at = eg_map_find(first, group);
        if (at < 0) eg_map_add(first, group, (int64_t)i);
        ties[i] = at < 0 ? NULL : store->entries[at].name;
    }
    return ties;
}

static bool same_name(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void compare_ties(eg_diff_context *out, eg_arena *arena, const eg_store *a, const eg_store *b)
{
    const char **in_a = common_ties(arena, a, b), **in_b = common_ties(arena, b, a);
    eg_tie_change *list = EG_NEW_ARRAY(arena, eg_tie_change, a->count);
    for (size_t i = 0; i < a->count; i++) {
        const eg_entry *other = eg_store_find(b, a->entries[i].name);
        if (!other) continue;
        const char *with = in_b[other - b->entries];
        if (!same_name(in_a[i], with))
            list[out->tie_count++] = (eg_tie_change){a->entries[i].name, {in_a[i], with}};
    }
    out->ties = list;
}

/* ---- versions ---- */

static eg_map *index_versions(eg_arena *arena, const eg_checkpoint *file)
{
    eg_map *index = eg_map_new(arena);
    for (size_t i = 0; i < file->version_count; i++) eg_map_set(index, file->versions[i].path, (int64_t)i);
    return index;
}

/* Modules that hold a tensor of both files. */
static eg_map *common_modules(eg_arena *arena, const eg_store *a, const eg_store *b)
{
    eg_map *modules = eg_map_new(arena);
    for (size_t i = 0; i < a->count; i++) {
        const char *name = a->entries[i].name;
        if (!eg_store_find(b, name)) continue;
        eg_map_add(modules, "", 1);
        for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
            eg_map_add(modules, eg_arena_substring(arena, name, (size_t)(dot - name)), 1);
    }
    return modules;
}

static void compare_versions(eg_diff_context *out, eg_arena *arena, const eg_checkpoint *a,
                             const eg_checkpoint *b)
{
    eg_map *in_a = index_versions(arena, a), *in_b = index_versions(arena, b);
    eg_map *common = common_modules(arena, &a->store, &b->store);
    eg_version_change *list = EG_NEW_ARRAY(arena, eg_version_change, a->version_count + b->version_count);
    for (size_t i = 0; i < a->version_count; i++) {
        const eg_module_version *one = &a->versions[i];
        int64_t at = eg_map_find(in_b, one->path), other = at < 0 ? 0 : b->versions[at].version;
        if (at < 0 ? eg_map_find(common, one->path) < 0 : other == one->version) continue;
        list[out->version_count++] = (eg_version_change){one->path, {one->version, other}, {true, at >= 0}};
    }
    for (size_t i = 0; i < b->version_count; i++)
        if (eg_map_find(in_a, b->versions[i].path) < 0 && eg_map_find(common, b->versions[i].path) >= 0)
            list[out->version_count++] =
                (eg_version_change){b->versions[i].path, {0, b->versions[i].version}, {false, true}};
    out->versions = list;
}

void eg_diff_context_build(eg_diff_context *out, eg_arena *arena, const eg_checkpoint *a,
                           const eg_checkpoint *b)
{
    *out = (eg_diff_context){0};
    compare_ties(out, arena, &a->store, &b->store);
    compare_versions(out, arena, a, b);
}
