/* The command line: a table of commands, a table of options, and the parser that reads both. */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engraft/run.h"

/* Everything a command line can say. */
typedef struct cli_arguments {
    const char **words; /* what is no option */
    size_t word_count;
    const char **overrides;
    size_t override_count;
    const char *out, *data, *model, *from, *arch, *junit, *thread_list, *tied, *format;
    eg_checkpoint_options read;
    int threads;
    bool quick, json, keys, operators, reverse, predictions, digest, stats, manifest, resume, help;
    eg_problems *problems;
} cli_arguments;

typedef struct cli_command {
    const char *name, *line, *usage;
    size_t least, most; /* words */
    bool (*run)(const cli_arguments *arguments, eg_error *err);
} cli_command;

/* ---- commands ---- */

static eg_run_options recipe_options(const cli_arguments *arguments)
{
    return (eg_run_options){
        .recipe = arguments->words[0],
        .overrides = arguments->overrides,
        .override_count = arguments->override_count,
        .threads = arguments->threads,
        .out = arguments->out,
        .json = arguments->json,
        .keys = arguments->keys,
        .reverse = arguments->reverse,
        .junit = arguments->junit,
        .data = arguments->data,
        .model = arguments->model,
        .from = arguments->from,
        .resume = arguments->resume,
        .predictions = arguments->predictions,
        .problems = arguments->problems,
    };
}

static bool run(const cli_arguments *arguments, eg_error *err)
{
    eg_run_options options = recipe_options(arguments);
    return eg_run(&options, err);
}

static bool train(const cli_arguments *arguments, eg_error *err)
{
    eg_run_options options = recipe_options(arguments);
    return eg_run_train(&options, err);
}

static bool plan(const cli_arguments *arguments, eg_error *err)
{
    eg_run_options options = recipe_options(arguments);
    return eg_run_plan(&options, err);
}

static bool explain(const cli_arguments *arguments, eg_error *err)
{
    eg_run_options options = recipe_options(arguments);
    options.key = arguments->words[1];
    return eg_run_explain(&options, err);
}

static bool init(const cli_arguments *arguments, eg_error *err)
{
    eg_init_options options = {
        .source = arguments->words[0],
        .arch = arguments->arch,
        .state_dict = arguments->read.state_dict,
        .overrides = arguments->overrides,
        .override_count = arguments->override_count,
        .out = arguments->out,
        .problems = arguments->problems,
    };
    return eg_run_init(&options, err);
}

static bool infer(const cli_arguments *arguments, eg_error *err)
{
    eg_infer_options options = {
        .a = arguments->words[0],
        .b = arguments->words[1],
        .arch = arguments->arch,
        .state_dict = arguments->read.state_dict,
        .overrides = arguments->overrides,
        .override_count = arguments->override_count,
        .out = arguments->out,
        .json = arguments->json,
        .problems = arguments->problems,
    };
    return eg_run_infer(&options, err);
}

static bool eval(const cli_arguments *arguments, eg_error *err)
{
    eg_run_options options = recipe_options(arguments);
    return eg_run_eval(&options, err);
}

static bool predict(const cli_arguments *arguments, eg_error *err)
{
    eg_predict_options options = {
        .model = arguments->words[0],
        .images = arguments->words + 1,
        .image_count = arguments->word_count - 1,
        .threads = arguments->threads,
        .json = arguments->json,
        .problems = arguments->problems,
    };
    return eg_run_predict(&options, err);
}

static bool inspect(const cli_arguments *arguments, eg_error *err)
{
    eg_inspect_options options = {
        .file = arguments->words[0],
        .read = arguments->read,
        .json = arguments->json,
        .digest = arguments->digest,
        .stats = arguments->stats,
        .manifest = arguments->manifest,
    };
    return eg_run_inspect(&options, err);
}

static bool apply(const cli_arguments *arguments, eg_error *err)
{
    eg_run_options options = recipe_options(arguments);
    return eg_run_apply(&options, err);
}

static bool diff(const cli_arguments *arguments, eg_error *err)
{
    eg_diff_options options = {
        .a = arguments->words[0],
        .b = arguments->words[1],
        .read = arguments->read,
        .json = arguments->json,
    };
    return eg_run_diff(&options, err);
}

