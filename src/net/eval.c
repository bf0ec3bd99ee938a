#include "net/eval.h"

#include <string.h>

#include "base/str.h"
#include "net/arith.h"
#include "net/helper.h"
#include "net/op.h"

eg_scope *eg_scope_new(eg_arena *arena, const eg_scope *outer)
{
    eg_scope *scope = EG_NEW(arena, eg_scope);
    scope->outer = outer;
    return scope;
}

void eg_scope_set(eg_scope *scope, eg_arena *arena, const char *name, eg_datum datum)
{
    for (eg_binding *b = scope->first; b; b = b->next) {
        if (strcmp(b->name, name) != 0) continue;
        b->datum = datum;
        return;
    }
    eg_binding *binding = EG_NEW(arena, eg_binding);
    *binding = (eg_binding){name, datum, scope->first};
    scope->first = binding;
}

const eg_datum *eg_scope_find(const eg_scope *scope, const char *name)
{
    for (; scope; scope = scope->outer)
        for (const eg_binding *b = scope->first; b; b = b->next)
            if (strcmp(b->name, name) == 0) return &b->datum;
    return NULL;
}

bool eg_eval_fail(eg_eval *eval, const eg_expr *at, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = eg_arena_vprintf(eval->arena, format, args);
    va_end(args);
    bool named = eval->path && eval->path[0];
    eg_problem_add(eval->problems, code, eg_expr_place(at), "%s%s%s", named ? eval->path : "",
                   named ? ": " : "", text);
    return false;
}

bool eg_eval_spend(eg_eval *eval, const eg_expr *at, int64_t steps)
{
    eval->steps = steps > eval->steps ? -1 : eval->steps - steps;
    if (eval->steps >= 0) return true;
    return eg_eval_fail(eval, at, "limit", "this architecture takes more than %d steps to build",
                        EG_EVAL_STEPS);
}

const char *eg_eval_nearest(eg_eval *eval, const eg_scope *scope, const char *name)
{
    enum { MOST = 256 };
    const char *names[MOST];
    size_t count = 0, op_count;
    const eg_op *const *ops = eg_op_list(&op_count);
    for (; scope; scope = scope->outer)
        for (const eg_binding *b = scope->first; b && count < MOST; b = b->next) names[count++] = b->name;
    for (size_t i = 0; i < op_count && count < MOST; i++) names[count++] = ops[i]->name;
    for (size_t i = 0; eg_helper_at(i) && count < MOST; i++) names[count++] = eg_helper_at(i);
    const char *nearest = eg_nearest(name, names, count);
    return nearest ? eg_arena_printf(eval->arena, " (did you mean '%s'?)", nearest) : "";
}

static bool is_callable(const eg_datum *datum)
{
    return datum->kind >= EG_DATUM_HELPER && datum->kind <= EG_DATUM_PART;
}

/* Names that are there without being defined: operators, helpers, `parameter` and `buffer`. */
static bool find_builtin(const char *name, eg_datum *out)
{
    const eg_op *op = eg_op_find(name);
    const eg_helper *helper = eg_helper_find(name);
    bool buffer = strcmp(name, "buffer") == 0;
    if (op)
        *out = (eg_datum){.kind = EG_DATUM_OP, .op = op};
    else if (helper)
        *out = (eg_datum){.kind = EG_DATUM_HELPER, .helper = helper};
    else if (buffer || strcmp(name, "parameter") == 0)
        *out = (eg_datum){.kind = EG_DATUM_ENTRY, .integer = buffer};
    else
        return false;
    return true;
}

static bool eval_name(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_datum *out)
{
    const eg_datum *found = eg_scope_find(scope, expr->text);
    if (found) *out = *found;
    if (found || find_builtin(expr->text, out)) return true;
    return eg_eval_fail(eval, expr, "unknown_name", "there is no '%s' here%s", expr->text,
                        eg_eval_nearest(eval, scope, expr->text));
}

/* An argument may name what is to be called: {act: relu6}. */
static bool find_word(const eg_scope *scope, const char *word, eg_datum *out)
{
    const eg_datum *found = eg_scope_find(scope, word);
    if (found && is_callable(found)) *out = *found;
    return (found && is_callable(found)) || find_builtin(word, out);
}

/* A called name: the innermost meaning that can be called, so that an argument `dropout` does not hide the
 * operator. */
