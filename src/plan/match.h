/* Matching many names against many patterns: the literal start of a pattern is compared first, so that ten
 * thousand names against a hundred patterns take milliseconds. */
#ifndef ENGRAFT_PLAN_MATCH_H
#define ENGRAFT_PLAN_MATCH_H

#include "base/regex.h"
#include "engraft/recipe.h"

typedef struct eg_matcher {
    const eg_pattern *pattern;
    const char *literal; /* every match starts with it */
    size_t length;
    size_t hits;                   /* names that matched */
    size_t claims;                 /* names that it was the first to match */
    const struct eg_regex *strict; /* the pattern with its lone dots as dots; NULL: it has none */
    size_t strict_hits;
    const char *stray; /* the first name that only a dot for any character lets in */
} eg_matcher;

/* The pattern must outlive the matcher. */
eg_matcher eg_matcher_make(eg_arena *arena, const eg_pattern *pattern);
/* One for each pattern of a list. */
eg_matcher *eg_matcher_list(eg_arena *arena, eg_pattern_list patterns);
/* Full match; EG_MATCH_FAILED and err when the pattern hits its limit. */
eg_matched eg_matcher_test(eg_matcher *matcher, const char *name, eg_error *err);
/* The first of the list that matches the name, -1: none, -2 and err: failed. Counts hits of all and claims of
 * the first. */
int64_t eg_matcher_first(eg_matcher *list, size_t count, const char *name, eg_error *err);

/* A warning for each matcher of the list whose dots have let in a name beside those that plain dots would. A
 * pattern that matches nothing with plain dots means them as they are. */
void eg_matchers_lint(eg_arena *arena, const eg_matcher *list, size_t count, eg_problems *problems);

#endif
