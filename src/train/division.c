#include "train/division.h"

#include <string.h>

#include "base/regex.h"
#include "base/str.h"

/* One pattern of one group. */
typedef struct selector {
    const eg_named_group *group;
    const eg_pattern *pattern;
    int32_t number;        /* of the group */
    size_t matched, taken; /* names */
} selector;

typedef struct divider {
    eg_arena *arena;
    const eg_net *net;
    const eg_train_section *section;
    const bool *frozen;
    eg_problems *problems;
    selector *selectors;
    size_t count;
    int32_t *group_of;
} divider;

static void list_selectors(divider *d)
{
    size_t room = 0;
    for (size_t g = 0; g < d->section->group_count; g++) room += d->section->groups[g].patterns.count;
    d->selectors = EG_NEW_ARRAY(d->arena, selector, room);
    for (size_t g = 0; g < d->section->group_count; g++) {
        const eg_named_group *group = &d->section->groups[g];
        for (size_t i = 0; i < group->patterns.count; i++)
            d->selectors[d->count++] =
                (selector){.group = group, .pattern = &group->patterns.items[i], .number = (int32_t)g};
    }
}

static bool take(divider *d, int32_t param, eg_error *err)
{
    const char *name = d->net->params[param].name;
    d->group_of[param] = -1;
    for (size_t i = 0; i < d->count; i++) {
        selector *s = &d->selectors[i];
        eg_matched result = eg_regex_match(s->pattern->regex, name, strlen(name), err);
        if (result == EG_MATCH_FAILED) return false;
        if (result != EG_MATCH) continue;
        s->matched++;
        if (d->group_of[param] >= 0) continue;
        d->group_of[param] = s->number;
        s->taken++;
    }
    return true;
}

static void check_selectors(const divider *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const selector *s = &d->selectors[i];
        if (s->taken) continue;
        if (s->matched)
            eg_problem_add(
                d->problems, "shadowed_rule", s->pattern->place,
                "train.groups: '%s' of group '%s' has no effect: earlier groups take all %zu names "
                "that it matches",
                s->pattern->text, s->group->name, s->matched);
        else
            eg_problem_add(d->problems, "unused_rule", s->pattern->place,
                           "train.groups: '%s' of group '%s' matches no target tensor (patterns match whole "
                           "names)",
                           s->pattern->text, s->group->name);
    }
}

/* Parameters of a group, and those of them that may train. */
static void check_groups(const divider *d)
{
    for (size_t g = 0; g < d->section->group_count; g++) {
        const eg_named_group *group = &d->section->groups[g];
        size_t taken = 0, live = 0;
        for (int32_t p = 0; p < d->net->param_count; p++) {
            const eg_param *param = &d->net->params[p];
            if (d->group_of[p] != (int32_t)g || param->buffer || param->node < 0) continue;
            taken++;
            live += !d->frozen[p];
        }
        if (taken && !live)
            eg_problem_add(d->problems, "empty_group", group->place,
                           "group '%s' never trains: `freeze` freezes all %zu of its parameters", group->name,
                           taken);
    }
}

/* Every parameter that trains is in exactly one group. */
static void check_cover(const divider *d)
{
    enum { SHOWN = 3 };
    eg_buf names = {0};
    size_t left = 0;
    for (int32_t p = 0; p < d->net->param_count; p++) {
        const eg_param *param = &d->net->params[p];
        if (d->group_of[p] >= 0 || param->buffer || param->node < 0 || d->frozen[p]) continue;
        if (left++ < SHOWN) eg_buf_printf(&names, "%s%s", left > 1 ? ", " : "", param->name);
    }
    if (left)
        eg_problem_add(d->problems, "no_group", d->section->groups[0].place,
                       "%zu parameter%s in no group of train.groups and not frozen: %s%s", left,
                       left == 1 ? " is" : "s are", names.data, left > SHOWN ? ", …" : "");
    eg_buf_clear(&names);
}

const int32_t *eg_division_build(eg_arena *arena, const eg_net *net, const eg_train_section *section,
                                 const bool *frozen, eg_problems *problems, eg_error *err)
{
    divider d = {.arena = arena, .net = net, .section = section, .frozen = frozen, .problems = problems};
    d.group_of = EG_NEW_ARRAY(arena, int32_t, (size_t)net->param_count);
    list_selectors(&d);
    for (int32_t p = 0; p < net->param_count; p++)
        if (!take(&d, p, err)) return NULL;
    check_selectors(&d);
    check_groups(&d);
    check_cover(&d);
    return d.group_of;
}