static bool convert(const cli_arguments *arguments, eg_error *err)
{
    eg_convert_options options = {
        .in = arguments->words[0],
        .out = arguments->words[1],
        .read = arguments->read,
        .tied = arguments->tied,
        .format = arguments->format,
        .json = arguments->json,
    };
    return eg_run_convert(&options, err);
}

static bool arch(const cli_arguments *arguments, eg_error *err)
{
    eg_arch_options options = {
        .name = arguments->word_count ? arguments->words[0] : NULL,
        .overrides = arguments->overrides,
        .override_count = arguments->override_count,
        .keys = arguments->keys,
        .operators = arguments->operators,
        .json = arguments->json,
        .problems = arguments->problems,
    };
    return eg_run_arch(&options, err);
}

static bool selftest(const cli_arguments *arguments, eg_error *err)
{
    eg_selftest_options options = {
        .threads = arguments->thread_list, .quick = arguments->quick, .json = arguments->json};
    return eg_run_selftest(&options, err);
}

static bool schema(const cli_arguments *arguments, eg_error *err)
{
    (void)arguments;
    return eg_run_schema(err);
}

static const cli_command commands[] = {
    {"run", "plan, apply, train, evaluate, write", "RECIPE", 1, 1, run},
    {"plan", "show what every tensor becomes, before a byte of it is read", "RECIPE", 1, 1, plan},
    {"apply", "transfer without training: plan, apply, write the model", "RECIPE", 1, 1, apply},
    {"train", "train a model that `engraft apply` wrote: the recipe without its transfer", "RECIPE", 1, 1,
     train},
    {"explain", "the life of one tensor, from the source on and back from the target", "RECIPE KEY", 2, 2,
     explain},
    {"init", "write a recipe to start from", "SOURCE --arch NAME", 1, 1, init},
    {"infer", "learn a recipe from an example: what makes the tensors of B of those of A", "A B", 2, 2,
     infer},
    {"eval", "evaluate a recipe's model on its validation set, or on a folder", "RECIPE", 1, 1, eval},
    {"predict", "classify images with a model that engraft wrote", "MODEL IMAGE...", 2, SIZE_MAX, predict},
    {"schema", "JSON Schema of the recipe, for editors", "", 0, 0, schema},
    {"inspect", "what a checkpoint holds; nothing in it is executed", "FILE", 1, 1, inspect},
    {"diff", "compare two checkpoints: names, shapes, values", "A B", 2, 2, diff},
    {"convert", "write a checkpoint in another format", "IN OUT", 2, 2, convert},
    {"arch", "list the architectures, or show one", "[NAME]", 0, 1, arch},
    {"selftest", "is what this machine computes right, and always the same?", "", 0, 0, selftest},
};

enum { COMMANDS = sizeof commands / sizeof *commands };

/* ---- options ---- */

typedef enum option_kind { OPTION_FLAG, OPTION_TEXT, OPTION_COUNT, OPTION_SIZE, OPTION_OVERRIDE } option_kind;

typedef struct cli_option {
    const char *name, *argument, *line;
    const char *commands; /* " run plan " */
    option_kind kind;
    size_t offset; /* in arguments */
} cli_option;

#define AT(member) offsetof(cli_arguments, member)

