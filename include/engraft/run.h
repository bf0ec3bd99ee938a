/* The commands: one run from recipe to outputs, and its parts alone. */
#ifndef ENGRAFT_RUN_H
#define ENGRAFT_RUN_H

#include "engraft/checkpoint.h"
#include "engraft/error.h"
#include "engraft/problem.h"

/* Options common to the commands that take a recipe. */
typedef struct eg_run_options {
    const char *recipe;
    const char *const *overrides; /* --set a.b=v */
    size_t override_count;
    int threads;           /* --threads, 0: the recipe's, or as many as there are processors */
    const char *out;       /* --out: run directory; of apply and plan --reverse, the file to write; or NULL */
    bool json;             /* one JSON document on standard output */
    bool keys;             /* plan --keys */
    const char *junit;     /* plan --junit FILE: its checks as test cases, too; or NULL */
    bool reverse;          /* plan --reverse: the recipe that undoes this one, to `out` */
    const char *data;      /* eval --data DIR, or NULL */
    const char *model;     /* eval --model FILE, or NULL */
    bool predictions;      /* eval --predictions */
    const char *key;       /* explain: the tensor's name */
    bool resume;           /* run, train: go on where an interrupted run of the same directory was */
    bool applied;          /* train: the transfer has been done already */
    const char *from;      /* train --from: the applied model; NULL: the recipe's output.checkpoint */
    eg_problems *problems; /* receives everything that is wrong with recipe, architecture or plan */
} eg_run_options;

/* At the start of the process, from one thread: ends the threads that libraries begin when they are loaded,
 * which slow every command down. Without it all works, later. */
void eg_run_setup(void);
/* Plan, apply, train, evaluate, write. */
bool eg_run(const eg_run_options *options, eg_error *err);
/* The training alone, from a model that `apply` wrote: its tensors are taken as they are. */
bool eg_run_train(const eg_run_options *options, eg_error *err);
/* The transfer alone: plans, applies and writes the model to options->out (NULL: the recipe's
 * output.checkpoint). Needs neither data nor train in the recipe. */
bool eg_run_apply(const eg_run_options *options, eg_error *err);
/* Shows the plan; EG_REFUSED when it is refused. */
bool eg_run_plan(const eg_run_options *options, eg_error *err);
/* What becomes of one tensor, and what it is made of, rule by rule; EG_USAGE when there is none of that name.
 */
bool eg_run_explain(const eg_run_options *options, eg_error *err);

typedef struct eg_init_options {
    const char *source;           /* checkpoint */
    const char *arch;             /* --arch NAME */
    const char *state_dict;       /* --state-dict PATH, or NULL */
    const char *const *overrides; /* --set k=v: arguments of the architecture */
    size_t override_count;
    const char *out; /* --out FILE; NULL: standard output */
    eg_problems *problems;
} eg_init_options;

/* Writes a recipe to start from: the rules and skips that make the plan of the source for the network whole.
 */
bool eg_run_init(const eg_init_options *options, eg_error *err);

typedef struct eg_infer_options {
    const char *a, *b;            /* checkpoints: what there is, and what it becomes */
    const char *arch;             /* --arch NAME: the recipe's target; NULL: the tensors of b */
    const char *state_dict;       /* --state-dict PATH in a, or NULL */
    const char *const *overrides; /* --set k=v: arguments of the architecture */
    size_t override_count;
    const char *out; /* -o FILE; NULL: standard output */
    bool json;
    eg_problems *problems;
} eg_infer_options;

/* Learns the mapping that makes b of a, by content, and writes it as a recipe. It is applied and compared
 * with b before: EG_MISMATCH when a tensor that it explains comes out otherwise, or when it explains none. */
bool eg_run_infer(const eg_infer_options *options, eg_error *err);

/* Evaluates the trained model on the validation set. */
bool eg_run_eval(const eg_run_options *options, eg_error *err);

/* Prints the JSON Schema of the recipe. */
bool eg_run_schema(eg_error *err);

typedef struct eg_predict_options {
    const char *model;
    const char *const *images;
    size_t image_count;
    int threads;
    bool json;
    eg_problems *problems;
} eg_predict_options;

/* Classifies images with a model that engraft wrote (the network and the preprocessing are in the file). */
bool eg_run_predict(const eg_predict_options *options, eg_error *err);

typedef struct eg_selftest_options {
    const char *threads; /* --threads: "1,2,7"; NULL: 1, 2, 3 and 7 */
    bool quick, json;
} eg_selftest_options;

/* Compares kernels with the definition in every form that this processor runs, and small trainings across
 * forms and numbers of threads; EG_MISMATCH when anything differs. */
bool eg_run_selftest(const eg_selftest_options *options, eg_error *err);
/* Prints name, version and, as JSON, the arithmetic. */
bool eg_run_version(bool json, eg_error *err);

typedef struct eg_inspect_options {
    const char *file;
    eg_checkpoint_options read; /* how; `inspect` is set by the command */
    bool json, digest, stats;
    bool manifest; /* names, dtypes and shapes to plan against; with digest, the digests, too */
} eg_inspect_options;

bool eg_run_inspect(const eg_inspect_options *options, eg_error *err);

typedef struct eg_diff_options {
    const char *a, *b;
    eg_checkpoint_options read; /* how, both files */
    bool json;
} eg_diff_options;

/* Compares two checkpoints tensor by tensor; EG_MISMATCH when they are not equal. */
bool eg_run_diff(const eg_diff_options *options, eg_error *err);

typedef struct eg_convert_options {
    const char *in, *out; /* the extension of out picks the format */
    eg_checkpoint_options read;
    const char *format; /* --format, or NULL: see eg_checkpoint_extra */
    const char *tied;   /* "first": safetensors keeps one of several tied tensors; "error"; NULL: first */
    bool json;
} eg_convert_options;

/* Writes a checkpoint's state dict in another format. */
bool eg_run_convert(const eg_convert_options *options, eg_error *err);

typedef struct eg_arch_options {
    const char *name;             /* a shipped name or a path; NULL: list what is shipped */
    const char *const *overrides; /* --set argument=value */
    size_t override_count;
    bool keys, operators, json;
    eg_problems *problems;
} eg_arch_options;

/* Lists the architectures, or shows one: modules, shapes, parameters, FLOPs, or its state dict's keys;
 * or (operators) what the architecture language has. */
bool eg_run_arch(const eg_arch_options *options, eg_error *err);

/* Says on standard error what went wrong: every problem with its line and caret and how many there are, or
 * the error where it is none of them. */
void eg_run_report(const eg_error *err, const eg_problems *problems);
/* The name that was probably meant, or NULL. */
const char *eg_run_suggest(const char *name, const char *const *names, size_t count);
/* The signal (SIGINT, SIGTERM) that ended a command, after it had removed its unfinished files; or 0. */
int eg_run_signal(void);

#endif
