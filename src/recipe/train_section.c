#include "recipe/train_section.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "recipe/pattern.h"
#include "recipe/schedule_section.h"

#define NO_PLACE .given = EG_NOWHERE, .place = EG_NOWHERE
#define MANY     9.2e18 /* no upper end */

/* ---- optimizer ---- */

#define AT(member) offsetof(eg_optimizer_section, member)

static void check_optimizer(eg_schema *in, const eg_doc *doc, void *base)
{
    const eg_optimizer_section *optimizer = base;
    const eg_doc *nesterov = eg_doc_find(doc, "nesterov");
    if (nesterov && optimizer->nesterov && (optimizer->momentum <= 0 || optimizer->dampening != 0))
        eg_problem_add(in->problems, "out_of_range", nesterov->place,
                       "'nesterov' needs a momentum above 0 and no dampening");
}

enum {
    IS_SGD = 1 << EG_SGD,
    IS_ADAM = 1 << EG_ADAM,
    IS_ADAMW = 1 << EG_ADAMW,
    IS_RMSPROP = 1 << EG_RMSPROP,
    IS_LAMB = 1 << EG_LAMB,
    IS_LION = 1 << EG_LION,
};

static const eg_word optimizer_words[] = {
    {"sgd", EG_SGD},
    {"adam", EG_ADAM},
    {"adamw", EG_ADAMW},
    {"rmsprop", EG_RMSPROP},
    {"lamb", EG_LAMB},
    {"lion", EG_LION},
    {0},
};
static const eg_field optimizer_rows[] = {
    {"name", EG_TYPE_WORD, AT(kind), "sgd", .words = optimizer_words, .doc = "as torch.optim's"},
    {"momentum", EG_TYPE_NUMBER, AT(momentum), "0", 0, 1, .doc = "of the gradients",
     .only = IS_SGD | IS_RMSPROP},
    {"dampening", EG_TYPE_NUMBER, AT(dampening), "0", 0, 1, .doc = "of the momentum", .only = IS_SGD},
    {"nesterov", EG_TYPE_BOOL, AT(nesterov), "false", .doc = "Nesterov's momentum", .only = IS_SGD},
    {"weight_decay", EG_TYPE_NUMBER, AT(weight_decay), "0", 0, MANY, .doc = "added to the gradient",
     .only = IS_SGD | IS_ADAM | IS_RMSPROP},
    {"weight_decay", EG_TYPE_NUMBER, AT(weight_decay), "1e-2", 0, MANY, .doc = "decoupled",
     .only = IS_ADAMW | IS_LAMB},
    {"weight_decay", EG_TYPE_NUMBER, AT(weight_decay), "0", 0, MANY, .doc = "decoupled", .only = IS_LION},
    {"betas", EG_TYPE_PAIR, AT(betas), "[0.9, 0.999]", 0, 0.9999999, .doc = "of the running averages",
     .only = IS_ADAM | IS_ADAMW | IS_LAMB},
    {"betas", EG_TYPE_PAIR, AT(betas), "[0.9, 0.99]", 0, 0.9999999, .doc = "of the running averages",
     .only = IS_LION},
    {"eps", EG_TYPE_NUMBER, AT(eps), "1e-8", 0, 1, .doc = "added to the denominator",
     .only = IS_ADAM | IS_ADAMW | IS_RMSPROP},
    {"eps", EG_TYPE_NUMBER, AT(eps), "1e-6", 0, 1, .doc = "added to the denominator", .only = IS_LAMB},
    {"alpha", EG_TYPE_NUMBER, AT(alpha), "0.99", 0, 1, .doc = "of the running average of squares",
     .only = IS_RMSPROP},
    {"centered", EG_TYPE_BOOL, AT(centered), "false", .doc = "divides by the variance", .only = IS_RMSPROP},
    {"exclude", EG_TYPE_PATTERNS, AT(exclude), .doc = "target names without weight decay"},
};
static const eg_section optimizer_section = {"train.optimizer", EG_FIELDS(optimizer_rows),
                                             .kind = "name",    .bare = "name",
                                             NO_PLACE,          .check = check_optimizer};
#undef AT

