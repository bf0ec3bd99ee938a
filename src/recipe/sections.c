#include "recipe/sections.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "recipe/mapping.h"
#include "recipe/pattern.h"
#include "recipe/train_section.h"
#include "recipe/transform.h"

#define NO_PLACE .given = EG_NOWHERE, .place = EG_NOWHERE
#define MANY     9.2e18 /* no upper end */

/* ---- source ---- */

#define AT(member) offsetof(eg_source_section, member)

static void read_sha256(eg_schema *in, const eg_doc *doc, void *base)
{
    const char *text = eg_schema_text(in, doc, "sha256");
    if (!text) return;
    char *hex = eg_arena_string(in->arena, text);
    size_t length = 0;
    for (; isxdigit((unsigned char)hex[length]); length++)
        if (hex[length] >= 'A' && hex[length] <= 'F') hex[length] += 'a' - 'A';
    if (length == 64 && !hex[64])
        ((eg_source_section *)base)->sha256 = hex;
    else
        eg_schema_expected(in, doc, "sha256", "64 hexadecimal digits");
}

static void read_state_dict(eg_schema *in, const eg_doc *doc, void *base)
{
    const char *text = eg_schema_text(in, doc, "state_dict");
    if (text && strcmp(text, "auto") != 0) ((eg_source_section *)base)->state_dict = text;
}

static void read_source_preprocess(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_preprocess_read(in, doc, &((eg_source_section *)base)->preprocess);
}

/* A path when it looks like one, else the name of a shipped architecture. */
static void read_arch(eg_schema *in, const eg_doc *doc, const char **arch, eg_place *place)
{
    const char *text = eg_schema_text(in, doc, "arch");
    const eg_field path = {.key = "arch", .type = EG_TYPE_PATH};
    if (!text) return;
    *arch = text;
    *place = doc->place;
    if (strchr(text, '/') || eg_ends_with(text, ".yaml") || eg_ends_with(text, ".yml"))
        eg_schema_path(in, &path, doc, arch);
}

static void read_source_arch(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_source_section *source = base;
    read_arch(in, doc, &source->arch, &source->arch_place);
}

/* One class a line; empty lines are passed over. */
static void read_class_file(eg_schema *in, const eg_doc *doc, eg_source_section *source)
{
    enum { LARGEST = 16 << 20 };
    const eg_field field = {.key = "classes", .type = EG_TYPE_PATH};
    const char *path = NULL;
    eg_error err = {0};
    eg_schema_path(in, &field, doc, &path);
    char *text = path ? eg_file_read(in->arena, path, LARGEST, NULL, &err) : NULL;
    if (path && !text)
        eg_problem_add(
            in->problems, "no_file", doc->place,
            "'classes' expects a list, a number, imagenet1k, or a file with one class a line; cannot read "
            "'%s': %s",
            path, err.text);
    size_t lines = 1;
    for (const char *at = text; at && *at; at++) lines += *at == '\n';
    const char **names = EG_NEW_ARRAY(in->arena, const char *, lines);
    while (text && *text) {
        size_t length = strcspn(text, "\r\n");
        if (length) names[source->class_count++] = eg_arena_substring(in->arena, text, length);
        text += length + (text[length] != '\0');
    }
    source->classes = names;
}

static void read_source_classes(eg_schema *in, const eg_doc *doc, void *base)
{
    enum { IMAGENET = 1000 };
    eg_source_section *source = base;
    const eg_field list = {"classes", EG_TYPE_STRINGS, AT(classes), .count = AT(class_count)};
    int64_t count;
    if (doc->kind == EG_DOC_LIST) {
        eg_schema_strings(in, &list, doc, base);
        eg_schema_distinct(in, doc, "classes");
    } else if (eg_scalar_int(doc, &count) && count > 0) {
        source->class_count = (size_t)count;
    } else if (doc->kind == EG_DOC_SCALAR && strcmp(doc->text, "imagenet1k") == 0) {
        source->class_count = IMAGENET;
    } else {
        read_class_file(in, doc, source);
    }
}

/* Signs alone: letters, digits and '_' stand within segments, too. */
static void read_separator(eg_schema *in, const eg_doc *doc, void *base)
{
    const char *text = eg_schema_text(in, doc, "separator");
    if (!text || strcmp(text, ".") == 0) return;
    bool signs = true;
    for (const char *at = text; *at; at++) signs &= ispunct((unsigned char)*at) && !strchr("_.-", *at);
    if (signs)
        ((eg_source_section *)base)->separator = text;
    else
        eg_schema_expected(in, doc, "separator",
                           "signs that stand in no segment, such as '/'; for others there is `replace`");
}

static const eg_word weights_words[] = {{"raw", 0}, {"ema", EG_WORD_UNSUPPORTED}, {0}};

