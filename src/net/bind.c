#include "net/bind.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/str.h"

enum { MOST_ARGS = 32 };

/* What the argument expects, for messages. */
static const char *const kind_words[] = {
    [EG_ARG_INT] = "a whole number",
    [EG_ARG_PAIR] = "a whole number of at least 0, or a list of two",
    [EG_ARG_PADDING] = "a whole number of at least 0, a list of two, or 'same'",
    [EG_ARG_NUMBER] = "a number",
    [EG_ARG_BOOL] = "true or false",
    [EG_ARG_SIZES] = "a whole number of at least 0, or a list of a few",
};

static const char *describe_kind(eg_arena *arena, const eg_arg *arg)
{
    if (arg->kind != EG_ARG_CHOICE) return kind_words[arg->kind];
    eg_buf buf = {0};
    for (const char *word = arg->standard; *word;) {
        size_t length = strcspn(word, "|");
        eg_buf_printf(&buf, "%s'%.*s'", word == arg->standard ? "" : " or ", (int)length, word);
        word += length + (word[length] == '|');
    }
    return eg_buf_take(&buf, arena);
}

static bool set_pair(const eg_datum *datum, int64_t pair[2])
{
    bool list = datum->kind == EG_DATUM_LIST && datum->count == 2;
    for (int i = 0; i < 2; i++) {
        const eg_datum *one = list ? &datum->items[i] : datum;
        if (one->kind != EG_DATUM_INT || one->integer < 0) return false;
        pair[i] = one->integer;
    }
    return true;
}

static bool set_padding(const eg_datum *datum, int64_t pair[2])
{
    bool text = datum->kind == EG_DATUM_TEXT;
    bool same = text && strcmp(datum->text, "same") == 0, valid = text && strcmp(datum->text, "valid") == 0;
    if (!same && !valid) return set_pair(datum, pair);
    pair[0] = pair[1] = same ? -1 : 0;
    return true;
}

static bool set_number(const eg_datum *datum, double *number)
{
    if (!eg_datum_is_number(datum) || datum->kind == EG_DATUM_BOOL) return false;
    *number = eg_datum_number(datum);
    return true;
}

static bool set_choice(const eg_datum *datum, const char *words, int64_t *position)
{
    const char *text = datum->kind == EG_DATUM_TEXT   ? datum->text
                       : datum->kind == EG_DATUM_NONE ? "none"
                                                      : "";
    for (*position = 0; *words; ++*position) {
        size_t length = strcspn(words, "|");
        if (strlen(text) == length && strncmp(words, text, length) == 0) return true;
        words += length + (words[length] == '|');
    }
    return false;
}

static bool set_sizes(const eg_datum *datum, eg_sizes *sizes)
{
    bool list = datum->kind == EG_DATUM_LIST;
    size_t count = list ? datum->count : 1;
    if (count > EG_SIZES) return false;
    *sizes = (eg_sizes){.count = (int64_t)count};
    for (size_t i = 0; i < count; i++) {
        const eg_datum *one = list ? &datum->items[i] : datum;
        if (one->kind != EG_DATUM_INT || one->integer < 0) return false;
        sizes->items[i] = one->integer;
    }
    return true;
}

static bool set(const eg_arg *arg, const eg_datum *datum, void *attr)
{
    unsigned char *field = (unsigned char *)attr + arg->offset;
    int64_t pair[2], position;
    double number;
    eg_sizes sizes;
    assert(attr); /* an operator with arguments has a struct for them */
    switch (arg->kind) {
    case EG_ARG_INT:
        if (datum->kind != EG_DATUM_INT) return false;
        memcpy(field, &datum->integer, sizeof(int64_t));
        return true;
    case EG_ARG_BOOL: {
        bool truth = datum->kind == EG_DATUM_BOOL && datum->integer;
        memcpy(field, &truth, sizeof truth);
        return datum->kind == EG_DATUM_BOOL;
    }
    case EG_ARG_NUMBER:
        if (!set_number(datum, &number)) return false;
        memcpy(field, &number, sizeof number);
        return true;
    case EG_ARG_CHOICE:
        if (!set_choice(datum, arg->standard, &position)) return false;
        memcpy(field, &position, sizeof position);
        return true;
    case EG_ARG_SIZES:
        if (!set_sizes(datum, &sizes)) return false;
        memcpy(field, &sizes, sizeof sizes);
        return true;
    default:
        if (!(arg->kind == EG_ARG_PAIR ? set_pair(datum, pair) : set_padding(datum, pair))) return false;
        memcpy(field, pair, sizeof pair);
        return true;
    }
}