static bool eval_callee(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_datum *out)
{
    if (expr->kind != EG_EXPR_NAME) return eg_eval_run(eval, scope, expr, out);
    const eg_datum *hidden = eg_scope_find(scope, expr->text);
    for (const eg_scope *s = scope; s; s = s->outer) {
        for (const eg_binding *b = s->first; b; b = b->next) {
            if (strcmp(b->name, expr->text) != 0 || !is_callable(&b->datum)) continue;
            *out = b->datum;
            return true;
        }
    }
    if (find_builtin(expr->text, out)) return true;
    if (hidden && hidden->kind == EG_DATUM_TEXT && find_word(scope, hidden->text, out)) return true;
    if (hidden)
        return eg_eval_fail(eval, expr, "not_callable", "'%s' is %s, which cannot be called", expr->text,
                            eg_datum_describe(eval->arena, hidden));
    return eg_eval_fail(eval, expr, "unknown_operator",
                        "'%s' is not an operator of this version, nor a block or child here%s", expr->text,
                        eg_eval_nearest(eval, scope, expr->text));
}

static bool eval_items(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_datum *out)
{
    if (!eg_eval_spend(eval, expr, (int64_t)expr->count)) return false;
    eg_datum *items = EG_NEW_ARRAY(eval->arena, eg_datum, expr->count);
    for (size_t i = 0; i < expr->count; i++)
        if (!eg_eval_run(eval, scope, expr->items[i], &items[i])) return false;
    *out = (eg_datum){.kind = expr->kind == EG_EXPR_LIST ? EG_DATUM_LIST : EG_DATUM_DICT,
                      .items = items,
                      .count = expr->count};
    return true;
}

static bool eval_call(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_datum *out)
{
    eg_datum callee = {0};
    size_t count = expr->count - 1;
    if (!eval_callee(eval, scope, expr->items[0], &callee) || !eg_eval_spend(eval, expr, (int64_t)count))
        return false;
    eg_actual *actuals = EG_NEW_ARRAY(eval->arena, eg_actual, count);
    for (size_t i = 0; i < count; i++) {
        actuals[i] = (eg_actual){.name = expr->names[i + 1], .expr = expr->items[i + 1]};
        if (!eg_eval_run(eval, scope, actuals[i].expr, &actuals[i].datum)) return false;
    }
    if (callee.kind == EG_DATUM_HELPER) return eg_helper_call(eval, expr, callee.helper, actuals, count, out);
    if (is_callable(&callee) && eval->hooks && eval->hooks->call)
        return eval->hooks->call(eval, expr, &callee, actuals, count, out);
    return eg_eval_fail(eval, expr, "not_callable", "%s cannot be called here",
                        eg_datum_describe(eval->arena, &callee));
}

static bool eval_attribute(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_datum *out)
{
    eg_datum of;
    if (!eg_eval_run(eval, scope, expr->items[0], &of)) return false;
    bool known = of.kind == EG_DATUM_PART || of.kind == EG_DATUM_VALUE;
    if (known && eval->hooks && eval->hooks->attribute) return eval->hooks->attribute(eval, expr, &of, out);
    return eg_eval_fail(eval, expr, "type", "%s has no '%s'", eg_datum_describe(eval->arena, &of),
                        expr->text);
}

/* ---- subscripts ---- */

static bool is_index(const eg_datum *datum)
{
    return eg_datum_is_integer(datum);
}

/* A bound of a slice, clipped to [0, size]. */
static bool clip_bound(eg_eval *eval, const eg_subscript *s, const eg_datum *bound, int64_t size,
                       int64_t standard, int64_t *out)
{
    *out = standard;
    if (bound->kind == EG_DATUM_NONE) return true;
    if (!is_index(bound))
        return eg_eval_fail(eval, s->expr, "type", "expected whole numbers in a slice, found %s",
                            eg_datum_describe(eval->arena, bound));
    int64_t at = bound->integer;
    if (at < 0) at = at < -size ? 0 : at + size;
    *out = at > size ? size : at;
    return true;
}

bool eg_eval_subscript(eg_eval *eval, const eg_subscript *s, int64_t size, int64_t *start, int64_t *step,
                       int64_t *count)
{
    *step = 1;
    *count = 1;
    if (!s->slice) {
        if (!is_index(&s->start))
            return eg_eval_fail(eval, s->expr, "type", "expected a whole number as index, found %s",
                                eg_datum_describe(eval->arena, &s->start));
        *start = s->start.integer < 0 ? s->start.integer + size : s->start.integer;
        if (*start >= 0 && *start < size) return true;
        return eg_eval_fail(eval, s->expr, "index", "the index %lld is outside: there are %lld elements",
                            (long long)s->start.integer, (long long)size);
    }
    if (s->step.kind != EG_DATUM_NONE) {
        if (!is_index(&s->step) || s->step.integer < 1)
            return eg_eval_fail(eval, s->expr, "value",
                                "the step of a slice must be a whole number of at least 1");
        *step = s->step.integer;
    }
    int64_t stop;
    if (!clip_bound(eval, s, &s->start, size, 0, start) || !clip_bound(eval, s, &s->stop, size, size, &stop))
        return false;
    *count = *start < stop ? (stop - *start - 1) / *step + 1 : 0;
    return true;
}