static const eg_field source_rows[] = {
    {"checkpoint", EG_TYPE_PATH, AT(checkpoint), .required = true,
     .doc = "the file that the weights come from"},
    {"sha256", EG_TYPE_OTHER, .read = read_sha256, .doc = "what the file's SHA-256 must be"},
    {"state_dict", EG_TYPE_OTHER, .read = read_state_dict, .standard = "auto",
     .doc = "path of the state dict in the file; auto: there must be one"},
    {"dequantize", EG_TYPE_BOOL, AT(dequantize), "false",
     .doc = "read quantized tensors as the numbers they stand for, (integer - zero point) * scale"},
    {"weights", EG_TYPE_WORD, EG_NOWHERE, "raw", .words = weights_words,
     .doc = "raw: never an average of weights"},
    {"preprocess", EG_TYPE_OTHER, .read = read_source_preprocess, .doc = "what the source was trained with"},
    {"arch", EG_TYPE_OTHER, .read = read_source_arch,
     .doc = "the network that the checkpoint is of: the file is compared with it"},
    {"classes", EG_TYPE_OTHER, .read = read_source_classes,
     .doc = "names of the source's classes: a list, a file with one a line, a number, or imagenet1k"},
    {"separator", EG_TYPE_OTHER, .read = read_separator, .standard = "'.'",
     .doc =
         "what stands between the segments of the source's names, '/' in JAX: rules see dots in its place"},
    {"scalars", EG_TYPE_BOOL, AT(scalars), "false",
     .doc = "numbers in the state dict are tensors without dims: int I64, float F64, bool BOOL"},
};
static const eg_section source_section = {"source", EG_FIELDS(source_rows), .bare = "checkpoint",
                                          .given = AT(given), .place = AT(place)};
#undef AT

/* ---- target ---- */

#define AT(member) offsetof(eg_target_section, member)

static void read_target_arch(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_target_section *target = base;
    read_arch(in, doc, &target->arch, &target->arch_place);
}

/* A network, or a manifest that stands for one and has no arguments. */
static void check_network(eg_schema *in, const eg_doc *doc, const eg_target_section *target)
{
    if (!doc || doc->kind != EG_DOC_MAP) return;
    if (eg_doc_is_null(eg_doc_find(doc, "arch")) && eg_doc_is_null(eg_doc_find(doc, "manifest")))
        eg_problem_add(in->problems, "missing_key", doc->place,
                       "'arch' is missing in 'target': name of a shipped architecture, or path of an "
                       "architecture file; 'manifest' takes its place where no network is needed");
    for (size_t i = 0; target->manifest && i < doc->count; i++)
        if (strcmp(doc->keys[i]->text, "manifest") != 0)
            eg_problem_add(in->problems, "manifest_alone", doc->keys[i]->place,
                           "'%s' has no place beside 'manifest', which is names and shapes without a network",
                           doc->keys[i]->text);
}

static void check_target(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_target_section *target = base;
    const eg_doc *number = eg_doc_find(doc, "num_classes"), *classes = eg_doc_find(doc, "classes");
    int64_t count;
    target->args = doc;
    check_network(in, doc, target);
    if (classes && classes->kind == EG_DOC_LIST && number && eg_scalar_int(number, &count) &&
        (size_t)count != target->class_count)
        eg_problem_add(in->problems, "class_count", number->place,
                       "'num_classes' is %s, but 'classes' has %zu names", number->text, target->class_count);
    eg_schema_distinct(in, classes, "classes");
}

static const eg_field target_rows[] = {
    {"arch", EG_TYPE_OTHER, .read = read_target_arch,
     .doc = "name of a shipped architecture, or path of an architecture file"},
    {"classes", EG_TYPE_STRINGS, AT(classes), .count = AT(class_count),
     .doc = "names of the classes, in order"},
    {"manifest", EG_TYPE_PATH, AT(manifest),
     .doc = "instead of arch, for `plan` and `apply`: a file of names and shapes (`engraft inspect "
            "--manifest`), "
            "or a checkpoint that has them"},
};
static const eg_section target_section = {
    "target",           EG_FIELDS(target_rows), .bare = "arch", .open = true, .given = EG_NOWHERE,
    .place = AT(place), .check = check_target};
#undef AT

/* ---- transfer ---- */

#define AT(member) offsetof(eg_transfer_section, member)

static void read_mapping(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_transfer_section *transfer = base;
    eg_mapping_read(in, doc, &transfer->rules, &transfer->rule_count);
}

static const eg_field expect_rows[] = {
    {"loaded", EG_TYPE_INT, AT(expect_loaded), "-1", 0, MANY,
     .doc = "how many target tensors come from the source"},
    {"initialized", EG_TYPE_INT, AT(expect_initialized), "-1", 0, MANY,
     .doc = "how many target tensors are drawn"},
    {"min_loaded", EG_TYPE_NUMBER, AT(expect_min_loaded), "-1", 0, 1,
     .doc = "least share of target tensors loaded"},
};
static const eg_section expect_section = {"transfer.expect", EG_FIELDS(expect_rows), .given = EG_NOWHERE,
                                          .place = AT(expect_place)};

