#include "recipe/schedule_section.h"

#define MANY       9.2e18 /* no upper end */
#define AT(member) offsetof(eg_scheduler_section, member)

enum {
    IS_STEP = 1 << EG_SCHEDULE_STEP,
    IS_MULTISTEP = 1 << EG_SCHEDULE_MULTISTEP,
    IS_EXPONENTIAL = 1 << EG_SCHEDULE_EXPONENTIAL,
    IS_RESTARTS = 1 << EG_SCHEDULE_COSINE_RESTARTS,
    IS_COSINE = 1 << EG_SCHEDULE_COSINE | IS_RESTARTS,
    IS_CYCLE = 1 << EG_SCHEDULE_ONE_CYCLE,
    IS_POLYNOMIAL = 1 << EG_SCHEDULE_POLYNOMIAL,
    IS_LINEAR = 1 << EG_SCHEDULE_LINEAR,
    IS_PLATEAU = 1 << EG_SCHEDULE_PLATEAU,
};

const eg_word eg_monitor_words[] = {
    [EG_MONITOR_VAL_ACCURACY] = {"val/accuracy", EG_MONITOR_VAL_ACCURACY},
    [EG_MONITOR_VAL_LOSS] = {"val/loss", EG_MONITOR_VAL_LOSS},
    [EG_MONITOR_VAL_MACRO_F1] = {"val/macro_f1", EG_MONITOR_VAL_MACRO_F1},
    [EG_MONITOR_TRAIN_LOSS] = {"train/loss", EG_MONITOR_TRAIN_LOSS},
    [EG_MONITOR_TRAIN_ACCURACY] = {"train/accuracy", EG_MONITOR_TRAIN_ACCURACY},
    [EG_MONITOR_COUNT] = {0},
};

const char *eg_monitor_name(eg_monitor monitor)
{
    return eg_monitor_words[monitor].name;
}

const eg_word eg_direction_words[] = {
    {"auto", EG_DIRECTION_AUTO}, {"min", EG_DIRECTION_MIN}, {"max", EG_DIRECTION_MAX}, {0}};

static const eg_word anneal_words[] = {{"cos", EG_ANNEAL_COS}, {"linear", EG_ANNEAL_LINEAR}, {0}};
static const eg_word threshold_words[] = {{"rel", EG_THRESHOLD_REL}, {"abs", EG_THRESHOLD_ABS}, {0}};

static const eg_word scheduler_words[] = {
    {"constant", EG_SCHEDULE_CONSTANT},
    {"step", EG_SCHEDULE_STEP},
    {"multistep", EG_SCHEDULE_MULTISTEP},
    {"exponential", EG_SCHEDULE_EXPONENTIAL},
    {"cosine", EG_SCHEDULE_COSINE},
    {"cosine_restarts", EG_SCHEDULE_COSINE_RESTARTS},
    {"one_cycle", EG_SCHEDULE_ONE_CYCLE},
    {"polynomial", EG_SCHEDULE_POLYNOMIAL},
    {"plateau", EG_SCHEDULE_PLATEAU},
    {"linear", EG_SCHEDULE_LINEAR},
    {0},
};

static void check_milestones(eg_schema *in, const eg_doc *doc, const eg_scheduler_section *scheduler)
{
    const eg_doc *milestones = eg_doc_find(doc, "milestones");
    for (size_t i = 1; i < scheduler->milestone_count; i++) {
        if (scheduler->milestones[i] > scheduler->milestones[i - 1]) continue;
        eg_problem_add(in->problems, "out_of_range", milestones->items[i]->place, "'milestones' must ascend");
        return;
    }
}

static void check_scheduler(eg_schema *in, const eg_doc *doc, void *base)
{
    const eg_scheduler_section *scheduler = base;
    if (!doc) return;
    check_milestones(in, doc, scheduler);
    if (scheduler->kind == EG_SCHEDULE_STEP && (scheduler->milestone_count > 0) == (scheduler->step_size > 0))
        eg_problem_add(in->problems, "missing_key", doc->place,
                       "scheduler 'step' has exactly one of 'step_size' and 'milestones'");
    const eg_doc *steps = eg_doc_find(doc, "warmup_steps");
    if (steps && scheduler->warmup_steps > 0 && scheduler->warmup_epochs > 0)
        eg_problem_add(in->problems, "two_lengths", steps->place,
                       "a warm-up has 'warmup_epochs' or 'warmup_steps', not both");
}

