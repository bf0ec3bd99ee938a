/* The recipe: what comes from where, what is skipped, initialised and frozen, how it is trained, what is
 * written. */
#ifndef ENGRAFT_RECIPE_H
#define ENGRAFT_RECIPE_H

#include "engraft/arena.h"
#include "engraft/problem.h"

/* A selector over names: always a full match. */
typedef struct eg_pattern {
    const char *text; /* as written */
    eg_place place;
    const struct eg_regex *regex;
} eg_pattern;

typedef struct eg_pattern_list {
    const eg_pattern *items;
    size_t count;
} eg_pattern_list;

/* ---- transfer.mapping ---- */
typedef enum eg_verb {
    EG_VERB_STRIP_PREFIX,
    EG_VERB_ADD_PREFIX,
    EG_VERB_RENAME,
    EG_VERB_REPLACE,
    EG_VERB_DROP,
    EG_VERB_SELECT,
    EG_VERB_CONCAT,
    EG_VERB_STACK,
    EG_VERB_SPLIT,
    EG_VERB_TRANSFORM,
    EG_VERB_COPY,
    EG_VERB_SHIFT,
    EG_VERB_COUNT,
} eg_verb;

const char *eg_verb_name(eg_verb verb);

/* rename, replace: pattern -> replacement with \1 and \g<name>. */
typedef struct eg_rename {
    eg_pattern pattern;
    const char *to;
} eg_rename;

/* transform: operations on a tensor's shape that move no value, named as in torch. */
typedef enum eg_reshape_kind {
    EG_RESHAPE_UNSQUEEZE, /* args: dim */
    EG_RESHAPE_SQUEEZE,   /* dim, which has size 1 */
    EG_RESHAPE_TRANSPOSE, /* two dims */
    EG_RESHAPE_PERMUTE,   /* every dim once */
    EG_RESHAPE_UNFLATTEN, /* dim, then the sizes that it becomes */
    EG_RESHAPE_FLATTEN,   /* dim: it and all behind it become one */
    EG_RESHAPE_COUNT,
} eg_reshape_kind;

const char *eg_reshape_name(eg_reshape_kind kind);

typedef struct eg_reshape {
    eg_reshape_kind kind;
    const int64_t *args;
    size_t count;
} eg_reshape;

/* The rules of one `use`: together they must have an effect. */
typedef struct eg_pack {
    const char *name;
    eg_place place;
    bool optional;
} eg_pack;

/* One item of `transfer.mapping`. */
typedef struct eg_rule {
    eg_verb verb;
    eg_place place;
    const char *text;            /* "strip_prefix: module.", for people */
    const char *const *prefixes; /* strip_prefix, add_prefix; each ends in '.' */
    size_t prefix_count;
    const eg_rename *renames; /* rename (simultaneous), replace */
    size_t rename_count;
    eg_pattern_list patterns; /* drop, select */
    bool any;                 /* strip_prefix: some names may lack the prefix */
    bool optional;            /* no effect is not an error */
    /* concat, stack, split, transform, copy, shift */
    eg_pattern match;
    const char *const *to; /* templates */
    size_t to_count;
    unsigned group;           /* of the pattern: the part's name, its number, the number to be shifted */
    const char *const *order; /* concat: the parts' names */
    size_t order_count;
    int64_t dim;          /* concat, stack, split; negative: from the end */
    int64_t count;        /* stack: how many parts; 0: as many as there are */
    const int64_t *sizes; /* split; none: equal parts */
    size_t size_count;
    int64_t by;   /* shift */
    int64_t rank; /* transform: only tensors of that rank; -1: all */
    const eg_reshape *ops;
    size_t op_count;
    const eg_pack *pack; /* of a `use`, or NULL */
} eg_rule;

/* ---- init ---- */
typedef enum eg_init_kind {
    EG_INIT_DEFAULT, /* the layer's own, as PyTorch's reset_parameters */
    EG_INIT_ZEROS,
    EG_INIT_ONES,
    EG_INIT_CONSTANT,
    EG_INIT_NORMAL,
    EG_INIT_TRUNC_NORMAL,
    EG_INIT_UNIFORM,
    EG_INIT_XAVIER_UNIFORM,
    EG_INIT_XAVIER_NORMAL,
    EG_INIT_KAIMING_UNIFORM,
    EG_INIT_KAIMING_NORMAL,
    EG_INIT_COUNT,
} eg_init_kind;