static const eg_word missing_words[] = {{"error", EG_POLICY_ERROR}, {"init", EG_POLICY_INIT}, {0}};
static const eg_word unexpected_words[] = {{"error", EG_POLICY_ERROR}, {"ignore", EG_POLICY_IGNORE}, {0}};
static const eg_word size_words[] = {{"error", EG_POLICY_ERROR},
                                     {"skip", EG_POLICY_SKIP},
                                     {"adapt_input", EG_POLICY_ADAPT_INPUT},
                                     {"overlap", EG_POLICY_OVERLAP},
                                     {"interpolate", EG_POLICY_INTERPOLATE},
                                     {0}};
static const eg_word conflict_words[] = {{"error", EG_CONFLICT_ERROR},
                                         {"first", EG_CONFLICT_FIRST},
                                         {"last", EG_CONFLICT_LAST},
                                         {"equal", EG_CONFLICT_EQUAL},
                                         {0}};

#define SIZE_AT(member) offsetof(eg_size_rule, member)
static const eg_field size_rows[] = {
    {"match", EG_TYPE_PATTERN, SIZE_AT(match), .required = true, .doc = "target names"},
    {"policy", EG_TYPE_WORD, SIZE_AT(policy), "error", .words = size_words, .required = true,
     .doc = "what to do with them"},
};
static const eg_section size_section = {"transfer.size_mismatch", EG_FIELDS(size_rows), NO_PLACE};

/* A word for all, or a list of items that are tried in order. */
static void read_size_mismatch(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_transfer_section *transfer = base;
    const eg_field word = {.key = "size_mismatch", .words = size_words};
    int value = EG_POLICY_ERROR;
    transfer->size_mismatch = EG_POLICY_ERROR;
    if (doc->kind == EG_DOC_SCALAR) {
        eg_schema_word(in, &word, doc, &value);
        transfer->size_mismatch = (eg_key_policy)value;
        return;
    }
    const eg_doc *const *items;
    size_t count = eg_schema_items(&doc, &items);
    eg_size_rule *rules = EG_NEW_ARRAY(in->arena, eg_size_rule, count);
    for (size_t i = 0; i < count; i++) {
        eg_schema_read(in, &size_section, items[i], &rules[transfer->size_count]);
        transfer->size_count += rules[transfer->size_count].match.regex != NULL;
    }
    transfer->sizes = rules;
}

#define HEAD_AT(member) offsetof(eg_head_section, member)

/* {target class: [source classes]}; a source class may also be its number. */
static void read_head_classes(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_head_section *head = base;
    if (doc->kind == EG_DOC_SCALAR && strcmp(doc->text, "by_name") == 0) return;
    if (doc->kind != EG_DOC_MAP || !doc->count) {
        eg_schema_expected(in, doc, "classes", "'by_name', or a mapping such as {cat: [tabby, tiger_cat]}");
        return;
    }
    eg_head_class *classes = EG_NEW_ARRAY(in->arena, eg_head_class, doc->count);
    for (size_t i = 0; i < doc->count; i++) {
        const eg_doc *const *items;
        eg_head_class *one = &classes[i];
        *one = (eg_head_class){.name = doc->keys[i]->text, .place = doc->keys[i]->place};
        one->count = eg_schema_items(&doc->items[i], &items);
        const char **sources = EG_NEW_ARRAY(in->arena, const char *, one->count);
        for (size_t k = 0; k < one->count; k++) {
            sources[k] = eg_schema_text(in, items[k], "classes");
            if (!sources[k]) sources[k] = "";
        }
        one->sources = sources;
        if (!one->count) eg_schema_expected(in, doc->items[i], one->name, "at least one class of the source");
    }
    head->classes = classes;
    head->class_count = doc->count;
}

static const eg_word combine_words[] = {{"mean", EG_COMBINE_MEAN}, {"sum", EG_COMBINE_SUM}, {0}};
static const eg_field head_rows[] = {
    {"weight", EG_TYPE_STRING, HEAD_AT(weight), .required = true,
     .doc = "target name; its first dim is the classes"},
    {"bias", EG_TYPE_STRING, HEAD_AT(bias), .doc = "target name"},
    {"classes", EG_TYPE_OTHER, .read = read_head_classes, .standard = "by_name",
     .doc = "by_name: classes of equal name keep their rows; or which of the source's make each of the "
            "target's"},
    {"combine", EG_TYPE_WORD, HEAD_AT(combine), "mean", .words = combine_words, .doc = "of several rows"},
};
static const eg_section head_section = {"transfer.head", EG_FIELDS(head_rows), .given = HEAD_AT(given),
                                        .place = HEAD_AT(place)};

static const eg_word dtype_words[] = {
    {"target", 0}, {"keep", EG_WORD_UNSUPPORTED}, {"float32", EG_WORD_UNSUPPORTED}, {0}};

