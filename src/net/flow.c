#include "net/flow.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "net/bind.h"

enum { CALL_COST = 5 }; /* steps that a call of a module takes from the budget */

static eg_builder *builder_of(eg_eval *eval)
{
    return eval->context;
}

static eg_datum value_datum(int32_t value)
{
    return (eg_datum){.kind = EG_DATUM_VALUE, .integer = value};
}

static const char *path_of(const eg_eval *eval)
{
    return eval->path ? eval->path : "";
}

/* Tells an operator's own sentence at the call. */
static bool fail_op(eg_eval *eval, const eg_expr *at, const eg_error *err)
{
    return eg_eval_fail(eval, at, "shape", "%s", err->text);
}

static bool fail_absent_op(eg_eval *eval, const eg_expr *at, const char *what)
{
    return eg_eval_fail(eval, at, "unknown_operator", "%s is not an operator of this version", what);
}

/* ---- arguments that are values ---- */

typedef struct inputs {
    int32_t values[EG_OP_INPUTS];
    int32_t count;
} inputs;

static bool is_value(const eg_datum *datum)
{
    bool entry = datum->kind == EG_DATUM_PART && datum->part && datum->part->kind == EG_PART_ENTRY;
    bool values = datum->kind == EG_DATUM_LIST && datum->count > 0;
    for (size_t i = 0; values && i < datum->count; i++) values = datum->items[i].kind == EG_DATUM_VALUE;
    return datum->kind == EG_DATUM_VALUE || entry || values;
}

