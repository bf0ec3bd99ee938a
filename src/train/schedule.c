#include "train/schedule.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

static double constant(const eg_scheduler_section *scheduler, double lr, int64_t epochs, int64_t epoch)
{
    (void)scheduler, (void)epochs, (void)epoch;
    return lr;
}

static double step(const eg_scheduler_section *scheduler, double lr, int64_t epochs, int64_t epoch)
{
    (void)epochs;
    int64_t drops = scheduler->step_size > 0 ? epoch / scheduler->step_size : 0;
    for (size_t i = 0; i < scheduler->milestone_count; i++) drops += scheduler->milestones[i] <= epoch;
    return lr * pow(scheduler->gamma, (double)drops);
}

static double cosine(const eg_scheduler_section *scheduler, double lr, int64_t epochs, int64_t epoch)
{
    double warmup = scheduler->warmup_epochs, length = (double)epochs - warmup;
    double since = fmax((double)epoch, warmup) - warmup;
    if (length <= 0) return lr;
    return scheduler->min_lr + (lr - scheduler->min_lr) * (1 + cos(PI * since / length)) / 2;
}

static double (*const schedules[EG_SCHEDULE_COUNT])(const eg_scheduler_section *, double, int64_t,
                                                    int64_t) = {
    [EG_SCHEDULE_CONSTANT] = constant,
    [EG_SCHEDULE_STEP] = step,
    [EG_SCHEDULE_COSINE] = cosine,
};

double eg_schedule_lr(const eg_scheduler_section *scheduler, double lr, int64_t epochs, int64_t epoch,
                      double part)
{
    double rate = schedules[scheduler->kind](scheduler, lr, epochs, epoch);
    double time = (double)epoch + part, warmup = scheduler->warmup_epochs;
    if (time >= warmup) return rate;
    return rate * (scheduler->warmup_start + (1 - scheduler->warmup_start) * time / warmup);
}
