#include "net/body.h"

#include <string.h>

#include "base/str.h"

static void report(const eg_body_reader *r, const eg_error *err)
{
    eg_place place = {err->file[0] ? err->file : NULL, err->line, err->column};
    eg_problem_add(r->problems, "syntax", place, "%s", err->text);
}

const eg_expr *eg_body_expr(const eg_body_reader *r, const eg_doc *scalar)
{
    eg_error err = {0};
    if (scalar->kind != EG_DOC_SCALAR || scalar->text[0] == '\0') {
        eg_problem_add(r->problems, "syntax", scalar->place, "expected an expression, found %s",
                       scalar->kind == EG_DOC_SCALAR ? "nothing"
                       : scalar->kind == EG_DOC_LIST ? "a list"
                                                     : "a mapping");
        return NULL;
    }
    const eg_expr *expr = eg_expr_parse_all(r->arena, eg_origin_new(r->arena, scalar, r->lines), &err);
    if (!expr) report(r, &err);
    return expr;
}

static bool is_for(const eg_doc *key)
{
    return eg_starts_with(key->text, "for ");
}

static bool is_if(const eg_doc *key)
{
    return eg_starts_with(key->text, "if ");
}

static bool splices(const eg_doc *key)
{
    return is_for(key) || is_if(key);
}

bool eg_lets_build(const eg_body_reader *r, const eg_doc *doc, const eg_let **lets, size_t *count)
{
    bool ok = true;
    if (doc->kind != EG_DOC_MAP) {
        eg_problem_add(r->problems, "syntax", doc->place, "let: expected a mapping of names to expressions");
        return false;
    }
    eg_let *items = EG_NEW_ARRAY(r->arena, eg_let, doc->count);
    for (size_t i = 0; i < doc->count; i++) {
        items[i] = (eg_let){doc->keys[i]->text, eg_body_expr(r, doc->items[i])};
        ok &= items[i].expr != NULL;
    }
    *lets = items;
    *count = doc->count;
    return ok;
}

/* ---- flows ---- */

static bool build_steps(const eg_body_reader *r, const eg_doc *doc, const eg_flow **steps, size_t *count);

static bool build_step(const eg_body_reader *r, const eg_doc *doc, eg_flow *step)
{
    eg_assignment assignment;
    eg_error err = {0};
    if (doc->kind == EG_DOC_SCALAR && doc->text[0]) {
        bool ok = eg_assignment_parse(r->arena, eg_origin_new(r->arena, doc, r->lines), &assignment, &err);
        if (!ok) report(r, &err);
        *step = (eg_flow){.kind = EG_FLOW_ASSIGN, .targets = assignment.targets, .expr = assignment.expr};
        return ok;
    }
    if (doc->kind != EG_DOC_MAP || doc->count != 1 || !splices(doc->keys[0])) {
        eg_problem_add(r->problems, "syntax", doc->place,
                       "expected a step: 'y = EXPR', 'EXPR', 'if EXPR: steps' or 'for a in EXPR: steps'");
        return false;
    }
    const eg_origin *origin = eg_origin_new(r->arena, doc->keys[0], r->lines);
    *step = (eg_flow){.kind = is_for(doc->keys[0]) ? EG_FLOW_FOR : EG_FLOW_IF};
    if (step->kind == EG_FLOW_IF)
        step->expr = eg_if_parse(r->arena, origin, &err);
    else if (eg_for_parse(r->arena, origin, &assignment, &err))
        step->targets = assignment.targets, step->expr = assignment.expr;
    if (!step->expr) report(r, &err);
    return build_steps(r, doc->items[0], &step->steps, &step->count) && step->expr;
}

static bool build_steps(const eg_body_reader *r, const eg_doc *doc, const eg_flow **steps, size_t *count)
{
    bool list = doc->kind == EG_DOC_LIST, ok = true;
    *count = list ? doc->count : 1;
    eg_flow *items = EG_NEW_ARRAY(r->arena, eg_flow, *count);
    for (size_t i = 0; i < *count; i++) ok &= build_step(r, list ? doc->items[i] : doc, &items[i]);
    *steps = items;
    if (*count > 0) return ok;
    eg_problem_add(r->problems, "syntax", doc->place, "expected at least one step");
    return false;
}

