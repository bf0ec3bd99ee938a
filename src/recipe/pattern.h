/* Patterns of recipes: a text is a regular expression, `{glob: …}` has wildcards, `{exact: …}` is itself. */
#ifndef ENGRAFT_RECIPE_PATTERN_H
#define ENGRAFT_RECIPE_PATTERN_H

#include "recipe/schema.h"

/* Reads a selector (full match) or, with full false, a search pattern. False and a problem when it is none.
 */
bool eg_pattern_read(eg_schema *in, const eg_doc *doc, const char *key, bool full, eg_pattern *out);
/* A pattern, or a list of them (an item may also be {match: pattern}). */
void eg_pattern_list_read(eg_schema *in, const eg_doc *doc, const char *key, eg_pattern_list *out);
/* True for {glob: …} and {exact: …}. */
bool eg_pattern_is_tagged(const eg_doc *doc);
/* The replacement that belongs to a pattern: a template; for a glob, its wildcards stand for the pattern's,
 * in order. NULL and a problem when it refers to what the pattern does not have. */
const char *eg_pattern_template(eg_schema *in, const eg_pattern *pattern, const eg_doc *to, const char *key);

#endif
