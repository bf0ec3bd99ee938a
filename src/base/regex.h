/* Regular expressions (PCRE2), with Python's replacement templates. The only file that knows pcre2.h. */
#ifndef ENGRAFT_BASE_REGEX_H
#define ENGRAFT_BASE_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "engraft/arena.h"
#include "engraft/error.h"

typedef struct eg_regex eg_regex;

/* Compiles a pattern; a full-match one is anchored at both ends. The arena owns it. place is used in errors.
 */
eg_regex *eg_regex_compile(eg_arena *arena, const char *pattern, bool full, eg_place place, eg_error *err);
/* Capturing groups in the pattern. */
unsigned eg_regex_groups(const eg_regex *regex);
/* The number of a named group, or 0. */
unsigned eg_regex_group(const eg_regex *regex, const char *name, size_t length);

typedef enum eg_matched { EG_NO_MATCH, EG_MATCH, EG_MATCH_FAILED } eg_matched;

/* Matches a name. EG_MATCH_FAILED (and err) when the pattern needs more steps than its limit allows. */
eg_matched eg_regex_match(const eg_regex *regex, const char *subject, size_t length, eg_error *err);
/* The text of a group of the last match (an unset group is empty); group 0 is the whole match. */
void eg_regex_capture(const eg_regex *regex, unsigned group, const char **text, size_t *length);

/* Checks a replacement template: \1 \g<1> \g<name> \\ ; `$1` is refused with a hint, a missing group is an
 * error. */
bool eg_template_check(const eg_regex *regex, const char *text, eg_place place, eg_error *err);
/* Expands a checked template with the last match. */
void eg_template_expand(const eg_regex *regex, const char *text, eg_buf *out);
/* The first group that the template refers to and that took no part in the last match, or NULL. */
const char *eg_template_gap(eg_arena *arena, const eg_regex *regex, const char *text);
/* Replaces every match in the subject. *changed says whether there was one. False on a hit limit. */
bool eg_regex_replace(const eg_regex *regex, const char *subject, const char *text, eg_buf *out,
                      bool *changed, eg_error *err);

/* Appends the text with every character that has a meaning in patterns escaped. */
void eg_regex_escape(const char *text, eg_buf *out);

#endif
