#include "tensor/tie.h"

#include "base/map.h"
#include "base/str.h"

const char **eg_store_ties(eg_arena *arena, const eg_store *store)
{
    const char **ties = EG_NEW_ARRAY(arena, const char *, store->count);
    eg_map *seen = eg_map_new(arena); /* place -> position of the first entry there */
    for (size_t i = 0; i < store->count; i++) {
        const eg_entry *entry = &store->entries[i];
        uint64_t numel = 0;
        if (!eg_shape_numel(entry->shape, &numel) || !numel) continue;
        const char *place = eg_arena_printf(arena, "%p %llu %llu", (void *)entry->storage,
                                            (unsigned long long)entry->offset, (unsigned long long)numel);
        int64_t first = eg_map_find(seen, place);
        if (first >= 0) ties[i] = store->entries[first].name;
        if (first < 0) eg_map_add(seen, place, (int64_t)i);
    }
    return ties;
}
