#include "train/schedule.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

/* In epochs. */
static double warmup_of(const eg_scheduler_section *scheduler, const eg_moment *at)
{
    if (scheduler->warmup_steps > 0) return (double)scheduler->warmup_steps / (double)at->steps;
    return scheduler->warmup_epochs;
}

/* Epochs since the warm-up, and how many there are after it. */
static double since(const eg_scheduler_section *scheduler, const eg_moment *at, double *length)
{
    double warmup = warmup_of(scheduler, at);
    *length = (double)at->epochs - warmup;
    return fmax((double)at->epoch, warmup) - warmup;
}

static double constant(const eg_scheduler_section *scheduler, double lr, const eg_moment *at)
{
    (void)scheduler, (void)at;
    return lr;
}

static double step(const eg_scheduler_section *scheduler, double lr, const eg_moment *at)
{
    int64_t drops = scheduler->step_size > 0 ? at->epoch / scheduler->step_size : 0;
    for (size_t i = 0; i < scheduler->milestone_count; i++) drops += scheduler->milestones[i] <= at->epoch;
    return lr * pow(scheduler->gamma, (double)drops);
}

static double exponential(const eg_scheduler_section *scheduler, double lr, const eg_moment *at)
{
    return lr * pow(scheduler->gamma, (double)at->epoch);
}

static double half_wave(const eg_scheduler_section *scheduler, double lr, double part)
{
    return scheduler->min_lr + (lr - scheduler->min_lr) * (1 + cos(PI * part)) / 2;
}

static double cosine(const eg_scheduler_section *scheduler, double lr, const eg_moment *at)
{
    double length, time = since(scheduler, at, &length);
    return length > 0 ? half_wave(scheduler, lr, time / length) : lr;
}

static double cosine_restarts(const eg_scheduler_section *scheduler, double lr, const eg_moment *at)
{
    double length, time = since(scheduler, at, &length), cycle = (double)scheduler->T_0;
    if (scheduler->T_mult == 1) time = fmod(time, cycle);
    while (time >= cycle) {
        time -= cycle;
        cycle *= (double)scheduler->T_mult;
    }
    return half_wave(scheduler, lr, time / cycle);
}

static double part_of(const eg_scheduler_section *scheduler, const eg_moment *at)
{
    double length, time = since(scheduler, at, &length);
    double total = scheduler->total_iters > 0 ? (double)scheduler->total_iters : length;
    return total > 0 ? fmin(time, total) / total : 0;
}

static double polynomial(const eg_scheduler_section *scheduler, double lr, const eg_moment *at)
{
    return lr * pow(1 - part_of(scheduler, at), scheduler->power);
}

static double linear(const eg_scheduler_section *scheduler, double lr, const eg_moment *at)
{
    double from = scheduler->start_factor, to = scheduler->end_factor;
    return lr * (from + (to - from) * part_of(scheduler, at));
}

static double plateau(const eg_scheduler_section *scheduler, double lr, const eg_moment *at)
{
    for (int64_t i = 0; i < at->reductions; i++) {
        double lower = fmax(lr * scheduler->factor, scheduler->min_lr);
        if (!(lr - lower > scheduler->eps)) break;
        lr = lower;
    }
    return lr;
}

/* ---- one cycle ---- */

/* Where the cycle is between two of its corners, which count from 0. */
typedef struct leg {
    int from;
    double part;
} leg;

/* The last steps of the rise, the fall, and with three phases the end. */
static leg find_leg(const eg_scheduler_section *scheduler, const eg_moment *at)
{
    double steps = (double)at->epochs * (double)at->steps, warmup = warmup_of(scheduler, at);
    double begin = ceil(warmup * (double)at->steps - 1e-9), total = steps - begin, previous = 0;
    double now = fmax((double)at->epoch * (double)at->steps + (double)at->step - begin, 0);
    double rise = scheduler->pct_start * total - 1, fall = 2 * scheduler->pct_start * total - 2;
    const double ends[] = {rise, scheduler->three_phase ? fall : total - 1, total - 1};
    int last = scheduler->three_phase ? 2 : 1, i = 0;
    for (; i < last && now > ends[i]; i++) previous = ends[i];
    double length = ends[i] - previous;
    return (leg){i, length > 0 ? (now - previous) / length : 1};
}

