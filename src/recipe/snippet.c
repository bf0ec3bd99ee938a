#include "recipe/snippet.h"

#include <string.h>

#include "recipe/dialect.h"
#include "recipe/mapping.h"
#include "recipe/sections.h"

bool eg_snippet_rules(eg_arena *arena, const char *items, const eg_rule **rules, size_t *count)
{
    eg_problems problems = {.arena = arena};
    eg_schema in = {arena, ".", &problems, &eg_recipe_schema};
    *rules = NULL;
    *count = 0;
    if (!items[0]) return true;
    const eg_doc *doc = eg_doc_parse(arena, "proposal", items, strlen(items), NULL);
    if (doc) eg_mapping_read(&in, doc, rules, count);
    return doc && problems.errors == 0;
}

size_t eg_snippet_dialects(eg_arena *arena, const char *const **names)
{
    return eg_dialect_list(arena, names);
}
