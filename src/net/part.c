#include "net/part.h"

#include <string.h>

#include "base/map.h"
#include "base/str.h"
#include "net/bind.h"

enum { PART_COST = 20 }; /* steps that a part takes from the budget: keeps memory within tens of MB */

bool eg_part_fail(eg_builder *builder, const eg_part *part, const char *code, const char *text)
{
    bool named = part->path && part->path[0];
    eg_problem_add(builder->eval.problems, code, eg_origin_place(part->origin, part->at), "%s%s%s",
                   named ? part->path : "", named ? ": " : "", text);
    return false;
}

static eg_part *new_part(eg_builder *builder, eg_part_kind kind, const char *type, const eg_origin *origin,
                         size_t at)
{
    eg_part *part = EG_NEW(builder->eval.arena, eg_part);
    *part = (eg_part){.kind = kind, .type = type, .origin = origin, .at = at};
    return part;
}

static eg_datum part_datum(eg_part *part)
{
    return (eg_datum){.kind = EG_DATUM_PART, .part = part};
}

/* ---- layers ---- */

static bool make_layer(eg_builder *builder, const eg_expr *at, const eg_op *op, const eg_actual *actuals,
                       size_t count, eg_datum *out)
{
    void *attr;
    for (size_t i = 0; i < count; i++)
        if (actuals[i].datum.kind == EG_DATUM_VALUE)
            return eg_eval_fail(&builder->eval, actuals[i].expr, "type",
                                "a child is a layer without its input: write %s(…), and call it in 'forward'",
                                op->name);
    if (!eg_bind(&builder->eval, at, op, actuals, count, &attr)) return false;
    eg_part *part = new_part(builder, EG_PART_LAYER, op->name, at->origin, at->at);
    part->layer = (eg_layer){.op = op, .attr = attr, .node = -1};
    *out = part_datum(part);
    return true;
}

/* ---- parameter(shape, std=…, mean=…, value=…), buffer(shape, value=…) ---- */

static bool read_shape(eg_builder *builder, const eg_actual *actual, eg_shape *shape)
{
    enum { MOST = 8 };
    int64_t dims[MOST];
    const eg_datum *list = &actual->datum;
    uint64_t numel = 0;
    bool ok = list->kind == EG_DATUM_LIST && list->count <= MOST;
    for (size_t i = 0; ok && i < list->count; i++) {
        ok = list->items[i].kind == EG_DATUM_INT && list->items[i].integer >= 1;
        dims[i] = ok ? list->items[i].integer : 0;
    }
    if (ok) *shape = eg_shape_copy(builder->eval.arena, dims, (uint32_t)list->count);
    if (ok && eg_shape_numel(*shape, &numel) && numel < (uint64_t)1 << 40) return true;
    return eg_eval_fail(&builder->eval, actual->expr, "type",
                        "expected the shape as a list of whole numbers of at least 1, such as [1, 16], with "
                        "less than 2^40 elements");
}

static bool read_init(eg_builder *builder, const eg_actual *actual, bool buffer, eg_init *init)
{
    bool std = strcmp(actual->name, "std") == 0, mean = strcmp(actual->name, "mean") == 0;
    bool value = strcmp(actual->name, "value") == 0;
    if (!value && (buffer || (!std && !mean)))
        return eg_eval_fail(&builder->eval, actual->expr, "unknown_argument",
                            "there is no argument '%s' here: %s", actual->name,
                            buffer ? "buffer(shape, value=0)"
                                   : "parameter(shape, value=0) or parameter(shape, mean=0, std=0.02)");
    if (!eg_datum_is_number(&actual->datum))
        return eg_eval_fail(&builder->eval, actual->expr, "type", "expected a number, found %s",
                            eg_datum_describe(builder->eval.arena, &actual->datum));
    double number = eg_datum_number(&actual->datum);
    if (std && number < 0)
        return eg_eval_fail(&builder->eval, actual->expr, "value", "expected a std of at least 0");
    init->kind = value ? EG_INIT_CONSTANT : EG_INIT_NORMAL;
    *(value ? &init->value : std ? &init->std : &init->mean) = number;
    return true;
}

