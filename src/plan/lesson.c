#include "plan/lesson.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "plan/draft.h"

/* ---- the list ---- */

void eg_lesson_add(eg_lesson *l, const char *now, const char *want)
{
    if (l->count == l->capacity) {
        l->capacity = l->capacity ? 2 * l->capacity : 64;
        const char **lists[] = {EG_NEW_ARRAY(l->arena, const char *, l->capacity),
                                EG_NEW_ARRAY(l->arena, const char *, l->capacity)};
        if (l->count) memcpy(lists[0], l->now, l->count * sizeof *l->now);
        if (l->count) memcpy(lists[1], l->want, l->count * sizeof *l->want);
        l->now = lists[0];
        l->want = lists[1];
    }
    l->now[l->count] = now;
    l->want[l->count++] = want;
}

void eg_lesson_rule(eg_lesson *l, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    eg_buf_printf(&l->lines, "    %s\n", eg_arena_vprintf(l->arena, format, args));
    va_end(args);
    l->rules++;
}

/* ---- trying a pattern ---- */

/* How many names the pattern matches, of those that `wanted` marks; 0 when it leads one astray. */
static size_t try_rename(const eg_lesson *l, const char *pattern, const char *to, const bool *done)
{
    eg_arena arena = {0};
    size_t gained = 0;
    bool right = true;
    const eg_regex *regex = eg_regex_compile(&arena, pattern, true, (eg_place){0}, NULL);
    for (size_t i = 0; regex && right && i < l->count; i++) {
        if (eg_regex_match(regex, l->now[i], strlen(l->now[i]), NULL) != EG_MATCH) continue;
        eg_buf out = {0};
        eg_buf_puts(&out, "");
        eg_template_expand(regex, to, &out);
        right = strcmp(out.data, l->want[i]) == 0;
        gained += !done[i];
        eg_buf_clear(&out);
    }
    eg_arena_clear(&arena);
    return right ? gained : 0;
}

static void mark_matched(const eg_lesson *l, const char *pattern, bool *done)
{
    eg_arena arena = {0};
    const eg_regex *regex = eg_regex_compile(&arena, pattern, true, (eg_place){0}, NULL);
    for (size_t i = 0; regex && i < l->count; i++)
        done[i] |= eg_regex_match(regex, l->now[i], strlen(l->now[i]), NULL) == EG_MATCH;
    eg_arena_clear(&arena);
}

/* ---- prefixes ---- */

/* The length of the whole segments, dot included, that all names begin with; no name is all prefix. */
static size_t common_prefix(const char *const *names, size_t count)
{
    size_t length = count ? strlen(names[0]) : 0;
    for (size_t i = 0; i < count; i++) {
        size_t n = 0;
        while (n < length && names[i][n] == names[0][n]) n++;
        length = n;
    }
    while (length && names[0][length - 1] != '.') length--;
    return length;
}

void eg_learn_strip(eg_lesson *l)
{
    size_t length = common_prefix(l->now, l->count), shared = common_prefix(l->want, l->count), same = 0;
    if (l->count < 2 || !length || shared) return;
    const char *prefix = eg_arena_substring(l->arena, l->now[0], length);
    for (size_t i = 0; i < l->count; i++) {
        if (eg_starts_with(l->now[i] + length, prefix)) return; /* it would be stripped twice */
        same += strcmp(l->now[i], l->want[i]) == 0;
    }
    if (same) return;
    eg_lesson_rule(l, "- strip_prefix: %s", eg_quoted(l->arena, prefix));
    for (size_t i = 0; i < l->count; i++) l->now[i] += length;
}

const char *eg_learn_prefix(eg_lesson *l)
{
    size_t length = common_prefix(l->want, l->count);
    if (l->count < 2 || !length || common_prefix(l->now, l->count)) return "";
    const char *prefix = eg_arena_substring(l->arena, l->want[0], length);
    for (size_t i = 0; i < l->count; i++) l->want[i] += length;
    return prefix;
}

/* ---- shift ---- */

static const char *number_at(const char *name, size_t n, size_t *length)
{
    for (const char *at = name; *at;) {
        size_t run = strspn(at, "0123456789");
        if (run && n-- == 0) {
            *length = run;
            return at;
        }
        at += run ? run : 1;
    }
    return NULL;
}