static bool index_list(eg_eval *eval, const eg_subscript *s, const eg_datum *list, eg_datum *out)
{
    int64_t start = 0, step = 1, count = 0;
    if (!eg_eval_subscript(eval, s, (int64_t)list->count, &start, &step, &count) ||
        !eg_eval_spend(eval, s->expr, count))
        return false;
    if (!s->slice) {
        *out = list->items[start];
        return true;
    }
    eg_datum *items = EG_NEW_ARRAY(eval->arena, eg_datum, (size_t)count);
    for (int64_t i = 0; i < count; i++) items[i] = list->items[start + i * step];
    *out = (eg_datum){.kind = EG_DATUM_LIST, .items = items, .count = (size_t)count};
    return true;
}

/* "18, 34, 50": the keys of a dictionary, for messages. */
static const char *list_keys(eg_eval *eval, const eg_datum *dict)
{
    enum { SHOWN = 32 }; /* keys and values */
    eg_buf buf = {0};
    for (size_t i = 0; i < dict->count && i < SHOWN; i += 2)
        eg_buf_printf(&buf, "%s%s", i ? ", " : "", eg_datum_write(eval->arena, &dict->items[i]));
    if (dict->count > SHOWN) eg_buf_puts(&buf, ", …");
    return eg_buf_take(&buf, eval->arena);
}

static bool index_dict(eg_eval *eval, const eg_subscript *s, const eg_datum *dict, eg_datum *out)
{
    /* the last of equal keys counts, as in Python */
    for (size_t i = dict->count; i > 0; i -= 2) {
        if (!eg_datum_equal(&dict->items[i - 2], &s->start, &eval->steps)) continue;
        *out = dict->items[i - 1];
        return eg_eval_spend(eval, s->expr, 0);
    }
    return eg_eval_fail(eval, s->expr, "index", "%s is not among the keys %s",
                        eg_datum_describe(eval->arena, &s->start), list_keys(eval, dict));
}

static bool eval_optional(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_datum *out)
{
    *out = (eg_datum){.kind = EG_DATUM_NONE};
    return !expr || eg_eval_run(eval, scope, expr, out);
}

static bool eval_subscript(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_subscript *s)
{
    *s = (eg_subscript){.slice = expr->kind == EG_EXPR_SLICE, .expr = expr};
    if (!s->slice) return eg_eval_run(eval, scope, expr, &s->start);
    return eval_optional(eval, scope, expr->items[0], &s->start) &&
           eval_optional(eval, scope, expr->items[1], &s->stop) &&
           eval_optional(eval, scope, expr->items[2], &s->step);
}

static bool eval_index(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_datum *out)
{
    eg_datum of;
    size_t count = expr->count - 1;
    if (!eg_eval_run(eval, scope, expr->items[0], &of) || !eg_eval_spend(eval, expr, (int64_t)count))
        return false;
    eg_subscript *subscripts = EG_NEW_ARRAY(eval->arena, eg_subscript, count);
    for (size_t i = 0; i < count; i++)
        if (!eval_subscript(eval, scope, expr->items[i + 1], &subscripts[i])) return false;
    if (of.kind == EG_DATUM_LIST && count == 1) return index_list(eval, &subscripts[0], &of, out);
    if (of.kind == EG_DATUM_DICT && count == 1 && !subscripts[0].slice)
        return index_dict(eval, &subscripts[0], &of, out);
    bool known = of.kind == EG_DATUM_PART || of.kind == EG_DATUM_VALUE;
    if (known && eval->hooks && eval->hooks->index)
        return eval->hooks->index(eval, expr, &of, subscripts, count, out);
    return eg_eval_fail(eval, expr, "type", "%s cannot be indexed like this",
                        eg_datum_describe(eval->arena, &of));
}

/* ---- operators ---- */

static bool flows(const eg_datum *datum)
{
    return datum->kind == EG_DATUM_VALUE || datum->kind == EG_DATUM_PART;
}

static bool eval_binary(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_datum *out)
{
    eg_datum a, b;
    if (!eg_eval_run(eval, scope, expr->items[0], &a)) return false;
    if (expr->op == EG_AND || expr->op == EG_OR) {
        *out = a;
        return eg_datum_truth(&a) == (expr->op == EG_OR) || eg_eval_run(eval, scope, expr->items[1], out);
    }
    if (!eg_eval_run(eval, scope, expr->items[1], &b)) return false;
    bool hooked = (flows(&a) || flows(&b)) && eval->hooks && eval->hooks->operate;
    return hooked ? eval->hooks->operate(eval, expr, expr->op, &a, &b, out)
                  : eg_arith_apply(eval, expr, expr->op, &a, &b, out);
}

