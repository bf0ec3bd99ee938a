#include "run/plan_features.h"

#include "data/pipeline.h"
#include "net/cut.h"

const bool *eg_plan_trainable(eg_arena *arena, const eg_plan *plan)
{
    bool *flags = EG_NEW_ARRAY(arena, bool, (size_t)plan->net->param_count);
    for (size_t i = 0; i < plan->step_count; i++) {
        int32_t param = plan->steps[i].param;
        const eg_param *of = &plan->net->params[param];
        flags[param] = !plan->steps[i].frozen && !of->buffer && of->node >= 0;
    }
    return flags;
}

eg_plan_features eg_plan_features_find(eg_arena *arena, const eg_recipe *recipe, const eg_plan *plan)
{
    const bool *trainable = eg_plan_trainable(arena, plan);
    eg_cut cut = eg_cut_find(arena, plan->net, trainable, plan->batch_norm);
    double all = eg_net_flops(plan->net);
    eg_plan_features f = {.numel = cut.flops > 0 ? cut.numel : 0,
                          .share = all > 0 ? cut.flops / all : 0,
                          .reason = eg_cut_reason(arena, plan->net, trainable, &cut)};
    if (recipe->train.cache == EG_CACHE_OFF) f.never = "train.cache is off";
    if (eg_transforms_draw(recipe->data.augment) && recipe->data.augment_pool == 0)
        f.never = "data.augment draws anew in every epoch";
    return f;
}
