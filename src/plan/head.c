#include "plan/head.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* The number of a source class; -1: there is none. */
static int64_t find_source(const eg_source_section *source, const char *name)
{
    for (size_t i = 0; source->classes && i < source->class_count; i++)
        if (strcmp(source->classes[i], name) == 0) return (int64_t)i;
    if (!name[0] || name[strspn(name, "0123456789")] || strlen(name) > 9) return -1;
    int64_t number = strtol(name, NULL, 10);
    return number < (int64_t)source->class_count ? number : -1;
}

static const eg_head_class *find_class(const eg_head_section *head, const char *name)
{
    for (size_t i = 0; i < head->class_count; i++)
        if (strcmp(head->classes[i].name, name) == 0) return &head->classes[i];
    return NULL;
}

static bool check_names(const eg_recipe *recipe, eg_problems *problems)
{
    const eg_head_section *head = &recipe->transfer.head;
    const char *lacks = !recipe->source.class_count                     ? "source.classes"
                        : !head->class_count && !recipe->source.classes ? "source.classes with names"
                        : !recipe->target.class_count                   ? "target.classes"
                                                                        : NULL;
    if (lacks)
        eg_problem_add(problems, "head", head->place, "'head' goes by class names: %s is missing", lacks);
    for (size_t i = 0; !lacks && i < head->class_count; i++) {
        const char *const *names = recipe->target.classes;
        bool known = false;
        for (size_t k = 0; k < recipe->target.class_count; k++)
            known |= strcmp(names[k], head->classes[i].name) == 0;
        if (known) continue;
        const char *near = eg_nearest(head->classes[i].name, names, recipe->target.class_count);
        eg_problem_add(problems, "head", head->classes[i].place, "the target has no class '%s'%s%s%s",
                       head->classes[i].name, near ? "; did you mean '" : "", near ? near : "",
                       near ? "'?" : "");
        return false;
    }
    return !lacks;
}

/* The source rows of one class. */
static eg_row find_row(eg_arena *arena, const eg_recipe *recipe, const char *name, eg_problems *problems)
{
    const eg_head_section *head = &recipe->transfer.head;
    const eg_head_class *mapped = find_class(head, name);
    const char *const *names = mapped ? mapped->sources : &name;
    size_t count = mapped ? mapped->count : head->class_count ? 0 : 1, kept = 0;
    int64_t *sources = EG_NEW_ARRAY(arena, int64_t, count);
    for (size_t i = 0; i < count; i++) {
        int64_t number = find_source(&recipe->source, names[i]);
        if (number >= 0) {
            sources[kept++] = number;
            continue;
        }
        if (!mapped) continue;
        const char *near = recipe->source.classes
                               ? eg_nearest(names[i], recipe->source.classes, recipe->source.class_count)
                               : NULL;
        eg_problem_add(problems, "head", mapped->place, "the source has no class '%s'%s%s%s", names[i],
                       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    return (eg_row){sources, kept};
}

const eg_head *eg_head_build(eg_arena *arena, const eg_recipe *recipe, eg_problems *problems)
{
    const eg_head_section *section = &recipe->transfer.head;
    size_t before = problems->errors;
    if (!section->given || !check_names(recipe, problems)) return NULL;
    eg_head *head = EG_NEW(arena, eg_head);
    eg_row *rows = EG_NEW_ARRAY(arena, eg_row, recipe->target.class_count);
    *head = (eg_head){rows, recipe->target.class_count, 0, recipe->source.class_count};
    for (size_t i = 0; i < head->count; i++) {
        rows[i] = find_row(arena, recipe, recipe->target.classes[i], problems);
        head->kept += rows[i].count > 0;
    }
    if (problems->errors > before) return NULL;
    if (head->kept) return head;
    eg_problem_add(problems, "head", section->place,
                   "no class of the target is one of the source's: all rows of '%s' "
                   "would be drawn; use 'skip' for that",
                   section->weight);
    return NULL;
}
