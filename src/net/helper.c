#include "net/helper.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "net/arith.h"

enum { MOST_PARAMETERS = 3 };

/* One call: arguments put into their places. */
typedef struct request {
    eg_eval *eval;
    const eg_expr *at;
    const eg_expr *exprs[MOST_PARAMETERS]; /* NULL: not given */
    eg_datum data[MOST_PARAMETERS];
    const eg_actual *actuals; /* of functions that take any number */
    size_t count;
} request;

struct eg_helper {
    const char *name;
    bool (*run)(const request *call, eg_datum *out);
    size_t least, most; /* arguments; most 0: any number, by position */
    const char *parameters[MOST_PARAMETERS];
};

static bool take_integer(const request *call, size_t i, int64_t *out)
{
    if (!eg_datum_is_integer(&call->data[i]))
        return eg_eval_fail(call->eval, call->exprs[i], "type", "expected a whole number, found %s",
                            eg_datum_describe(call->eval->arena, &call->data[i]));
    *out = call->data[i].integer;
    return true;
}

static bool take_number(const request *call, size_t i)
{
    if (eg_datum_is_number(&call->data[i])) return true;
    return eg_eval_fail(call->eval, call->exprs[i], "type", "expected a number, found %s",
                        eg_datum_describe(call->eval->arena, &call->data[i]));
}

static bool run_range(const request *call, eg_datum *out)
{
    int64_t start = 0, stop = 0, step = 1, width, count = 0;
    if (!take_integer(call, 0, &stop)) return false;
    if (call->exprs[1]) {
        start = stop;
        if (!take_integer(call, 1, &stop)) return false;
    }
    if (call->exprs[2] && !take_integer(call, 2, &step)) return false;
    if (step == 0)
        return eg_eval_fail(call->eval, call->exprs[2], "value", "the step of a range must not be 0");
    bool any = step > 0 ? start < stop : start > stop;
    if (any && (__builtin_sub_overflow(stop, start, &width) || step == INT64_MIN))
        return eg_eval_fail(call->eval, call->at, "value", "the range is too long");
    if (any) count = step > 0 ? (width - 1) / step + 1 : (-(width + 1)) / -step + 1;
    if (!eg_eval_spend(call->eval, call->at, count)) return false;
    eg_datum *items = EG_NEW_ARRAY(call->eval->arena, eg_datum, (size_t)count);
    for (int64_t i = 0; i < count; i++) items[i] = eg_datum_int(start + i * step);
    *out = (eg_datum){.kind = EG_DATUM_LIST, .items = items, .count = (size_t)count};
    return true;
}

static bool run_len(const request *call, eg_datum *out)
{
    const eg_datum *of = &call->data[0];
    switch (of->kind) {
    case EG_DATUM_LIST: *out = eg_datum_int((int64_t)of->count); return true;
    case EG_DATUM_DICT: *out = eg_datum_int((int64_t)of->count / 2); return true;
    case EG_DATUM_TEXT: *out = eg_datum_int((int64_t)strlen(of->text)); return true;
    default:
        return eg_eval_fail(call->eval, call->exprs[0], "type",
                            "expected a list, a dictionary or a text, found %s",
                            eg_datum_describe(call->eval->arena, of));
    }
}

/* The first of the smallest (or largest), as Python. */
static bool choose(const request *call, eg_operator better, eg_datum *out)
{
    bool one = call->count == 1 && call->actuals[0].datum.kind == EG_DATUM_LIST;
    size_t count = one ? call->actuals[0].datum.count : call->count;
    if (count == 0 || (call->count == 1 && !one))
        return eg_eval_fail(call->eval, call->at, "value",
                            "expected a list that is not empty, or several numbers");
    if (!eg_eval_spend(call->eval, call->at, (int64_t)count)) return false;
    for (size_t i = 0; i < count; i++) {
        const eg_datum *item = one ? &call->actuals[0].datum.items[i] : &call->actuals[i].datum;
        bool wins = i == 0;
        if (i > 0 && !eg_arith_compare(call->eval, call->at, better, item, out, &wins)) return false;
        if (wins) *out = *item;
    }
    return true;
}

static bool run_min(const request *call, eg_datum *out)
{
    return choose(call, EG_LT, out);
}

static bool run_max(const request *call, eg_datum *out)
{
    return choose(call, EG_GT, out);
}

static bool run_sum(const request *call, eg_datum *out)
{
    const eg_datum *list = &call->data[0];
    if (list->kind != EG_DATUM_LIST)
        return eg_eval_fail(call->eval, call->exprs[0], "type", "expected a list of numbers, found %s",
                            eg_datum_describe(call->eval->arena, list));
    if (!eg_eval_spend(call->eval, call->at, (int64_t)list->count)) return false;
    *out = eg_datum_int(0);
    for (size_t i = 0; i < list->count; i++)
        if (!eg_arith_apply(call->eval, call->at, EG_ADD, out, &list->items[i], out)) return false;
    return true;
}

/* A number made whole by a function of libm. */
static bool make_whole(const request *call, double (*whole)(double), eg_datum *out)
{
    int64_t integer;
    if (!take_number(call, 0)) return false;
    if (eg_datum_is_integer(&call->data[0])) {
        integer = call->data[0].integer;
    } else if (!eg_arith_integer(call->eval, call->exprs[0], whole(call->data[0].real), &integer)) {
        return false;
    }
    *out = eg_datum_int(integer);
    return true;
}