static bool eval_compare(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_datum *out)
{
    eg_datum left, right;
    bool holds = true;
    if (!eg_eval_run(eval, scope, expr->items[0], &left)) return false;
    for (size_t i = 1; i < expr->count && holds; i++) {
        if (!eg_eval_run(eval, scope, expr->items[i], &right) ||
            !eg_arith_compare(eval, expr, expr->ops[i - 1], &left, &right, &holds))
            return false;
        left = right;
    }
    *out = eg_datum_bool(holds);
    return true;
}

static bool eval_negate(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_datum *out)
{
    const eg_datum zero = eg_datum_int(0);
    eg_datum operand;
    const eg_datum minus = eg_datum_int(-1);
    if (!eg_eval_run(eval, scope, expr->items[0], &operand)) return false;
    if (flows(&operand) && eval->hooks && eval->hooks->operate)
        return eval->hooks->operate(eval, expr, EG_MUL, &operand, &minus, out);
    if (operand.kind == EG_DATUM_REAL) {
        *out = eg_datum_real(-operand.real);
        return true;
    }
    if (!eg_datum_is_integer(&operand))
        return eg_eval_fail(eval, expr, "type", "%s has no negative",
                            eg_datum_describe(eval->arena, &operand));
    return eg_arith_apply(eval, expr, EG_SUB, &zero, &operand, out);
}

static bool eval_not(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_datum *out)
{
    if (!eg_eval_run(eval, scope, expr->items[0], out)) return false;
    *out = eg_datum_bool(!eg_datum_truth(out));
    return true;
}

static bool eval_if(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_datum *out)
{
    eg_datum condition;
    if (!eg_eval_run(eval, scope, expr->items[1], &condition)) return false;
    return eg_eval_run(eval, scope, expr->items[eg_datum_truth(&condition) ? 0 : 2], out);
}

static bool eval_constant(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_datum *out)
{
    (void)eval, (void)scope;
    switch (expr->kind) {
    case EG_EXPR_BOOL: *out = eg_datum_bool(expr->integer != 0); break;
    case EG_EXPR_INT: *out = eg_datum_int(expr->integer); break;
    case EG_EXPR_REAL: *out = eg_datum_real(expr->real); break;
    case EG_EXPR_TEXT: *out = eg_datum_text(expr->text); break;
    default: *out = (eg_datum){.kind = EG_DATUM_NONE}; break;
    }
    return true;
}

static bool (*const rules[])(eg_eval *, const eg_scope *, const eg_expr *, eg_datum *) = {
    [EG_EXPR_NONE] = eval_constant, [EG_EXPR_BOOL] = eval_constant,  [EG_EXPR_INT] = eval_constant,
    [EG_EXPR_REAL] = eval_constant, [EG_EXPR_TEXT] = eval_constant,  [EG_EXPR_NAME] = eval_name,
    [EG_EXPR_LIST] = eval_items,    [EG_EXPR_DICT] = eval_items,     [EG_EXPR_ATTRIBUTE] = eval_attribute,
    [EG_EXPR_INDEX] = eval_index,   [EG_EXPR_CALL] = eval_call,      [EG_EXPR_NEGATE] = eval_negate,
    [EG_EXPR_NOT] = eval_not,       [EG_EXPR_BINARY] = eval_binary,  [EG_EXPR_COMPARE] = eval_compare,
    [EG_EXPR_IF] = eval_if,         [EG_EXPR_SLICE] = eval_constant, /* slices stand inside an index alone */
};

bool eg_eval_run(eg_eval *eval, const eg_scope *scope, const eg_expr *expr, eg_datum *out)
{
    *out = (eg_datum){.kind = EG_DATUM_NONE};
    if (!eg_eval_spend(eval, expr, 1)) return false;
    if (eval->depth >= EG_EVAL_DEPTH)
        return eg_eval_fail(eval, expr, "limit",
                            "blocks and expressions nest too deep here: does a block contain itself?");
    eval->depth++;
    bool ok = rules[expr->kind](eval, scope, expr, out);
    eval->depth--;
    return ok;
}

bool eg_eval_unpack(eg_eval *eval, const eg_expr *at, const eg_names *names, const eg_datum *datum,
                    eg_scope *scope)
{
    if (names->count == 1) {
        eg_scope_set(scope, eval->arena, names->items[0], *datum);
        return true;
    }
    if (datum->kind != EG_DATUM_LIST || datum->count != names->count)
        return eg_eval_fail(eval, at, "unpack", "expected a list of %zu for the %zu names, found %s",
                            names->count, names->count, eg_datum_describe(eval->arena, datum));
    for (size_t i = 0; i < names->count; i++)
        eg_scope_set(scope, eval->arena, names->items[i], datum->items[i]);
    return true;
}