static const cli_option options[] = {
    {"set", "KEY=VALUE", "change the recipe: train.epochs=1 (as often as needed)",
     " run plan apply train explain init infer eval ", OPTION_OVERRIDE, 0},
    {"set", "KEY=VALUE", "an argument: num_classes=10 (as often as needed)", " arch ", OPTION_OVERRIDE, 0},
    {"arch", "NAME", "the network that the weights go to", " init ", OPTION_TEXT, AT(arch)},
    {"out", "DIR", "the run directory, instead of the recipe's", " run train eval ", OPTION_TEXT, AT(out)},
    {"out", "FILE", "the file to write (or -o FILE); the extension picks the format", " apply ", OPTION_TEXT,
     AT(out)},
    {"arch", "NAME", "the network that B is of, instead of a manifest", " infer ", OPTION_TEXT, AT(arch)},
    {"out", "FILE", "the recipe to write (or -o FILE), instead of standard output", " init infer ",
     OPTION_TEXT, AT(out)},
    {"threads", "N", "threads (all processors); the result does not depend on it", " run train eval predict ",
     OPTION_COUNT, AT(threads)},
    {"threads", "N,N...", "numbers of threads to compare (1,2,3,7)", " selftest ", OPTION_TEXT,
     AT(thread_list)},
    {"quick", NULL, "without the largest networks", " selftest ", OPTION_FLAG, AT(quick)},
    {"resume", NULL, "go on where an interrupted run of the same directory was, to the same bits",
     " run train ", OPTION_FLAG, AT(resume)},
    {"keys", NULL, "the model's, the pretrained and the transferred keys", " plan ", OPTION_FLAG, AT(keys)},
    {"junit", "FILE", "the plan's checks as test cases, too, in JUnit's XML", " plan ", OPTION_TEXT,
     AT(junit)},
    {"reverse", NULL, "the recipe that undoes this one, and which rules can be inverted", " plan ",
     OPTION_FLAG, AT(reverse)},
    {"out", "FILE", "with --reverse, the recipe to write (or -o FILE)", " plan ", OPTION_TEXT, AT(out)},
    {"keys", NULL, "the state dict's keys, with shapes and types", " arch ", OPTION_FLAG, AT(keys)},
    {"from", "FILE", "the model to start from, instead of output.checkpoint, where apply puts it", " train ",
     OPTION_TEXT, AT(from)},
    {"operators", NULL, "what the language of architectures has, with arguments", " arch ", OPTION_FLAG,
     AT(operators)},
    {"model", "FILE", "the model, instead of the one the recipe writes", " eval ", OPTION_TEXT, AT(model)},
    {"data", "DIR", "images, one folder a class, instead of the recipe's data.val", " eval ", OPTION_TEXT,
     AT(data)},
    {"predictions", NULL, "every sample's prediction, too", " eval ", OPTION_FLAG, AT(predictions)},
    {"state-dict", "PATH", "the state dict in the file, where there are several",
     " inspect init infer diff convert ", OPTION_TEXT, AT(read.state_dict)},
    {"no-verify", NULL, "do not check the CRCs of a zip's records", " inspect diff convert ", OPTION_FLAG,
     AT(read.no_verify)},
    {"allow-expand", NULL, "let views repeat their storage without bound", " inspect diff convert ",
     OPTION_FLAG, AT(read.allow_expand)},
    {"allow-bare-pickle", NULL, "list what a pickle without tensors holds", " inspect ", OPTION_FLAG,
     AT(read.allow_bare_pickle)},
    {"max-pickle", "SIZE", "the largest data.pkl in a zip: bytes, or 512M, 2G (256M)",
     " inspect diff convert ", OPTION_SIZE, AT(read.max_pickle)},
    {"tied", "first|error", "tied tensors in safetensors: keep the first, or refuse (first)", " convert ",
     OPTION_TEXT, AT(tied)},
    {"dequantize", NULL, "read quantized tensors as the numbers they stand for", " inspect diff convert ",
     OPTION_FLAG, AT(read.dequantize)},
    {"format", "NAME", "pth-legacy: a .pth as PyTorch before 1.6 wrote it", " convert ", OPTION_TEXT,
     AT(format)},
    {"digest", NULL, "the SHA-256 of every tensor", " inspect ", OPTION_FLAG, AT(digest)},
    {"stats", NULL, "values and health of every tensor", " inspect ", OPTION_FLAG, AT(stats)},
    {"manifest", NULL, "names and shapes as JSON, enough for `engraft plan`", " inspect ", OPTION_FLAG,
     AT(manifest)},
    {"json", NULL, "one JSON document on standard output",
     " run plan apply train infer eval predict inspect diff convert arch selftest ", OPTION_FLAG, AT(json)},
    {"help", NULL, "this text",
     " run plan apply train explain init infer eval predict schema inspect diff convert arch selftest ",
     OPTION_FLAG, AT(help)},
};

