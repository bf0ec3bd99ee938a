#include "plan/draft.h"

#include "base/str.h"
#include "plan/mosaic.h"

bool eg_is_counter(const eg_param *param)
{
    return param->buffer && param->dtype == EG_I64 && eg_ends_with(param->name, "num_batches_tracked");
}

void eg_names_add(eg_names *list, const char *name)
{
    list->items[list->count++] = name;
}

const char *eg_draft_quoted(eg_draft *d, const char *what, const char *text)
{
    return eg_arena_printf(d->arena, "%s: '%s'", what, text);
}

bool eg_draft_index(eg_draft *d)
{
    size_t count = (size_t)d->net->param_count;
    d->targets = eg_map_new(d->arena);
    d->claim = EG_NEW_ARRAY(d->arena, int64_t, count);
    d->skip = EG_NEW_ARRAY(d->arena, int64_t, count);
    d->size = EG_NEW_ARRAY(d->arena, int64_t, count);
    d->skips = eg_matcher_list(d->arena, d->transfer->skip);
    d->sizes = EG_NEW_ARRAY(d->arena, eg_matcher, d->transfer->size_count);
    for (size_t i = 0; i < d->transfer->size_count; i++)
        d->sizes[i] = eg_matcher_make(d->arena, &d->transfer->sizes[i].match);
    for (size_t p = 0; p < count; p++) {
        eg_map_add(d->targets, d->net->params[p].name, (int64_t)p);
        d->claim[p] = -1;
        d->skip[p] = eg_matcher_first(d->skips, d->transfer->skip.count, d->net->params[p].name, d->err);
        d->size[p] = eg_matcher_first(d->sizes, d->transfer->size_count, d->net->params[p].name, d->err);
        if (d->skip[p] == -2 || d->size[p] == -2) return false;
    }
    return true;
}

const char *eg_draft_rule(eg_draft *d, size_t i)
{
    int32_t rule = d->keymap->last[i];
    return rule < 0 ? "no rule" : eg_keymap_rule_text(d->arena, d->keymap, rule);
}

eg_shape eg_draft_shape(eg_draft *d, size_t i)
{
    return d->keymap->values[i]->shape;
}