static bool make_entry(eg_builder *builder, const eg_expr *at, bool buffer, const eg_actual *actuals,
                       size_t count, eg_datum *out)
{
    eg_part *part = new_part(builder, EG_PART_ENTRY, buffer ? "buffer" : "parameter", at->origin, at->at);
    part->entry =
        (eg_param){.dtype = EG_F32, .buffer = buffer, .init = {.kind = EG_INIT_ZEROS, .gain = 1}, .node = -1};
    bool shaped = false;
    for (size_t i = 0; i < count; i++) {
        bool shape = actuals[i].name ? strcmp(actuals[i].name, "shape") == 0 : i == 0;
        if (!shape && !actuals[i].name)
            return eg_eval_fail(&builder->eval, actuals[i].expr, "unknown_argument",
                                "only the shape is given by position");
        if (shape ? !read_shape(builder, &actuals[i], &part->entry.shape)
                  : !read_init(builder, &actuals[i], buffer, &part->entry.init))
            return false;
        shaped |= shape;
    }
    if (!shaped) return eg_eval_fail(&builder->eval, at, "missing_argument", "%s needs a shape", part->type);
    *out = part_datum(part);
    return true;
}

/* ---- blocks ---- */

static size_t find_parameter(const eg_block *block, const eg_actual *actual, size_t position)
{
    if (!actual->name) return position;
    for (size_t i = 0; i < block->params.count; i++)
        if (strcmp(block->params.items[i], actual->name) == 0) return i;
    return block->params.count;
}