enum { OPTIONS = sizeof options / sizeof *options };

static bool takes(const cli_command *command, const cli_option *option)
{
    char word[32];
    snprintf(word, sizeof word, " %s ", command->name);
    return strstr(option->commands, word) != NULL;
}

/* ---- help ---- */

static void print_help(FILE *out)
{
    fprintf(out, "usage: engraft COMMAND ...\n\n");
    for (size_t i = 0; i < COMMANDS; i++) fprintf(out, "  %-8s  %s\n", commands[i].name, commands[i].line);
    fprintf(out,
            "\n`engraft COMMAND --help` lists a command's options; `engraft --version` says which this is.\n"
            "Exit codes: 0 ok, 1 usage, 2 malformed file, 3 unsafe file, 4 recipe error, 5 plan refused,\n"
            "6 verification mismatch, 7 input/output, 8 training diverged.\n");
}

static void print_command_help(const cli_command *command, FILE *out)
{
    fprintf(out, "usage: engraft %s %s [OPTION]...\n%s\n\n", command->name, command->usage, command->line);
    for (size_t i = 0; i < OPTIONS; i++) {
        char left[40];
        if (!takes(command, &options[i])) continue;
        snprintf(left, sizeof left, "--%s%s%s", options[i].name, options[i].argument ? " " : "",
                 options[i].argument ? options[i].argument : "");
        fprintf(out, "  %-18s  %s\n", left, options[i].line);
    }
}

/* ---- parsing ---- */

static const cli_command *find_command(const char *name, eg_error *err)
{
    const char *names[COMMANDS];
    for (size_t i = 0; i < COMMANDS; i++) {
        names[i] = commands[i].name;
        if (strcmp(name, names[i]) == 0) return &commands[i];
    }
    const char *meant = eg_run_suggest(name, names, COMMANDS);
    eg_fail(err, EG_USAGE, "there is no command '%s'; %s%s%s", name,
            meant ? "did you mean '" : "`engraft --help` lists them", meant ? meant : "", meant ? "'?" : "");
    return NULL;
}

/* name is not terminated: it ends before '='. */
static const cli_option *find_option(const cli_command *command, const char *name, size_t length,
                                     eg_error *err)
{
    const char *names[OPTIONS];
    size_t count = 0;
    for (size_t i = 0; i < OPTIONS; i++) {
        if (!takes(command, &options[i])) continue;
        names[count++] = options[i].name;
        if (strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0)
            return &options[i];
    }
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)length, name);
    const char *meant = eg_run_suggest(word, names, count);
    eg_fail(err, EG_USAGE, "`engraft %s` has no option '--%s'; %s%s%s", command->name, word,
            meant ? "did you mean '--" : "`engraft COMMAND --help` lists them", meant ? meant : "",
            meant ? "'?" : "");
    return NULL;
}

static bool set_count(int *count, const char *name, const char *value, eg_error *err)
{
    enum { MOST = 1024 };
    char *end;
    long number = strtol(value, &end, 10);
    if (end == value || *end || number < 1 || number > MOST)
        return eg_fail(err, EG_USAGE, "--%s is '%s'; expected a number from 1 to %d", name, value, MOST);
    *count = (int)number;
    return true;
}

