/* Checks a recipe text in memory and looks at its problems. */
#ifndef TESTS_UNIT_RECIPE_HELPER_H
#define TESTS_UNIT_RECIPE_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engraft/recipe.h"
#include "recipe/recipe.h"

typedef struct checked {
    eg_arena arena;
    eg_problems problems;
    eg_error err;
    const eg_recipe *recipe;
} checked;

static inline void check_with(checked *c, const char *text, const char *const *overrides, size_t count)
{
    *c = (checked){0};
    c->problems.arena = &c->arena;
    const eg_doc *doc = eg_doc_parse(&c->arena, "lab/r.yaml", text, strlen(text), &c->err);
    if (!doc) print_message("%u:%u: %s\n", c->err.line, c->err.column, c->err.text);
    assert_non_null(doc);
    c->recipe = eg_recipe_check(&c->arena, "lab/r.yaml", doc, overrides, count, &c->problems, &c->err);
    assert_int_equal(c->recipe == NULL, c->problems.errors > 0);
    assert_int_equal(c->err.code, c->recipe ? EG_OK : EG_RECIPE);
}

static inline void check(checked *c, const char *text)
{
    check_with(c, text, NULL, 0);
}

static inline void done(checked *c)
{
    eg_arena_clear(&c->arena);
}

/* A recipe that must be fine. */
static inline const eg_recipe *accept(checked *c, const char *text)
{
    check(c, text);
    if (!c->recipe) eg_problems_print(&c->problems, stdout, false);
    assert_non_null(c->recipe);
    return c->recipe;
}

/* True when a problem of that code, place and wording is among them. */
static inline bool has(const checked *c, const char *code, unsigned line, unsigned column, const char *words)
{
    for (size_t i = 0; i < c->problems.count; i++) {
        const eg_problem *p = &c->problems.items[i];
        if (strcmp(p->code, code) == 0 && p->place.line == line && p->place.column == column &&
            strstr(p->message, words))
            return true;
    }
    print_message("no %s at %u:%u with '%s' among:\n", code, line, column, words);
    eg_problems_print(&c->problems, stdout, false);
    return false;
}

#define HEAD       "recipe: 1\ntarget: {arch: resnet18}\n" /* two lines */
#define TAIL_TRAIN "data: {train: d}\n"                    /* what `train` needs besides */

/* HEAD and lines, from line 3 on, that must be refused so and only so. */
static inline void refuses(const char *lines, const char *code, unsigned line, unsigned column,
                           const char *words)
{
    checked c;
    char text[4096];
    snprintf(text, sizeof text, HEAD "%s", lines);
    check(&c, text);
    assert_true(has(&c, code, line, column, words));
    if (c.problems.errors > 1) eg_problems_print(&c.problems, stdout, false);
    assert_int_equal(c.problems.errors, 1);
    done(&c);
}

#endif