/* ---- modules ---- */

static const eg_origin *origin_of(const eg_body_reader *r, const eg_doc *doc)
{
    return eg_origin_new(r->arena, doc, r->lines);
}

/* Cuts "denselayer{i}" at its braces. */
static bool build_name(const eg_body_reader *r, const eg_origin *origin, eg_line *line)
{
    enum { MOST = 16 };
    eg_name_piece pieces[MOST];
    const char *text = origin->text;
    size_t n = 0, at = 0;
    eg_error err = {0};
    while (text[at]) {
        size_t literal = strcspn(text + at, "{"), end = at + literal;
        if (n + 2 > MOST || (text[end] == '{' && !strchr(text + end, '}'))) {
            eg_problem_add(r->problems, "syntax", eg_origin_place(origin, end),
                           "expected a name such as \"layer{i}\", with '}' behind '{'");
            return false;
        }
        if (literal) pieces[n++] = (eg_name_piece){.text = eg_arena_substring(r->arena, text + at, literal)};
        at = end;
        if (!text[at]) break;
        size_t inner = strcspn(text + at, "}");
        const eg_expr *expr = eg_expr_parse(r->arena, origin, at + 1, at + inner, &err);
        if (!expr) return report(r, &err), false;
        pieces[n++] = (eg_name_piece){.expr = expr};
        at += inner + 1;
    }
    line->pieces = eg_arena_copy(r->arena, pieces, n * sizeof *pieces);
    line->piece_count = n;
    return true;
}

/* `version: 2`; any other value makes a child of that name. */
static bool is_version(const eg_doc *key, const eg_doc *item)
{
    return strcmp(key->text, "version") == 0 && item->kind == EG_DOC_SCALAR && item->text[0] >= '1' &&
           item->text[0] <= '9' && item->text[1] == '\0';
}

static const eg_body *build_body(const eg_body_reader *r, const eg_doc *doc, bool in_list, bool spliced);

/* `for …` and `if …` with the lines that they splice in. */
static bool build_splice(const eg_body_reader *r, const eg_doc *key, const eg_doc *doc, bool in_list,
                         eg_line *line)
{
    eg_error err = {0};
    eg_assignment loop = {0};
    *line = (eg_line){.kind = is_for(key) ? EG_LINE_FOR : EG_LINE_IF, .origin = origin_of(r, key)};
    if (line->kind == EG_LINE_IF)
        line->expr = eg_if_parse(r->arena, line->origin, &err);
    else if (eg_for_parse(r->arena, line->origin, &loop, &err))
        line->expr = loop.expr, line->targets = loop.targets;
    if (!line->expr) report(r, &err);
    line->body = build_body(r, doc, in_list, true);
    return line->expr && line->body;
}

static bool build_child(const eg_body_reader *r, const eg_doc *key, const eg_doc *doc, eg_line *line)
{
    *line = (eg_line){.kind = EG_LINE_CHILD, .origin = origin_of(r, key ? key : doc)};
    bool ok = !key || build_name(r, line->origin, line);
    if (doc->kind == EG_DOC_SCALAR)
        line->expr = eg_body_expr(r, doc);
    else
        line->body = build_body(r, doc, doc->kind == EG_DOC_LIST, false);
    return ok && (line->expr || line->body);
}

/* One item of a list: a child, or a mapping of nothing but `for` and `if`, whose lines count on. */
static bool build_item(const eg_body_reader *r, const eg_doc *item, eg_line *lines, size_t *count)
{
    bool ok = true;
    size_t spliced = 0;
    for (size_t i = 0; item->kind == EG_DOC_MAP && i < item->count; i++) spliced += splices(item->keys[i]);
    if (spliced == 0) return build_child(r, NULL, item, &lines[(*count)++]);
    if (spliced < item->count) {
        eg_problem_add(r->problems, "syntax", item->place,
                       "an item of a list is either a child or 'for …:' and 'if …:', not both");
        return false;
    }
    for (size_t i = 0; i < item->count; i++)
        ok &= build_splice(r, item->keys[i], item->items[i], true, &lines[(*count)++]);
    return ok;
}

