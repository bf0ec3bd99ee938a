#include "plan/sieve.h"

#include <assert.h>
#include <string.h>

#include "plan/draft.h"

typedef struct sorter {
    eg_arena *arena;
    const char *const *yes, *const *no;
    size_t yes_count, no_count;
    bool *done;
    const char *best;
    size_t gained;
} sorter;

/* How many of `yes` are gained; 0 when it matches one of `no`. */
static size_t try_pattern(const sorter *s, const char *pattern, bool mark)
{
    eg_arena arena = {0};
    size_t gained = 0;
    bool right = true;
    const eg_regex *regex = eg_regex_compile(&arena, pattern, true, (eg_place){0}, NULL);
    for (size_t i = 0; regex && right && i < s->no_count; i++)
        right = eg_regex_match(regex, s->no[i], strlen(s->no[i]), NULL) != EG_MATCH;
    for (size_t i = 0; regex && right && i < s->yes_count; i++) {
        if (s->done[i] || eg_regex_match(regex, s->yes[i], strlen(s->yes[i]), NULL) != EG_MATCH) continue;
        gained++;
        if (mark) s->done[i] = true;
    }
    eg_arena_clear(&arena);
    return right ? gained : 0;
}

static void consider(sorter *s, const char *name, size_t head, size_t tail, bool numbers)
{
    size_t length = strlen(name);
    if (head + tail > length) return;
    eg_draft d = eg_draft_make(s->arena, NULL);
    if (numbers && head) eg_draft_any_number(&d, name, head);
    if (!numbers && head) eg_draft_text(&d, name, head, false);
    if (head + tail < length) eg_buf_puts(&d.pattern, ".*");
    if (numbers && tail) eg_draft_any_number(&d, name + length - tail, tail);
    if (!numbers && tail) eg_draft_text(&d, name + length - tail, tail, false);
    const char *pattern = eg_draft_pattern(&d);
    size_t gained = try_pattern(s, pattern, false);
    bool shorter = gained == s->gained && s->best && strlen(pattern) < strlen(s->best);
    if (gained > s->gained || (gained && shorter)) {
        s->best = pattern;
        s->gained = gained;
    }
}

/* Heads and tails of whole segments, alone and together. */
static void consider_all(sorter *s, const char *name)
{
    size_t length = strlen(name);
    const char *last = strrchr(name, '.');
    for (int numbers = 0; numbers < 2; numbers++) {
        consider(s, name, length, 0, numbers);
        for (size_t at = 0; at < length; at++) {
            if (name[at] != '.') continue;
            consider(s, name, at + 1, 0, numbers);
            consider(s, name, 0, length - at, numbers);
            consider(s, name, at + 1, last ? strlen(last) : 0, numbers);
        }
    }
}

const char *const *eg_learn_patterns(eg_arena *arena, const char *const *yes, size_t yes_count,
                                     const char *const *no, size_t no_count, size_t *count)
{
    const char **list = EG_NEW_ARRAY(arena, const char *, yes_count);
    sorter s = {arena, yes, no, yes_count, no_count, EG_NEW_ARRAY(arena, bool, yes_count), NULL, 0};
    *count = 0;
    for (size_t i = 0; i < yes_count; i++) {
        if (s.done[i]) continue;
        s.best = NULL;
        s.gained = 0;
        consider_all(&s, yes[i]);
        assert(s.best);
        try_pattern(&s, s.best, true);
        list[(*count)++] = s.best;
    }
    return list;
}

const char *eg_pattern_items(eg_arena *arena, const char *const *patterns, size_t count)
{
    eg_buf out = {0};
    eg_buf_puts(&out, "[");
    for (size_t i = 0; i < count; i++)
        eg_buf_printf(&out, "%s%s", i ? ", " : "", eg_quoted(arena, patterns[i]));
    eg_buf_puts(&out, "]");
    return eg_buf_take(&out, arena);
}