static const eg_field transfer_rows[] = {
    {"mapping", EG_TYPE_OTHER, .read = read_mapping,
     .doc = "rules from source names to target names, in order"},
    {"skip", EG_TYPE_PATTERNS, AT(skip), .doc = "target names that are not taken from the source"},
    {"missing", EG_TYPE_WORD, AT(missing), "error", .words = missing_words,
     .doc = "target tensors that no source tensor maps to"},
    {"unexpected", EG_TYPE_WORD, AT(unexpected), "error", .words = unexpected_words,
     .doc = "source tensors that no target tensor takes"},
    {"size_mismatch", EG_TYPE_OTHER, .standard = "error", .read = read_size_mismatch,
     .doc = "shapes that differ: error, skip, adapt_input (other channels of the input), overlap (the common "
            "part), "
            "interpolate (position embeddings), or a list of {match, policy}"},
    {"unused_rule", EG_TYPE_WORD, AT(unused_rule), "error", .words = unexpected_words,
     .doc = "rules and patterns without effect"},
    {"allow_frozen_init", EG_TYPE_BOOL, AT(allow_frozen_init), "false",
     .doc = "a tensor may be both drawn afresh and frozen"},
    {"expect", EG_TYPE_SECTION, 0, .section = &expect_section, .doc = "what the plan must amount to"},
    {"dtype", EG_TYPE_WORD, EG_NOWHERE, "target", .words = dtype_words, .doc = "target: the network's own"},
    {"on_conflict", EG_TYPE_WORD, AT(on_conflict), "error", .words = conflict_words,
     .doc = "two source tensors with one name: error, first, last, or equal (their bytes must be)"},
    {"head", EG_TYPE_SECTION, AT(head), .section = &head_section, .optional = true,
     .doc = "the classifier's rows, taken class by class"},
};
static const eg_section transfer_section = {"transfer", EG_FIELDS(transfer_rows), .given = EG_NOWHERE,
                                            .place = AT(place)};
#undef AT

/* ---- init ---- */

#define AT(member) offsetof(eg_init_rule, member)

static const eg_word init_words[] = {
    [EG_INIT_DEFAULT] = {"default", EG_INIT_DEFAULT},
    [EG_INIT_ZEROS] = {"zeros", EG_INIT_ZEROS},
    [EG_INIT_ONES] = {"ones", EG_INIT_ONES},
    [EG_INIT_CONSTANT] = {"constant", EG_INIT_CONSTANT},
    [EG_INIT_NORMAL] = {"normal", EG_INIT_NORMAL},
    [EG_INIT_TRUNC_NORMAL] = {"trunc_normal", EG_INIT_TRUNC_NORMAL},
    [EG_INIT_UNIFORM] = {"uniform", EG_INIT_UNIFORM},
    [EG_INIT_XAVIER_UNIFORM] = {"xavier_uniform", EG_INIT_XAVIER_UNIFORM},
    [EG_INIT_XAVIER_NORMAL] = {"xavier_normal", EG_INIT_XAVIER_NORMAL},
    [EG_INIT_KAIMING_UNIFORM] = {"kaiming_uniform", EG_INIT_KAIMING_UNIFORM},
    [EG_INIT_KAIMING_NORMAL] = {"kaiming_normal", EG_INIT_KAIMING_NORMAL},
    [EG_INIT_COUNT] = {0},
};

const char *eg_init_name(eg_init_kind kind)
{
    return init_words[kind].name;
}

enum {
    IS_CONSTANT = 1 << EG_INIT_CONSTANT,
    IS_NORMAL = 1 << EG_INIT_NORMAL | 1 << EG_INIT_TRUNC_NORMAL,
    IS_UNIFORM = 1 << EG_INIT_UNIFORM,
    IS_XAVIER = 1 << EG_INIT_XAVIER_UNIFORM | 1 << EG_INIT_XAVIER_NORMAL,
    IS_KAIMING = 1 << EG_INIT_KAIMING_UNIFORM | 1 << EG_INIT_KAIMING_NORMAL,
};

static void read_fan_mode(eg_schema *in, const eg_doc *doc, void *base)
{
    static const eg_word words[] = {{"fan_in", 0}, {"fan_out", 1}, {0}};
    const eg_field field = {"mode", EG_TYPE_WORD, .words = words};
    int value = 0;
    eg_schema_word(in, &field, doc, &value);
    ((eg_init_rule *)base)->init.fan_out = value;
}

static void check_init(eg_schema *in, const eg_doc *doc, void *base)
{
    const eg_init *init = &((eg_init_rule *)base)->init;
    if (init->kind == EG_INIT_UNIFORM && init->low > init->high)
        eg_problem_add(in->problems, "out_of_range", doc->place, "'low' is %.15g, but 'high' is %.15g",
                       init->low, init->high);
}

