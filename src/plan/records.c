/* Rules that make one tensor of several, or several of one, learned from examples. */
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "plan/draft.h"
#include "plan/lesson.h"
#include "plan/sieve.h"

typedef struct book {
    eg_lesson *l;
    const eg_record *records;
    size_t count;
    eg_map *owners; /* name of an in -> record */
    bool *done;     /* per record */
} book;

/* A rule on trial. */
typedef struct trial {
    const char *pattern;
    const char *const *to;
    size_t to_count;
    unsigned group; /* that tells the parts apart; 0: one in */
    const char *const *parts;
    size_t gained;
} trial;

/* ---- trying ---- */

static bool same_kind(const eg_record *a, const eg_record *b)
{
    return strcmp(a->verb, b->verb) == 0 && strcmp(a->detail, b->detail) == 0 && a->in_count == b->in_count &&
           a->out_count == b->out_count && a->unsqueeze == b->unsqueeze;
}

static bool expands_to(const eg_regex *regex, const trial *t, const eg_record *record)
{
    bool right = true;
    for (size_t i = 0; i < t->to_count && right; i++) {
        eg_buf out = {0};
        eg_buf_puts(&out, "");
        eg_template_expand(regex, t->to[i], &out);
        right = strcmp(out.data, record->outs[i]) == 0;
        eg_buf_clear(&out);
    }
    return right;
}

/* The match is a part of some record like this one, at its place, and leads to that record's outs. */
static bool leads_right(const book *b, const eg_regex *regex, const trial *t, const eg_record *like,
                        const char *name)
{
    int64_t owner = eg_map_find(b->owners, name);
    if (owner < 0 || b->done[owner] || !same_kind(&b->records[owner], like)) return false;
    const eg_record *record = &b->records[owner];
    if (t->group) {
        const char *text;
        size_t length, at = 0;
        eg_regex_capture(regex, t->group, &text, &length);
        while (at < record->in_count && strcmp(record->ins[at], name) != 0) at++;
        if (strlen(t->parts[at]) != length || strncmp(t->parts[at], text, length) != 0) return false;
    }
    return expands_to(regex, t, record);
}

/* Names that must not be touched: those of other rules, and what earlier rules have made. */
static bool spares_others(const book *b, const eg_regex *regex)
{
    const eg_lesson *l = b->l;
    for (size_t i = 0; i < l->count; i++)
        if (eg_regex_match(regex, l->now[i], strlen(l->now[i]), NULL) == EG_MATCH) return false;
    return true;
}

/* How many records the rule settles; 0 when it leads a name astray. */
static size_t try_rule(const book *b, const trial *t, const eg_record *like, bool mark)
{
    eg_arena arena = {0};
    const eg_regex *regex = eg_regex_compile(&arena, t->pattern, true, (eg_place){0}, NULL);
    size_t gained = 0;
    bool right = regex && spares_others(b, regex);
    for (size_t r = 0; right && r < b->count; r++) {
        size_t matched = 0;
        for (size_t i = 0; right && i < b->records[r].in_count && !b->done[r]; i++) {
            const char *name = b->records[r].ins[i];
            if (eg_regex_match(regex, name, strlen(name), NULL) != EG_MATCH) continue;
            matched++;
            right = leads_right(b, regex, t, like, name);
        }
        right = right && (matched == 0 || matched == b->records[r].in_count);
        if (right && matched) gained++;
        if (right && matched && mark) b->done[r] = true;
    }
    eg_arena_clear(&arena);
    return right ? gained : 0;
}

/* ---- making ---- */

static size_t common_head(const char *const *names, size_t count, size_t most)
{
    size_t length = most < strlen(names[0]) ? most : strlen(names[0]);
    for (size_t i = 0; i < count; i++) {
        size_t n = 0;
        while (n < length && names[i][n] == names[0][n]) n++;
        length = n;
    }
    while (length && names[0][length - 1] != '.') length--;
    return length;
}

static size_t common_tail(const char *const *names, size_t count, size_t most)
{
    size_t first = strlen(names[0]), length = most < first ? most : first;
    for (size_t i = 0; i < count; i++) {
        size_t n = 0, m = strlen(names[i]);
        while (n < length && n < m && names[i][m - 1 - n] == names[0][first - 1 - n]) n++;
        length = n;
    }
    while (length && names[0][first - length] != '.') length--;
    return length;
}

