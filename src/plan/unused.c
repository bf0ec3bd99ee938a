#include "plan/unused.h"

#include <string.h>

#include "base/regex.h"
#include "base/str.h"
#include "plan/diagnose.h"

/* The line with the near name in the pattern's place. */
static const char *mended(eg_arena *arena, const char *what, const char *near)
{
    eg_buf out = {0};
    eg_buf_printf(&out, "%s: ['", what);
    eg_regex_escape(near, &out);
    eg_buf_puts(&out, "\\..*']");
    return eg_buf_take(&out, arena);
}

static bool is_param(const eg_net *net, const char *name)
{
    for (int32_t p = 0; p < net->param_count; p++)
        if (strcmp(net->params[p].name, name) == 0) return true;
    return false;
}

static const char *near_param(eg_arena *arena, const eg_net *net, const char *pattern)
{
    const char **names = EG_NEW_ARRAY(arena, const char *, (size_t)net->param_count);
    for (int32_t p = 0; p < net->param_count; p++) names[p] = net->params[p].name;
    return eg_near_name(arena, pattern, names, (size_t)net->param_count);
}

void eg_unused_patterns(eg_arena *arena, const char *what, const eg_matcher *list, size_t count,
                        const eg_net *net, const eg_transfer_section *transfer, eg_problems *problems)
{
    eg_matchers_lint(arena, list, count, problems);
    for (size_t i = 0; i < count && transfer->unused_rule != EG_POLICY_IGNORE; i++) {
        const eg_pattern *pattern = list[i].pattern;
        if (list[i].claims) continue;
        if (list[i].hits) {
            eg_problem_add(problems, "shadowed_rule", pattern->place,
                           "%s '%s' has no effect: earlier items match all of its %zu names", what,
                           pattern->text, list[i].hits);
            continue;
        }
        const char *near = near_param(arena, net, pattern->text);
        eg_problem_add(problems, "unused_rule", pattern->place,
                       "%s '%s' matches no target tensor (patterns match whole names)%s%s%s", what,
                       pattern->text, near ? "; the nearest is '" : "", near ? near : "", near ? "'" : "");
        if (near && is_param(net, near))
            eg_problem_suggest(problems, "%s: [{exact: '%s'}]", what, near);
        else if (near)
            eg_problem_suggest(problems, "%s", mended(arena, what, near));
    }
}