static double between(const eg_scheduler_section *scheduler, double from, double to, double part)
{
    if (scheduler->anneal == EG_ANNEAL_LINEAR) return from + (to - from) * part;
    return to + (from - to) / 2 * (1 + cos(PI * part));
}

static double one_cycle(const eg_scheduler_section *scheduler, double lr, const eg_moment *at)
{
    leg where = find_leg(scheduler, at);
    double start = lr / scheduler->div_factor, end = start / scheduler->final_div_factor;
    const double two[] = {start, lr, end}, three[] = {start, lr, start, end};
    const double *corners = scheduler->three_phase ? three : two;
    return between(scheduler, corners[where.from], corners[where.from + 1], where.part);
}

double eg_schedule_momentum(const eg_scheduler_section *scheduler, const eg_moment *at)
{
    if (scheduler->kind != EG_SCHEDULE_ONE_CYCLE || !scheduler->cycle_momentum) return NAN;
    leg where = find_leg(scheduler, at);
    const double corners[] = {scheduler->max_momentum, scheduler->base_momentum, scheduler->max_momentum,
                              scheduler->max_momentum};
    return between(scheduler, corners[where.from], corners[where.from + 1], where.part);
}

/* ---- all ---- */

static double (*const schedules[EG_SCHEDULE_COUNT])(const eg_scheduler_section *, double,
                                                    const eg_moment *) = {
    [EG_SCHEDULE_CONSTANT] = constant,   [EG_SCHEDULE_STEP] = step,
    [EG_SCHEDULE_MULTISTEP] = step,      [EG_SCHEDULE_EXPONENTIAL] = exponential,
    [EG_SCHEDULE_COSINE] = cosine,       [EG_SCHEDULE_COSINE_RESTARTS] = cosine_restarts,
    [EG_SCHEDULE_ONE_CYCLE] = one_cycle, [EG_SCHEDULE_POLYNOMIAL] = polynomial,
    [EG_SCHEDULE_PLATEAU] = plateau,     [EG_SCHEDULE_LINEAR] = linear,
};

double eg_schedule_lr(const eg_scheduler_section *scheduler, double lr, const eg_moment *at)
{
    double rate = schedules[scheduler->kind](scheduler, lr, at);
    double time = (double)at->epoch + (double)at->step / (double)at->steps, warmup = warmup_of(scheduler, at);
    if (time >= warmup) return rate;
    return rate * (scheduler->warmup_start + (1 - scheduler->warmup_start) * time / warmup);
}

static bool is_better(const eg_plateau *plateau, const eg_scheduler_section *scheduler, bool smaller,
                      double value)
{
    bool relative = scheduler->threshold_mode == EG_THRESHOLD_REL;
    double sign = smaller ? -1 : 1;
    double mark = relative ? plateau->best * (1 + sign * scheduler->threshold)
                           : plateau->best + sign * scheduler->threshold;
    return !plateau->begun || (smaller ? value < mark : value > mark);
}

void eg_plateau_step(eg_plateau *state, const eg_scheduler_section *scheduler, bool smaller, double value)
{
    if (is_better(state, scheduler, smaller, value)) {
        state->best = value;
        state->bad = 0;
    } else {
        state->bad++;
    }
    state->begun = true;
    if (state->cooldown > 0) {
        state->cooldown--;
        state->bad = 0;
    }
    if (state->bad <= scheduler->patience) return;
    state->reductions++;
    state->cooldown = scheduler->cooldown;
    state->bad = 0;
}
