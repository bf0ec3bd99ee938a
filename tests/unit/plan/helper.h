/* A small network, a source made from it, and the plan of a recipe's lines. */
#ifndef TESTS_UNIT_PLAN_HELPER_H
#define TESTS_UNIT_PLAN_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engraft/plan.h"
#include "format/yaml.h"
#include "recipe/recipe.h"

/* 20 entries: conv1.weight, bn1 (5), layer1.0 and layer1.1 (conv1.weight and bn1 each), fc.weight, fc.bias.
 */
static const char tiny[] = "arch: tiny\n"
                           "args: {num_classes: 3}\n"
                           "input: [3, 8, 8]\n"
                           "blocks:\n"
                           "  block(out):\n"
                           "    conv1: conv2d(out, 3, padding=1, bias=false)\n"
                           "    bn1: batch_norm2d()\n"
                           "model:\n"
                           "  conv1: conv2d(4, 3, padding=1, bias=false)\n"
                           "  bn1: batch_norm2d()\n"
                           "  layer1:\n"
                           "    - block(4)\n"
                           "    - block(4)\n"
                           "  avg: adaptive_avg_pool2d(1)\n"
                           "  flatten: flatten()\n"
                           "  fc: linear(num_classes)\n";

enum { ROOM = 256 };

typedef struct planned {
    eg_arena arena;
    eg_problems problems;
    eg_error err;
    const eg_net *net;
    eg_entry entries[ROOM];
    eg_store source;
    const eg_recipe *recipe;
    const eg_plan *plan;
} planned;

static inline void add_source(planned *p, const char *name, eg_dtype dtype, eg_shape shape)
{
    uint64_t numel = 0;
    assert_true(eg_shape_numel(shape, &numel) && p->source.count < ROOM);
    float *values = eg_arena_alloc(&p->arena, (size_t)numel * 8 + 8);
    for (uint64_t i = 0; i < numel && dtype == EG_F32; i++)
        values[i] = (float)p->source.count + (float)i / 1024;
    p->entries[p->source.count++] =
        eg_entry_in_memory(&p->arena, eg_arena_string(&p->arena, name), dtype, shape, values);
}

static inline void add_vector(planned *p, const char *name, int64_t size)
{
    add_source(p, name, EG_F32, eg_shape_copy(&p->arena, &size, 1));
}

/* The tiny network with a source that holds its names with a prefix. */
static inline void begin(planned *p, const char *prefix)
{
    *p = (planned){0};
    p->problems.arena = &p->arena;
    p->net = eg_net_parse(&p->arena, "tiny.yaml", tiny, NULL, &p->problems, &p->err);
    if (!p->net) print_message("%u:%u %s\n", p->err.line, p->err.column, p->err.text);
    assert_non_null(p->net);
    p->source.entries = p->entries;
    for (int32_t i = 0; prefix && i < p->net->param_count; i++)
        add_source(p, eg_arena_printf(&p->arena, "%s%s", prefix, p->net->params[i].name),
                   p->net->params[i].dtype, p->net->params[i].shape);
}

static inline size_t source_at(const planned *p, const char *name)
{
    size_t i = 0;
    while (i < p->source.count && strcmp(p->entries[i].name, name) != 0) i++;
    assert_true(i < p->source.count);
    return i;
}

static inline void remove_source(planned *p, const char *name)
{
    size_t at = source_at(p, name);
    memmove(&p->entries[at], &p->entries[at + 1], (p->source.count - at - 1) * sizeof *p->entries);
    p->source.count--;
}

static inline void rename_source(planned *p, const char *name, const char *to)
{
    p->entries[source_at(p, name)].name = to;
}

/* Plans `recipe: 1`, a source, a target and the lines, which start on line 4 of r.yaml. */
static inline void plan_lines(planned *p, const char *lines)
{
    const char *text =
        eg_arena_printf(&p->arena, "recipe: 1\nsource: s.pth\ntarget: {arch: tiny}\n%s", lines);
    const eg_doc *doc = eg_doc_parse(&p->arena, "r.yaml", text, strlen(text), &p->err);
    assert_non_null(doc);
    p->recipe = eg_recipe_check(&p->arena, "r.yaml", doc, NULL, 0, &p->problems, &p->err);
    if (!p->recipe) eg_problems_print(&p->problems, stdout, false);
    assert_non_null(p->recipe);
    eg_store_index(&p->source, &p->arena);
    p->problems.count = 0;
    p->plan = eg_plan_build(&p->arena, p->recipe, p->net, &p->source, &p->problems, &p->err);
}

/* A plan that must be accepted. */
static inline const eg_plan *accepts(planned *p, const char *lines)
{
    plan_lines(p, lines);
    if (!p->plan || !p->plan->ok) eg_problems_print(&p->problems, stdout, false);
    assert_non_null(p->plan);
    assert_true(p->plan->ok);
    return p->plan;
}

/* A plan that must be refused with this as its only problem. */
static inline const eg_problem *refused(planned *p, const char *lines, const char *code, unsigned line,
                                        unsigned column, const char *words)
{
    plan_lines(p, lines);
    assert_non_null(p->plan);
    assert_false(p->plan->ok);
    const eg_problem *problem = &p->problems.items[0];
    bool right = p->problems.count == 1 && strcmp(problem->code, code) == 0 && problem->place.line == line &&
                 problem->place.column == column && strstr(problem->message, words);
    if (!right) {
        print_message("expected %s at %u:%u with '%s', found\n", code, line, column, words);
        eg_problems_print(&p->problems, stdout, false);
    }
    assert_true(right);
    return problem;
}

static inline const eg_step *step_of(const planned *p, const char *name)
{
    int32_t at = eg_net_param_find(p->net, name);
    assert_true(at >= 0);
    return &p->plan->steps[at];
}

static inline void done(planned *p)
{
    eg_arena_clear(&p->arena);
}

#endif