const char *eg_init_name(eg_init_kind kind);

/* A distribution, with torch.nn.init's parameters. */
typedef struct eg_init {
    eg_init_kind kind;
    double value;     /* constant */
    double mean, std; /* normal, trunc_normal (cut at +-2 std) */
    double low, high; /* uniform: [low, high) */
    double gain;      /* xavier; 1 by default */
    double a;         /* kaiming: negative slope, 0 by default */
    bool fan_out;     /* kaiming: mode fan_out instead of fan_in */
} eg_init;

typedef struct eg_init_rule {
    eg_pattern match;
    eg_init init;
} eg_init_rule;

/* ---- freeze ---- */
typedef enum eg_bn_mode {
    EG_BN_DEFAULT,      /* eval where every affine parameter of the layer is frozen, train otherwise */
    EG_BN_EVAL,         /* stored statistics, never updated */
    EG_BN_TRAIN_STATS,  /* batch statistics, running ones updated, affine frozen */
    EG_BN_TRAIN_AFFINE, /* stored statistics, affine trained */
    EG_BN_COUNT,
} eg_bn_mode;

typedef struct eg_freeze_rule {
    eg_pattern match;
    eg_bn_mode batch_norm;
} eg_freeze_rule;

/* ---- param_groups ---- NaN: not given, the train section's value holds. */
typedef struct eg_group_rule {
    eg_pattern match;
    double lr, lr_mult, weight_decay;
} eg_group_rule;

/* ---- data ---- */
typedef enum eg_transform_kind {
    EG_TRANSFORM_RESIZE,
    EG_TRANSFORM_CENTER_CROP,
    EG_TRANSFORM_RANDOM_RESIZED_CROP,
    EG_TRANSFORM_HORIZONTAL_FLIP,
    EG_TRANSFORM_NORMALIZE,
    EG_TRANSFORM_COUNT,
} eg_transform_kind;

const char *eg_transform_name(eg_transform_kind kind);

typedef enum eg_interpolation {
    EG_NEAREST,
    EG_BILINEAR,
    EG_BICUBIC,
    EG_INTERPOLATION_COUNT
} eg_interpolation;

/* One preprocessing or augmentation step, with torchvision's parameters and defaults. */
typedef struct eg_transform {
    eg_transform_kind kind;
    eg_place place;
    int height, width; /* resize: width 0 means the shorter side becomes `height`; crops: the output */
    eg_interpolation interpolation; /* resize, random_resized_crop; bilinear by default */
    double scale[2];                /* random_resized_crop: share of the area, (0.08, 1) */
    double ratio[2];                /* random_resized_crop: width / height, (3/4, 4/3) */
    double p;                       /* horizontal_flip: probability, 0.5 */
    double mean[4], std[4];         /* normalize, of values in [0, 1] */
    int channels;                   /* normalize: how many of mean and std were given */
} eg_transform;

typedef struct eg_transform_list {
    const eg_transform *items;
    size_t count;
} eg_transform_list;

typedef enum eg_data_kind { EG_DATA_NONE, EG_DATA_FOLDER, EG_DATA_IDX, EG_DATA_KIND_COUNT } eg_data_kind;

/* The order of an epoch: every sample once, or every class equally often. */
typedef enum eg_sampler { EG_SAMPLER_SHUFFLE, EG_SAMPLER_CLASS_BALANCED } eg_sampler;

/* Where one set of samples comes from. Paths are resolved against the recipe's folder. */
typedef struct eg_data_set {
    eg_data_kind kind;
    eg_place place;
    const char *folder;          /* folder: one sub-folder a class */
    const char *images, *labels; /* idx: the two files of an MNIST-like set */
    const char *const *classes;  /* keep only these, in this order; NULL: all, sorted */
    size_t class_count;
    int64_t limit;      /* at most so many samples, evenly over the classes; 0: all */
    eg_sampler sampler; /* of the training */
} eg_data_set;

