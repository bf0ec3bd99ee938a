#include "plan/sequence.h"

#include <ctype.h>
#include <string.h>

#include "base/regex.h"
#include "base/str.h"

enum { MOST = 1500, MOST_LINES = 160, LEAST_SHARE = 80 };

typedef struct side {
    const char **names;
    eg_shape *shapes;
    size_t count;
} side;

typedef struct pair {
    const char *from, *to; /* modules or whole names */
    bool module;           /* a rest follows both */
    bool done;
} pair;

static const char *leaf(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

static void add(side *list, const char *name, eg_shape shape)
{
    if (list->count > MOST || strcmp(leaf(name), "num_batches_tracked") == 0) return;
    list->names[list->count] = name;
    list->shapes[list->count++] = shape;
}

static side new_side(eg_arena *arena)
{
    return (side){EG_NEW_ARRAY(arena, const char *, MOST + 1), EG_NEW_ARRAY(arena, eg_shape, MOST + 1), 0};
}

/* Sources that are no target's, and targets that no source names. */
static void gather(const eg_trial *now, side *from, side *to)
{
    const eg_planner *d = now->planner;
    eg_map *sources = eg_map_new(d->arena);
    for (size_t i = 0; i < now->map->count; i++) {
        if (!now->map->names[i]) continue;
        eg_map_add(sources, now->map->names[i], 0);
        if (eg_trial_target(now, i) < 0) add(from, now->map->names[i], now->map->values[i]->shape);
    }
    for (int32_t p = 0; p < d->net->param_count; p++)
        if (eg_trial_wants(d, p) && eg_map_find(sources, d->net->params[p].name) < 0)
            add(to, d->net->params[p].name, d->net->params[p].shape);
}

/* A last segment that both sides use means the same on both. */
static bool fits(const side *from, size_t i, const side *to, size_t k, const eg_map *leaves)
{
    if (!eg_shape_equal(from->shapes[i], to->shapes[k])) return false;
    const char *own = leaf(from->names[i]);
    return eg_map_find(leaves, own) < 0 || strcmp(own, leaf(to->names[k])) == 0;
}

/* The longest common sequence: partner[k] is target k's source, SIZE_MAX: none. Returns its length. */
static size_t align(eg_arena *arena, const side *from, const side *to, size_t *partner)
{
    size_t n = from->count, m = to->count, found = 0;
    uint16_t *best = EG_NEW_ARRAY(arena, uint16_t, (n + 1) * (m + 1));
    eg_map *leaves = eg_map_new(arena);
    for (size_t k = 0; k < m; k++) eg_map_add(leaves, leaf(to->names[k]), 0);
#define BEST(i, k) best[(i) * (m + 1) + (k)]
    for (size_t i = n; i-- > 0;)
        for (size_t k = m; k-- > 0;) {
            uint16_t skip = BEST(i + 1, k) > BEST(i, k + 1) ? BEST(i + 1, k) : BEST(i, k + 1);
            uint16_t take = fits(from, i, to, k, leaves) ? (uint16_t)(BEST(i + 1, k + 1) + 1) : 0;
            BEST(i, k) = take > skip ? take : skip;
        }
    for (size_t k = 0; k < m; k++) partner[k] = SIZE_MAX;
    for (size_t i = 0, k = 0; i < n && k < m;) {
        if (fits(from, i, to, k, leaves) && BEST(i, k) == BEST(i + 1, k + 1) + 1) {
            partner[k++] = i++;
            found++;
        } else if (BEST(i + 1, k) >= BEST(i, k + 1)) {
            i++;
        } else {
            k++;
        }
    }
#undef BEST
    return found;
}

/* ---- pairs of names to rules ---- */

/* The names without the dotted ending that they share. */
static pair make_pair(eg_arena *arena, const char *from, const char *to)
{
    for (const char *at = strchr(from, '.'); at; at = strchr(at + 1, '.')) {
        if (!eg_ends_with(to, at) || strlen(to) == strlen(at)) continue;
        return (pair){eg_arena_substring(arena, from, (size_t)(at - from)),
                      eg_arena_substring(arena, to, strlen(to) - strlen(at)), true, false};
    }
    return (pair){from, to, false, false};
}

static size_t digits(const char *text)
{
    size_t n = 0;
    while (isdigit((unsigned char)text[n])) n++;
    return n;
}

enum { NUMBERS = 8 };

typedef struct number {
    const char *text;
    size_t length;
} number;

/* Every number becomes a group. */
static size_t general_match(const char *from, eg_buf *out, number *numbers)
{
    size_t count = 0;
    for (const char *at = from; *at;) {
        size_t n = count < NUMBERS ? digits(at) : 0;
        char one[2] = {*at, '\0'};
        if (n) {
            numbers[count++] = (number){at, n};
            eg_buf_puts(out, "(\\d+)");
            at += n;
        } else {
            eg_regex_escape(one, out);
            at++;
        }
    }
    return count;
}

/* Numbers that the source's name has become its groups, in order. */
static void general_to(const char *to, eg_buf *out, const number *numbers, size_t count)
{
    size_t next = 0;
    for (const char *at = to; *at;) {
        size_t n = digits(at), k = next;
        while (n && k < count && (numbers[k].length != n || strncmp(numbers[k].text, at, n) != 0)) k++;
        if (n && k < count) {
            eg_buf_printf(out, "\\g<%zu>", k + 1);
            next = k + 1;
        } else {
            eg_buf_add(out, at, n ? n : 1);
        }
        at += n ? n : 1;
    }
}

typedef struct rule {
    const char *match, *to; /* without the rest */
    size_t groups;
} rule;

static rule exact_rule(eg_arena *arena, const pair *p)
{
    eg_buf out = {0};
    eg_regex_escape(p->from, &out);
    return (rule){eg_buf_take(&out, arena), p->to, 0};
}

static rule general_rule(eg_arena *arena, const pair *p)
{
    eg_buf match = {0}, to = {0};
    number numbers[NUMBERS];
    eg_buf_puts(&match, "");
    size_t groups = general_match(p->from, &match, numbers);
    general_to(p->to, &to, numbers, groups);
    return (rule){eg_buf_take(&match, arena), eg_buf_take(&to, arena), groups};
}

/* True when the rule says of every pair that it matches what the pair says, and of no other name anything. */
static bool holds(const eg_trial *now, const rule *r, const pair *pairs, size_t count, bool module,
                  size_t *takes)
{
    eg_arena *arena = now->planner->arena;
    const eg_regex *regex = eg_regex_compile(arena, r->match, true, (eg_place){0}, NULL);
    *takes = 0;
    for (size_t i = 0; regex && i < count; i++) {
        if (pairs[i].module != module) continue;
        if (eg_regex_match(regex, pairs[i].from, strlen(pairs[i].from), NULL) != EG_MATCH) continue;
        eg_buf out = {0};
        eg_buf_puts(&out, "");
        eg_template_expand(regex, r->to, &out);
        bool same = strcmp(out.data, pairs[i].to) == 0;
        eg_buf_clear(&out);
        if (!same) return false;
        ++*takes;
    }
    return regex != NULL;
}

static void write_rule(const eg_trial *now, pair *pairs, size_t count, size_t at, eg_buf *out)
{
    eg_arena *arena = now->planner->arena;
    bool module = pairs[at].module;
    size_t takes;
    rule r = general_rule(arena, &pairs[at]);
    if (!holds(now, &r, pairs, count, module, &takes) || takes < 2) r = exact_rule(arena, &pairs[at]);
    const eg_regex *regex = eg_regex_compile(arena, r.match, true, (eg_place){0}, NULL);
    for (size_t i = 0; regex && i < count; i++)
        if (pairs[i].module == module &&
            eg_regex_match(regex, pairs[i].from, strlen(pairs[i].from), NULL) == EG_MATCH)
            pairs[i].done = true;
    pairs[at].done = true;
    eg_buf_printf(out, "\n    - {match: '%s%s', to: '%s", r.match, module ? "\\.(.*)" : "", r.to);
    if (module) eg_buf_printf(out, ".\\g<%zu>", r.groups + 1);
    eg_buf_puts(out, "'}");
}

/* Each pair once; 0 when a name would have to become two. */
static size_t collect(eg_arena *arena, const side *from, const side *to, const size_t *partner, pair *pairs)
{
    eg_map *seen = eg_map_new(arena);
    size_t count = 0;
    for (size_t k = 0; k < to->count; k++) {
        if (partner[k] == SIZE_MAX) continue;
        pair one = make_pair(arena, from->names[partner[k]], to->names[k]);
        const char *key = eg_arena_printf(arena, "%s%s", one.from, one.module ? "." : "");
        int64_t known = eg_map_find(seen, key);
        if (known >= 0 && strcmp(pairs[known].to, one.to) != 0) return 0;
        if (known >= 0) continue;
        eg_map_add(seen, key, (int64_t)count);
        pairs[count++] = one;
    }
    return count;
}

void eg_sequence_propose(const eg_trial *now, eg_remedies *out)
{
    eg_arena *arena = now->planner->arena;
    side from = new_side(arena), to = new_side(arena);
    gather(now, &from, &to);
    if (from.count < 2 || to.count < 2 || from.count > MOST || to.count > MOST) return;
    size_t *partner = EG_NEW_ARRAY(arena, size_t, to.count);
    size_t found = align(arena, &from, &to, partner);
    if (found < 2 || found * 100 < to.count * LEAST_SHARE) return;
    pair *pairs = EG_NEW_ARRAY(arena, pair, to.count);
    size_t count = collect(arena, &from, &to, partner, pairs), lines = 0;
    eg_buf text = {0};
    eg_buf_puts(&text, "- rename:   # by shape and order alone: compare the names");
    for (size_t i = 0; i < count; i++) {
        if (pairs[i].done) continue;
        write_rule(now, pairs, count, i, &text);
        lines++;
    }
    const char *rules = eg_buf_take(&text, arena);
    if (!lines || lines > MOST_LINES) return;
    size_t first = 0;
    while (partner[first] == SIZE_MAX) first++;
    eg_remedy_add(
        out, rules,
        eg_arena_printf(arena,
                        "other names, but %zu shapes in the same order: the source's '%s' stands where the "
                        "target has '%s'",
                        found, from.names[partner[first]], to.names[first]));
}