static bool build_list(const eg_body_reader *r, const eg_doc *doc, eg_body *body)
{
    size_t most = 0;
    bool ok = true;
    for (size_t i = 0; i < doc->count; i++)
        most += doc->items[i]->kind == EG_DOC_MAP ? doc->items[i]->count + 1 : 1;
    eg_line *lines = EG_NEW_ARRAY(r->arena, eg_line, most);
    for (size_t i = 0; i < doc->count; i++) ok &= build_item(r, doc->items[i], lines, &body->line_count);
    body->lines = lines;
    return ok;
}

static bool build_map(const eg_body_reader *r, const eg_doc *doc, bool spliced, eg_body *body)
{
    bool ok = true;
    eg_line *lines = EG_NEW_ARRAY(r->arena, eg_line, doc->count);
    for (size_t i = 0; i < doc->count; i++) {
        const eg_doc *key = doc->keys[i], *item = doc->items[i];
        bool let = strcmp(key->text, "let") == 0, forward = strcmp(key->text, "forward") == 0;
        bool version = is_version(key, item);
        if ((let || forward || version) && spliced) {
            eg_problem_add(r->problems, "syntax", key->place,
                           "'%s' belongs to a module, not under 'for' or 'if'", key->text);
            ok = false;
        } else if (let) {
            ok &= eg_lets_build(r, item, &body->lets, &body->let_count);
        } else if (version) {
            body->version = item->text[0] - '0';
        } else if (forward) {
            ok &= build_steps(r, item, &body->flow, &body->flow_count);
        } else {
            eg_line *line = &lines[body->line_count++];
            ok &= splices(key) ? build_splice(r, key, item, false, line) : build_child(r, key, item, line);
        }
    }
    body->lines = lines;
    return ok;
}

/* A module, or (spliced) the lines of a `for` or `if` that stands in a list or in a mapping. */
static const eg_body *build_body(const eg_body_reader *r, const eg_doc *doc, bool in_list, bool spliced)
{
    eg_body *body = EG_NEW(r->arena, eg_body);
    body->version = 1;
    body->list = in_list;
    body->origin = origin_of(r, doc);
    bool ok;
    if (doc->kind == EG_DOC_LIST && in_list) {
        ok = build_list(r, doc, body);
    } else if (in_list) { /* spliced: one item */
        eg_line *lines = EG_NEW_ARRAY(r->arena, eg_line, doc->count + 1);
        body->lines = lines;
        ok = build_item(r, doc, lines, &body->line_count);
    } else if (doc->kind == EG_DOC_MAP) {
        ok = build_map(r, doc, spliced, body);
    } else {
        eg_problem_add(r->problems, "syntax", doc->place,
                       "expected named children here, as in 'name: layer'");
        ok = false;
    }
    return ok ? body : NULL;
}

const eg_body *eg_body_build(const eg_body_reader *r, const eg_doc *doc)
{
    if (doc->kind != EG_DOC_SCALAR) return build_body(r, doc, doc->kind == EG_DOC_LIST, false);
    eg_problem_add(r->problems, "syntax", doc->place, "expected a mapping or a list of layers");
    return NULL;
}

const eg_block *eg_block_build(const eg_body_reader *r, const eg_doc *key, const eg_doc *doc)
{
    eg_error err = {0};
    eg_signature signature;
    eg_block *block = EG_NEW(r->arena, eg_block);
    bool ok = eg_signature_parse(r->arena, origin_of(r, key), &signature, &err);
    if (!ok) report(r, &err);
    *block = (eg_block){.name = signature.name, .params = signature.params, .defaults = signature.defaults};
    if (doc->kind == EG_DOC_SCALAR)
        block->expr = eg_body_expr(r, doc);
    else
        block->body = eg_body_build(r, doc);
    return ok && (block->expr || block->body) ? block : NULL;
}
