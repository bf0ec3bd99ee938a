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

eg_matcher eg_matcher_make(eg_arena *arena, const eg_pattern *pattern)
{
    /* A glob's or exact name's text starts with '{': no literal, the regex decides alone. */
    const char *literal = literal_start(arena, pattern->text);
    return (eg_matcher){.pattern = pattern, .literal = literal, .length = strlen(literal)};
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