/* The number, or -1: none that a shift could carry. */
static long long value_at(const char *name, size_t n)
{
    size_t length;
    const char *at = number_at(name, n, &length);
    return at && length <= 9 && (length == 1 || *at != '0') ? strtoll(at, NULL, 10) : -1;
}

/* Shifts the n-th number of all names that start as this one does, when that is right for all of them. */
static bool try_shift(eg_lesson *l, size_t which, size_t n)
{
    size_t length, matched = 0;
    long long from = value_at(l->now[which], n), to = value_at(l->want[which], n), other = -1;
    const char *at = number_at(l->now[which], n, &length);
    if (from < 0 || to < 0 || from == to) return false;
    size_t head = (size_t)(at - l->now[which]);
    eg_map *results = eg_map_new(l->arena);
    const char **names = EG_NEW_ARRAY(l->arena, const char *, l->count);
    for (size_t i = 0; i < l->count; i++) {
        names[i] = l->now[i];
        const char *digits = l->now[i] + head;
        if (strncmp(l->now[i], l->now[which], head) == 0 && *digits >= '0' && *digits <= '9') {
            long long value = value_at(l->now[i], n);
            size_t run = strspn(digits, "0123456789");
            if (value < 0 || value_at(l->want[i], n) - value != to - from || value + to - from < 0)
                return false;
            if (value != from) other = value;
            matched++;
            names[i] = eg_arena_printf(l->arena, "%.*s%lld%s", (int)head, l->now[i], value + to - from,
                                       digits + run);
        }
        if (!eg_map_add(results, names[i], 0)) return false;
    }
    bool dots = true;
    for (size_t i = 0; i < l->count; i++)
        if (names[i] != l->now[i]) dots &= l->now[i][head + strspn(l->now[i] + head, "0123456789")] == '.';
    if (other < 0) return false; /* one number alone is better renamed */
    eg_draft draft = eg_draft_make(l->arena, NULL);
    eg_draft_text(&draft, l->now[which], head, false);
    eg_lesson_rule(l, "- shift: {match: %s, by: %lld}",
                   eg_quoted(l->arena, eg_arena_printf(l->arena, "%s(\\d+)%s.*", eg_draft_pattern(&draft),
                                                       dots ? "\\." : "")),
                   to - from);
    memcpy(l->now, names, l->count * sizeof *names);
    return true;
}

void eg_learn_shifts(eg_lesson *l)
{
    enum { NUMBERS = 4 };
    for (size_t i = 0; i < l->count; i++)
        for (size_t n = 0; n < NUMBERS && strcmp(l->now[i], l->want[i]) != 0; n++)
            if (try_shift(l, i, n)) break;
}

/* ---- rename ---- */

typedef struct rename {
    const char *pattern, *to;
    size_t gained, cost; /* cost: length, and more for ends within segments */
} rename_rule;

typedef struct renamer {
    eg_lesson *l;
    const bool *done;
    const char *a, *b;
    size_t head, tail; /* characters that both have in common at their ends */
    rename_rule best;
} renamer;

static bool is_boundary(const char *text, size_t at)
{
    size_t length = strlen(text);
    if (at == 0 || at >= length) return true;
    bool x = strchr("0123456789", text[at - 1]), y = strchr("0123456789", text[at]);
    return x != y || strchr("._-/", text[at]) || strchr("._-/", text[at - 1]);
}

enum { WITHIN = 8 };

/* a = P X S and b = P Y S: "(.*)X(.*)" becomes "\1Y\2". */
static void try_cut(renamer *r, size_t head, size_t tail, bool numbers)
{
    size_t m = strlen(r->a), n = strlen(r->b);
    if (head + tail > m || head + tail > n || head + tail == m) return;
    const char *middle = eg_arena_substring(r->l->arena, r->b + head, n - head - tail);
    eg_draft d = eg_draft_make(
        r->l->arena, eg_arena_printf(r->l->arena, "%s%s%s", head ? (char[]){EG_DRAFT_MARK, 'A', 0} : "",
                                     middle, tail ? (char[]){EG_DRAFT_MARK, 'B', 0} : ""));
    if (head) eg_draft_group(&d, 'A', ".*");
    eg_draft_text(&d, r->a + head, m - head - tail, numbers);
    if (tail) eg_draft_group(&d, 'B', ".*");
    bool within = (head && r->a[head] != '.') || (tail && r->a[m - tail - 1] != '.');
    rename_rule rule = {.pattern = eg_draft_pattern(&d), .to = eg_draft_template(&d)};
    rule.gained = rule.to[0] ? try_rename(r->l, rule.pattern, rule.to, r->done) : 0;
    rule.cost = strlen(rule.pattern) + (within ? WITHIN : 0);
    bool cheaper = rule.gained == r->best.gained && rule.cost < r->best.cost;
    if (rule.gained > r->best.gained || (rule.gained && cheaper)) r->best = rule;
}