static const eg_field init_rows[] = {
    {"match", EG_TYPE_PATTERN, AT(match), .required = true, .doc = "target names"},
    {"init", EG_TYPE_WORD, AT(init.kind), "default", .words = init_words,
     .doc = "the distribution; default: the layer's own, as PyTorch draws it"},
    {"value", EG_TYPE_NUMBER, AT(init.value), .only = IS_CONSTANT, .required = true, .doc = "the constant"},
    {"mean", EG_TYPE_NUMBER, AT(init.mean), "0", .only = IS_NORMAL, .doc = "of the distribution"},
    {"std", EG_TYPE_NUMBER, AT(init.std), "1", 0, MANY, .only = IS_NORMAL, .doc = "standard deviation"},
    {"low", EG_TYPE_NUMBER, AT(init.low), "0", .only = IS_UNIFORM, .doc = "lower end, included"},
    {"high", EG_TYPE_NUMBER, AT(init.high), "1", .only = IS_UNIFORM, .doc = "upper end, excluded"},
    {"gain", EG_TYPE_NUMBER, AT(init.gain), "1", .only = IS_XAVIER, .doc = "factor"},
    {"a", EG_TYPE_NUMBER, AT(init.a), "0", .only = IS_KAIMING,
     .doc = "negative slope of the leaky ReLU after it"},
    {"mode", EG_TYPE_OTHER, .standard = "fan_in", .read = read_fan_mode, .only = IS_KAIMING,
     .doc = "fan_in keeps the variance forward, fan_out backward"},
    EG_LATER("nonlinearity"),
};
static const eg_section init_section = {"init",   EG_FIELDS(init_rows), .kind = "init", .bare = "match",
                                        NO_PLACE, .check = check_init};
#undef AT

/* ---- freeze ---- */

#define AT(member) offsetof(eg_freeze_rule, member)

static const eg_word bn_words[] = {{"default", EG_BN_DEFAULT},
                                   {"eval", EG_BN_EVAL},
                                   {"train_stats", EG_BN_TRAIN_STATS},
                                   {"train_affine", EG_BN_TRAIN_AFFINE},
                                   {0}};
static const eg_field freeze_rows[] = {
    {"match", EG_TYPE_PATTERN, AT(match), .required = true, .doc = "target names"},
    {"batch_norm", EG_TYPE_WORD, AT(batch_norm), "default", .words = bn_words,
     .doc = "what happens to the statistics; default: eval where all of a layer is frozen"},
};
static const eg_section freeze_section = {"freeze", EG_FIELDS(freeze_rows), .bare = "match", NO_PLACE};
#undef AT

/* ---- param_groups ---- */

#define AT(member) offsetof(eg_group_rule, member)

static void check_group(eg_schema *in, const eg_doc *doc, void *base)
{
    const eg_group_rule *group = base;
    if (!isnan(group->lr) && !isnan(group->lr_mult))
        eg_problem_add(in->problems, "two_rates", doc->place, "a group has 'lr' or 'lr_mult', not both");
}

static const eg_field group_rows[] = {
    {"match", EG_TYPE_PATTERN, AT(match), .required = true, .doc = "target names"},
    {"lr", EG_TYPE_NUMBER, AT(lr), ".nan", 0, MANY, .doc = "learning rate; train's when not given"},
    {"lr_mult", EG_TYPE_NUMBER, AT(lr_mult), ".nan", 0, MANY, .doc = "factor on train's learning rate"},
    {"weight_decay", EG_TYPE_NUMBER, AT(weight_decay), ".nan", 0, MANY,
     .doc = "the optimizer's when not given"},
    EG_LATER("momentum"),
    EG_LATER("betas"),
    EG_LATER("name"),
};
static const eg_section group_section = {"param_groups", EG_FIELDS(group_rows), .bare = "match", NO_PLACE,
                                         .check = check_group};
#undef AT

/* A list of items with one section, or a single item; an item may be a pattern alone. */
static size_t read_items(eg_schema *in, const eg_section *section, const eg_doc *doc, size_t size, void *out)
{
    const eg_doc *const *items;
    size_t count = eg_schema_items(&doc, &items);
    char *list = eg_arena_array(in->arena, count, size);
    for (size_t i = 0; i < count; i++) {
        const eg_doc *item = items[i];
        if (eg_doc_is_null(item))
            eg_schema_expected(in, item, section->name, "a pattern or a mapping with 'match'");
        if (eg_pattern_is_tagged(item)) item = eg_schema_wrap(in->arena, "match", item);
        eg_schema_read(in, section, item, list + i * size);
    }
    memcpy(out, &list, sizeof list);
    return count;
}

static void read_init(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_recipe *recipe = base;
    recipe->init_count = read_items(in, &init_section, doc, sizeof *recipe->init, &recipe->init);
}

static void read_freeze(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_recipe *recipe = base;
    recipe->freeze_count = read_items(in, &freeze_section, doc, sizeof *recipe->freeze, &recipe->freeze);
}

static void read_groups(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_recipe *recipe = base;
    recipe->group_count = read_items(in, &group_section, doc, sizeof *recipe->groups, &recipe->groups);
}

/* ---- data ---- */

#define AT(member) offsetof(eg_data_set, member)

