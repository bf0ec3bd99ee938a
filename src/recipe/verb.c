#include "recipe/verb.h"

#include <string.h>

#include "base/regex.h"
#include "recipe/pattern.h"

#define AT(member) offsetof(eg_rule, member)
#define NO_PLACE   .given = EG_NOWHERE, .place = EG_NOWHERE
#define MANY       9.2e18

const char *eg_reshape_name(eg_reshape_kind kind)
{
    static const char *const names[EG_RESHAPE_COUNT] = {
        [EG_RESHAPE_UNSQUEEZE] = "unsqueeze", [EG_RESHAPE_SQUEEZE] = "squeeze",
        [EG_RESHAPE_TRANSPOSE] = "transpose", [EG_RESHAPE_PERMUTE] = "permute",
        [EG_RESHAPE_UNFLATTEN] = "unflatten", [EG_RESHAPE_FLATTEN] = "flatten",
    };
    return names[kind];
}

/* ---- what several verbs share ---- */

/* A capturing group: its number or its name; looked up when the pattern is known. */
static void read_group(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_rule *rule = base;
    const char *text = eg_schema_text(in, doc, "group");
    if (!text || !rule->match.regex) return;
    rule->group = eg_regex_group(rule->match.regex, text, strlen(text));
    if (!rule->group)
        eg_problem_add(in->problems, "bad_template", doc->place, "the pattern '%s' has no group '%s'",
                       rule->match.text, text);
}

/* A template or a list of them; `match` stands before it in the rows. */
static void read_to(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_rule *rule = base;
    const eg_doc *const *items;
    size_t count = eg_schema_items(&doc, &items);
    const char **list = EG_NEW_ARRAY(in->arena, const char *, count);
    for (size_t i = 0; i < count && rule->match.regex; i++) {
        const char *to = NULL;
        if (items[i]->kind != EG_DOC_SCALAR || !items[i]->text[0])
            eg_schema_expected(in, items[i], "to", "a name that is not empty");
        else
            to = eg_pattern_template(in, &rule->match, items[i], "to");
        if (to) list[rule->to_count++] = to;
    }
    rule->to = list;
}

static void one_name(eg_schema *in, const eg_doc *doc, void *base)
{
    const eg_rule *rule = base;
    if (doc && rule->to_count > 1) eg_schema_expected(in, eg_doc_find(doc, "to"), "to", "one name");
}

#define MATCH                                                                                                \
    {                                                                                                        \
        "match", EG_TYPE_PATTERN, AT(match), .required = true, .doc = "names, as they are at this point"     \
    }
#define TO(words)                                                                                            \
    {                                                                                                        \
        "to", EG_TYPE_OTHER, .read = read_to, .required = true, .doc = (words)                               \
    }
#define DIM                                                                                                  \
    {                                                                                                        \
        "dim", EG_TYPE_INT, AT(dim), "0", .doc = "negative: counted from the last"                           \
    }
#define OPTIONAL                                                                                             \
    {                                                                                                        \
        "optional", EG_TYPE_BOOL, AT(optional), .doc = "no effect is not an error"                           \
    }

/* ---- concat, stack, split ---- */

static const eg_field concat_rows[] = {
    MATCH,
    {"group", EG_TYPE_OTHER, .read = read_group, .required = true,
     .doc = "the pattern's group that tells the parts apart"},
    {"order", EG_TYPE_STRINGS, AT(order), .count = AT(order_count), .required = true,
     .doc = "the parts, as that group finds them"},
    DIM,
    TO("the result's name, without that group"),
    OPTIONAL,
};
static const eg_section concat_section = {"concat", EG_FIELDS(concat_rows), NO_PLACE, .check = one_name};

static const eg_field stack_rows[] = {
    MATCH,
    {"index", EG_TYPE_OTHER, .read = read_group, .required = true,
     .doc = "the pattern's group that is the part's number"},
    DIM,
    TO("the result's name, without that group"),
    {"count", EG_TYPE_INT, AT(count), "0", 1, MANY,
     .doc = "how many parts; then they may be numbered from 1, too"},
    OPTIONAL,
};
static const eg_section stack_section = {"stack", EG_FIELDS(stack_rows), NO_PLACE, .check = one_name};

static void read_sizes(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_rule *rule = base;
    int64_t *sizes = EG_NEW_ARRAY(in->arena, int64_t, doc->count);
    if (doc->kind == EG_DOC_SCALAR && strcmp(doc->text, "equal") == 0) return;
    bool ok = doc->kind == EG_DOC_LIST && doc->count;
    for (size_t i = 0; ok && i < doc->count; i++)
        ok = eg_scalar_int(doc->items[i], &sizes[i]) && sizes[i] > 0;
    if (!ok) eg_schema_expected(in, doc, "sizes", "'equal', or a list of sizes");
    rule->sizes = sizes;
    rule->size_count = ok ? doc->count : 0;
}

static void check_split(eg_schema *in, const eg_doc *doc, void *base)
{
    const eg_rule *rule = base;
    const eg_doc *to = eg_doc_find(doc, "to");
    if (to && rule->to_count < 2 && to->count < 2) eg_schema_expected(in, to, "to", "two names or more");
    if (to && rule->size_count && rule->size_count != rule->to_count)
        eg_problem_add(in->problems, "bad_split", to->place, "'sizes' has %zu sizes, but 'to' has %zu names",
                       rule->size_count, rule->to_count);
}

