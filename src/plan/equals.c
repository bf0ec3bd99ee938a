/* Tensors of equal content. Where there are several, such as the ones and zeros of fresh normalisation
 * layers, the names of those that are settled decide (see plan/kinship.h). */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "plan/kinship.h"

enum { MOST_PAIRS = 1000000 /* of one content, weighed against each other */ };

typedef struct group {
    size_t *targets, target_count;
    size_t *sources, source_count;
} group;

typedef struct candidate {
    int score;
    size_t distance; /* of their places in the group */
    size_t source, target;
} candidate;

typedef struct matcher {
    eg_pair_search *s;
    eg_kinship kin;
    group *groups;
    size_t count;
} matcher;

/* ---- groups ---- */

static void fill_sources(matcher *m, group *g)
{
    const eg_pair_search *s = m->s;
    int64_t first = eg_map_find(s->stock.first, s->key[g->targets[0]]);
    for (int64_t at = first; at >= 0; at = s->stock.next[at]) g->source_count++;
    g->sources = EG_NEW_ARRAY(s->arena, size_t, g->source_count);
    g->source_count = 0;
    for (int64_t at = first; at >= 0; at = s->stock.next[at]) g->sources[g->source_count++] = (size_t)at / 2;
}

static void find_groups(matcher *m)
{
    eg_pair_search *s = m->s;
    size_t count = s->pairing->to->count;
    eg_map *known = eg_map_new(s->arena);
    m->groups = EG_NEW_ARRAY(s->arena, group, count);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t t = 0; t < count; t++) {
            if (eg_map_find(s->stock.first, s->key[t]) < 0) continue;
            if (eg_map_add(known, s->key[t], (int64_t)m->count)) m->count++;
            group *g = &m->groups[eg_map_find(known, s->key[t])];
            if (pass) g->targets[g->target_count] = t;
            g->target_count++;
        }
        for (size_t i = 0; !pass && i < m->count; i++) {
            m->groups[i].targets = EG_NEW_ARRAY(s->arena, size_t, m->groups[i].target_count);
            m->groups[i].target_count = 0;
        }
    }
    for (size_t i = 0; i < m->count; i++) fill_sources(m, &m->groups[i]);
}

/* ---- linking ---- */

/* Constants of another shape are not the same tensor, unless dims of size 1 are all the difference. */
static bool may_link(const eg_pair_search *s, size_t source, size_t target, const char **ops)
{
    *ops = eg_pair_reshape(s->arena, s->pairing->from->entries[source].shape,
                           s->pairing->to->entries[target].shape);
    return !s->pairing->constant[target] || !strstr(*ops, "flatten") /* unflatten, too */;
}

static bool link_pair(matcher *m, size_t source, size_t target)
{
    const char *ops;
    if (m->s->pairing->links[target].kind || m->s->used[source] || !may_link(m->s, source, target, &ops))
        return false;
    eg_pair_link(m->s, target, (eg_link){EG_LINK_WHOLE, &source, 1, .ops = ops});
    eg_kinship_learn(&m->kin, m->s->pairing, source, target);
    return true;
}

/* Sources whose names say where they go. */
static void link_guesses(matcher *m, const group *g)
{
    const eg_pairing *p = m->s->pairing;
    for (size_t i = 0; i < g->source_count; i++) {
        const char *name = p->from->entries[g->sources[i]].name, *guess;
        for (size_t n = 0; (guess = eg_kinship_guess(&m->kin, name, n)); n++) {
            const eg_entry *to = eg_store_find(p->to, guess);
            size_t target = to ? (size_t)(to - p->to->entries) : 0;
            if (to && strcmp(m->s->key[target], m->s->key[g->targets[0]]) == 0 &&
                link_pair(m, g->sources[i], target))
                break;
        }
    }
}

static int by_score(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    if (x->source != y->source) return x->source < y->source ? -1 : 1;
    return x->target < y->target ? -1 : x->target > y->target;
}

static size_t free_count(const matcher *m, const group *g, size_t *targets)
{
    size_t sources = 0;
    *targets = 0;
    for (size_t i = 0; i < g->source_count; i++) sources += !m->s->used[g->sources[i]];
    for (size_t i = 0; i < g->target_count; i++) *targets += !m->s->pairing->links[g->targets[i]].kind;
    return sources;
}

/* The best pairs first; too many are taken in file order. */
static void link_rest(matcher *m, const group *g)
{
    size_t targets, sources = free_count(m, g, &targets), count = 0;
    if (!sources || !targets) return;
    bool weigh = sources <= MOST_PAIRS / targets;
    candidate *list = eg_arena_array(m->s->arena, weigh ? sources * targets : sources, sizeof *list);
    for (size_t i = 0, x = 0; i < g->source_count; i++) {
        if (m->s->used[g->sources[i]]) continue;
        for (size_t k = 0, y = 0; k < g->target_count; k++) {
            if (m->s->pairing->links[g->targets[k]].kind) continue;
            candidate c = {0, x > y ? x - y : y - x, g->sources[i], g->targets[k]};
            if (weigh) c.score = eg_kinship_score(&m->kin, m->s->pairing, c.source, c.target);
            if (weigh || c.distance == 0) list[count++] = c;
            y++;
        }
        x++;
    }
    qsort(list, count, sizeof *list, by_score);
    for (size_t i = 0; i < count; i++) link_pair(m, list[i].source, list[i].target);
}

static bool is_plain(const group *g)
{
    return g->source_count == 1 && g->target_count == 1;
}

static int by_size(const void *a, const void *b)
{
    const group *x = a, *y = b;
    size_t m = x->source_count * x->target_count, n = y->source_count * y->target_count;
    if (m != n) return m < n ? -1 : 1;
    return x->targets[0] < y->targets[0] ? -1 : x->targets[0] > y->targets[0];
}

static matcher make_matcher(eg_pair_search *s)
{
    matcher m = {.s = s, .kin = eg_kinship_make(s->arena, s->pairing->from->count)};
    find_groups(&m);
    if (m.count) qsort(m.groups, m.count, sizeof *m.groups, by_size);
    return m;
}

bool eg_pair_equals(eg_pair_search *s)
{
    matcher m = make_matcher(s);
    for (size_t i = 0; i < m.count; i++)
        if (is_plain(&m.groups[i])) link_pair(&m, m.groups[i].sources[0], m.groups[i].targets[0]);
    return true;
}

bool eg_pair_choices(eg_pair_search *s)
{
    matcher m = make_matcher(s);
    for (size_t t = 0; t < s->pairing->to->count; t++) {
        const eg_link *link = &s->pairing->links[t];
        for (size_t i = 0; i < link->count; i++) eg_kinship_learn(&m.kin, s->pairing, link->parts[i], t);
    }
    for (size_t i = 0; i < m.count; i++) {
        link_guesses(&m, &m.groups[i]);
        link_rest(&m, &m.groups[i]);
    }
    return true;
}

/* A constant is more likely drawn than copied. */
bool eg_pair_copies(eg_pair_search *s)
{
    for (size_t t = 0; t < s->pairing->to->count; t++) {
        int64_t at = eg_map_find(s->stock.first, s->key[t]);
        size_t source = (size_t)at / 2;
        const char *ops;
        if (at < 0 || s->pairing->links[t].kind || s->pairing->constant[t] || !may_link(s, source, t, &ops))
            continue;
        eg_pair_link(s, t, (eg_link){EG_LINK_WHOLE, &source, 1, .ops = ops});
    }
    return true;
}