/* ---- loss ---- */

#define AT(member) offsetof(eg_loss_section, member)

/* `balanced`, or a number for each class. */
static void read_class_weights(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_loss_section *loss = base;
    loss->place = doc->place;
    loss->balanced = doc->kind == EG_DOC_SCALAR && strcmp(doc->text, "balanced") == 0;
    if (loss->balanced) return;
    bool ok = doc->kind == EG_DOC_LIST && doc->count;
    double *weights = EG_NEW_ARRAY(in->arena, double, doc->count + 1);
    for (size_t i = 0; ok && i < doc->count; i++)
        ok = eg_scalar_number(doc->items[i], &weights[i]) && weights[i] >= 0;
    if (!ok)
        eg_schema_expected(in, doc, "class_weights", "'balanced', or one number a class such as [1, 2.5]");
    loss->weights = weights;
    loss->weight_count = ok ? doc->count : 0;
}

enum { IS_CE = 1 << EG_LOSS_CROSS_ENTROPY, IS_FOCAL = 1 << EG_LOSS_FOCAL };

static const eg_word loss_words[] = {{"cross_entropy", EG_LOSS_CROSS_ENTROPY},
                                     {"focal", EG_LOSS_FOCAL},
                                     {"bce", EG_LOSS_BCE},
                                     {"mse", EG_WORD_UNSUPPORTED},
                                     {0}};
static const eg_field loss_rows[] = {
    {"name", EG_TYPE_WORD, AT(kind), "cross_entropy", .words = loss_words, .doc = "mean over the batch"},
    {"label_smoothing", EG_TYPE_NUMBER, AT(label_smoothing), "0", 0, 1,
     .doc = "share spread evenly over the classes", .only = IS_CE},
    {"gamma", EG_TYPE_NUMBER, AT(gamma), "2", 0, 100, .doc = "how much less a sure answer counts",
     .only = IS_FOCAL},
    {"class_weights", EG_TYPE_OTHER, .read = read_class_weights, .only = IS_CE | IS_FOCAL,
     .doc = "one factor a class, or balanced: samples / (classes * samples of the class)"},
};
static const eg_section loss_section = {"train.loss", EG_FIELDS(loss_rows), .kind = "name", .bare = "name",
                                        NO_PLACE};
#undef AT

/* ---- early stopping, average ---- */

#define AT(member) offsetof(eg_stopping_section, member)
static const eg_word scope_words[] = {{"run", EG_SCOPE_RUN}, {"phase", EG_SCOPE_PHASE}, {0}};
static const eg_field stopping_rows[] = {
    {"monitor", EG_TYPE_WORD, AT(monitor), "val/accuracy", .words = eg_monitor_words,
     .doc = "what is watched; the best epoch is chosen by it, too"},
    {"patience", EG_TYPE_INT, AT(patience), "3", 0, MANY, .doc = "epochs without a better value"},
    {"min_delta", EG_TYPE_NUMBER, AT(min_delta), "0", 0, MANY, .doc = "least change that counts"},
    {"mode", EG_TYPE_WORD, AT(mode), "auto", .words = eg_direction_words,
     .doc = "which values are better; auto: small losses, great others"},
    {"scope", EG_TYPE_WORD, AT(scope), "run", .words = scope_words,
     .doc = "what ends: the run, or the phase, each with patience of its own"},
};
static const eg_section stopping_section = {"train.early_stopping", EG_FIELDS(stopping_rows),
                                            .given = AT(given), .place = AT(place)};
#undef AT

#define AT(member) offsetof(eg_train_section, member)
static const eg_field ema_rows[] = {
    {"decay", EG_TYPE_NUMBER, AT(ema_decay), "0", 1e-9, 0.9999999999, .required = true,
     .doc = "share of the average that a step keeps"},
};
static const eg_section ema_section = {"train.ema", EG_FIELDS(ema_rows), .bare = "decay", NO_PLACE};
#undef AT

/* ---- groups and phases ---- */