typedef struct eg_data_section {
    eg_data_set train, val;
    eg_transform_list
        preprocess; /* geometry and normalisation of evaluation (source.preprocess when inherited) */
    eg_transform_list augment; /* training only */
    bool given;
} eg_data_section;

/* ---- train ---- */
typedef enum eg_optimizer_kind {
    EG_SGD,
    EG_ADAM,
    EG_ADAMW,
    EG_RMSPROP,
    EG_LAMB,
    EG_LION,
    EG_OPTIMIZER_COUNT
} eg_optimizer_kind;

/* torch.optim's parameters and defaults. */
typedef struct eg_optimizer_section {
    eg_optimizer_kind kind;
    double momentum, dampening; /* sgd, rmsprop: 0; sgd: 0 */
    bool nesterov;              /* sgd */
    double weight_decay;        /* 0; adamw, lamb: 1e-2. Decoupled in adamw, lamb and lion */
    double betas[2];            /* adam, adamw, lamb: 0.9, 0.999; lion: 0.9, 0.99 */
    double eps;                 /* 1e-8; lamb: 1e-6 */
    double alpha;               /* rmsprop: 0.99 */
    bool centered;              /* rmsprop */
    eg_pattern_list exclude;    /* parameters without weight decay */
} eg_optimizer_section;

typedef enum eg_scheduler_kind {
    EG_SCHEDULE_CONSTANT,
    EG_SCHEDULE_STEP,
    EG_SCHEDULE_MULTISTEP,
    EG_SCHEDULE_EXPONENTIAL,
    EG_SCHEDULE_COSINE,
    EG_SCHEDULE_COSINE_RESTARTS,
    EG_SCHEDULE_ONE_CYCLE,
    EG_SCHEDULE_POLYNOMIAL,
    EG_SCHEDULE_PLATEAU,
    EG_SCHEDULE_LINEAR,
    EG_SCHEDULE_COUNT,
} eg_scheduler_kind;

/* What is watched: a number of every epoch's end. */
typedef enum eg_monitor {
    EG_MONITOR_VAL_ACCURACY,
    EG_MONITOR_VAL_LOSS,
    EG_MONITOR_VAL_MACRO_F1,
    EG_MONITOR_TRAIN_LOSS,
    EG_MONITOR_TRAIN_ACCURACY,
    EG_MONITOR_COUNT,
} eg_monitor;

const char *eg_monitor_name(eg_monitor monitor);

/* Which values of a monitored number are better; auto: smaller for a loss, greater for all others. */
typedef enum eg_direction { EG_DIRECTION_AUTO, EG_DIRECTION_MIN, EG_DIRECTION_MAX } eg_direction;
typedef enum eg_anneal { EG_ANNEAL_COS, EG_ANNEAL_LINEAR } eg_anneal;
typedef enum eg_threshold { EG_THRESHOLD_REL, EG_THRESHOLD_ABS } eg_threshold;
typedef enum eg_stopping_scope { EG_SCOPE_RUN, EG_SCOPE_PHASE } eg_stopping_scope;

typedef struct eg_scheduler_section {
    bool given;
    eg_scheduler_kind kind;
    int64_t step_size;         /* step: epochs between drops; 0 when milestones are given */
    const int64_t *milestones; /* step, multistep: epochs, ascending */
    size_t milestone_count;
    double gamma;        /* step, multistep: 0.1; exponential: required */
    double min_lr;       /* cosine, cosine_restarts, plateau: 0 */
    int64_t T_0, T_mult; /* cosine_restarts: epochs of the first cycle; factor from cycle to cycle */
    /* one_cycle */
    double pct_start, div_factor, final_div_factor, base_momentum, max_momentum;
    eg_anneal anneal;
    bool three_phase, cycle_momentum;
    int64_t total_iters;             /* polynomial, linear: epochs; 0: all after the warm-up */
    double power;                    /* polynomial: 1 */
    double start_factor, end_factor; /* linear: 1/3, 1 */
    /* plateau */
    eg_monitor monitor;
    eg_direction mode;
    int64_t patience, cooldown;
    double factor, threshold, eps;
    eg_threshold threshold_mode;
    double warmup_epochs; /* linear from warmup_start * lr; in epochs, or */
    int64_t warmup_steps; /* in steps */
    double warmup_start;  /* 0 */
} eg_scheduler_section;