static bool fail_argument(eg_builder *builder, const eg_block *block, const eg_actual *actual)
{
    if (!actual->name)
        return eg_eval_fail(&builder->eval, actual->expr, "unknown_argument",
                            "the block %s takes %zu argument%s", block->name, block->params.count,
                            block->params.count == 1 ? "" : "s");
    const char *nearest = eg_nearest(actual->name, block->params.items, block->params.count);
    return eg_eval_fail(&builder->eval, actual->expr, "unknown_argument",
                        "the block %s takes no argument '%s'%s%s%s", block->name, actual->name,
                        nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
}

/* Defaults may speak of the parameters before them. */
static bool bind_parameters(eg_builder *builder, const eg_expr *at, const eg_block *block,
                            const eg_actual **given, eg_scope *scope)
{
    for (size_t i = 0; i < block->params.count; i++) {
        eg_datum datum;
        if (given[i])
            datum = given[i]->datum;
        else if (!block->defaults[i])
            return eg_eval_fail(&builder->eval, at, "missing_argument", "the block %s needs '%s'",
                                block->name, block->params.items[i]);
        else if (!eg_eval_run(&builder->eval, scope, block->defaults[i], &datum))
            return false;
        eg_scope_set(scope, builder->eval.arena, block->params.items[i], datum);
    }
    return true;
}

static bool make_block(eg_builder *builder, const eg_expr *at, const eg_block *block,
                       const eg_actual *actuals, size_t count, eg_datum *out)
{
    const eg_actual **given = EG_NEW_ARRAY(builder->eval.arena, const eg_actual *, block->params.count);
    for (size_t i = 0; i < count; i++) {
        size_t p = find_parameter(block, &actuals[i], i);
        if (p >= block->params.count) return fail_argument(builder, block, &actuals[i]);
        if (given[p])
            return eg_eval_fail(&builder->eval, actuals[i].expr, "unknown_argument",
                                "the argument '%s' is given twice", block->params.items[p]);
        given[p] = &actuals[i];
    }
    eg_scope *scope = eg_scope_new(builder->eval.arena, builder->globals);
    if (!bind_parameters(builder, at, block, given, scope)) return false;
    eg_part *part = new_part(builder, EG_PART_MODULE, block->name, at->origin, at->at);
    part->body = block->body;
    part->alias = block->expr;
    part->scope = scope;
    part->is_block = true;
    *out = part_datum(part);
    return true;
}

bool eg_part_make(eg_builder *builder, const eg_expr *at, const eg_datum *callee, const eg_actual *actuals,
                  size_t count, eg_datum *out)
{
    if (!eg_eval_spend(&builder->eval, at, PART_COST)) return false;
    switch (callee->kind) {
    case EG_DATUM_OP: return make_layer(builder, at, callee->op, actuals, count, out);
    case EG_DATUM_ENTRY: return make_entry(builder, at, callee->integer != 0, actuals, count, out);
    case EG_DATUM_BLOCK: return make_block(builder, at, callee->block, actuals, count, out);
    default: return eg_eval_fail(&builder->eval, at, "not_callable", "layers are called in 'forward' alone");
    }
}

eg_part *eg_part_nested(eg_builder *builder, const eg_body *body, const eg_scope *scope, const char *path)
{
    eg_part *part = new_part(builder, EG_PART_MODULE, body->list ? "Sequential" : "Module", body->origin, 0);
    part->body = body;
    part->scope = scope;
    part->path = path;
    return part;
}

/* ---- children ---- */

bool eg_part_place(eg_builder *builder, const eg_expr *at, eg_part *part, const char *path)
{
    if (part->path)
        return eg_eval_fail(&builder->eval, at, "shared",
                            "this module is already the child '%s': call that one again instead", part->path);
    part->path = path;
    return true;
}

/* The children of one module while they are made. */
typedef struct nursery {
    eg_builder *builder;
    eg_part *part;
    eg_map *names;
    size_t capacity;
} nursery;

static void add_child(nursery *n, const char *name, eg_part *child)
{
    eg_part *part = n->part;
    if (part->child_count == n->capacity) {
        n->capacity = n->capacity ? n->capacity * 2 : 8;
        eg_child *children = EG_NEW_ARRAY(n->builder->eval.arena, eg_child, n->capacity);
        if (part->child_count) memcpy(children, part->children, part->child_count * sizeof *children);
        part->children = children;
    }
    part->children[part->child_count++] = (eg_child){name, child};
}

/* Problems that a line itself has are told at its name (or at the item, in a list). */
static bool fail_line(nursery *n, const eg_line *line, const char *code, const char *text)
{
    const char *path = n->builder->eval.path;
    bool named = path && path[0];
    eg_problem_add(n->builder->eval.problems, code, eg_origin_place(line->origin, 0), "%s%s%s",
                   named ? path : "", named ? ": " : "", text);
    return false;
}

static bool write_piece(nursery *n, const eg_scope *scope, const eg_name_piece *piece, eg_buf *buf)
{
    eg_datum datum;
    if (piece->text) {
        eg_buf_puts(buf, piece->text);
        return true;
    }
    if (!eg_eval_run(&n->builder->eval, scope, piece->expr, &datum)) return false;
    if (datum.kind == EG_DATUM_TEXT)
        eg_buf_puts(buf, datum.text);
    else if (datum.kind == EG_DATUM_INT)
        eg_buf_printf(buf, "%lld", (long long)datum.integer);
    else
        return eg_eval_fail(&n->builder->eval, piece->expr, "type",
                            "a name is made of texts and whole numbers, found %s",
                            eg_datum_describe(n->builder->eval.arena, &datum));
    return true;
}

static const char *name_child(nursery *n, const eg_scope *scope, const eg_line *line)
{
    eg_arena *arena = n->builder->eval.arena;
    eg_buf buf = {0};
    bool ok = true;
    if (line->piece_count == 0) return eg_arena_printf(arena, "%zu", n->part->child_count);
    for (size_t i = 0; ok && i < line->piece_count; i++) ok = write_piece(n, scope, &line->pieces[i], &buf);
    const char *name = eg_buf_take(&buf, arena);
    if (!ok) return NULL;
    if (name[0] == '\0' || strchr(name, '.') || strlen(name) > 200) {
        fail_line(n, line, "name", "a child's name is not empty, has no '.', and at most 200 bytes");
        return NULL;
    }
    if (eg_map_add(n->names, name, 1)) return name;
    fail_line(n, line, "duplicate_name", eg_arena_printf(arena, "there are two children named '%s'", name));
    return NULL;
}

static bool check_child(nursery *n, const eg_line *line, const eg_datum *datum, const char *path)
{
    eg_eval *eval = &n->builder->eval;
    if (datum->kind == EG_DATUM_PART || datum->kind == EG_DATUM_NONE) return true;
    bool bare = datum->kind == EG_DATUM_OP || datum->kind == EG_DATUM_BLOCK;
    eval->path = path;
    return eg_eval_fail(eval, line->expr, "type", "a child is a layer, a block or none, found %s%s",
                        eg_datum_describe(eval->arena, datum), bare ? ": it needs parentheses" : "");
}

static bool make_child(nursery *n, const eg_scope *scope, const eg_line *line)
{
    eg_eval *eval = &n->builder->eval;
    const char *outer = eval->path, *name = name_child(n, scope, line);
    if (!name) return false;
    if (line->body && (eval->steps -= PART_COST) < 0)
        return fail_line(n, line, "limit", "this architecture has too many modules");
    const char *path = outer[0] ? eg_arena_printf(eval->arena, "%s.%s", outer, name) : name;
    if (line->body) {
        add_child(n, name, eg_part_nested(n->builder, line->body, scope, path));
        return true;
    }
    eg_datum datum;
    eval->path = path;
    bool ok = eg_eval_run(eval, scope, line->expr, &datum) && check_child(n, line, &datum, path);
    eg_part *part = ok && datum.kind == EG_DATUM_PART ? datum.part : NULL;
    if (part) ok = eg_part_place(n->builder, line->expr, part, path);
    eval->path = outer;
    if (ok) add_child(n, name, part);
    return ok;
}

static bool make_lines(nursery *n, const eg_scope *scope, const eg_body *body);

static bool make_loop(nursery *n, const eg_scope *scope, const eg_line *line)
{
    eg_eval *eval = &n->builder->eval;
    eg_datum over;
    if (!eg_eval_run(eval, scope, line->expr, &over)) return false;
    if (over.kind != EG_DATUM_LIST)
        return eg_eval_fail(eval, line->expr, "type", "expected a list to go over, found %s",
                            eg_datum_describe(eval->arena, &over));
    for (size_t i = 0; i < over.count; i++) {
        eg_scope *inner = eg_scope_new(eval->arena, scope);
        if (!eg_eval_spend(eval, line->expr, PART_COST) ||
            !eg_eval_unpack(eval, line->expr, &line->targets, &over.items[i], inner) ||
            !make_lines(n, inner, line->body))
            return false;
    }
    return true;
}

static bool make_condition(nursery *n, const eg_scope *scope, const eg_line *line)
{
    eg_datum condition;
    if (!eg_eval_run(&n->builder->eval, scope, line->expr, &condition)) return false;
    return !eg_datum_truth(&condition) || make_lines(n, scope, line->body);
}

static bool make_lines(nursery *n, const eg_scope *scope, const eg_body *body)
{
    static bool (*const rules[])(nursery *, const eg_scope *, const eg_line *) = {
        [EG_LINE_CHILD] = make_child, [EG_LINE_FOR] = make_loop, [EG_LINE_IF] = make_condition};
    for (size_t i = 0; i < body->line_count; i++)
        if (!rules[body->lines[i].kind](n, scope, &body->lines[i])) return false;
    return true;
}

static bool expand_alias(eg_builder *builder, eg_part *part, const eg_scope *scope)
{
    nursery n = {builder, part, NULL, 0};
    eg_datum datum;
    eg_line line = {.expr = part->alias, .origin = part->alias->origin};
    if (!eg_eval_run(&builder->eval, scope, part->alias, &datum) ||
        !check_child(&n, &line, &datum, part->path))
        return false;
    eg_part *inner = datum.kind == EG_DATUM_PART ? datum.part : NULL;
    if (inner && !eg_part_place(builder, part->alias, inner, part->path)) return false;
    add_child(&n, "", inner);
    return true;
}

static bool make_children(eg_builder *builder, eg_part *part, int32_t x)
{
    eg_eval *eval = &builder->eval;
    eg_scope *inner = eg_scope_new(eval->arena, part->scope);
    part->inner = inner;
    if (part->is_block)
        eg_scope_set(inner, eval->arena, "x", (eg_datum){.kind = EG_DATUM_VALUE, .integer = x});
    if (part->alias) return expand_alias(builder, part, inner);
    for (size_t i = 0; i < part->body->let_count; i++) {
        eg_datum datum;
        if (!eg_eval_run(eval, inner, part->body->lets[i].expr, &datum)) return false;
        eg_scope_set(inner, eval->arena, part->body->lets[i].name, datum);
    }
    nursery n = {builder, part, eg_map_new(eval->arena), 0};
    return make_lines(&n, inner, part->body);
}

bool eg_part_expand(eg_builder *builder, eg_part *part, int32_t x)
{
    eg_eval *eval = &builder->eval;
    if (part->kind != EG_PART_MODULE || part->expanded) return true;
    part->expanded = true;
    const char *path = eval->path;
    bool flowing = builder->flowing;
    eval->path = part->path;
    builder->flowing = false;
    bool ok = make_children(builder, part, x);
    eval->path = path;
    builder->flowing = flowing;
    return ok;
}

const eg_child *eg_part_child(const eg_part *part, const char *name)
{
    for (size_t i = 0; i < part->child_count; i++)
        if (strcmp(part->children[i].name, name) == 0) return &part->children[i];
    return NULL;
}