static bool run_ceil(const request *call, eg_datum *out)
{
    return make_whole(call, ceil, out);
}

/* To the nearest whole number, halves to the even one, whatever the rounding mode. */
static double round_even(double x)
{
    double r = round(x);
    return fabs(x - trunc(x)) == 0.5 ? 2 * round(x / 2) : r;
}

static bool run_round(const request *call, eg_datum *out)
{
    return make_whole(call, round_even, out);
}

static bool run_int(const request *call, eg_datum *out)
{
    return make_whole(call, trunc, out);
}

/* The field's make_divisible: the multiple of d next to v, at least d, and not more than a tenth below v. */
static bool run_divisible(const request *call, eg_datum *out)
{
    int64_t d = 8, multiple;
    if (!take_number(call, 0) || (call->exprs[1] && !take_integer(call, 1, &d))) return false;
    if (d < 1 || d > 1 << 24)
        return eg_eval_fail(call->eval, call->exprs[1], "value",
                            "expected a divisor between 1 and 16777216, found %lld", (long long)d);
    double v = eg_datum_number(&call->data[0]);
    if (fabs(v) > 1e15) return eg_eval_fail(call->eval, call->exprs[0], "value", "the number is too large");
    multiple = (int64_t)floor(trunc(v + (double)d / 2) / (double)d) * d;
    if (multiple < d) multiple = d;
    if ((double)multiple < 0.9 * v) multiple += d;
    *out = eg_datum_int(multiple);
    return true;
}

static const eg_helper helpers[] = {
    {"range", run_range, 1, 3, {"start", "stop", "step"}},
    {"len", run_len, 1, 1, {"of"}},
    {"min", run_min, 1, 0, {0}},
    {"max", run_max, 1, 0, {0}},
    {"sum", run_sum, 1, 1, {"of"}},
    {"ceil", run_ceil, 1, 1, {"x"}},
    {"round", run_round, 1, 1, {"x"}},
    {"int", run_int, 1, 1, {"x"}},
    {"divisible", run_divisible, 1, 2, {"v", "d"}},
};

enum { HELPER_COUNT = sizeof helpers / sizeof *helpers };

const eg_helper *eg_helper_find(const char *name)
{
    for (size_t i = 0; i < HELPER_COUNT; i++)
        if (strcmp(helpers[i].name, name) == 0) return &helpers[i];
    return NULL;
}

const char *eg_helper_name(const eg_helper *helper)
{
    return helper->name;
}

const char *eg_helper_at(size_t at)
{
    return at < HELPER_COUNT ? helpers[at].name : NULL;
}

const char *eg_helper_signature(eg_arena *arena, const eg_helper *helper)
{
    if (helper->most == 0) return eg_arena_printf(arena, "%s(values)", helper->name);
    const char *text = helper->name;
    for (size_t i = 0; i < helper->most; i++)
        text = eg_arena_printf(arena, "%s%s%s%s%s", text, i ? ", " : "(", i < helper->least ? "" : "[",
                               helper->parameters[i], i < helper->least ? "" : "]");
    return eg_arena_printf(arena, "%s)", text);
}

/* The place of an argument among the parameters; most when there is none. */
static size_t find_parameter(const eg_helper *helper, const eg_actual *actual, size_t position)
{
    if (!actual->name) return position < helper->most ? position : helper->most;
    for (size_t i = 0; i < helper->most; i++)
        if (strcmp(helper->parameters[i], actual->name) == 0) return i;
    return helper->most;
}

static bool place_arguments(request *call, const eg_helper *helper)
{
    const eg_actual *actual = call->actuals, *end = actual + call->count;
    for (size_t position = 0; actual < end; actual++, position++) {
        size_t at = find_parameter(helper, actual, position);
        if (at == helper->most && actual->name)
            return eg_eval_fail(call->eval, actual->expr, "unknown_argument", "%s takes no argument '%s'",
                                helper->name, actual->name);
        if (at == helper->most)
            return eg_eval_fail(call->eval, actual->expr, "too_many_arguments",
                                "%s takes at most %zu argument%s", helper->name, helper->most,
                                helper->most == 1 ? "" : "s");
        if (call->exprs[at])
            return eg_eval_fail(call->eval, actual->expr, "unknown_argument",
                                "the argument '%s' is given twice", actual->name);
        assert(at < MOST_PARAMETERS);
        call->exprs[at] = actual->expr;
        call->data[at] = actual->datum;
    }
    for (size_t i = 0; i < helper->least; i++)
        if (!call->exprs[i])
            return eg_eval_fail(call->eval, call->at, "missing_argument", "%s needs '%s'", helper->name,
                                helper->parameters[i]);
    return true;
}

bool eg_helper_call(eg_eval *eval, const eg_expr *at, const eg_helper *helper, const eg_actual *actuals,
                    size_t count, eg_datum *out)
{
    request c = {.eval = eval, .at = at, .actuals = actuals, .count = count};
    for (size_t i = 0; i < count && helper->most == 0; i++)
        if (actuals[i].name)
            return eg_eval_fail(eval, actuals[i].expr, "unknown_argument", "%s takes no argument '%s'",
                                helper->name, actuals[i].name);
    if (helper->most > 0 && !place_arguments(&c, helper)) return false;
    return helper->run(&c, out);
}
