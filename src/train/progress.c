#include "train/progress.h"

#include <math.h>

#include "train/evaluate.h"

double eg_monitor_value(eg_monitor monitor, const eg_epoch_scores *scores)
{
    switch (monitor) {
    case EG_MONITOR_VAL_LOSS: return scores->val ? eg_score_loss(scores->val) : NAN;
    case EG_MONITOR_VAL_ACCURACY: return scores->val ? eg_score_accuracy(scores->val) : NAN;
    case EG_MONITOR_VAL_MACRO_F1: return scores->macro_f1;
    case EG_MONITOR_TRAIN_LOSS: return eg_score_loss(&scores->train);
    case EG_MONITOR_TRAIN_ACCURACY: return eg_score_accuracy(&scores->train);
    case EG_MONITOR_COUNT: break;
    }
    return NAN;
}

bool eg_monitor_smaller(eg_monitor monitor, eg_direction mode)
{
    if (mode != EG_DIRECTION_AUTO) return mode == EG_DIRECTION_MIN;
    return monitor == EG_MONITOR_VAL_LOSS || monitor == EG_MONITOR_TRAIN_LOSS;
}

bool eg_watch_step(eg_watch *watch, double value, bool smaller, double min_delta)
{
    double gain = smaller ? watch->best - value : value - watch->best;
    bool better = !watch->begun || gain > min_delta;
    watch->begun = true;
    if (better) watch->best = value;
    watch->bad = better ? 0 : watch->bad + 1;
    return better;
}