typedef enum eg_loss_kind { EG_LOSS_CROSS_ENTROPY, EG_LOSS_FOCAL, EG_LOSS_BCE, EG_LOSS_COUNT } eg_loss_kind;

typedef struct eg_loss_section {
    eg_loss_kind kind;
    double label_smoothing;
    double gamma;          /* focal: 2 */
    bool balanced;         /* class weights n / (classes * samples of the class) */
    const double *weights; /* one a class, or NULL */
    size_t weight_count;
    eg_place place; /* of the class weights */
} eg_loss_section;

/* Ends a training that no longer gets better. */
typedef struct eg_stopping_section {
    bool given;
    eg_place place;
    eg_monitor monitor;
    int64_t patience; /* epochs without a better value before it ends */
    double min_delta; /* least change that counts */
    eg_direction mode;
    eg_stopping_scope scope; /* what ends */
} eg_stopping_section;

/* train.groups: parameters by name; the first group with a pattern that fits takes a parameter. */
typedef struct eg_named_group {
    const char *name;
    eg_place place;
    eg_pattern_list patterns;
} eg_named_group;

typedef struct eg_group_rate {
    const char *group;
    double lr;
} eg_group_rate;

/* train.phases: what a phase does not say, the train section says. */
typedef struct eg_phase_section {
    const char *name;
    eg_place place;
    int64_t epochs;               /* 0: train's */
    const char *const *trainable; /* names of groups; none: everything that `freeze` leaves */
    size_t trainable_count;
    double lr;                  /* NaN: train's */
    const eg_group_rate *rates; /* instead of lr: one a trainable group */
    size_t rate_count;
    double layer_decay;             /* factor on lr from one trainable group to the next in the list */
    eg_bn_mode batch_norm;          /* default, eval or train_stats, of every BatchNorm */
    eg_scheduler_section scheduler; /* given false: train's */
} eg_phase_section;

typedef struct eg_train_section {
    bool given;
    eg_place place;
    int64_t epochs, batch_size;
    double lr;
    uint64_t seed;
    int64_t threads; /* 0: as many as there are processors */
    eg_optimizer_section optimizer;
    eg_scheduler_section scheduler;
    eg_loss_section loss;
    const eg_named_group *groups;
    size_t group_count;
    const eg_phase_section *phases; /* none: one phase that is the whole training */
    size_t phase_count;
    eg_stopping_section stopping;
    double ema_decay;   /* 0: no average */
    double clip_norm;   /* 0: none. The greatest norm of all gradients together */
    int64_t accumulate; /* batches to a step */
} eg_train_section;

/* ---- source, target, output ---- */
typedef struct eg_source_section {
    bool given;
    eg_place place;
    const char *checkpoint; /* resolved path */
    const char *state_dict; /* NULL: auto */
    const char *sha256;     /* lower-case hex, or NULL */
    bool dequantize;        /* quantized tensors count as the F32 numbers that they stand for */
    const char *arch;       /* as the target's; NULL: not given */
    eg_place arch_place;
    const char *const *classes; /* names; NULL: none, or their number alone */
    size_t class_count;         /* 0: not given */
    eg_transform_list preprocess;
} eg_source_section;

typedef struct eg_target_section {
    eg_place place;
    const char *arch; /* path of a file, or the name of a shipped architecture */
    eg_place arch_place;
    const char *manifest; /* resolved path of what stands for the network, or NULL */
    const struct eg_doc
        *args; /* the whole mapping; every key but `arch` and `classes` is an argument of the network */
    const char *const *classes;
    size_t class_count; /* 0: not given */
} eg_target_section;

typedef enum eg_key_policy {
    EG_POLICY_ERROR,
    EG_POLICY_INIT,
    EG_POLICY_IGNORE,
    EG_POLICY_SKIP,
    EG_POLICY_ADAPT_INPUT,
    EG_POLICY_OVERLAP,
    EG_POLICY_INTERPOLATE
} eg_key_policy;