/* The kinds by their key; those of a later version read nothing. */
static const struct {
    const char *key;
    eg_data_kind kind;
} data_kinds[] = {
    {"folder", EG_DATA_FOLDER}, {"idx", EG_DATA_IDX},    {"csv", EG_DATA_CSV},
    {"jsonl", EG_DATA_JSONL},   {"cifar", EG_DATA_NONE}, {"npz", EG_DATA_NONE},
};

static void check_columns(eg_schema *in, const eg_doc *doc, const eg_data_set *set)
{
    static const char *const columns[] = {"path", "label", "split", "group"};
    if (set->kind == EG_DATA_CSV || set->kind == EG_DATA_JSONL) return;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        const eg_doc *column = eg_doc_find(doc, columns[i]);
        if (column)
            eg_problem_add(in->problems, "unknown_key", column->place,
                           "'%s' names a column of a csv or jsonl file, and this data set has none",
                           columns[i]);
    }
}

static void check_data_set(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_data_set *set = base;
    size_t found = 0;
    if (!doc) return;
    for (size_t i = 0; i < sizeof data_kinds / sizeof *data_kinds; i++) {
        if (eg_doc_is_null(eg_doc_find(doc, data_kinds[i].key))) continue;
        set->kind = data_kinds[i].kind;
        found++;
    }
    if (found != 1)
        eg_problem_add(in->problems, "missing_key", doc->place,
                       "a data set has exactly one of 'folder', 'idx', 'csv' and 'jsonl', found %s",
                       found ? "several" : "none");
    check_columns(in, doc, set);
    if (!set->path_column) set->path_column = "path";
    if (!set->label_column) set->label_column = "label";
    const eg_doc *classes = eg_doc_find(doc, "classes");
    if (classes && classes->kind == EG_DOC_LIST && classes->count == 0)
        eg_schema_expected(in, classes, "classes", "at least one class");
    eg_schema_distinct(in, classes, "classes");
}

static void read_csv(eg_schema *in, const eg_doc *doc, void *base)
{
    const eg_field field = {.key = "csv", .type = EG_TYPE_PATH};
    eg_schema_path(in, &field, doc, &((eg_data_set *)base)->table);
}

static void read_jsonl(eg_schema *in, const eg_doc *doc, void *base)
{
    const eg_field field = {.key = "jsonl", .type = EG_TYPE_PATH};
    eg_schema_path(in, &field, doc, &((eg_data_set *)base)->table);
}

static void check_train_set(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_data_set *set = base;
    if (!set->split_value) set->split_value = "train";
    check_data_set(in, doc, base);
}

/* Validation takes the rows called val, and its order is the set's own. */
static void check_val_set(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_data_set *set = base;
    const eg_doc *sampler = doc ? eg_doc_find(doc, "sampler") : NULL;
    if (!set->split_value) set->split_value = "val";
    if (sampler && set->sampler != EG_SAMPLER_SHUFFLE)
        eg_problem_add(in->problems, "misplaced", sampler->place,
                       "'sampler' is of training: every sample is validated once");
    check_data_set(in, doc, base);
}

static const eg_field idx_rows[] = {
    {"images", EG_TYPE_PATH, AT(images), .required = true, .doc = "the idx file of the pixels"},
    {"labels", EG_TYPE_PATH, AT(labels), .required = true, .doc = "the idx file of the labels"},
};
static const eg_section idx_section = {"idx", EG_FIELDS(idx_rows), NO_PLACE};

static const eg_word sampler_words[] = {
    {"shuffle", EG_SAMPLER_SHUFFLE}, {"class_balanced", EG_SAMPLER_CLASS_BALANCED}, {0}};

static const eg_field data_set_rows[] = {
    {"folder", EG_TYPE_PATH, AT(folder), .doc = "a folder with one folder of images a class"},
    {"idx", EG_TYPE_SECTION, 0, .section = &idx_section, .optional = true,
     .doc = "two files in MNIST's format"},
    {"csv", EG_TYPE_OTHER, .read = read_csv, .doc = "a table with a line of column names and one a sample"},
    {"jsonl", EG_TYPE_OTHER, .read = read_jsonl, .doc = "a JSON object a line, one a sample"},
    {"path", EG_TYPE_STRING, AT(path_column),
     .doc = "csv, jsonl: column of the image's path, from the table's folder on; path"},
    {"label", EG_TYPE_STRING, AT(label_column), .doc = "csv, jsonl: column of the class; label"},
    {"split", EG_TYPE_STRING, AT(split_column), .doc = "csv, jsonl: column that says which set a line is of"},
    {"split_value", EG_TYPE_STRING, AT(split_value), .doc = "what it says of this one: train, or val"},
    {"group", EG_TYPE_STRING, AT(group_column),
     .doc = "csv, jsonl: column of what must not be in both sets, such as a patient or a video"},
    {"classes", EG_TYPE_STRINGS, AT(classes), .count = AT(class_count), .doc = "only these, in this order"},
    {"limit", EG_TYPE_INT, AT(limit), "0", 0, MANY,
     .doc = "at most so many samples, evenly over the classes; 0: all"},
    EG_LATER("cifar"),
    EG_LATER("npz"),
    {"sampler", EG_TYPE_WORD, AT(sampler), "shuffle", .words = sampler_words,
     .doc = "class_balanced: every class as often as every other (training only)"},
    EG_LATER("exif"),
};
static const eg_section train_set_section = {"data.train",       EG_FIELDS(data_set_rows),
                                             .bare = "folder",   .given = EG_NOWHERE,
                                             .place = AT(place), .check = check_train_set};