static const eg_field scheduler_rows[] = {
    {"name", EG_TYPE_WORD, AT(kind), "constant", .words = scheduler_words,
     .doc = "how the learning rate moves"},
    {"step_size", EG_TYPE_INT, AT(step_size), "0", 1, MANY, .doc = "epochs between drops", .only = IS_STEP},
    {"milestones", EG_TYPE_INTS, AT(milestones), NULL, 1, MANY, .doc = "epochs of the drops",
     .count = AT(milestone_count), .only = IS_STEP},
    {"milestones", EG_TYPE_INTS, AT(milestones), NULL, 1, MANY, .doc = "epochs of the drops",
     .count = AT(milestone_count), .only = IS_MULTISTEP, .required = true},
    {"gamma", EG_TYPE_NUMBER, AT(gamma), "0.1", 0, MANY, .doc = "factor of a drop",
     .only = IS_STEP | IS_MULTISTEP},
    {"gamma", EG_TYPE_NUMBER, AT(gamma), NULL, 0, MANY, .doc = "factor of every epoch",
     .only = IS_EXPONENTIAL, .required = true},
    {"T_0", EG_TYPE_INT, AT(T_0), "0", 1, MANY, .doc = "epochs of the first cycle", .only = IS_RESTARTS,
     .required = true},
    {"T_mult", EG_TYPE_INT, AT(T_mult), "1", 1, 1e6, .doc = "factor on the length from cycle to cycle",
     .only = IS_RESTARTS},
    {"min_lr", EG_TYPE_NUMBER, AT(min_lr), "0", 0, MANY, .doc = "the lowest", .only = IS_COSINE | IS_PLATEAU},
    {"pct_start", EG_TYPE_NUMBER, AT(pct_start), "0.3", 0, 1, .doc = "share of the steps that it rises",
     .only = IS_CYCLE},
    {"anneal_strategy", EG_TYPE_WORD, AT(anneal), "cos", .words = anneal_words, .doc = "cos or linear",
     .only = IS_CYCLE},
    {"div_factor", EG_TYPE_NUMBER, AT(div_factor), "25", 1e-9, MANY,
     .doc = "it starts from the learning rate over this", .only = IS_CYCLE},
    {"final_div_factor", EG_TYPE_NUMBER, AT(final_div_factor), "1e4", 1e-9, MANY,
     .doc = "it ends at the start over this", .only = IS_CYCLE},
    {"three_phase", EG_TYPE_BOOL, AT(three_phase), "false", .doc = "down as long as up, then to the end",
     .only = IS_CYCLE},
    {"cycle_momentum", EG_TYPE_BOOL, AT(cycle_momentum), "true",
     .doc = "the momentum (adam's first beta) moves the other way", .only = IS_CYCLE},
    {"base_momentum", EG_TYPE_NUMBER, AT(base_momentum), "0.85", 0, 0.9999999,
     .doc = "where the learning rate is highest", .only = IS_CYCLE},
    {"max_momentum", EG_TYPE_NUMBER, AT(max_momentum), "0.95", 0, 0.9999999,
     .doc = "where the learning rate is lowest", .only = IS_CYCLE},
    {"total_iters", EG_TYPE_INT, AT(total_iters), "0", 1, MANY,
     .doc = "epochs that it takes; all after the warm-up when not given", .only = IS_POLYNOMIAL | IS_LINEAR},
    {"power", EG_TYPE_NUMBER, AT(power), "1", 0, 1000, .doc = "of the polynomial", .only = IS_POLYNOMIAL},
    {"start_factor", EG_TYPE_NUMBER, AT(start_factor), "0.3333333333333333", 0, 1,
     .doc = "on the learning rate at the start", .only = IS_LINEAR},
    {"end_factor", EG_TYPE_NUMBER, AT(end_factor), "1", 0, 1, .doc = "on the learning rate at the end",
     .only = IS_LINEAR},
    {"monitor", EG_TYPE_WORD, AT(monitor), "val/loss", .words = eg_monitor_words, .doc = "what is watched",
     .only = IS_PLATEAU},
    {"mode", EG_TYPE_WORD, AT(mode), "auto", .words = eg_direction_words,
     .doc = "which values are better; auto: small losses, great others", .only = IS_PLATEAU},
    {"factor", EG_TYPE_NUMBER, AT(factor), "0.1", 0, 0.9999999, .doc = "of a reduction", .only = IS_PLATEAU},
    {"patience", EG_TYPE_INT, AT(patience), "10", 0, MANY, .doc = "epochs without a better value",
     .only = IS_PLATEAU},
    {"threshold", EG_TYPE_NUMBER, AT(threshold), "1e-4", 0, MANY, .doc = "least change that counts",
     .only = IS_PLATEAU},
    {"threshold_mode", EG_TYPE_WORD, AT(threshold_mode), "rel", .words = threshold_words,
     .doc = "of the best value, or absolute", .only = IS_PLATEAU},
    {"cooldown", EG_TYPE_INT, AT(cooldown), "0", 0, MANY, .doc = "epochs of rest after a reduction",
     .only = IS_PLATEAU},
    {"eps", EG_TYPE_NUMBER, AT(eps), "1e-8", 0, 1, .doc = "smaller reductions are left out",
     .only = IS_PLATEAU},
    {"warmup_epochs", EG_TYPE_NUMBER, AT(warmup_epochs), "0", 0, MANY, .doc = "linear rise at the start"},
    {"warmup_steps", EG_TYPE_INT, AT(warmup_steps), "0", 0, MANY, .doc = "its length in steps instead"},
    {"warmup_start", EG_TYPE_NUMBER, AT(warmup_start), "0", 0, 1,
     .doc = "share of the learning rate that it starts from"},
};
const eg_section eg_schedule_schema = {
    "train.lr_scheduler", EG_FIELDS(scheduler_rows), .kind = "name",          .bare = "name",
    .given = AT(given),   .place = EG_NOWHERE,       .check = check_scheduler};