typedef struct eg_size_rule {
    eg_pattern match;
    eg_key_policy policy;
} eg_size_rule;

typedef enum eg_conflict {
    EG_CONFLICT_ERROR,
    EG_CONFLICT_FIRST,
    EG_CONFLICT_LAST,
    EG_CONFLICT_EQUAL
} eg_conflict;

typedef enum eg_combine { EG_COMBINE_MEAN, EG_COMBINE_SUM, EG_COMBINE_COUNT } eg_combine;

/* One class of the target, and the source's classes that its row is made of. */
typedef struct eg_head_class {
    const char *name;
    eg_place place;
    const char *const *sources; /* names, or numbers from 0 */
    size_t count;
} eg_head_class;

/* The classifier's rows, taken class by class. */
typedef struct eg_head_section {
    bool given;
    eg_place place;
    const char *weight, *bias; /* target names; bias may be NULL */
    const eg_head_class *classes;
    size_t class_count; /* 0: by name */
    eg_combine combine;
} eg_head_section;

typedef struct eg_transfer_section {
    eg_place place;
    const eg_rule *rules;
    size_t rule_count;
    eg_pattern_list skip;
    eg_key_policy missing;       /* error | init */
    eg_key_policy unexpected;    /* error | ignore */
    eg_key_policy size_mismatch; /* error | skip | adapt_input | overlap | interpolate: where no rule fits */
    const eg_size_rule *sizes;   /* first match wins */
    size_t size_count;
    eg_conflict on_conflict;
    eg_head_section head;
    eg_key_policy unused_rule;                 /* error | ignore */
    int64_t expect_loaded, expect_initialized; /* -1: not given */
    double expect_min_loaded;                  /* share of the target's tensors; -1: not given */
    eg_place expect_place;
    bool allow_frozen_init; /* freezing a freshly initialised tensor is meant */
} eg_transfer_section;

typedef enum eg_output_format {
    EG_OUTPUT_PTH,
    EG_OUTPUT_SAFETENSORS,
    EG_OUTPUT_NPZ,
    EG_OUTPUT_FORMAT_COUNT
} eg_output_format;

/* Also the file name's extension. */
const char *eg_output_format_name(eg_output_format format);

/* Which weights are written: those that were trained, or their moving average. */
typedef enum eg_weights_kind { EG_WEIGHTS_RAW, EG_WEIGHTS_EMA, EG_WEIGHTS_COUNT } eg_weights_kind;

typedef struct eg_output_section {
    const char *dir;                           /* run directory, resolved */
    const char *checkpoint;                    /* resolved path, or NULL */
    const char *add_prefix;                    /* "" by default */
    eg_output_format format;                   /* of the models in dir */
    eg_weights_kind weights[EG_WEIGHTS_COUNT]; /* the first is validated, and is the model */
    size_t weight_count;
    const char *report; /* path of an HTML page, or NULL */
    eg_place place;
} eg_output_section;

typedef struct eg_recipe {
    const char *path;
    const char *folder; /* of the recipe file: relative paths start here */
    const char *name, *description;
    const struct eg_doc *doc; /* the merged document, overrides applied */
    eg_source_section source;
    eg_target_section target;
    eg_transfer_section transfer;
    const eg_init_rule *init;
    size_t init_count;
    const eg_freeze_rule *freeze;
    size_t freeze_count;
    const eg_group_rule *groups;
    size_t group_count;
    eg_data_section data;
    eg_train_section train;
    eg_output_section output;
} eg_recipe;

/* Reads and checks a recipe. overrides are "a.b=value" texts. All that is wrong goes to problems (its arena
 * owns the texts); returns NULL and fills err when anything is an error or the file cannot be read. The arena
 * owns the result. */
const eg_recipe *eg_recipe_read(eg_arena *arena, const char *path, const char *const *overrides,
                                size_t override_count, eg_problems *problems, eg_error *err);
/* The checked recipe as a YAML text with every default filled in, in the arena. */
const char *eg_recipe_text(eg_arena *arena, const eg_recipe *recipe);

#endif
