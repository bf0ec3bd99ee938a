#include "base/map.h"

#include <string.h>

typedef struct slot {
    const char *key; /* NULL: empty */
    uint64_t hash;
    int64_t value;
} slot;

struct eg_map {
    eg_arena *arena;
    slot *slots;
    size_t capacity; /* a power of two */
    size_t count;
};

/* FNV-1a, finished with a multiply-shift so that the low bits are good. */
static uint64_t hash_name(const char *key)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (const unsigned char *c = (const unsigned char *)key; *c; c++) h = (h ^ *c) * 0x100000001b3u;
    return (h ^ h >> 32) * 0x9E3779B97F4A7C15u;
}

/* The slot that holds the key, or the empty one where it belongs. */
static slot *probe(slot *slots, size_t capacity, const char *key, uint64_t hash)
{
    size_t at = hash & (capacity - 1);
    while (slots[at].key && (slots[at].hash != hash || strcmp(slots[at].key, key) != 0))
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static void grow(eg_map *map)
{
    size_t capacity = map->capacity * 2;
    slot *slots = EG_NEW_ARRAY(map->arena, slot, capacity);
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i].key) *probe(slots, capacity, map->slots[i].key, map->slots[i].hash) = map->slots[i];
    map->slots = slots;
    map->capacity = capacity;
}

eg_map *eg_map_new(eg_arena *arena)
{
    eg_map *map = EG_NEW(arena, eg_map);
    map->arena = arena;
    map->capacity = 32;
    map->slots = EG_NEW_ARRAY(arena, slot, map->capacity);
    return map;
}

bool eg_map_add(eg_map *map, const char *key, int64_t value)
{
    if (map->count * 4 >= map->capacity * 3) grow(map);
    uint64_t hash = hash_name(key);
    slot *s = probe(map->slots, map->capacity, key, hash);
    if (s->key) return false;
    *s = (slot){key, hash, value};
    map->count++;
    return true;
}

void eg_map_set(eg_map *map, const char *key, int64_t value)
{
    if (eg_map_add(map, key, value)) return;
    probe(map->slots, map->capacity, key, hash_name(key))->value = value;
}

int64_t eg_map_find(const eg_map *map, const char *key)
{
    const slot *s = probe(map->slots, map->capacity, key, hash_name(key));
    return s->key ? s->value : -1;
}

size_t eg_map_count(const eg_map *map)
{
    return map->count;
}