/* The longest common end on a boundary of both, at most `most`; dots: between whole segments. */
static size_t settle_head(const renamer *r, size_t most, bool dots)
{
    for (size_t at = most; at > 0; at--)
        if (dots ? r->a[at] == '.' && r->b[at] == '.' : is_boundary(r->a, at) && is_boundary(r->b, at))
            return at;
    return 0;
}

static size_t settle_tail(const renamer *r, size_t most, bool dots)
{
    size_t m = strlen(r->a), n = strlen(r->b);
    for (size_t at = most; at > 0; at--)
        if (dots ? at < m && at < n && r->a[m - at - 1] == '.' && r->b[n - at - 1] == '.'
                 : is_boundary(r->a, m - at) && is_boundary(r->b, n - at))
            return at;
    return 0;
}

static void add_length(size_t *list, size_t *count, size_t length)
{
    for (size_t i = 0; i < *count; i++)
        if (list[i] == length) return;
    list[(*count)++] = length;
}

static void try_cuts(renamer *r)
{
    size_t heads[8], tails[8], head_count = 0, tail_count = 0;
    add_length(heads, &head_count, 0);
    add_length(tails, &tail_count, 0);
    for (int dots = 1; dots >= 0; dots--) {
        size_t head = settle_head(r, r->head, dots), tail = settle_tail(r, r->tail, dots);
        add_length(heads, &head_count, head);
        add_length(tails, &tail_count, tail);
        if (head) add_length(heads, &head_count, settle_head(r, head - 1, dots));
        if (tail) add_length(tails, &tail_count, settle_tail(r, tail - 1, dots));
    }
    for (size_t i = 0; i < head_count; i++)
        for (size_t k = 0; k < tail_count; k++)
            for (int numbers = 0; numbers < 2; numbers++) try_cut(r, heads[i], tails[k], numbers);
}

static rename_rule learn_one(eg_lesson *l, size_t which, const bool *done, bool plain)
{
    renamer r = {.l = l, .done = done, .a = l->now[which], .b = l->want[which]};
    size_t m = strlen(r.a), n = strlen(r.b);
    while (r.head < m && r.head < n && r.a[r.head] == r.b[r.head]) r.head++;
    while (r.tail < m && r.tail < n && r.a[m - 1 - r.tail] == r.b[n - 1 - r.tail]) r.tail++;
    try_cut(&r, 0, 0, false);
    if (!plain) try_cuts(&r);
    assert(r.best.gained);
    return r.best;
}

void eg_learn_renames(eg_lesson *l, bool plain)
{
    bool *done = EG_NEW_ARRAY(l->arena, bool, l->count);
    rename_rule *list = EG_NEW_ARRAY(l->arena, rename_rule, l->count);
    size_t count = 0;
    for (size_t i = 0; i < l->count; i++) done[i] = strcmp(l->now[i], l->want[i]) == 0;
    for (size_t i = 0; i < l->count; i++) {
        if (done[i]) continue;
        list[count] = learn_one(l, i, done, plain);
        mark_matched(l, list[count++].pattern, done);
    }
    if (count > 1) eg_lesson_rule(l, "- rename:");
    l->rules -= count > 1;
    for (size_t i = 0; i < count; i++)
        eg_lesson_rule(l, "%s{match: %s, to: %s}",
                       count > 1 ? "    - " : "- rename: ", eg_quoted(l->arena, list[i].pattern),
                       eg_quoted(l->arena, list[i].to));
    for (size_t i = 0; i < l->count; i++) l->now[i] = l->want[i];
}