/* What stands between head and tail. */
static const char *const *middles(eg_arena *arena, const char *const *names, size_t count, size_t head,
                                  size_t tail)
{
    const char **list = EG_NEW_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++)
        list[i] = eg_arena_substring(arena, names[i] + head, strlen(names[i]) - head - tail);
    return list;
}

/* Templates on trial: the outs, with marks for what the wild ends stand for. */
static const char *marked_outs(eg_arena *arena, const eg_record *r, size_t head, size_t tail)
{
    eg_buf out = {0};
    for (size_t i = 0; i < r->out_count; i++) {
        size_t length = strlen(r->outs[i]);
        if (i) eg_buf_printf(&out, "%c", EG_DRAFT_NEXT);
        if (head) eg_buf_printf(&out, "%cA.", EG_DRAFT_MARK);
        eg_buf_add(&out, r->outs[i] + head, length - head - tail);
        if (tail) eg_buf_printf(&out, ".%cB", EG_DRAFT_MARK);
    }
    return eg_buf_take(&out, arena);
}

static const char *const *split_templates(eg_arena *arena, const char *text, size_t count)
{
    const char **list = EG_NEW_ARRAY(arena, const char *, count);
    for (size_t i = 0; i < count; i++) {
        const char *end = strchr(text, EG_DRAFT_NEXT);
        size_t length = end ? (size_t)(end - text) : strlen(text);
        list[i] = eg_arena_substring(arena, text, length);
        text += length + (end != NULL);
    }
    return list;
}

static const char *alternatives(eg_arena *arena, const char *const *parts, size_t count)
{
    eg_buf out = {0};
    for (size_t i = 0; i < count; i++) {
        if (i) eg_buf_puts(&out, "|");
        eg_regex_escape(parts[i], &out);
    }
    return eg_buf_take(&out, arena);
}

static bool is_numbered(const eg_record *r, const char *const *parts)
{
    for (size_t i = 0; i < r->in_count; i++) {
        long first = strtol(parts[0], NULL, 10);
        if (!parts[i][0] || parts[i][strspn(parts[i], "0123456789")] || strlen(parts[i]) > 9) return false;
        if (first > 1 || strtol(parts[i], NULL, 10) != first + (long)i) return false;
    }
    return true;
}

/* Ends of the ins (and, where they are wild, of the outs) that the pattern generalises. */
typedef struct ends {
    size_t head, tail; /* of the ins */
    bool wild_head, wild_tail, numbers;
} ends;

static trial make_trial(const book *b, const eg_record *r, const ends *e)
{
    eg_arena *arena = b->l->arena;
    const char *in = r->ins[0];
    size_t length = strlen(in);
    trial t = {.to_count = r->out_count};
    eg_draft d =
        eg_draft_make(arena, marked_outs(arena, r, e->wild_head ? e->head : 0, e->wild_tail ? e->tail : 0));
    if (e->wild_head) {
        eg_draft_group(&d, 'A', ".*");
        eg_draft_text(&d, ".", 1, false);
    } else {
        eg_draft_text(&d, in, e->head, e->numbers);
    }
    t.parts = middles(arena, r->ins, r->in_count, e->head, e->tail);
    if (r->in_count > 1) {
        bool numbered = strcmp(r->verb, "stack") == 0 && is_numbered(r, t.parts);
        t.group = eg_draft_group(&d, 'P', numbered ? "\\d+" : alternatives(arena, t.parts, r->in_count));
    } else {
        eg_draft_text(&d, in + e->head, length - e->head - e->tail, e->numbers);
    }
    if (e->wild_tail) {
        eg_draft_text(&d, ".", 1, false);
        eg_draft_group(&d, 'B', ".*");
    } else {
        eg_draft_text(&d, in + length - e->tail, e->tail, e->numbers);
    }
    t.pattern = eg_draft_pattern(&d);
    t.to = split_templates(arena, eg_draft_template(&d), r->out_count);
    return t;
}

