#include "net/arith.h"

#include <math.h>
#include <string.h>

static bool fail_kinds(eg_eval *eval, const eg_expr *at, eg_operator op, const eg_datum *a, const eg_datum *b)
{
    return eg_eval_fail(eval, at, "type", "%s cannot be put together by '%s' with %s",
                        eg_datum_describe(eval->arena, a), eg_operator_name(op),
                        eg_datum_describe(eval->arena, b));
}

static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b != 0 && (a % b < 0) != (b < 0));
}

static bool apply_integers(eg_eval *eval, const eg_expr *at, eg_operator op, int64_t a, int64_t b,
                           eg_datum *out)
{
    int64_t result = 0;
    bool overflow = false;
    switch (op) {
    case EG_ADD: overflow = __builtin_add_overflow(a, b, &result); break;
    case EG_SUB: overflow = __builtin_sub_overflow(a, b, &result); break;
    case EG_MUL: overflow = __builtin_mul_overflow(a, b, &result); break;
    case EG_FLOOR_DIV:
        overflow = a == INT64_MIN && b == -1;
        if (!overflow) result = floor_div(a, b);
        break;
    default: /* % */
        if (b != -1) result = a - floor_div(a, b) * b;
        break;
    }
    if (overflow)
        return eg_eval_fail(eval, at, "value", "the result of '%s' is too large a number",
                            eg_operator_name(op));
    *out = eg_datum_int(result);
    return true;
}

/* Python's float modulo: the sign of the divisor. */
static double floor_mod(double a, double b)
{
    double m = fmod(a, b);
    if (m != 0) return (m < 0) != (b < 0) ? m + b : m;
    return copysign(0.0, b);
}

/* As CPython: a quotient that is whole but for rounding is not rounded down again. */
static double floor_quotient(double a, double b)
{
    double quotient = (a - floor_mod(a, b)) / b;
    double whole = floor(quotient);
    return quotient - whole > 0.5 ? whole + 1 : whole;
}

static bool apply_reals(eg_eval *eval, const eg_expr *at, eg_operator op, double a, double b, eg_datum *out)
{
    double result = 0;
    switch (op) {
    case EG_ADD: result = a + b; break;
    case EG_SUB: result = a - b; break;
    case EG_MUL: result = a * b; break;
    case EG_DIV: result = a / b; break;
    case EG_FLOOR_DIV: result = floor_quotient(a, b); break;
    default: result = floor_mod(a, b); break;
    }
    if (!isfinite(result))
        return eg_eval_fail(eval, at, "value", "the result of '%s' is too large a number",
                            eg_operator_name(op));
    *out = eg_datum_real(result);
    return true;
}

static bool join_texts(eg_eval *eval, const eg_expr *at, const char *a, const char *b, eg_datum *out)
{
    if (!eg_eval_spend(eval, at, (int64_t)(strlen(a) + strlen(b)))) return false;
    *out = eg_datum_text(eg_arena_printf(eval->arena, "%s%s", a, b));
    return true;
}

static bool join_lists(eg_eval *eval, const eg_expr *at, const eg_datum *a, const eg_datum *b, eg_datum *out)
{
    size_t count = a->count + b->count;
    if (!eg_eval_spend(eval, at, (int64_t)count)) return false;
    eg_datum *items = EG_NEW_ARRAY(eval->arena, eg_datum, count);
    if (a->count) memcpy(items, a->items, a->count * sizeof *items);
    if (b->count) memcpy(items + a->count, b->items, b->count * sizeof *items);
    *out = (eg_datum){.kind = EG_DATUM_LIST, .items = items, .count = count};
    return true;
}

static bool repeat_list(eg_eval *eval, const eg_expr *at, const eg_datum *list, int64_t times, eg_datum *out)
{
    int64_t count;
    if (times < 0) times = 0;
    if (__builtin_mul_overflow((int64_t)list->count, times, &count)) count = INT64_MAX;
    if (!eg_eval_spend(eval, at, count)) return false;
    eg_datum *items = EG_NEW_ARRAY(eval->arena, eg_datum, (size_t)count);
    for (int64_t i = 0; i < count; i++) items[i] = list->items[(size_t)i % list->count];
    *out = (eg_datum){.kind = EG_DATUM_LIST, .items = items, .count = (size_t)count};
    return true;
}

bool eg_arith_apply(eg_eval *eval, const eg_expr *at, eg_operator op, const eg_datum *a, const eg_datum *b,
                    eg_datum *out)
{
    if (eg_datum_is_number(a) && eg_datum_is_number(b)) {
        bool divides = op == EG_DIV || op == EG_FLOOR_DIV || op == EG_MOD;
        if (divides && eg_datum_number(b) == 0) return eg_eval_fail(eval, at, "value", "division by zero");
        if (op != EG_DIV && eg_datum_is_integer(a) && eg_datum_is_integer(b))
            return apply_integers(eval, at, op, a->integer, b->integer, out);
        return apply_reals(eval, at, op, eg_datum_number(a), eg_datum_number(b), out);
    }
    if (op == EG_ADD && a->kind == EG_DATUM_TEXT && b->kind == EG_DATUM_TEXT)
        return join_texts(eval, at, a->text, b->text, out);
    if (op == EG_ADD && a->kind == EG_DATUM_LIST && b->kind == EG_DATUM_LIST)
        return join_lists(eval, at, a, b, out);
    if (op == EG_MUL && a->kind == EG_DATUM_LIST && eg_datum_is_integer(b))
        return repeat_list(eval, at, a, b->integer, out);
    if (op == EG_MUL && b->kind == EG_DATUM_LIST && eg_datum_is_integer(a))
        return repeat_list(eval, at, b, a->integer, out);
    return fail_kinds(eval, at, op, a, b);
}

static bool contains(eg_eval *eval, const eg_expr *at, const eg_datum *list, const eg_datum *item, bool *out)
{
    size_t step = list->kind == EG_DATUM_DICT ? 2 : 1;
    *out = false;
    for (size_t i = 0; i < list->count && !*out; i += step)
        *out = eg_datum_equal(&list->items[i], item, &eval->steps);
    return eg_eval_spend(eval, at, 0);
}

bool eg_arith_compare(eg_eval *eval, const eg_expr *at, eg_operator op, const eg_datum *a, const eg_datum *b,
                      bool *out)
{
    if (op == EG_EQ || op == EG_NE) {
        *out = eg_datum_equal(a, b, &eval->steps) == (op == EG_EQ);
        return eg_eval_spend(eval, at, 0);
    }
    if (op == EG_IN || op == EG_NOT_IN) {
        if (b->kind != EG_DATUM_LIST && b->kind != EG_DATUM_DICT) return fail_kinds(eval, at, op, a, b);
        if (!contains(eval, at, b, a, out)) return false;
        *out = *out == (op == EG_IN);
        return true;
    }
    int order;
    if (eg_datum_is_number(a) && eg_datum_is_number(b))
        order = eg_datum_compare(a, b);
    else if (a->kind == EG_DATUM_TEXT && b->kind == EG_DATUM_TEXT)
        order = strcmp(a->text, b->text);
    else
        return fail_kinds(eval, at, op, a, b);
    *out = op == EG_LT ? order < 0 : op == EG_LE ? order <= 0 : op == EG_GT ? order > 0 : order >= 0;
    return true;
}

bool eg_arith_integer(eg_eval *eval, const eg_expr *at, double real, int64_t *out)
{
    if (!(real >= -9223372036854775808.0 && real < 9223372036854775808.0))
        return eg_eval_fail(eval, at, "value", "the number is too large for an integer");
    *out = (int64_t)real;
    return true;
}