/* 1000, 64K, 512M, 2G. */
static bool set_size(uint64_t *size, const char *name, const char *value, eg_error *err)
{
    static const char units[] = "KMG";
    char *end;
    unsigned long long number = strtoull(value, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    bool plain = value[0] >= '0' && value[0] <= '9' && (!*end || (unit && !end[1]));
    if (!plain || number == 0 || number > UINT64_MAX >> shift)
        return eg_fail(err, EG_USAGE, "--%s is '%s'; expected a size such as 1000, 64K, 512M or 2G", name,
                       value);
    *size = (uint64_t)number << shift;
    return true;
}

static bool set_option(cli_arguments *arguments, const cli_option *option, const char *value, eg_error *err)
{
    char *at = (char *)arguments + option->offset;
    switch (option->kind) {
    case OPTION_FLAG: *(bool *)at = true; return true;
    case OPTION_TEXT: *(const char **)at = value; return true;
    case OPTION_COUNT: return set_count((int *)at, option->name, value, err);
    case OPTION_SIZE: return set_size((uint64_t *)at, option->name, value, err);
    case OPTION_OVERRIDE: arguments->overrides[arguments->override_count++] = value; return true;
    }
    return false;
}

/* One option at words[*at]; its value follows '=' or is the next word. */
static bool parse_option(cli_arguments *arguments, const cli_command *command, char **words, int count,
                         int *at, eg_error *err)
{
    const char *name = words[*at][1] == '-' ? words[*at] + 2 : "out"; /* -o */
    const char *value = strchr(name, '=');
    const cli_option *option = find_option(command, name, value ? (size_t)(value - name) : strlen(name), err);
    if (!option) return false;
    if (option->kind == OPTION_FLAG && value)
        return eg_fail(err, EG_USAGE, "--%s takes no value", option->name);
    if (option->kind != OPTION_FLAG && !value && *at + 1 >= count)
        return eg_fail(err, EG_USAGE, "--%s needs a value: --%s %s", option->name, option->name,
                       option->argument);
    if (value)
        value++;
    else if (option->kind != OPTION_FLAG)
        value = words[++*at];
    return set_option(arguments, option, value, err);
}

/* Options may stand anywhere; after "--" everything is a word. */
static bool parse(cli_arguments *arguments, const cli_command *command, char **words, int count,
                  eg_error *err)
{
    bool only_words = false;
    for (int i = 0; i < count; i++) {
        if (only_words || words[i][0] != '-' || !words[i][1]) {
            arguments->words[arguments->word_count++] = words[i];
        } else if (strcmp(words[i], "--") == 0) {
            only_words = true;
        } else if (strcmp(words[i], "-h") == 0) {
            arguments->help = true;
        } else if (words[i][1] != '-' && strcmp(words[i], "-o") != 0) {
            return eg_fail(err, EG_USAGE, "there is no option '%s'; options are written --name", words[i]);
        } else if (!parse_option(arguments, command, words, count, &i, err)) {
            return false;
        }
    }
    if (arguments->help) return true;
    if (arguments->word_count < command->least || arguments->word_count > command->most)
        return eg_fail(err, EG_USAGE, "usage: engraft %s %s [OPTION]...", command->name, command->usage);
    return true;
}

static bool run_command(int count, char **words, cli_arguments *arguments, eg_error *err)
{
    const cli_command *command = find_command(words[0], err);
    if (!command || !parse(arguments, command, words + 1, count - 1, err)) return false;
    if (arguments->help)
        print_command_help(command, stdout);
    else if (!command->run(arguments, err))
        return false;
    if (fflush(stdout) == 0 && !ferror(stdout)) return true;
    return eg_fail(err, EG_SYSTEM, "cannot write to standard output");
}

/* Ends as the signal would have ended it: everything is closed, and the caller sees why. */
static void pass_on_signal(void)
{
    int number = eg_run_signal();
    if (!number) return;
    signal(number, SIG_DFL);
    raise(number);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EG_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return EG_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        eg_error err = {0};
        return eg_run_version(argc > 2 && strcmp(argv[2], "--json") == 0, &err) ? EG_OK : EG_SYSTEM;
    }
    eg_run_setup();
    signal(SIGXFSZ, SIG_IGN); /* a limit of file size is an error like a full disk */
    eg_arena arena = {0};
    eg_problems problems = {.arena = &arena};
    eg_error err = {0};
    cli_arguments arguments = {
        .words = EG_NEW_ARRAY(&arena, const char *, (size_t)argc),
        .overrides = EG_NEW_ARRAY(&arena, const char *, (size_t)argc),
        .problems = &problems,
    };
    bool ok = run_command(argc - 1, argv + 1, &arguments, &err);
    if (!ok) eg_run_report(&err, &problems);
    eg_arena_clear(&arena);
    pass_on_signal();
    return ok ? EG_OK : err.code ? (int)err.code : EG_SYSTEM;
}
