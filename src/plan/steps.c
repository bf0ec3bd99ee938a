/* Renames in steps. A name differs from the one that is wanted in some runs of segments; a rule that puts one
 * of them right is taken when it brings every name that it matches nearer. */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "plan/draft.h"
#include "plan/lesson.h"

enum { SEGMENTS = 32, ROUNDS = 200, FOUND = 2 /* names that a step must help */ };

typedef struct segments {
    const char *text[SEGMENTS];
    size_t length[SEGMENTS], count;
} segments;

/* Segments first … first+a_count-1 of the name stand for b_first … of the one that is wanted. */
typedef struct hunk {
    size_t a, a_count, b, b_count;
} hunk;

typedef struct step {
    const char *pattern, *to;
    const char **names; /* afterwards */
    size_t gained, helped;
} step;

typedef struct stepper {
    eg_lesson *l;
    size_t *distance; /* per name: segments to put right */
    step best;
} stepper;

static bool cut(const char *name, segments *out)
{
    out->count = 0;
    for (;;) {
        size_t length = strcspn(name, ".");
        if (out->count == SEGMENTS) return false;
        out->text[out->count] = name;
        out->length[out->count++] = length;
        if (!name[length]) return true;
        name += length + 1;
    }
}

static bool same(const segments *a, size_t i, const segments *b, size_t k)
{
    return a->length[i] == b->length[k] && memcmp(a->text[i], b->text[k], a->length[i]) == 0;
}

/* common[i][k]: the longest common subsequence of the segments from i and from k on. */
static void align(const segments *a, const segments *b, size_t common[SEGMENTS + 1][SEGMENTS + 1])
{
    for (size_t i = a->count + 1; i-- > 0;)
        for (size_t k = b->count + 1; k-- > 0;) {
            if (i == a->count || k == b->count)
                common[i][k] = 0;
            else if (same(a, i, b, k))
                common[i][k] = common[i + 1][k + 1] + 1;
            else
                common[i][k] = common[i + 1][k] > common[i][k + 1] ? common[i + 1][k] : common[i][k + 1];
        }
}

static size_t distance(const char *a, const char *b)
{
    size_t common[SEGMENTS + 1][SEGMENTS + 1] = {{0}};
    segments x, y;
    if (strcmp(a, b) == 0) return 0;
    if (!cut(a, &x) || !cut(b, &y)) return 2 * SEGMENTS;
    align(&x, &y, common);
    return x.count + y.count - 2 * common[0][0] + 1; /* more than 0 where only the cut fails */
}

static size_t find_hunks(const segments *a, const segments *b, hunk *out)
{
    size_t common[SEGMENTS + 1][SEGMENTS + 1], i = 0, k = 0, count = 0;
    align(a, b, common);
    while (i < a->count || k < b->count) {
        if (i < a->count && k < b->count && same(a, i, b, k)) {
            i++;
            k++;
            continue;
        }
        hunk h = {i, 0, k, 0};
        while ((i < a->count || k < b->count) && !(i < a->count && k < b->count && same(a, i, b, k))) {
            if (k == b->count || (i < a->count && common[i + 1][k] >= common[i][k + 1]))
                i++;
            else
                k++;
        }
        h.a_count = i - h.a;
        h.b_count = k - h.b;
        out[count++] = h;
    }
    return count;
}

static bool has(const char *name, const char *segment, size_t length)
{
    for (;; name++) {
        size_t n = strcspn(name, ".");
        if (n == length && memcmp(name, segment, n) == 0) return true;
        name += n;
        if (!*name) return false;
    }
}

/* Nothing is put into a name that does not stay there. */
static bool is_honest(const char *before, const char *after, const char *want)
{
    for (const char *at = after;; at++) {
        size_t n = strcspn(at, ".");
        if (!has(before, at, n) && !has(want, at, n)) return false;
        at += n;
        if (!*at) return true;
    }
}