/* {name: patterns}, in order. */
static void read_named_groups(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_train_section *train = base;
    if (doc->kind != EG_DOC_MAP || !doc->count) {
        eg_schema_expected(in, doc, "groups", "a mapping such as {head: ['fc\\..*']}");
        return;
    }
    eg_named_group *groups = EG_NEW_ARRAY(in->arena, eg_named_group, doc->count);
    for (size_t i = 0; i < doc->count; i++) {
        groups[i] = (eg_named_group){.name = doc->keys[i]->text, .place = doc->keys[i]->place};
        eg_pattern_list_read(in, doc->items[i], groups[i].name, &groups[i].patterns);
        if (!groups[i].patterns.count)
            eg_schema_expected(in, doc->items[i], groups[i].name, "at least one pattern");
    }
    train->groups = groups;
    train->group_count = doc->count;
}

#define AT(member) offsetof(eg_phase_section, member)

/* A number, or {group: number}. */
static void read_phase_lr(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_phase_section *phase = base;
    bool map = doc->kind == EG_DOC_MAP && doc->count;
    eg_group_rate *rates = EG_NEW_ARRAY(in->arena, eg_group_rate, doc->count + 1);
    for (size_t i = 0; map && i < doc->count; i++) {
        rates[i].group = doc->keys[i]->text;
        if (!eg_scalar_number(doc->items[i], &rates[i].lr) || !(rates[i].lr >= 0))
            eg_schema_expected(in, doc->items[i], rates[i].group, "a learning rate of 0 or more");
    }
    phase->rates = rates;
    phase->rate_count = map ? doc->count : 0;
    if (!map && !(eg_scalar_number(doc, &phase->lr) && phase->lr >= 0))
        eg_schema_expected(in, doc, "lr", "a learning rate, or one a group such as {head: 1e-2, top: 1e-3}");
}

static void check_phase(eg_schema *in, const eg_doc *doc, void *base)
{
    const eg_phase_section *phase = base;
    const eg_doc *decay = eg_doc_find(doc, "layer_decay"), *trainable = eg_doc_find(doc, "trainable");
    eg_schema_distinct(in, trainable, "trainable");
    if (trainable && trainable->kind == EG_DOC_LIST && !trainable->count)
        eg_schema_expected(in, trainable, "trainable", "at least one group");
    if (decay && phase->rate_count)
        eg_problem_add(in->problems, "two_rates", decay->place,
                       "a phase has 'layer_decay' or a learning rate for each group, not both");
}

static const eg_word phase_norm_words[] = {{"default", EG_BN_DEFAULT},
                                           {"eval", EG_BN_EVAL},
                                           {"train_stats", EG_BN_TRAIN_STATS},
                                           {"train_affine", EG_WORD_UNSUPPORTED},
                                           {0}};
static const eg_field phase_rows[] = {
    {"name", EG_TYPE_STRING, AT(name), .doc = "for people; its number when not given"},
    {"epochs", EG_TYPE_INT, AT(epochs), "0", 1, 1e9, .doc = "train's when not given"},
    {"trainable", EG_TYPE_STRINGS, AT(trainable), .count = AT(trainable_count),
     .doc = "names of train.groups; without it, everything that freeze leaves"},
    {"lr", EG_TYPE_OTHER, .read = read_phase_lr,
     .doc = "for all groups, or one for each; train's if not given"},
    {"layer_decay", EG_TYPE_NUMBER, AT(layer_decay), "1", 1e-9, 1,
     .doc = "factor on lr from one group of 'trainable' to the next"},
    {"batch_norm", EG_TYPE_WORD, AT(batch_norm), "default", .words = phase_norm_words,
     .doc = "statistics: eval keeps the stored ones; default: eval where all of a layer is frozen"},
    {"lr_scheduler", EG_TYPE_SECTION, AT(scheduler), .section = &eg_schedule_schema, .optional = true,
     .doc = "over the phase's epochs; train's when not given"},
};
static const eg_section phase_section = {"train.phases", EG_FIELDS(phase_rows), .given = EG_NOWHERE,
                                         .place = AT(place), .check = check_phase};
#undef AT

