#include "plan/kinship.h"

#include <string.h>

enum {
    SAME_NAME = 10000,
    MODULE = 400,
    PREFIX = 100,
    LEAF = 60,
    NEIGHBOUR = 150,
    NUMBERED = 120,
    TAIL = 10,
    DEPTH = 5
};

size_t eg_name_cut(const char *name, size_t n)
{
    size_t length = strlen(name);
    for (; n && length; n--) {
        while (length && name[length - 1] != '.') length--;
        if (length) length--;
    }
    return length;
}

size_t eg_name_common_tail(const char *a, const char *b)
{
    size_t n = 0;
    for (;; n++) {
        size_t x = eg_name_cut(a, n + 1), y = eg_name_cut(b, n + 1);
        if (!x || !y || strcmp(a + x, b + y) != 0) return n;
    }
}

static const char *leaf(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

eg_kinship eg_kinship_make(eg_arena *arena, size_t sources)
{
    eg_kinship k = {.arena = arena, .prefixes = eg_map_new(arena), .leaves = eg_map_new(arena)};
    k.met = EG_NEW_ARRAY(arena, int64_t, sources);
    for (size_t i = 0; i < sources; i++) k.met[i] = -1;
    return k;
}

/* What was learned first stays. */
static void note(eg_kinship *k, eg_map *map, const char *from, const char *to)
{
    if (!eg_map_add(map, from, (int64_t)k->count)) return;
    if (k->count == k->capacity) {
        k->capacity = k->capacity ? 2 * k->capacity : 64;
        const char **words = EG_NEW_ARRAY(k->arena, const char *, k->capacity);
        if (k->count) memcpy(words, k->words, k->count * sizeof *words);
        k->words = words;
    }
    k->words[k->count++] = to;
}

static const char *find(const eg_kinship *k, const eg_map *map, const char *from)
{
    int64_t at = eg_map_find(map, from);
    return at < 0 ? NULL : k->words[at];
}

static const char *head(eg_arena *arena, const char *name, size_t n)
{
    return eg_arena_substring(arena, name, eg_name_cut(name, n));
}

/* The length of the n-th head that ends in a segment that is a number ("h.3" of "h.3.attn"); 0: none. */
static size_t numbered_head(const char *name, size_t n)
{
    const char *segment = name;
    for (const char *at = name; (at = strchr(at, '.')); segment = ++at)
        if (at > segment && segment + strspn(segment, "0123456789") == at && n-- == 0)
            return (size_t)(at - name);
    return 0;
}

/* The n-th numbered heads of both names, as many as there are in both; false: no more. */
static bool heads_of(eg_arena *arena, const char *a, const char *b, size_t n, const char **from,
                     const char **to)
{
    size_t x = numbered_head(a, n), y = numbered_head(b, n);
    if (!x || !y) return false;
    *from = eg_arena_substring(arena, a, x);
    *to = eg_arena_substring(arena, b, y);
    return true;
}

void eg_kinship_learn(eg_kinship *k, const eg_pairing *p, size_t source, size_t target)
{
    const char *a = p->from->entries[source].name, *b = p->to->entries[target].name;
    size_t tail = eg_name_common_tail(a, b);
    k->met[source] = (int64_t)target;
    note(k, k->leaves, leaf(a), leaf(b));
    const char *from, *to;
    for (size_t n = 1; n <= tail || n == 1; n++)
        note(k, k->prefixes, head(k->arena, a, n), head(k->arena, b, n));
    for (size_t n = 0; heads_of(k->arena, a, b, n, &from, &to); n++) note(k, k->prefixes, from, to);
}

const char *eg_kinship_guess(eg_kinship *k, const char *name, size_t n)
{
    if (n == 0) return name;
    for (size_t cut = 1; eg_name_cut(name, cut); cut++) {
        const char *to = find(k, k->prefixes, head(k->arena, name, cut)),
                   *end = find(k, k->leaves, leaf(name));
        if (!to || --n) continue;
        const char *rest = name + eg_name_cut(name, cut) + 1;
        size_t kept = strlen(rest) - strlen(leaf(rest));
        return eg_arena_printf(k->arena, "%s%s%.*s%s", to, to[0] ? "." : "", (int)kept, rest,
                               end ? end : leaf(rest));
    }
    return NULL;
}

/* The nearest settled neighbour before or behind is as far away on both sides. */
static bool is_neighbour(const eg_kinship *k, size_t count, size_t source, size_t target, int step)
{
    int64_t i = (int64_t)source + step;
    while (i >= 0 && i < (int64_t)count && k->met[i] < 0) i += step;
    return i >= 0 && i < (int64_t)count && k->met[i] - (int64_t)target == i - (int64_t)source;
}

int eg_kinship_score(eg_kinship *k, const eg_pairing *p, size_t source, size_t target)
{
    const char *a = p->from->entries[source].name, *b = p->to->entries[target].name;
    if (strcmp(a, b) == 0) return SAME_NAME;
    eg_arena arena = {0}; /* asked for millions of pairs */
    size_t tail = eg_name_common_tail(a, b);
    const char *module = find(k, k->prefixes, head(&arena, a, 1)), *end = find(k, k->leaves, leaf(a));
    const char *from, *to;
    int score = TAIL * (int)tail;
    if (module) score += strcmp(module, head(&arena, b, 1)) == 0 ? MODULE : -MODULE / 2;
    if (strcmp(leaf(a), leaf(b)) == 0 || (end && strcmp(end, leaf(b)) == 0)) score += LEAF;
    for (size_t n = 2; n <= tail; n++) {
        const char *known = find(k, k->prefixes, head(&arena, a, n));
        if (!known || strcmp(known, head(&arena, b, n)) != 0) continue;
        score += PREFIX - DEPTH * (int)n;
        break;
    }
    for (size_t n = 0; heads_of(&arena, a, b, n, &from, &to); n++) {
        const char *known = find(k, k->prefixes, from);
        if (known) score += strcmp(known, to) == 0 ? NUMBERED : -NUMBERED;
    }
    for (int step = -1; step <= 1; step += 2)
        if (is_neighbour(k, p->from->count, source, target, step)) score += NEIGHBOUR;
    eg_arena_clear(&arena);
    return score;
}