/* The names after the rule; false when it leads one away, or two together. */
static bool try_step(stepper *s, step *out)
{
    eg_lesson *l = s->l;
    eg_arena arena = {0};
    const eg_regex *regex = eg_regex_compile(&arena, out->pattern, true, (eg_place){0}, NULL);
    eg_map *seen = eg_map_new(&arena);
    bool right = regex != NULL;
    out->names = EG_NEW_ARRAY(l->arena, const char *, l->count);
    for (size_t i = 0; right && i < l->count; i++) {
        out->names[i] = l->now[i];
        if (eg_regex_match(regex, l->now[i], strlen(l->now[i]), NULL) == EG_MATCH) {
            eg_buf name = {0};
            eg_buf_puts(&name, "");
            eg_template_expand(regex, out->to, &name);
            out->names[i] = eg_buf_take(&name, l->arena);
            size_t after = distance(out->names[i], l->want[i]);
            right = after < s->distance[i] && is_honest(l->now[i], out->names[i], l->want[i]);
            out->gained += s->distance[i] - after;
            out->helped++;
        }
        right = right && eg_map_add(seen, out->names[i], 0);
    }
    eg_arena_clear(&arena);
    return right && out->helped >= FOUND;
}

static void put_segments(eg_buf *out, const segments *s, size_t first, size_t count)
{
    for (size_t i = 0; i < count; i++)
        eg_buf_printf(out, "%s%.*s", i ? "." : "", (int)s->length[first + i], s->text[first + i]);
}

/* "(.*)\.X\.(.*)" to "\1.Y.\2". */
static void try_hunk(stepper *s, const segments *a, const segments *b, hunk h, bool numbers)
{
    eg_buf from = {0}, to = {0};
    size_t behind = a->count - h.a - h.a_count;
    if (!h.a_count || (!h.b_count && !h.a && !behind)) return;
    put_segments(&from, a, h.a, h.a_count);
    if (h.a) eg_buf_printf(&to, "%cA", EG_DRAFT_MARK);
    if (h.a && (h.b_count || behind)) eg_buf_puts(&to, ".");
    put_segments(&to, b, h.b, h.b_count);
    if (behind) eg_buf_printf(&to, "%s%cB", h.b_count ? "." : "", EG_DRAFT_MARK);
    eg_draft d = eg_draft_make(s->l->arena, to.data);
    if (h.a) {
        eg_draft_group(&d, 'A', ".*");
        eg_draft_text(&d, ".", 1, false);
    }
    eg_draft_text(&d, from.data, from.length, numbers);
    if (behind) {
        eg_draft_text(&d, ".", 1, false);
        eg_draft_group(&d, 'B', ".*");
    }
    eg_buf_clear(&from);
    eg_buf_clear(&to);
    step one = {.pattern = eg_draft_pattern(&d), .to = eg_draft_template(&d)};
    if (!try_step(s, &one)) return;
    bool shorter = one.gained == s->best.gained && strlen(one.pattern) < strlen(s->best.pattern);
    if (!s->best.pattern || one.gained > s->best.gained || shorter) s->best = one;
}

/* The hunk alone, with a segment that both names share before or behind it, and with one more of those
 * wanted. */
static void try_hunks(stepper *s, size_t which)
{
    segments a, b;
    hunk list[2 * SEGMENTS];
    if (!cut(s->l->now[which], &a) || !cut(s->l->want[which], &b)) return;
    size_t count = find_hunks(&a, &b, list);
    for (size_t i = 0; i < count; i++)
        for (int kind = 0; kind < 16; kind++) {
            hunk h = list[i];
            if (kind & 1) {
                if (!h.a || !h.b) continue;
                h.a--, h.b--, h.a_count++, h.b_count++;
            }
            if (kind & 2) {
                if (h.a + h.a_count == a.count || h.b + h.b_count == b.count) continue;
                h.a_count++, h.b_count++;
            }
            if (kind & 8) {
                if (h.b + h.b_count == b.count) continue;
                h.b_count++;
            }
            try_hunk(s, &a, &b, h, kind & 4);
        }
}

void eg_learn_steps(eg_lesson *l)
{
    stepper s = {l, EG_NEW_ARRAY(l->arena, size_t, l->count), {0}};
    for (int round = 0; round < ROUNDS; round++) {
        s.best = (step){0};
        for (size_t i = 0; i < l->count; i++) s.distance[i] = distance(l->now[i], l->want[i]);
        for (size_t i = 0; i < l->count && !s.best.pattern; i++)
            if (s.distance[i]) try_hunks(&s, i);
        if (!s.best.pattern) return;
        eg_lesson_rule(l, "- rename: {match: %s, to: %s}", eg_quoted(l->arena, s.best.pattern),
                       eg_quoted(l->arena, s.best.to));
        memcpy(l->now, s.best.names, l->count * sizeof *l->now);
    }
}