static const eg_section val_set_section = {"data.val",         EG_FIELDS(data_set_rows),
                                           .bare = "folder",   .given = EG_NOWHERE,
                                           .place = AT(place), .check = check_val_set};
#undef AT
#define AT(member) offsetof(eg_data_section, member)

static bool is_inherit(const eg_doc *doc)
{
    return doc && doc->kind == EG_DOC_SCALAR && strcmp(doc->text, "inherit") == 0;
}

static void read_preprocess(eg_schema *in, const eg_doc *doc, void *base)
{
    if (!is_inherit(doc)) eg_preprocess_read(in, doc, &((eg_data_section *)base)->preprocess);
}

static void read_augment(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_augment_read(in, doc, &((eg_data_section *)base)->augment);
}

static const eg_field data_rows[] = {
    {"train", EG_TYPE_SECTION, AT(train), .section = &train_set_section, .optional = true,
     .doc = "what is learned from"},
    {"val", EG_TYPE_SECTION, AT(val), .section = &val_set_section, .optional = true,
     .doc = "what is measured on"},
    {"preprocess", EG_TYPE_OTHER, .read = read_preprocess,
     .doc = "steps of every image; inherit (or not given): source.preprocess"},
    {"augment", EG_TYPE_OTHER, .read = read_augment, .doc = "random steps of training images"},
    {"augment_pool", EG_TYPE_INT, AT(augment_pool), "0", 0, 1e6,
     .doc = "so many draws a sample, one an epoch in turn, so that features can be kept; 0: new ones always"},
    EG_LATER("test"),
    EG_LATER("split"),
};
static const eg_section data_section = {"data", EG_FIELDS(data_rows), .given = AT(given),
                                        .place = EG_NOWHERE};
#undef AT

/* ---- output ---- */

#define AT(member) offsetof(eg_output_section, member)

static const eg_word format_words[] = {[EG_OUTPUT_PTH] = {"pth", EG_OUTPUT_PTH},
                                       [EG_OUTPUT_PTH_LEGACY] = {"pth-legacy", EG_OUTPUT_PTH_LEGACY},
                                       [EG_OUTPUT_SAFETENSORS] = {"safetensors", EG_OUTPUT_SAFETENSORS},
                                       [EG_OUTPUT_NPZ] = {"npz", EG_OUTPUT_NPZ},
                                       {0}};

const char *eg_output_format_name(eg_output_format format)
{
    return format_words[format].name;
}

static const eg_word kind_words[] = {{"raw", EG_WEIGHTS_RAW}, {"ema", EG_WEIGHTS_EMA}, {0}};

/* One of the words, or a list of both. */
static void read_weights(eg_schema *in, const eg_doc *doc, void *base)
{
    const eg_field field = {.key = "weights", .words = kind_words};
    eg_output_section *output = base;
    const eg_doc *const *items;
    size_t count = eg_schema_items(&doc, &items);
    output->weight_count = 0;
    eg_schema_distinct(in, doc, "weights");
    if (count < 1 || count > EG_WEIGHTS_COUNT) {
        eg_schema_expected(in, doc, "weights", "raw, ema, or a list of both");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        int value = EG_WEIGHTS_RAW;
        eg_schema_word(in, &field, items[i], &value);
        output->weights[output->weight_count++] = (eg_weights_kind)value;
    }
}

const char *eg_output_format_extension(eg_output_format format)
{
    return format == EG_OUTPUT_PTH_LEGACY ? "pth" : eg_output_format_name(format);
}

static const eg_field output_rows[] = {
    {"dir", EG_TYPE_PATH, AT(dir), .doc = "run directory; runs/<name> beside the recipe when not given"},
    {"checkpoint", EG_TYPE_PATH, AT(checkpoint),
     .doc = "where the model is written besides; its extension picks the format"},
    {"add_prefix", EG_TYPE_STRING, AT(add_prefix), "''", .doc = "before every key that is written"},
    {"format", EG_TYPE_WORD, AT(format), "pth", .words = format_words,
     .doc = "of the models in the run directory; pth-legacy: of every .pth, for PyTorch before 1.6"},
    {"weights", EG_TYPE_OTHER, .read = read_weights, .standard = "[raw]",
     .doc = "raw, ema or both: the first is validated and is the model, the other stands beside it"},
    {"report", EG_TYPE_PATH, AT(report), .doc = "an HTML page about the run"},
    EG_LATER("tensorboard"),
    EG_LATER("keep"),
};
static const eg_section output_section = {"output", EG_FIELDS(output_rows), .given = EG_NOWHERE,
                                          .place = AT(place)};