static void read_phases(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_train_section *train = base;
    const eg_doc *const *items;
    size_t count = eg_schema_items(&doc, &items);
    eg_phase_section *phases = EG_NEW_ARRAY(in->arena, eg_phase_section, count);
    for (size_t i = 0; i < count; i++) {
        phases[i].lr = NAN;
        phases[i].place = items[i]->place;
        eg_schema_read(in, &phase_section, items[i], &phases[i]);
        if (!phases[i].name) phases[i].name = eg_arena_printf(in->arena, "%zu", i + 1);
        for (size_t k = 0; k < i; k++)
            if (strcmp(phases[k].name, phases[i].name) == 0)
                eg_problem_add(in->problems, "duplicate", phases[i].place, "two phases are named '%s'",
                               phases[i].name);
    }
    train->phases = phases;
    train->phase_count = count;
}

/* ---- train ---- */

#define AT(member) offsetof(eg_train_section, member)

static bool has_group(const eg_train_section *train, const char *name)
{
    for (size_t g = 0; g < train->group_count; g++)
        if (strcmp(train->groups[g].name, name) == 0) return true;
    return false;
}

static void unknown_group(eg_schema *in, const eg_train_section *train, const eg_doc *at, const char *name)
{
    const char **names = EG_NEW_ARRAY(in->arena, const char *, train->group_count);
    for (size_t g = 0; g < train->group_count; g++) names[g] = train->groups[g].name;
    const char *near = eg_nearest(name, names, train->group_count);
    eg_problem_add(in->problems, "unknown_group", at->place, "there is no group '%s' in train.groups%s%s%s",
                   name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static bool trains(const eg_phase_section *phase, const char *group)
{
    for (size_t i = 0; i < phase->trainable_count; i++)
        if (strcmp(phase->trainable[i], group) == 0) return true;
    return phase->trainable_count == 0;
}

static void check_phase_groups(eg_schema *in, const eg_train_section *train, const eg_phase_section *phase,
                               const eg_doc *doc)
{
    const eg_doc *names = eg_doc_find(doc, "trainable"), *lr = eg_doc_find(doc, "lr");
    for (size_t i = 0; i < phase->trainable_count; i++)
        if (!has_group(train, phase->trainable[i]))
            unknown_group(in, train, names->items[i], phase->trainable[i]);
    for (size_t i = 0; i < phase->rate_count; i++) {
        if (!has_group(train, phase->rates[i].group))
            unknown_group(in, train, lr->keys[i], phase->rates[i].group);
        else if (!trains(phase, phase->rates[i].group))
            eg_problem_add(in->problems, "unused_rate", lr->keys[i]->place,
                           "'%s' has a learning rate in phase '%s', which does not train it",
                           phase->rates[i].group, phase->name);
    }
    if (phase->layer_decay < 1 && !train->group_count)
        eg_problem_add(in->problems, "missing_key", phase->place,
                       "'layer_decay' goes from group to group, and there are no train.groups");
}

static bool is_rated(const eg_train_section *train, const eg_phase_section *phase, const char *group)
{
    for (size_t i = 0; i < phase->rate_count; i++)
        if (strcmp(phase->rates[i].group, group) == 0) return true;
    return !isnan(phase->lr) || !isnan(train->lr);
}

static void check_phase_rates(eg_schema *in, const eg_train_section *train, const eg_phase_section *phase)
{
    for (size_t g = 0; g < train->group_count; g++)
        if (trains(phase, train->groups[g].name) && !is_rated(train, phase, train->groups[g].name))
            eg_problem_add(in->problems, "missing_key", phase->place,
                           "phase '%s' has no learning rate for group '%s'", phase->name,
                           train->groups[g].name);
    if (phase->epochs == 0 && train->epochs == 0)
        eg_problem_add(in->problems, "missing_key", phase->place,
                       "phase '%s' has no 'epochs', and train has none either", phase->name);
}

static void check_phases(eg_schema *in, const eg_train_section *train, const eg_doc *doc)
{
    const eg_doc *phases = eg_doc_find(doc, "phases"), *groups = eg_doc_find(doc, "groups");
    const eg_doc *const *items;
    size_t count = phases ? eg_schema_items(&phases, &items) : 0;
    for (size_t i = 0; i < count && i < train->phase_count; i++) {
        check_phase_groups(in, train, &train->phases[i], items[i]);
        check_phase_rates(in, train, &train->phases[i]);
    }
    for (size_t g = 0; g < train->group_count && train->phase_count; g++) {
        bool used = false;
        for (size_t i = 0; i < train->phase_count; i++)
            used = used || trains(&train->phases[i], train->groups[g].name);
        if (!used)
            eg_problem_add(in->problems, "never_trained", train->groups[g].place,
                           "group '%s' is frozen in every phase; name it in a phase's 'trainable', or leave "
                           "it out of the groups and `freeze` its parameters",
                           train->groups[g].name);
    }
    if (train->group_count && !train->phase_count)
        eg_problem_add(in->problems, "missing_key", groups->place,
                       "'groups' are for phases, and there are none: use param_groups for learning rates, "
                       "or add 'phases'");
}

static bool watches_validation(eg_monitor monitor)
{
    return monitor != EG_MONITOR_TRAIN_LOSS && monitor != EG_MONITOR_TRAIN_ACCURACY;
}

static bool has_momentum(const eg_optimizer_section *optimizer)
{
    return optimizer->kind != EG_RMSPROP && (optimizer->kind != EG_SGD || optimizer->momentum > 0);
}

/* doc is the whole recipe, at the place of the schedule. */
static void check_schedule(eg_schema *in, const eg_doc *doc, const eg_train_section *train,
                           const eg_scheduler_section *scheduler, eg_place place)
{
    bool val = !eg_doc_is_null(eg_doc_find(eg_doc_find(doc, "data"), "val"));
    if (scheduler->kind == EG_SCHEDULE_PLATEAU && watches_validation(scheduler->monitor) && !val)
        eg_problem_add(in->problems, "missing_key", place,
                       "scheduler 'plateau' watches %s, and there is no data.val",
                       eg_monitor_name(scheduler->monitor));
    if (scheduler->kind == EG_SCHEDULE_ONE_CYCLE && scheduler->cycle_momentum &&
        !has_momentum(&train->optimizer))
        eg_problem_add(
            in->problems, "no_momentum", place,
            "scheduler 'one_cycle' moves the momentum, and the optimizer has none; give it one, or "
            "say 'cycle_momentum: false'");
}

static const eg_field train_rows[] = {
    {"epochs", EG_TYPE_INT, AT(epochs), "0", 1, 1e9, .doc = "passes over the training set"},
    {"batch_size", EG_TYPE_INT, AT(batch_size), "32", 1, 1e6, .doc = "samples at a time"},
    {"accumulate", EG_TYPE_INT, AT(accumulate), "1", 1, 1e6,
     .doc = "batches whose gradients make one step, as one large batch would"},
    {"lr", EG_TYPE_NUMBER, AT(lr), ".nan", 0, MANY,
     .doc =
         "learning rate; may be left out when every item of param_groups has one and the last matches '.*'"},
    {"seed", EG_TYPE_INT, AT(seed), "0", 0, MANY, .doc = "of every random draw"},
    {"threads", EG_TYPE_INT, AT(threads), "0", 0, 1024,
     .doc = "0: as many as there are processors; never changes a result"},
    {"optimizer", EG_TYPE_SECTION, AT(optimizer), .section = &optimizer_section, .doc = "as torch.optim's"},
    {"lr_scheduler", EG_TYPE_SECTION, AT(scheduler), .section = &eg_schedule_schema,
     .doc = "of the learning rate"},
    {"loss", EG_TYPE_SECTION, AT(loss), .section = &loss_section, .doc = "what is minimised"},
    {"groups", EG_TYPE_OTHER, .read = read_named_groups,
     .doc = "parameters by name, for phases: {head: ['fc\\..*']}; first match wins"},
    {"phases", EG_TYPE_OTHER, .read = read_phases, .section = &phase_section,
     .doc = "one after the other, each with groups that train; what one does not say, train says"},
    {"early_stopping", EG_TYPE_SECTION, AT(stopping), .section = &stopping_section, .optional = true,
     .doc = "ends a training that no longer gets better"},
    {"ema", EG_TYPE_SECTION, 0, .section = &ema_section, .optional = true,
     .doc = "a moving average of the weights, see output.weights"},
    {"grad_clip", EG_TYPE_NUMBER, AT(clip_norm), "0", 1e-30, MANY,
     .doc = "the greatest norm of all gradients together, as clip_grad_norm_"},
    EG_LATER("steps"),
    EG_LATER("eval_every"),
    EG_LATER("save_every"),
    EG_LATER("keep"),
    EG_LATER("layer_decay"),
    EG_LATER("weight_decay"),
};
const eg_section eg_train_schema = {"train", EG_FIELDS(train_rows), .given = AT(given), .place = AT(place)};
#undef AT

/* ---- across sections ---- */

/* Groups that give every parameter a learning rate of its own make train's superfluous. */
static bool groups_have_rates(const eg_recipe *recipe)
{
    for (size_t i = 0; i < recipe->group_count; i++)
        if (isnan(recipe->groups[i].lr)) return false;
    return recipe->group_count && recipe->groups[recipe->group_count - 1].match.text &&
           strcmp(recipe->groups[recipe->group_count - 1].match.text, ".*") == 0;
}

static bool phases_have_rates(const eg_train_section *train)
{
    for (size_t i = 0; i < train->phase_count; i++)
        if (isnan(train->phases[i].lr) && !train->phases[i].rate_count) return false;
    return train->phase_count > 0;
}

static void check_rate(eg_schema *in, const eg_doc *doc, eg_recipe *recipe)
{
    eg_train_section *train = &recipe->train;
    bool rated = groups_have_rates(recipe) || phases_have_rates(train);
    if (!isnan(train->lr)) return;
    if (!rated)
        eg_problem_add(in->problems, "missing_key", eg_doc_find(doc, "train")->place,
                       "'lr' is missing in 'train': the learning rate");
    if (groups_have_rates(recipe)) train->lr = recipe->groups[recipe->group_count - 1].lr;
}

static void check_stopping(eg_schema *in, const eg_doc *doc, const eg_stopping_section *stopping)
{
    bool val = !eg_doc_is_null(eg_doc_find(eg_doc_find(doc, "data"), "val"));
    if (stopping->given && watches_validation(stopping->monitor) && !val)
        eg_problem_add(in->problems, "missing_key", stopping->place,
                       "early_stopping watches %s, and there is no data.val",
                       eg_monitor_name(stopping->monitor));
}

static void check_average(eg_schema *in, const eg_recipe *recipe)
{
    for (size_t i = 0; i < recipe->output.weight_count; i++)
        if (recipe->output.weights[i] == EG_WEIGHTS_EMA && recipe->train.ema_decay == 0)
            eg_problem_add(in->problems, "missing_key", recipe->output.place,
                           "output.weights asks for ema, and train has no 'ema: {decay: 0.999}'");
}

void eg_train_check(eg_schema *in, const eg_doc *doc, eg_recipe *recipe)
{
    eg_train_section *train = &recipe->train;
    const eg_doc *section = eg_doc_find(doc, "train");
    if (!train->given) return;
    check_rate(in, doc, recipe);
    check_phases(in, train, section);
    if (eg_doc_is_null(eg_doc_find(section, "epochs")) && !train->phase_count)
        eg_problem_add(in->problems, "missing_key", section->place,
                       "'epochs' is missing in 'train': passes over the training set");
    if (train->group_count && recipe->group_count)
        eg_problem_add(in->problems, "two_groups", recipe->groups[0].match.place,
                       "param_groups and train.groups both divide the parameters; use one of them");
    if (!train->phase_count) check_schedule(in, doc, train, &train->scheduler, train->place);
    for (size_t i = 0; i < train->phase_count; i++) {
        const eg_phase_section *phase = &train->phases[i];
        check_schedule(in, doc, train, phase->scheduler.given ? &phase->scheduler : &train->scheduler,
                       phase->place);
    }
    check_stopping(in, doc, &train->stopping);
    check_average(in, recipe);
    if (eg_doc_is_null(eg_doc_find(eg_doc_find(doc, "data"), "train")))
        eg_problem_add(in->problems, "missing_key", section->place,
                       "'train' needs samples: 'data.train' is missing");
}