static const eg_field split_rows[] = {
    MATCH,
    DIM,
    {"sizes", EG_TYPE_OTHER, .read = read_sizes, .standard = "equal", .doc = "equal, or one for each name"},
    TO("the parts' names, in order"),
    OPTIONAL,
};
static const eg_section split_section = {"split", EG_FIELDS(split_rows), NO_PLACE, .check = check_split};

/* ---- transform ---- */

static const struct {
    size_t least, most; /* numbers */
    const char *expected;
} reshapes[EG_RESHAPE_COUNT] = {
    [EG_RESHAPE_UNSQUEEZE] = {1, 1, "a dim"},
    [EG_RESHAPE_SQUEEZE] = {1, 1, "a dim"},
    [EG_RESHAPE_TRANSPOSE] = {2, 2, "two dims"},
    [EG_RESHAPE_PERMUTE] = {1, 64, "the dims in their new order"},
    [EG_RESHAPE_UNFLATTEN] = {3, 16, "a dim and the sizes that it becomes, such as [1, 512, 7, 7]"},
    [EG_RESHAPE_FLATTEN] = {1, 1, "the first dim"},
};

static bool read_op(eg_schema *in, const eg_doc *doc, eg_reshape *out)
{
    const char *key = doc->kind == EG_DOC_MAP && doc->count == 1 ? doc->keys[0]->text : "";
    for (out->kind = 0; out->kind < EG_RESHAPE_COUNT; out->kind++)
        if (strcmp(eg_reshape_name(out->kind), key) == 0) break;
    if (out->kind == EG_RESHAPE_COUNT) {
        eg_schema_expected(in, doc, "ops",
                           "items such as {unsqueeze: -1}; there are unsqueeze, squeeze, transpose, permute, "
                           "unflatten and flatten");
        return false;
    }
    const eg_doc *value = doc->items[0];
    const eg_doc *const *items;
    out->count = eg_schema_items(&value, &items);
    int64_t *args = EG_NEW_ARRAY(in->arena, int64_t, out->count);
    bool ok = out->count >= reshapes[out->kind].least && out->count <= reshapes[out->kind].most;
    for (size_t i = 0; ok && i < out->count; i++) ok = eg_scalar_int(items[i], &args[i]);
    if (!ok) eg_schema_expected(in, value, key, reshapes[out->kind].expected);
    out->args = args;
    return ok;
}

static void read_ops(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_rule *rule = base;
    const eg_doc *const *items;
    size_t count = eg_schema_items(&doc, &items);
    eg_reshape *ops = EG_NEW_ARRAY(in->arena, eg_reshape, count);
    for (size_t i = 0; i < count; i++) rule->op_count += read_op(in, items[i], &ops[rule->op_count]);
    if (!count) eg_schema_expected(in, doc, "ops", "at least one operation such as {unsqueeze: -1}");
    rule->ops = ops;
}

static const eg_field when_rows[] = {
    {"rank", EG_TYPE_INT, AT(rank), "-1", 0, 64, .doc = "only tensors with so many dims"},
};
static const eg_section when_section = {"when", EG_FIELDS(when_rows), NO_PLACE};

static const eg_field transform_rows[] = {
    MATCH,
    {"when", EG_TYPE_SECTION, 0, .section = &when_section, .optional = true, .doc = "which of them"},
    {"ops", EG_TYPE_OTHER, .read = read_ops, .required = true,
     .doc = "unsqueeze, squeeze, transpose, permute, unflatten, flatten, in order; as torch's"},
    OPTIONAL,
};
static const eg_section transform_section = {"transform", EG_FIELDS(transform_rows), NO_PLACE};

/* ---- copy, shift ---- */

static const eg_field copy_rows[] = {
    MATCH,
    TO("the copies' names; the old one is kept where it is among them"),
    {"tie", EG_TYPE_BOOL, AT(tie), "false", .doc = "the copies share their storage in what is written"},
    OPTIONAL,
};
static const eg_section copy_section = {"copy", EG_FIELDS(copy_rows), NO_PLACE};

static void check_shift(eg_schema *in, const eg_doc *doc, void *base)
{
    eg_rule *rule = base;
    if (!doc || !rule->match.regex || rule->group) return;
    rule->group = 1;
    if (!eg_regex_groups(rule->match.regex))
        eg_schema_expected(in, eg_doc_find(doc, "match"), "match",
                           "a pattern with a group, the number: 'blocks\\.(\\d+)\\..*'");
}

static const eg_field shift_rows[] = {
    MATCH,
    {"by", EG_TYPE_INT, AT(by), .required = true, .doc = "added to the number"},
    {"group", EG_TYPE_OTHER, .read = read_group, .doc = "the pattern's group that is the number; the first"},
    OPTIONAL,
};
static const eg_section shift_section = {"shift", EG_FIELDS(shift_rows), NO_PLACE, .check = check_shift};

const eg_section *eg_verb_section(eg_verb verb)
{
    switch (verb) {
    case EG_VERB_CONCAT: return &concat_section;
    case EG_VERB_STACK: return &stack_section;
    case EG_VERB_SPLIT: return &split_section;
    case EG_VERB_TRANSFORM: return &transform_section;
    case EG_VERB_COPY: return &copy_section;
    case EG_VERB_SHIFT: return &shift_section;
    default: return NULL;
    }
}