#undef AT

/* ---- the root ---- */

#define AT(member) offsetof(eg_recipe, member)

static void read_version(eg_schema *in, const eg_doc *doc, void *base)
{
    int64_t version = 0;
    (void)base;
    if (!eg_scalar_int(doc, &version) || version != 1)
        eg_schema_expected(in, doc, "recipe", "the schema's version, which is 1");
}

/* What torchvision's and most of timm's checkpoints were trained with. */
static const char imagenet[] =
    "{size: 224, resize: 256, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}";

/* A source of a named network is taken for one of ImageNet's, aloud. */
static void assume_imagenet(eg_schema *in, const eg_doc *inherit, eg_recipe *recipe)
{
    if (!recipe->source.arch) {
        eg_problem_add(in->problems, "missing_key", inherit->place,
                       "'preprocess: inherit' takes 'source.preprocess', which is not given");
        return;
    }
    const eg_doc *doc = eg_doc_parse(in->arena, "ImageNet", imagenet, strlen(imagenet), NULL);
    eg_preprocess_read(in, doc, &recipe->source.preprocess);
    eg_problem_warn(in->problems, "assumed_preprocess", inherit->place,
                    "'source.preprocess' is not given, and ImageNet's is taken: %s", imagenet);
    eg_problem_suggest(in->problems, "source: {preprocess: %s}", imagenet);
}

static void inherit_preprocess(eg_schema *in, const eg_doc *doc, eg_recipe *recipe)
{
    const eg_doc *preprocess = eg_doc_find(eg_doc_find(doc, "data"), "preprocess");
    bool inherit = is_inherit(preprocess);
    if (inherit && eg_doc_is_null(eg_doc_find(eg_doc_find(doc, "source"), "preprocess")))
        assume_imagenet(in, preprocess, recipe);
    if (inherit || eg_doc_is_null(preprocess)) recipe->data.preprocess = recipe->source.preprocess;
}

static void check_recipe(eg_schema *in, const eg_doc *doc, void *base)
{
    if (!doc) return;
    inherit_preprocess(in, doc, base);
    eg_train_check(in, doc, base);
}

/* It is gone when the rows are read: what is found here comes from an override. */
static void read_late_extends(eg_schema *in, const eg_doc *doc, void *base)
{
    (void)base;
    eg_problem_add(in->problems, "bad_override", doc->place, "'extends' belongs into the file, not to --set");
}

static void read_nothing(eg_schema *in, const eg_doc *doc, void *base)
{
    (void)in, (void)doc, (void)base; /* variables are filled in before the rows are read */
}

static const eg_field recipe_rows[] = {
    {"recipe", EG_TYPE_OTHER, .read = read_version, .required = true, .doc = "the schema's version, 1"},
    {"name", EG_TYPE_STRING, AT(name),
     .doc = "of the run; the file's name without its extension when not given"},
    {"description", EG_TYPE_STRING, AT(description), .doc = "for people"},
    {"source", EG_TYPE_SECTION, AT(source), .section = &source_section, .optional = true,
     .doc = "where the weights come from; without it everything is drawn afresh"},
    {"target", EG_TYPE_SECTION, AT(target), .section = &target_section, .required = true,
     .doc = "the network that the weights go to, such as 'target: {arch: resnet18, num_classes: 2}'"},
    {"transfer", EG_TYPE_SECTION, AT(transfer), .section = &transfer_section,
     .doc = "how names and shapes are mapped"},
    {"init", EG_TYPE_OTHER, .read = read_init, .section = &init_section,
     .doc = "how tensors that are not loaded are drawn; first match wins"},
    {"freeze", EG_TYPE_OTHER, .read = read_freeze, .section = &freeze_section,
     .doc = "parameters that do not train; first match wins"},
    {"param_groups", EG_TYPE_OTHER, .read = read_groups, .section = &group_section,
     .doc = "learning rates of their own; first match wins"},
    {"data", EG_TYPE_SECTION, AT(data), .section = &data_section, .optional = true, .doc = "samples"},
    {"train", EG_TYPE_SECTION, AT(train), .section = &eg_train_schema, .optional = true,
     .doc = "fine-tuning"},
    {"output", EG_TYPE_SECTION, AT(output), .section = &output_section, .doc = "what is written"},
    {"extends", EG_TYPE_OTHER, .read = read_late_extends,
     .doc = "recipes that this one is laid over: mappings merge, `+key` appends, `-key` removes"},
    {"vars", EG_TYPE_OTHER, .read = read_nothing, .doc = "values used as ${name} anywhere"},
};
const eg_section eg_recipe_schema = {"", EG_FIELDS(recipe_rows), NO_PLACE, .check = check_recipe};
