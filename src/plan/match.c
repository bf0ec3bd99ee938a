#include "plan/match.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

/* The run of plain characters that a regular expression starts with. Anything that is not surely plain ends
 * it, and an alternative anywhere empties it. */
static const char *literal_start(eg_arena *arena, const char *pattern)
{
    eg_buf out = {0};
    const char *at = pattern;
    eg_buf_puts(&out, "");
    if (!strchr(pattern, '|')) {
        while (isalnum((unsigned char)*at) || *at == '_' || *at == '-' || (at[0] == '\\' && at[1] == '.')) {
            at += *at == '\\';
            eg_buf_add(&out, at++, 1);
        }
    }
    if (out.length && *at && strchr("?*+{", *at)) out.data[--out.length] = '\0';
    return eg_buf_take(&out, arena);
}

/* The pattern with each '.' that stands alone, outside of a class, as a dot; NULL: there is none. */
static const char *strict_text(eg_arena *arena, const char *pattern)
{
    eg_buf out = {0};
    bool class = false, lone = false;
    eg_buf_puts(&out, "");
    for (const char *at = pattern; *at; at++) {
        bool dot = *at == '.' && !class && !(at[1] && strchr("*+?{", at[1]));
        if (*at == '\\' && at[1]) eg_buf_add(&out, at++, 1);
        class = !class ? *at == '[' : *at != ']';
        eg_buf_puts(&out, dot ? "\\" : "");
        eg_buf_add(&out, at, 1);
        lone |= dot;
    }
    const char *text = eg_buf_take(&out, arena);
    return lone ? text : NULL;
}

static const eg_regex *strict_regex(eg_arena *arena, const eg_pattern *pattern)
{
    const char *text = pattern->text[0] == '{' ? NULL : strict_text(arena, pattern->text);
    return text ? eg_regex_compile(arena, text, true, pattern->place, NULL) : NULL;
}

eg_matcher eg_matcher_make(eg_arena *arena, const eg_pattern *pattern)
{
    /* A glob's or exact name's text starts with '{': no literal, the regex decides alone. */
    const char *literal = literal_start(arena, pattern->text);
    return (eg_matcher){.pattern = pattern,
                        .literal = literal,
                        .length = strlen(literal),
                        .strict = strict_regex(arena, pattern)};
}

eg_matcher *eg_matcher_list(eg_arena *arena, eg_pattern_list patterns)
{
    eg_matcher *list = EG_NEW_ARRAY(arena, eg_matcher, patterns.count);
    for (size_t i = 0; i < patterns.count; i++) list[i] = eg_matcher_make(arena, &patterns.items[i]);
    return list;
}

eg_matched eg_matcher_test(eg_matcher *matcher, const char *name, eg_error *err)
{
    if (strncmp(name, matcher->literal, matcher->length) != 0) return EG_NO_MATCH;
    eg_matched matched = eg_regex_match(matcher->pattern->regex, name, strlen(name), err);
    matcher->hits += matched == EG_MATCH;
    if (matched != EG_MATCH || !matcher->strict) return matched;
    bool strict = eg_regex_match(matcher->strict, name, strlen(name), NULL) == EG_MATCH;
    matcher->strict_hits += strict;
    if (!strict && !matcher->stray) matcher->stray = name;
    return matched;
}

int64_t eg_matcher_first(eg_matcher *list, size_t count, const char *name, eg_error *err)
{
    int64_t first = -1;
    for (size_t i = 0; i < count; i++) {
        eg_matched matched = eg_matcher_test(&list[i], name, err);
        if (matched == EG_MATCH_FAILED) return -2;
        if (matched == EG_MATCH && first < 0) {
            first = (int64_t)i;
            list[i].claims++;
        }
    }
    return first;
}

void eg_matchers_lint(eg_arena *arena, const eg_matcher *list, size_t count, eg_problems *problems)
{
    for (size_t i = 0; i < count; i++) {
        if (!list[i].stray || !list[i].strict_hits) continue;
        const char *pattern = list[i].pattern->text;
        eg_problem_warn(problems, "loose_dot", list[i].pattern->place,
                        "'%s' matches '%s', too: '.' stands for any character, '\\.' for a dot", pattern,
                        list[i].stray);
        eg_problem_suggest(problems, "'%s'", strict_text(arena, pattern));
    }
}
