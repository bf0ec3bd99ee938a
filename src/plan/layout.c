#include "plan/layout.h"

#include <inttypes.h>
#include <string.h>

#include "base/regex.h"
#include "base/str.h"
#include "plan/diagnose.h"

enum { OP_ROOM = 8, MOST_NAMES = 32 };

/* ---- shapes ---- */

static bool is(eg_shape shape, uint32_t rank, int64_t a, int64_t b, int64_t c, int64_t d)
{
    const int64_t want[] = {a, b, c, d};
    for (uint32_t k = 0; k < rank; k++)
        if (shape.rank != rank || shape.dims[k] != want[k]) return false;
    return shape.rank == rank;
}

/* The product of the dims from `first` on; -1: too large. */
static int64_t product(eg_shape shape, uint32_t first)
{
    int64_t all = 1;
    for (uint32_t k = first; k < shape.rank; k++)
        if (__builtin_mul_overflow(all, shape.dims[k], &all)) return -1;
    return all;
}

/* [o, i] against [o, i, 1, 1]. */
static bool only_adds_ones(eg_shape small, eg_shape large)
{
    if (small.rank != 2 || large.rank < 3 || large.rank > 5) return false;
    for (uint32_t k = 0; k < large.rank; k++)
        if (large.dims[k] != (k < 2 ? small.dims[k] : 1)) return false;
    return true;
}

static const char *unflatten_text(eg_arena *arena, eg_shape to)
{
    eg_buf out = {0};
    eg_buf_puts(&out, "{unflatten: [1");
    for (uint32_t k = 1; k < to.rank; k++) eg_buf_printf(&out, ", %" PRId64, to.dims[k]);
    eg_buf_puts(&out, "]}");
    return eg_buf_take(&out, arena);
}

/* The ops of the table in layout.h, NULL: no row fits. */
static const char *ops_between(eg_arena *arena, eg_shape from, eg_shape to)
{
    static const char *const ones[] = {"{unsqueeze: -1}", "{unsqueeze: -1}, {unsqueeze: -1}",
                                       "{unsqueeze: -1}, {unsqueeze: -1}, {unsqueeze: -1}"};
    const int64_t *t = to.dims;
    if (only_adds_ones(from, to)) return ones[to.rank - 3];
    if (from.rank > 2 && to.rank == 2 && from.dims[0] == t[0] && product(from, 1) == t[1])
        return "{flatten: 1}";
    if (from.rank == 2 && to.rank > 2 && from.dims[0] == t[0] && product(to, 1) == from.dims[1])
        return unflatten_text(arena, to);
    if (to.rank == 2 && is(from, 2, t[1], t[0], 0, 0)) return "{transpose: [0, 1]}";
    if (to.rank == 4 && is(from, 4, t[2], t[3], t[1], t[0])) return "{permute: [3, 2, 0, 1]}";
    if (to.rank == 4 && is(from, 4, t[2], t[3], t[0], t[1])) return "{permute: [2, 3, 0, 1]}";
    if (to.rank == 0 && is(from, 1, 1, 0, 0, 0)) return "{squeeze: 0}";
    if (from.rank == 0 && is(to, 1, 1, 0, 0, 0)) return "{unsqueeze: 0}";
    return NULL;
}

/* ---- names ---- */

typedef struct group {
    const char *ops;
    size_t *items;
    size_t count;
    uint32_t rank; /* of the sources */
} group;

static bool is_square(eg_shape shape)
{
    return shape.rank == 2 && shape.dims[0] == shape.dims[1];
}

/* True when the pattern takes all of the group, and nothing beside it of that rank. A square matrix among
 * transposed ones is transposed, too, though its shape does not tell. */
