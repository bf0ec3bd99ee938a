#include <stdio.h>

#include "base/log.h"
#include "base/str.h"
#include "engraft/run.h"

static const char *const subjects[] = {
    [EG_RECIPE] = "the recipe or the architecture is wrong",
    [EG_REFUSED] = "the plan is refused",
};

static const char *subject(eg_code code)
{
    size_t count = sizeof subjects / sizeof *subjects;
    return (size_t)code < count && subjects[code] ? subjects[code] : "nothing was done";
}

void eg_run_report(const eg_error *err, const eg_problems *problems)
{
    fflush(stdout); /* what is wrong stands last */
    if (problems->errors > 0) {
        eg_problems_print(problems, stderr, eg_log_colour(stderr));
        eg_log("engraft: %s: %zu error%s", subject(err->code), problems->errors,
               problems->errors == 1 ? "" : "s");
        return;
    }
    char text[sizeof err->text + sizeof err->file + 64];
    eg_error_format(err, text, sizeof text);
    eg_log("engraft: %s", text);
}

const char *eg_run_suggest(const char *name, const char *const *names, size_t count)
{
    return eg_nearest(name, names, count);
}
