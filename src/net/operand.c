#include "net/operand.h"

#include <string.h>

#include "net/bind.h"

static eg_builder *builder_of(eg_eval *eval)
{
    return eval->context;
}

/* ---- arguments that are values ---- */

bool eg_operand_is_entry(const eg_datum *datum)
{
    return datum->kind == EG_DATUM_PART && datum->part && datum->part->kind == EG_PART_ENTRY;
}

bool eg_operand_is(const eg_datum *datum)
{
    bool values = datum->kind == EG_DATUM_LIST && datum->count > 0;
    for (size_t i = 0; values && i < datum->count; i++) values = datum->items[i].kind == EG_DATUM_VALUE;
    return datum->kind == EG_DATUM_VALUE || eg_operand_is_entry(datum) || values;
}

bool eg_operand_learned(eg_eval *eval, const eg_expr *at, eg_part *entry, int64_t skip, eg_datum *out)
{
    const eg_op *op = eg_op_find("learned");
    const eg_shape shape = entry->entry.shape;
    eg_datum *sizes = EG_NEW_ARRAY(eval->arena, eg_datum, shape.rank);
    for (uint32_t i = 0; i < shape.rank; i++) sizes[i] = eg_datum_int(shape.dims[i]);
    const eg_actual actuals[] = {
        {"shape", at, {.kind = EG_DATUM_LIST, .items = sizes, .count = shape.rank}},
        {"skip", at, eg_datum_int(skip)},
    };
    void *attr;
    int32_t output;
    eg_error err = {0};
    if (!eg_bind(eval, at, op, actuals, sizeof actuals / sizeof *actuals, &attr)) return false;
    entry->layer.op = op;
    if (!eg_graph_apply(&builder_of(eval)->graph, op, attr, &entry->layer, NULL, 0, entry->path,
                        eg_expr_place(at), &output, &err))
        return eg_eval_fail(eval, at, "shape", "%s", err.text);
    *out = eg_datum_value(output);
    return true;
}

/* As in PyTorch a first dimension of 1 before others is the batch. */
static bool add_entry(eg_eval *eval, const eg_expr *at, eg_part *entry, eg_operands *in)
{
    const eg_shape *shape = &entry->entry.shape;
    eg_datum value = {0};
    if (!eg_operand_learned(eval, at, entry, shape->rank > 1 && shape->dims[0] == 1, &value)) return false;
    return eg_operand_add(eval, at, &value, in);
}

bool eg_operand_add(eg_eval *eval, const eg_expr *at, const eg_datum *datum, eg_operands *in)
{
    if (datum->kind == EG_DATUM_PART) return add_entry(eval, at, datum->part, in);
    size_t count = datum->kind == EG_DATUM_LIST ? datum->count : 1;
    for (size_t i = 0; i < count; i++) {
        const eg_datum *one = datum->kind == EG_DATUM_LIST ? &datum->items[i] : datum;
        if (in->count == EG_OP_INPUTS)
            return eg_eval_fail(eval, at, "value", "more than %d values at once", EG_OP_INPUTS);
        if (one->integer == EG_NO_VALUE)
            return eg_eval_fail(eval, at, "never_called",
                                "this module is never called, so that its input is not known");
        in->values[in->count++] = (int32_t)one->integer;
    }
    return true;
}

bool eg_operand_take(eg_eval *eval, const eg_actual *actuals, size_t count, eg_operands *in, size_t *taken)
{
    size_t n = 0;
    in->count = 0;
    while (n < count && !actuals[n].name && eg_operand_is(&actuals[n].datum)) {
        if (!eg_operand_add(eval, actuals[n].expr, &actuals[n].datum, in)) return false;
        n++;
    }
    for (size_t i = n; i < count; i++)
        if (actuals[i].datum.kind == EG_DATUM_VALUE)
            return eg_eval_fail(eval, actuals[i].expr, "type",
                                "values come first, without a name, before other arguments");
    *taken = n;
    return true;
}

/* ---- operators as functions ---- */

static bool apply(eg_eval *eval, const eg_expr *at, const eg_op *op, void *attr, const eg_operands *in,
                  eg_datum *out)
{
    eg_error err = {0};
    int32_t output;
    if (!eg_graph_apply(&builder_of(eval)->graph, op, attr, NULL, in->values, in->count,
                        eval->path ? eval->path : "", eg_expr_place(at), &output, &err))
        return eg_eval_fail(eval, at, "shape", "%s", err.text); /* the operator's own sentence */
    *out = eg_datum_value(output);
    return true;
}