/* `none`, where it is the default: {-1, -1} in a pair, NaN in a number. */
static void set_none(const eg_arg *arg, void *attr)
{
    unsigned char *field = (unsigned char *)attr + arg->offset;
    const int64_t pair[2] = {-1, -1};
    const double nan_value = NAN;
    assert(attr);
    if (arg->kind == EG_ARG_PAIR || arg->kind == EG_ARG_PADDING) memcpy(field, pair, sizeof pair);
    if (arg->kind == EG_ARG_NUMBER) memcpy(field, &nan_value, sizeof nan_value);
}

static bool is_none_default(const eg_arg *arg)
{
    return arg->standard && strcmp(arg->standard, "none") == 0;
}

/* The table's own expression; an operator that declares a wrong one is a mistake of this program. */
static bool set_default(eg_eval *eval, const eg_expr *at, const eg_arg *arg, void *attr)
{
    if (arg->kind == EG_ARG_CHOICE) return true; /* the first word: the struct is zeroed */
    eg_origin *origin = EG_NEW(eval->arena, eg_origin);
    *origin = (eg_origin){.text = arg->standard, .place = eg_expr_place(at)};
    const eg_expr *expr = eg_expr_parse_all(eval->arena, origin, NULL);
    eg_datum datum;
    return expr && eg_eval_run(eval, NULL, expr, &datum) && set(arg, &datum, attr);
}

static size_t count_args(const eg_op *op)
{
    size_t n = 0;
    while (op->args && op->args[n].name) n++;
    return n;
}

static size_t find_arg(const eg_op *op, const eg_actual *actual, size_t position)
{
    size_t n = count_args(op);
    if (!actual->name) return position;
    for (size_t i = 0; i < n; i++)
        if (strcmp(op->args[i].name, actual->name) == 0) return i;
    return n;
}

static bool fail_unknown(eg_eval *eval, const eg_op *op, const eg_actual *actual)
{
    const char *names[MOST_ARGS];
    size_t n = count_args(op);
    eg_buf buf = {0};
    for (size_t i = 0; i < n; i++) {
        names[i] = op->args[i].name;
        eg_buf_printf(&buf, "%s%s", i ? ", " : "", names[i]);
    }
    const char *list = eg_buf_take(&buf, eval->arena);
    if (n == 0)
        return eg_eval_fail(eval, actual->expr, "unknown_argument", "%s takes no arguments", op->name);
    if (!actual->name)
        return eg_eval_fail(eval, actual->expr, "unknown_argument", "%s takes at most %zu arguments: %s",
                            op->name, n, list);
    const char *nearest = eg_nearest(actual->name, names, n);
    if (nearest)
        return eg_eval_fail(eval, actual->expr, "unknown_argument",
                            "%s takes no argument '%s' (did you mean '%s'?)", op->name, actual->name,
                            nearest);
    return eg_eval_fail(eval, actual->expr, "unknown_argument", "%s takes no argument '%s', it takes %s",
                        op->name, actual->name, list);
}

static bool bind_actual(eg_eval *eval, const eg_op *op, const eg_actual *actual, size_t position, bool *given,
                        void *attr)
{
    size_t i = find_arg(op, actual, position);
    if (i >= count_args(op)) return fail_unknown(eval, op, actual);
    const eg_arg *arg = &op->args[i];
    if (given[i])
        return eg_eval_fail(eval, actual->expr, "unknown_argument", "the argument '%s' is given twice",
                            arg->name);
    given[i] = true;
    if (actual->datum.kind == EG_DATUM_NONE && is_none_default(arg)) {
        set_none(arg, attr);
        return true;
    }
    if (set(arg, &actual->datum, attr)) return true;
    return eg_eval_fail(eval, actual->expr, "type", "%s: expected %s for '%s', found %s", op->name,
                        describe_kind(eval->arena, arg), arg->name,
                        eg_datum_describe(eval->arena, &actual->datum));
}

bool eg_bind(eg_eval *eval, const eg_expr *at, const eg_op *op, const eg_actual *actuals, size_t count,
             void **attr)
{
    bool given[MOST_ARGS] = {0};
    *attr = op->attr_size ? eg_arena_alloc(eval->arena, op->attr_size) : NULL;
    for (size_t i = 0; i < count; i++)
        if (!bind_actual(eval, op, &actuals[i], i, given, *attr)) return false;
    for (size_t i = 0; i < count_args(op); i++) {
        const eg_arg *arg = &op->args[i];
        if (given[i]) continue;
        if (!arg->standard)
            return eg_eval_fail(eval, at, "missing_argument", "%s needs '%s'", op->name, arg->name);
        if (is_none_default(arg))
            set_none(arg, *attr);
        else if (!set_default(eval, at, arg, *attr))
            return eg_eval_fail(eval, at, "value", "%s has no default for '%s'", op->name, arg->name);
    }
    return true;
}