/* Ends that the outs share with the ins may be wild. */
static void shared_ends(eg_arena *arena, const eg_record *r, size_t *head, size_t *tail)
{
    size_t count = r->in_count + r->out_count;
    const char **names = EG_NEW_ARRAY(arena, const char *, count);
    memcpy(names, r->ins, r->in_count * sizeof *names);
    memcpy(names + r->in_count, r->outs, r->out_count * sizeof *names);
    *head = common_head(names, count, SIZE_MAX);
    *tail = common_tail(names, count, SIZE_MAX);
    for (size_t i = 0; i < count; i++)
        if (*head + *tail > strlen(names[i])) *tail = 0;
}

static trial best_trial(const book *b, const eg_record *r)
{
    ends e = {0};
    size_t head, tail;
    trial best = {0};
    shared_ends(b->l->arena, r, &head, &tail);
    for (int kind = 0; kind < 8; kind++) {
        e.wild_head = kind & 1;
        e.wild_tail = kind & 2;
        e.numbers = kind & 4;
        if ((e.wild_head && !head) || (e.wild_tail && !tail)) continue;
        size_t least = SIZE_MAX;
        for (size_t i = 0; i < r->in_count; i++)
            if (strlen(r->ins[i]) < least) least = strlen(r->ins[i]);
        e.head = e.wild_head ? head : r->in_count > 1 ? common_head(r->ins, r->in_count, least - 1) : 0;
        e.tail = e.wild_tail ? tail : r->in_count > 1 ? common_tail(r->ins, r->in_count, least - 1) : 0;
        if (e.head + e.tail >= least) e.tail = 0;
        if (e.wild_tail && !e.tail) continue;
        trial t = make_trial(b, r, &e);
        t.gained = try_rule(b, &t, r, false);
        bool shorter = t.gained == best.gained && best.pattern && strlen(t.pattern) < strlen(best.pattern);
        if (t.gained > best.gained || (t.gained && shorter)) best = t;
    }
    return best;
}

/* ---- writing ---- */

static void write_many(eg_lesson *l, const eg_record *r, const trial *t)
{
    eg_arena *arena = l->arena;
    const char *match = eg_quoted(arena, t->pattern), *to = eg_quoted(arena, t->to[0]);
    if (strcmp(r->verb, "stack") == 0 && is_numbered(r, t->parts)) {
        eg_lesson_rule(l, "- stack: {match: %s, index: %u, %s, to: %s, count: %zu}", match, t->group,
                       r->detail, to, r->in_count);
        return;
    }
    if (strcmp(r->verb, "stack") == 0)
        eg_lesson_rule(l, "- transform: {match: %s, ops: [{unsqueeze: %lld}]}", match, r->dim);
    eg_lesson_rule(l, "- concat: {match: %s, group: %u, order: %s, %s, to: %s}", match, t->group,
                   eg_pattern_items(arena, t->parts, r->in_count), r->detail, to);
}

static void write_rule(eg_lesson *l, const eg_record *r, const trial *t)
{
    if (r->in_count > 1)
        write_many(l, r, t);
    else
        eg_lesson_rule(l, "- %s: {match: %s, %s%sto: %s}", r->verb, eg_quoted(l->arena, t->pattern),
                       r->detail, r->detail[0] ? ", " : "", eg_pattern_items(l->arena, t->to, t->to_count));
}

/* What the newest rule has made. */
static void add_outs(const book *b, bool *added)
{
    for (size_t r = 0; r < b->count; r++) {
        const eg_record *record = &b->records[r];
        for (size_t i = 0; i < record->out_count && b->done[r] && !added[r]; i++)
            if (!record->inner || !record->inner[i]) eg_lesson_add(b->l, record->outs[i], record->outs[i]);
        added[r] = b->done[r];
    }
}

void eg_learn_records(eg_lesson *l, const eg_record *records, size_t count)
{
    book b = {l, records, count, eg_map_new(l->arena), EG_NEW_ARRAY(l->arena, bool, count)};
    bool *added = EG_NEW_ARRAY(l->arena, bool, count);
    for (size_t r = 0; r < count; r++)
        for (size_t i = 0; i < records[r].in_count; i++) eg_map_add(b.owners, records[r].ins[i], (int64_t)r);
    for (size_t r = 0; r < count; r++) {
        if (b.done[r]) continue;
        trial t = best_trial(&b, &records[r]);
        if (!t.gained) continue; /* no rule tells its parts apart */
        try_rule(&b, &t, &records[r], true);
        write_rule(l, &records[r], &t);
        add_outs(&b, added);
    }
}