static bool takes_exactly(const eg_trial *now, const group *g, const char *pattern)
{
    eg_arena *arena = now->draft->arena;
    const eg_regex *regex = eg_regex_compile(arena, pattern, true, (eg_place){0}, NULL);
    size_t taken = 0;
    for (size_t i = 0; regex && i < now->map->count; i++) {
        const char *name = now->map->names[i];
        eg_shape shape = now->map->values[i]->shape;
        if (!name || shape.rank != g->rank || eg_regex_match(regex, name, strlen(name), NULL) != EG_MATCH)
            continue;
        bool mine = false;
        for (size_t k = 0; k < g->count; k++) mine |= g->items[k] == i;
        if (!mine && !(strstr(g->ops, "transpose") && is_square(shape))) return false;
        taken += mine;
    }
    return taken == g->count;
}

/* The longest dotted ending that all names of the group share, "": none. */
static const char *common_ending(const eg_trial *now, const group *g)
{
    const char *first = now->map->names[g->items[0]];
    for (const char *at = strchr(first, '.'); at; at = strchr(at + 1, '.')) {
        bool shared = true;
        for (size_t k = 1; k < g->count; k++) shared &= eg_ends_with(now->map->names[g->items[k]], at);
        if (shared) return at + 1;
    }
    return "";
}

static const char *escaped(eg_arena *arena, const char *before, const char *text)
{
    eg_buf out = {0};
    eg_buf_puts(&out, before);
    eg_regex_escape(text, &out);
    return eg_buf_take(&out, arena);
}

static const char *all_names(const eg_trial *now, const group *g)
{
    eg_buf out = {0};
    for (size_t k = 0; k < g->count; k++) {
        if (k) eg_buf_puts(&out, "|");
        eg_regex_escape(now->map->names[g->items[k]], &out);
    }
    return eg_buf_take(&out, now->draft->arena);
}

/* A pattern for the group: an ending where that says it, else the names; NULL: too many. */
static const char *pattern_of(const eg_trial *now, const group *g)
{
    const char *ending = common_ending(now, g);
    const char *pattern = escaped(now->draft->arena, ".*\\.", ending);
    if (g->count > 1 && ending[0] && takes_exactly(now, g, pattern)) return pattern;
    return g->count <= MOST_NAMES ? all_names(now, g) : NULL;
}

static void describe(const eg_trial *now, const group *g, eg_remedies *out)
{
    eg_arena *arena = now->draft->arena;
    const char *pattern = pattern_of(now, g), *first = now->map->names[g->items[0]];
    if (!pattern) return;
    eg_shape from = now->map->values[g->items[0]]->shape;
    eg_shape to = now->draft->net->params[eg_trial_target(now, g->items[0])].shape;
    const char *lines = eg_arena_printf(arena, "- transform: {match: '%s', when: {rank: %u}, ops: [%s]}",
                                        pattern, from.rank, g->ops);
    eg_remedy_add(out, lines,
                  eg_arena_printf(arena, "%zu tensor%s stored in another layout, such as '%s' %s for %s",
                                  g->count, g->count == 1 ? " is" : "s are", first,
                                  eg_shape_text(arena, from), eg_shape_text(arena, to)));
}

void eg_layout_propose(const eg_trial *now, eg_remedies *out)
{
    eg_arena *arena = now->draft->arena;
    group groups[OP_ROOM] = {{0}};
    size_t count = 0;
    for (size_t i = 0; i < now->map->count; i++) {
        int64_t target = eg_trial_target(now, i);
        if (target < 0 || !eg_trial_wants(now->draft, target) || eg_trial_fits(now, i, target)) continue;
        eg_shape from = now->map->values[i]->shape;
        const char *ops = ops_between(arena, from, now->draft->net->params[target].shape);
        size_t g = 0;
        while (ops && g < count && (strcmp(groups[g].ops, ops) != 0 || groups[g].rank != from.rank)) g++;
        if (!ops || g == OP_ROOM) continue;
        if (g == count)
            groups[count++] = (group){ops, EG_NEW_ARRAY(arena, size_t, now->map->count), 0, from.rank};
        groups[g].items[groups[g].count++] = i;
    }
    for (size_t g = 0; g < count; g++) describe(now, &groups[g], out);
}
