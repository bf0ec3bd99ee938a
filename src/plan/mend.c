#include "plan/mend.h"

#include <string.h>

#include "base/regex.h"
#include "base/str.h"
#include "plan/adapt.h"
#include "plan/diagnose.h"

/* The input's layer: the first with channels. */
static bool is_stem(const eg_draft *d, int32_t param)
{
    for (int32_t p = 0; p <= param; p++)
        if (d->net->params[p].shape.rank >= 3) return p == param;
    return false;
}

static bool is_adapted(const eg_draft *d, const eg_misfit *m, eg_key_policy policy)
{
    return eg_adapt(d->arena, policy, m->source, d->net->params[m->param].shape) != NULL;
}

/* "adapt_input", "interpolate", or NULL: to be skipped. */
static const char *policy_of(const eg_draft *d, const eg_misfit *m)
{
    const char *name = d->net->params[m->param].name;
    if (is_stem(d, m->param) && is_adapted(d, m, EG_POLICY_ADAPT_INPUT)) return "adapt_input";
    if (strstr(name, "pos") && is_adapted(d, m, EG_POLICY_INTERPOLATE)) return "interpolate";
    return NULL;
}

const char *eg_mend_misfits(const eg_draft *d, const eg_misfit *list, size_t count)
{
    const char **skipped = EG_NEW_ARRAY(d->arena, const char *, count);
    size_t skips = 0;
    eg_buf out = {0}, sizes = {0};
    eg_buf_puts(&out, "");
    for (size_t i = 0; i < count; i++) {
        const char *policy = policy_of(d, &list[i]), *name = d->net->params[list[i].param].name;
        if (!policy) {
            skipped[skips++] = name;
            continue;
        }
        eg_buf_puts(&sizes, sizes.length ? ", {match: '" : "{match: '");
        eg_regex_escape(name, &sizes);
        eg_buf_printf(&sizes, "', policy: %s}", policy);
    }
    const char *modules = eg_module_patterns(d->arena, skipped, skips);
    if (modules) eg_buf_printf(&out, "  skip: %s\n", modules);
    if (skips && !modules)
        eg_buf_puts(&out,
                    "  size_mismatch: skip   # draws them afresh; look at the arguments of 'target' first\n");
    else if (sizes.length)
        eg_buf_printf(&out, "  size_mismatch: [%s]\n", sizes.data);
    eg_buf_clear(&sizes);
    return eg_buf_take(&out, d->arena);
}

size_t eg_mend_left(const eg_trial *trial, const eg_misfit **list)
{
    eg_draft *d = trial->draft;
    eg_misfit *out = EG_NEW_ARRAY(d->arena, eg_misfit, trial->map->count);
    size_t count = 0;
    for (size_t i = 0; i < trial->map->count; i++) {
        int64_t p = eg_trial_target(trial, i);
        if (p < 0 || !eg_trial_wants(d, p) || eg_trial_fits(trial, i, p) || d->size[p] >= 0 || d->head)
            continue;
        out[count++] = (eg_misfit){(int32_t)p, trial->map->values[i]};
    }
    *list = out;
    return d->transfer->size_mismatch == EG_POLICY_ERROR ? count : 0;
}
