/* A hash map from names to positions. */
#ifndef ENGRAFT_BASE_MAP_H
#define ENGRAFT_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engraft/arena.h"

/* Name -> int64. Keys are borrowed; memory comes from the arena. Iteration is left to the caller's own list,
 * so that no result can depend on hash order. */
typedef struct eg_map eg_map;

eg_map *eg_map_new(eg_arena *arena);
/* Adds a key; false when it is there already (the old value stays). */
bool eg_map_add(eg_map *map, const char *key, int64_t value);
/* Adds or replaces. */
void eg_map_set(eg_map *map, const char *key, int64_t value);
/* The value, or -1. */
int64_t eg_map_find(const eg_map *map, const char *key);
size_t eg_map_count(const eg_map *map);

#endif
