#include "net/flow.h"

#include <stdio.h>
#include <string.h>

#include "net/operand.h"
#include "net/subscript.h"

enum { CALL_COST = 5 }; /* steps that a call of a module takes from the budget */

static eg_builder *builder_of(eg_eval *eval)
{
    return eval->context;
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
    return of->kind == EG_DATUM_VALUE ? eg_subscript_attribute(eval, at, of->integer, out)
                                      : part_attribute(eval, at, of->part, out);
}

static bool get_index(eg_eval *eval, const eg_expr *at, const eg_datum *of, const eg_subscript *subscripts,
                      size_t count, eg_datum *out)
{
    if (eg_operand_is_entry(of)) return eg_subscript_entry(eval, at, of->part, subscripts, count, out);
    return of->kind == EG_DATUM_VALUE ? eg_subscript_value(eval, at, of->integer, subscripts, count, out)
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
    *out = eg_datum_value(output);
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
    bool list = last->kind == EG_DATUM_LIST && eg_operand_is(last);
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
    running r = {builder, eg_scope_new(arena, name_children(builder, part)), eg_datum_value(x)};
    eg_scope_set(r.scope, arena, "x", eg_datum_value(x));
    if (!run_steps(&r, part->body->flow, part->body->flow_count) || !check_result(&r, part)) return false;
    *out = r.last;
    return true;
}

/* Without `forward` the children run one after the other. */
static bool run_children(eg_builder *builder, eg_part *part, int32_t x, eg_datum *out)
{
    *out = eg_datum_value(x);
    for (size_t i = 0; i < part->child_count; i++) {
        eg_part *child = part->children[i].part;
        eg_operands in = {.count = 0};
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
    *out = eg_datum_value(values[0]);
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
    eg_operands in;
    size_t taken = 0;
    const eg_part *target = follow_alias(part);
    if (!eg_operand_take(eval, actuals, count, &in, &taken)) return false;
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
    case EG_DATUM_OP: return eg_operand_call(eval, at, callee->op, actuals, count, out);
    case EG_DATUM_PART: return call_part(eval, at, callee->part, actuals, count, out);
    default:
        return eg_eval_fail(eval, at, "not_callable",
                            "%s makes a child: give it a name among the children and call that",
                            eg_datum_describe(eval->arena, callee));
    }
}

const eg_eval_hooks eg_flow_hooks = {
    .call = call, .attribute = get_attribute, .index = get_index, .operate = eg_operand_operate};