static bool add_value(eg_eval *eval, const eg_expr *at, const eg_datum *datum, inputs *in)
{
    if (datum->kind == EG_DATUM_PART) return fail_absent_op(eval, at, "a parameter or buffer as a value");
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

/* The leading arguments that are values; *rest is how many that were. */
static bool take_values(eg_eval *eval, const eg_actual *actuals, size_t count, inputs *in, size_t *taken)
{
    size_t n = 0;
    in->count = 0;
    while (n < count && !actuals[n].name && is_value(&actuals[n].datum)) {
        if (!add_value(eval, actuals[n].expr, &actuals[n].datum, in)) return false;
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

static bool apply_op(eg_eval *eval, const eg_expr *at, const eg_op *op, void *attr, const inputs *in,
                     eg_datum *out)
{
    eg_error err = {0};
    int32_t output;
    eg_builder *builder = builder_of(eval);
    if (!eg_graph_apply(&builder->graph, op, attr, NULL, in->values, in->count, path_of(eval),
                        eg_expr_place(at), &output, &err))
        return fail_op(eval, at, &err);
    *out = value_datum(output);
    return true;
}

/* An operator that gives several values: a node for each, whose attr starts with its number. */
static bool apply_pieces(eg_eval *eval, const eg_expr *at, const eg_op *op, void *attr, const inputs *in,
                         eg_datum *out)
{
    int64_t count = op->pieces(attr, &builder_of(eval)->graph.values[in->values[0]]);
    if (count == 0) return apply_op(eval, at, op, attr, in, out); /* which fails and says why */
    if (!eg_eval_spend(eval, at, count)) return false;
    eg_datum *items = EG_NEW_ARRAY(eval->arena, eg_datum, (size_t)count);
    for (int64_t i = 0; i < count; i++) {
        memcpy(attr, &i, sizeof i);
        if (!apply_op(eval, at, op, attr, in, &items[i])) return false;
    }
    *out = (eg_datum){.kind = EG_DATUM_LIST, .items = items, .count = (size_t)count};
    return true;
}

static bool call_op(eg_eval *eval, const eg_expr *at, const eg_op *op, const eg_actual *actuals, size_t count,
                    eg_datum *out)
{
    inputs in = {.count = 0};
    size_t taken = 0;
    void *attr;
    if (!take_values(eval, actuals, count, &in, &taken)) return false;
    if (taken == 0)
        return eg_eval_fail(eval, at, "type", "in 'forward' %s needs the value that it is applied to: %s(x)",
                            op->name, op->name);
    return eg_bind(eval, at, op, actuals + taken, count - taken, &attr) &&
           (op->pieces ? apply_pieces : apply_op)(eval, at, op, attr, &in, out);
}

static bool operate(eg_eval *eval, const eg_expr *at, eg_operator op, const eg_datum *a, const eg_datum *b,
                    eg_datum *out)
{
    static const char *const names[EG_OPERATOR_COUNT] = {
        [EG_ADD] = "add", [EG_SUB] = "sub", [EG_MUL] = "mul", [EG_DIV] = "div"};
    const eg_op *found = names[op] ? eg_op_find(names[op]) : NULL;
    inputs in = {.count = 0};
    if (!builder_of(eval)->flowing)
        return eg_eval_fail(eval, at, "type",
                            "values are computed in 'forward' alone, not where children are made");
    if (!found)
        return fail_absent_op(eval, at, eg_arena_printf(eval->arena, "'%s' on values", eg_operator_name(op)));
    if (!is_value(a) || !is_value(b))
        return eg_eval_fail(
            eval, at, "type", "'%s' of %s and %s: both sides must be values (a module must be called)",
            eg_operator_name(op), eg_datum_describe(eval->arena, a), eg_datum_describe(eval->arena, b));
    return add_value(eval, at->items[0], a, &in) && add_value(eval, at->items[1], b, &in) &&
           apply_op(eval, at, found, NULL, &in, out);
}

/* ---- attributes and slices of values ---- */

/* Where a value's dimensions stand; the language speaks of (channels, height, width), values are channels
 * last. */
static const struct {
    const char *name;
    uint32_t rank, dim;
} dimensions[] = {
    {"channels", 3, 2}, {"height", 3, 0},   {"width", 3, 1},
    {"features", 1, 0}, {"features", 2, 1}, {"tokens", 2, 0},
};

/* "image (16, 8, 8)": in PyTorch's order. */
static const char *describe_shape(eg_eval *eval, const eg_value *v)
{
    const long long a = v->dims[0], b = v->dims[1], c = v->dims[2];
    if (v->rank == 3) return eg_arena_printf(eval->arena, "an image of %lld channels, %lldx%lld", c, a, b);
    if (v->rank == 2) return eg_arena_printf(eval->arena, "%lld tokens of %lld features", a, b);
    return eg_arena_printf(eval->arena, "a vector of %lld features", a);
}

static bool value_attribute(eg_eval *eval, const eg_expr *at, int64_t value, eg_datum *out)
{
    enum { COUNT = sizeof dimensions / sizeof *dimensions };
    const char *names[COUNT];
    bool known = false;
    if (value == EG_NO_VALUE)
        return eg_eval_fail(eval, at, "never_called",
                            "this module is never called, so that the shape of its input is not known");
    const eg_value *shape = &builder_of(eval)->graph.values[value];
    for (size_t i = 0; i < COUNT; i++) {
        names[i] = dimensions[i].name;
        bool named = strcmp(dimensions[i].name, at->text) == 0;
        known |= named;
        if (!named || dimensions[i].rank != shape->rank) continue;
        *out = eg_datum_int(shape->dims[dimensions[i].dim]);
        return true;
    }
    if (known)
        return eg_eval_fail(eval, at, "shape", "there is no '%s' here: the value is %s", at->text,
                            describe_shape(eval, shape));
    const char *nearest = eg_nearest(at->text, names, COUNT);
    return eg_eval_fail(eval, at, "type", "a value has no '%s'%s%s%s", at->text,
                        nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
}

/* One dimension of a slice: where it starts, how far it goes, what it takes. */
typedef struct span {
    int64_t start, stop, step;
    bool whole;
} span;

static bool read_span(eg_eval *eval, const eg_expr *at, const eg_subscript *s, int64_t size, span *out)
{
    int64_t count = size;
    *out = (span){0, size, 1, true};
    if (!s) return true;
    if (!s->slice) return fail_absent_op(eval, s->expr, "taking one element of a value (write start:stop)");
    if (!eg_eval_subscript(eval, s, size, &out->start, &out->step, &count)) return false;
    if (count == 0)
        return eg_eval_fail(eval, at, "shape", "the slice is empty: there are %lld elements",
                            (long long)size);
    out->stop = out->start + (count - 1) * out->step + 1;
    out->whole = count == size;
    return true;
}

static eg_actual int_argument(const char *name, const eg_expr *at, int64_t number)
{
    return (eg_actual){name, at, eg_datum_int(number)};
}

static eg_actual pair_argument(eg_eval *eval, const char *name, const eg_expr *at, int64_t height,
                               int64_t width)
{
    const eg_datum pair[] = {eg_datum_int(height), eg_datum_int(width)};
    eg_datum list = {
        .kind = EG_DATUM_LIST, .count = 2, .items = eg_arena_copy(eval->arena, pair, sizeof pair)};
    return (eg_actual){name, at, list};
}

/* x[c, h, w] of an image, as the operator `slice`. */
static bool slice_image(eg_eval *eval, const eg_expr *at, int32_t value, const span *c, const span *h,
                        const span *w, eg_datum *out)
{
    const eg_op *op = eg_op_find("slice");
    inputs in = {{value}, 1};
    void *attr;
    *out = value_datum(value);
    if (c->whole && h->whole && w->whole) return true;
    if (!op) return fail_absent_op(eval, at, "a slice of a value");
    const eg_actual actuals[] = {
        pair_argument(eval, "start", at, h->start, w->start),
        pair_argument(eval, "stop", at, h->stop, w->stop),
        pair_argument(eval, "step", at, h->step, w->step),
        int_argument("channel_start", at, c->start),
        int_argument("channel_stop", at, c->stop),
        int_argument("channel_step", at, c->step),
    };
    return eg_bind(eval, at, op, actuals, sizeof actuals / sizeof *actuals, &attr) &&
           apply_op(eval, at, op, attr, &in, out);
}

static bool index_value(eg_eval *eval, const eg_expr *at, int64_t value, const eg_subscript *subscripts,
                        size_t count, eg_datum *out)
{
    span c, h, w;
    if (value == EG_NO_VALUE || !builder_of(eval)->flowing)
        return eg_eval_fail(eval, at, "type", "values are sliced in 'forward' alone");
    const eg_value *shape = &builder_of(eval)->graph.values[value];
    if (shape->rank != 3)
        return fail_absent_op(eval, at,
                              eg_arena_printf(eval->arena, "a slice of %s", describe_shape(eval, shape)));
    if (count > 3)
        return eg_eval_fail(eval, at, "shape",
                            "%zu subscripts for %s: expected at most 3, as a sample has no batch dimension",
                            count, describe_shape(eval, shape));
    return read_span(eval, at, &subscripts[0], shape->dims[2], &c) &&
           read_span(eval, at, count > 1 ? &subscripts[1] : NULL, shape->dims[0], &h) &&
           read_span(eval, at, count > 2 ? &subscripts[2] : NULL, shape->dims[1], &w) &&
           slice_image(eval, at, (int32_t)value, &c, &h, &w, out);
}

/* ---- children as data: child.name, child[i], `for layer in child` ---- */

static const eg_part *follow_alias(const eg_part *part)
{
    while (part && part->alias && part->child_count) part = part->children[0].part;
    return part;
}

static bool open_part(eg_eval *eval, eg_part **part)
{
    while (*part) {
        if (!eg_part_expand(builder_of(eval), *part, EG_NO_VALUE)) return false;
        if (!(*part)->alias) return true;
        *part = (*part)->children[0].part;
    }
    return true;
}

static bool part_attribute(eg_eval *eval, const eg_expr *at, eg_part *part, eg_datum *out)
{
    if (!open_part(eval, &part)) return false;
    const eg_child *child = part ? eg_part_child(part, at->text) : NULL;
    if (!child) return eg_eval_fail(eval, at, "unknown_name", "the module has no child '%s'", at->text);
    *out = (eg_datum){.kind = EG_DATUM_PART, .part = child->part};
    return true;
}

/* The children as a list. */
static bool list_children(eg_eval *eval, const eg_expr *at, eg_part *part, eg_datum *out)
{
    if (!open_part(eval, &part)) return false;
    size_t count = part ? part->child_count : 0;
    if (!eg_eval_spend(eval, at, (int64_t)count)) return false;
    eg_datum *items = EG_NEW_ARRAY(eval->arena, eg_datum, count);
    for (size_t i = 0; i < count; i++)
        items[i] = (eg_datum){.kind = EG_DATUM_PART, .part = part->children[i].part};
    *out = (eg_datum){.kind = EG_DATUM_LIST, .items = items, .count = count};
    return true;
}

static bool index_part(eg_eval *eval, const eg_expr *at, eg_part *part, const eg_subscript *subscripts,
                       size_t count, eg_datum *out)
{
    eg_datum list;
    int64_t start, step, taken;
    if (count != 1) return eg_eval_fail(eval, at, "type", "a module has one list of children");
    if (!list_children(eval, at, part, &list)) return false;
    if (!eg_eval_subscript(eval, &subscripts[0], (int64_t)list.count, &start, &step, &taken)) return false;
    eg_datum *items = EG_NEW_ARRAY(eval->arena, eg_datum, (size_t)taken);
    for (int64_t i = 0; i < taken; i++) items[i] = list.items[start + i * step];
    *out = (eg_datum){.kind = EG_DATUM_LIST, .items = items, .count = (size_t)taken};
    if (!subscripts[0].slice) *out = items[0];
    return true;
}

static bool get_attribute(eg_eval *eval, const eg_expr *at, const eg_datum *of, eg_datum *out)
{
    return of->kind == EG_DATUM_VALUE ? value_attribute(eval, at, of->integer, out)
                                      : part_attribute(eval, at, of->part, out);
}

static bool get_index(eg_eval *eval, const eg_expr *at, const eg_datum *of, const eg_subscript *subscripts,
                      size_t count, eg_datum *out)
{
    bool entry = of->kind == EG_DATUM_PART && of->part && of->part->kind == EG_PART_ENTRY;
    if (entry) return fail_absent_op(eval, at, "a parameter or buffer as a value");
    return of->kind == EG_DATUM_VALUE ? index_value(eval, at, of->integer, subscripts, count, out)
                                      : index_part(eval, at, of->part, subscripts, count, out);
}

/* ---- modules ---- */

static bool apply_layer(eg_builder *builder, eg_part *part, const int32_t *values, int32_t count,
                        eg_datum *out)
{
    eg_error err = {0};
    int32_t output;
    eg_place place = eg_origin_place(part->origin, part->at);
    if (!eg_graph_apply(&builder->graph, part->layer.op, part->layer.attr, &part->layer, values, count,
                        part->path, place, &output, &err))
        return eg_part_fail(builder, part, "shape", err.text);
    *out = value_datum(output);
    return true;
}

/* One flow while it runs: its own names over those of the module; the last value. */
typedef struct running {
    eg_builder *builder;
    eg_scope *scope;
    eg_datum last;
} running;

static bool run_steps(running *r, const eg_flow *steps, size_t count);

static bool run_assignment(running *r, const eg_flow *step)
{
    if (!eg_eval_run(&r->builder->eval, r->scope, step->expr, &r->last)) return false;
    if (step->targets.count == 0) return true;
    return eg_eval_unpack(&r->builder->eval, step->expr, &step->targets, &r->last, r->scope);
}

static bool run_condition(running *r, const eg_flow *step)
{
    eg_datum condition;
    if (!eg_eval_run(&r->builder->eval, r->scope, step->expr, &condition)) return false;
    return !eg_datum_truth(&condition) || run_steps(r, step->steps, step->count);
}

static bool run_loop(running *r, const eg_flow *step)
{
    eg_eval *eval = &r->builder->eval;
    eg_datum over;
    if (!eg_eval_run(eval, r->scope, step->expr, &over)) return false;
    if (over.kind == EG_DATUM_PART && !list_children(eval, step->expr, over.part, &over)) return false;
    if (over.kind != EG_DATUM_LIST)
        return eg_eval_fail(eval, step->expr, "type", "expected a list or a module to go over, found %s",
                            eg_datum_describe(eval->arena, &over));
    for (size_t i = 0; i < over.count; i++) {
        if (!eg_eval_spend(eval, step->expr, 1) ||
            !eg_eval_unpack(eval, step->expr, &step->targets, &over.items[i], r->scope) ||
            !run_steps(r, step->steps, step->count))
            return false;
    }
    return true;
}

static bool run_steps(running *r, const eg_flow *steps, size_t count)
{
    static bool (*const rules[])(running *, const eg_flow *) = {
        [EG_FLOW_ASSIGN] = run_assignment, [EG_FLOW_FOR] = run_loop, [EG_FLOW_IF] = run_condition};
    for (size_t i = 0; i < count; i++)
        if (!rules[steps[i].kind](r, &steps[i])) return false;
    return true;
}

static bool check_result(running *r, const eg_part *part)
{
    const eg_datum *last = &r->last;
    bool list = last->kind == EG_DATUM_LIST && is_value(last);
    if (last->kind == EG_DATUM_VALUE || list) return true;
    const eg_expr *final = part->body->flow[part->body->flow_count - 1].expr;
    return eg_eval_fail(&r->builder->eval, final, "type", "the result of 'forward' must be a value, found %s",
                        eg_datum_describe(r->builder->eval.arena, last));
}

/* The children's names, over those in force where the children were made. */
static const eg_scope *name_children(eg_builder *builder, eg_part *part)
{
    eg_arena *arena = builder->eval.arena;
    if (part->names) return part->names;
    eg_scope *names = eg_scope_new(arena, part->inner);
    for (size_t i = 0; i < part->child_count; i++) {
        eg_binding *binding = EG_NEW(arena, eg_binding);
        *binding = (eg_binding){
            part->children[i].name, {.kind = EG_DATUM_PART, .part = part->children[i].part}, names->first};
        names->first = binding;
    }
    return part->names = names;
}

/* `forward`, whose own names come before those of the children. */
static bool run_forward(eg_builder *builder, eg_part *part, int32_t x, eg_datum *out)
{
    eg_arena *arena = builder->eval.arena;
    running r = {builder, eg_scope_new(arena, name_children(builder, part)), value_datum(x)};
    eg_scope_set(r.scope, arena, "x", value_datum(x));
    if (!run_steps(&r, part->body->flow, part->body->flow_count) || !check_result(&r, part)) return false;
    *out = r.last;
    return true;
}

/* Without `forward` the children run one after the other. */
static bool run_children(eg_builder *builder, eg_part *part, int32_t x, eg_datum *out)
{
    *out = value_datum(x);
    for (size_t i = 0; i < part->child_count; i++) {
        eg_part *child = part->children[i].part;
        inputs in = {.count = 0};
        if (!child) continue;
        if (child->kind == EG_PART_ENTRY)
            return eg_part_fail(
                builder, child, "type",
                "a module with a parameter or buffer needs a 'forward' that says where it goes");
        if (out->kind == EG_DATUM_LIST && out->count > EG_OP_INPUTS)
            return eg_part_fail(builder, child, "type", "the module before gives too many values");
        for (size_t k = 0; k < (out->kind == EG_DATUM_LIST ? out->count : 1); k++)
            in.values[in.count++] =
                (int32_t)(out->kind == EG_DATUM_LIST ? out->items[k].integer : out->integer);
        if (!eg_flow_call(builder, NULL, child, in.values, in.count, out)) return false;
    }
    return true;
}

static bool run_module(eg_builder *builder, eg_part *part, const int32_t *values, int32_t count,
                       eg_datum *out)
{
    if (count != 1) {
        char text[100];
        snprintf(text, sizeof text, "a module takes one value, not %d", count);
        return eg_part_fail(builder, part, "type", text);
    }
    if (!eg_part_expand(builder, part, values[0])) return false;
    builder->flowing = true;
    if (part->alias) return eg_flow_call(builder, part->alias, part->children[0].part, values, 1, out);
    return part->body->flow ? run_forward(builder, part, values[0], out)
                            : run_children(builder, part, values[0], out);
}

bool eg_flow_call(eg_builder *builder, const eg_expr *at, eg_part *part, const int32_t *values, int32_t count,
                  eg_datum *out)
{
    eg_eval *eval = &builder->eval;
    if (!part && count != 1)
        return eg_eval_fail(eval, at, "type", "an absent child takes one value, not %d", count);
    *out = value_datum(values[0]);
    if (!part) return true;
    if (eval->depth >= EG_EVAL_DEPTH || (eval->steps -= CALL_COST + (int64_t)part->child_count) < 0)
        return eg_part_fail(builder, part, "limit",
                            "modules nest too deep, or are called too often: does a block contain itself?");
    if (part->kind == EG_PART_LAYER) return apply_layer(builder, part, values, count, out);
    if (part->kind == EG_PART_ENTRY)
        return eg_part_fail(builder, part, "not_callable", "a parameter or buffer cannot be called");
    const char *path = eval->path;
    bool flowing = builder->flowing;
    eval->depth += 4; /* a module costs more of the stack than an expression */
    eval->path = part->path;
    bool ok = run_module(builder, part, values, count, out);
    eval->depth -= 4;
    eval->path = path;
    builder->flowing = flowing;
    return ok;
}

static bool call_part(eg_eval *eval, const eg_expr *at, eg_part *part, const eg_actual *actuals, size_t count,
                      eg_datum *out)
{
    inputs in;
    size_t taken = 0;
    const eg_part *target = follow_alias(part);
    if (!take_values(eval, actuals, count, &in, &taken)) return false;
    if (taken < count || in.count == 0)
        return eg_eval_fail(eval, taken < count ? actuals[taken].expr : at, "type",
                            "a module is called with values: expected %s, found %s",
                            target && target->kind == EG_PART_LAYER ? "its inputs" : "its input",
                            taken < count ? eg_datum_describe(eval->arena, &actuals[taken].datum)
                                          : "nothing");
    return eg_flow_call(builder_of(eval), at, part, in.values, in.count, out);
}

static bool call(eg_eval *eval, const eg_expr *at, const eg_datum *callee, const eg_actual *actuals,
                 size_t count, eg_datum *out)
{
    if (!builder_of(eval)->flowing) return eg_part_make(builder_of(eval), at, callee, actuals, count, out);
    switch (callee->kind) {
    case EG_DATUM_OP: return call_op(eval, at, callee->op, actuals, count, out);
    case EG_DATUM_PART: return call_part(eval, at, callee->part, actuals, count, out);
    default:
        return eg_eval_fail(eval, at, "not_callable",
                            "%s makes a child: give it a name among the children and call that",
                            eg_datum_describe(eval->arena, callee));
    }
}

const eg_eval_hooks eg_flow_hooks = {
    .call = call, .attribute = get_attribute, .index = get_index, .operate = operate};
