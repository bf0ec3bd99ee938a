#include "plan/draft.h"

#include <assert.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t run_length(const char *text, size_t length)
{
    size_t n = 0;
    while (n < length && is_digit(text[n])) n++;
    return n;
}

eg_draft eg_draft_make(eg_arena *arena, const char *to)
{
    eg_draft draft = {.arena = arena, .next = 'a'};
    if (to) draft.to = eg_arena_string(arena, to);
    eg_buf_puts(&draft.pattern, "");
    return draft;
}

/* Puts a mark in the place of the first run of these digits in each template; false: one has none. */
static bool mark_number(eg_draft *d, const char *digits, size_t length)
{
    eg_buf out = {0};
    bool found = false, all = d->to != NULL;
    eg_buf_puts(&out, "");
    for (const char *at = d->to ? d->to : ""; *at;) {
        size_t n = run_length(at, strlen(at)), taken = *at == EG_DRAFT_MARK ? 2 : n ? n : 1;
        if (*at == EG_DRAFT_NEXT) {
            all &= found;
            found = false;
        }
        if (!found && n == length && memcmp(at, digits, n) == 0) {
            eg_buf_printf(&out, "%c%c", EG_DRAFT_MARK, d->next);
            found = true;
        } else {
            eg_buf_add(&out, at, taken);
        }
        at += taken;
    }
    const char *text = eg_buf_take(&out, d->arena);
    if (all && found) d->to = eg_arena_string(d->arena, text);
    return all && found;
}

static void add_escaped(eg_draft *d, const char *text, size_t length)
{
    eg_regex_escape(eg_arena_substring(d->arena, text, length), &d->pattern);
}

unsigned eg_draft_group(eg_draft *d, char id, const char *inner)
{
    eg_buf_printf(&d->pattern, "(%s)", inner);
    assert(id - '0' >= 0 && (size_t)(id - '0') < sizeof d->numbers / sizeof *d->numbers);
    return d->numbers[id - '0'] = ++d->groups;
}

void eg_draft_text(eg_draft *d, const char *text, size_t length, bool numbers)
{
    for (size_t at = 0; at < length;) {
        size_t n = run_length(text + at, length - at);
        if (n && numbers && d->next < 'n' && mark_number(d, text + at, n))
            eg_draft_group(d, d->next++, "\\d+");
        else
            add_escaped(d, text + at, n ? n : 1);
        at += n ? n : 1;
    }
}

void eg_draft_any_number(eg_draft *d, const char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t n = run_length(text + at, length - at);
        if (n)
            eg_buf_puts(&d->pattern, "\\d+");
        else
            add_escaped(d, text + at, 1);
        at += n ? n : 1;
    }
}

const char *eg_draft_pattern(eg_draft *d)
{
    return eg_buf_take(&d->pattern, d->arena);
}

const char *eg_draft_template(eg_draft *d)
{
    eg_buf out = {0};
    eg_buf_puts(&out, "");
    for (const char *at = d->to; *at; at++) {
        if (*at == EG_DRAFT_MARK) {
            unsigned group = d->numbers[*++at - '0'];
            eg_buf_printf(&out, is_digit(at[1]) ? "\\g<%u>" : "\\%u", group);
        } else {
            eg_buf_add(&out, at, 1);
            if (*at == '\\') eg_buf_puts(&out, "\\");
        }
    }
    return eg_buf_take(&out, d->arena);
}

const char *eg_quoted(eg_arena *arena, const char *text)
{
    eg_buf out = {0};
    eg_buf_puts(&out, "'");
    for (; *text; text++) {
        eg_buf_add(&out, text, 1);
        if (*text == '\'') eg_buf_puts(&out, "'");
    }
    eg_buf_puts(&out, "'");
    return eg_buf_take(&out, arena);
}