/* An operator that gives several values: a node for each, whose attr starts with its number. */
static bool apply_pieces(eg_eval *eval, const eg_expr *at, const eg_op *op, void *attr, const eg_operands *in,
                         eg_datum *out)
{
    int64_t count = op->pieces(attr, &builder_of(eval)->graph.values[in->values[0]]);
    if (count == 0) return apply(eval, at, op, attr, in, out); /* which fails and says why */
    if (!eg_eval_spend(eval, at, count)) return false;
    eg_datum *items = EG_NEW_ARRAY(eval->arena, eg_datum, (size_t)count);
    for (int64_t i = 0; i < count; i++) {
        memcpy(attr, &i, sizeof i);
        if (!apply(eval, at, op, attr, in, &items[i])) return false;
    }
    *out = (eg_datum){.kind = EG_DATUM_LIST, .items = items, .count = (size_t)count};
    return true;
}

bool eg_operand_apply(eg_eval *eval, const eg_expr *at, const eg_op *op, const eg_actual *actuals,
                      size_t count, const eg_operands *in, eg_datum *out)
{
    void *attr;
    return eg_bind(eval, at, op, actuals, count, &attr) &&
           (op->pieces ? apply_pieces : apply)(eval, at, op, attr, in, out);
}

bool eg_operand_call(eg_eval *eval, const eg_expr *at, const eg_op *op, const eg_actual *actuals,
                     size_t count, eg_datum *out)
{
    eg_operands in = {.count = 0};
    size_t taken = 0;
    if (!eg_operand_take(eval, actuals, count, &in, &taken)) return false;
    if (taken == 0)
        return eg_eval_fail(eval, at, "type", "in 'forward' %s needs the value that it is applied to: %s(x)",
                            op->name, op->name);
    return eg_operand_apply(eval, at, op, actuals + taken, count - taken, &in, out);
}

/* ---- arithmetic ---- */

static bool is_number(const eg_datum *datum)
{
    return datum->kind == EG_DATUM_INT || datum->kind == EG_DATUM_REAL;
}

/* x + 1, 1 - x, x * 2, x / 2 with a number on the side that `number_first` tells: all x * factor + offset. */
static bool scale(eg_eval *eval, const eg_expr *at, eg_operator op, const eg_datum *value, double number,
                  bool number_first, eg_datum *out)
{
    double factor = 1, offset = 0;
    eg_operands in = {.count = 0};
    if (op == EG_DIV && number == 0) return eg_eval_fail(eval, at, "value", "division by zero");
    if (op == EG_MUL || op == EG_DIV) factor = op == EG_DIV ? 1 / number : number;
    if (op == EG_ADD || op == EG_SUB) offset = op == EG_SUB && !number_first ? -number : number;
    if (op == EG_SUB && number_first) factor = -1;
    const eg_actual actuals[] = {{"factor", at, eg_datum_real(factor)},
                                 {"offset", at, eg_datum_real(offset)}};
    return eg_operand_add(eval, at, value, &in) &&
           eg_operand_apply(eval, at, eg_op_find("scale"), actuals, 2, &in, out);
}

/* 1 / x. */
static bool invert(eg_eval *eval, const eg_expr *at, const eg_datum *value, eg_datum *out)
{
    eg_operands in = {.count = 0};
    return eg_operand_add(eval, at, value, &in) &&
           eg_operand_apply(eval, at, eg_op_find("reciprocal"), NULL, 0, &in, out);
}

static bool combine(eg_eval *eval, const eg_expr *at, const char *op, const eg_datum *a, const eg_datum *b,
                    eg_datum *out)
{
    eg_operands in = {.count = 0};
    return eg_operand_add(eval, at->items[0], a, &in) && eg_operand_add(eval, at->items[1], b, &in) &&
           eg_operand_apply(eval, at, eg_op_find(op), NULL, 0, &in, out);
}

bool eg_operand_operate(eg_eval *eval, const eg_expr *at, eg_operator op, const eg_datum *a,
                        const eg_datum *b, eg_datum *out)
{
    /* a / b is a times 1 / b */
    static const char *const names[EG_OPERATOR_COUNT] = {
        [EG_ADD] = "add", [EG_SUB] = "sub", [EG_MUL] = "mul", [EG_DIV] = "mul"};
    bool left = eg_operand_is(a), right = eg_operand_is(b);
    eg_datum inverse = {0};
    if (!builder_of(eval)->flowing)
        return eg_eval_fail(eval, at, "type",
                            "values are computed in 'forward' alone, not where children are made");
    if (!names[op])
        return eg_eval_fail(eval, at, "unknown_operator", "'%s' on values is not an operator of this version",
                            eg_operator_name(op));
    if (left && is_number(b)) return scale(eval, at, op, a, eg_datum_number(b), false, out);
    if (!right || !(left || is_number(a)))
        return eg_eval_fail(
            eval, at, "type",
            "'%s' of %s and %s: expected values (a module must be called), or a value and a number",
            eg_operator_name(op), eg_datum_describe(eval->arena, a), eg_datum_describe(eval->arena, b));
    if (op == EG_DIV) {
        if (!invert(eval, at, b, &inverse)) return false;
        b = &inverse;
        op = EG_MUL;
    }
    if (!left) return scale(eval, at, op, b, eg_datum_number(a), true, out);
    return combine(eval, at, names[op], a, b, out);
}
