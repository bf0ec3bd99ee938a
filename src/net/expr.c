#include "net/expr.h"

#include <string.h>

#include "base/str.h"

enum { MAX_LENGTH = 8192, MAX_HEIGHT = 64 };

typedef struct parser {
    eg_lexer lexer;
    eg_token token; /* the next one */
    int depth;
    eg_error *err;
} parser;

static const char *const operator_names[EG_OPERATOR_COUNT] = {
    [EG_ADD] = "+",        [EG_SUB] = "-",   [EG_MUL] = "*", [EG_DIV] = "/",
    [EG_FLOOR_DIV] = "//", [EG_MOD] = "%",   [EG_EQ] = "==", [EG_NE] = "!=",
    [EG_LT] = "<",         [EG_LE] = "<=",   [EG_GT] = ">",  [EG_GE] = ">=",
    [EG_IN] = "in",        [EG_AND] = "and", [EG_OR] = "or", [EG_NOT_IN] = "not in",
};

const char *eg_operator_name(eg_operator op)
{
    return operator_names[op];
}

eg_place eg_expr_place(const eg_expr *expr)
{
    return eg_origin_place(expr->origin, expr->at);
}

static eg_arena *arena_of(parser *p)
{
    return p->lexer.arena;
}

static bool advance(parser *p)
{
    return eg_lexer_next(&p->lexer, &p->token, p->err);
}

static bool start(parser *p, eg_arena *arena, const eg_origin *origin, size_t from, size_t end, eg_error *err)
{
    *p = (parser){.lexer = {arena, origin, from, end}, .err = err};
    if (end - from > MAX_LENGTH)
        return eg_fail_at(err, EG_RECIPE, eg_origin_place(origin, from),
                          "the expression has %zu bytes, expected at most %d", end - from, MAX_LENGTH);
    return advance(p);
}

static bool is_word(const parser *p, const char *word)
{
    bool word_like = p->token.kind == EG_TOKEN_SYMBOL || p->token.kind == EG_TOKEN_NAME;
    return word_like && strcmp(p->token.text, word) == 0;
}

/* Takes the next token when it is that symbol or keyword. A lexical error is remembered in err and ends the
 * tokens. */
static bool accept(parser *p, const char *word)
{
    if (!is_word(p, word)) return false;
    if (!advance(p)) p->token = (eg_token){.kind = EG_TOKEN_END, .at = p->lexer.at, .text = ""};
    return true;
}

static bool expected(parser *p, const char *what)
{
    const eg_origin *origin = p->lexer.origin;
    const char *found = eg_printable(arena_of(p), origin->text + p->token.at, p->token.length);
    eg_place place = eg_origin_place(origin, p->token.at);
    if (p->token.kind != EG_TOKEN_END)
        return eg_fail_at(p->err, EG_RECIPE, place, "expected %s, found '%s'", what, found);
    bool cut = !origin->quoted && strcmp(what, "')'") == 0; /* conv2d(3 of [conv2d(3, 1)] */
    return eg_fail_at(p->err, EG_RECIPE, place, "expected %s, but the expression ends%s", what,
                      cut ? " (inside [ ] or { } of YAML, an expression with commas needs quotes)" : "");
}

static bool expect(parser *p, const char *word)
{
    if (is_word(p, word)) return advance(p);
    char what[16] = "'";
    strncat(what, word, 8);
    strcat(what, "'");
    return expected(p, what);
}

static eg_expr *new_expr(parser *p, eg_expr_kind kind, size_t at)
{
    eg_expr *expr = EG_NEW(arena_of(p), eg_expr);
    *expr = (eg_expr){.kind = kind, .at = at, .origin = p->lexer.origin, .height = 1};
    return expr;
}

/* Appends a part (which may be NULL, in slices); false when the tree gets too high. Arrays double at powers
 * of two. */
static bool add_item(parser *p, eg_expr *expr, const eg_expr *item)
{
    size_t n = expr->count;
    if ((n & (n - 1)) == 0) {
        const eg_expr **items = EG_NEW_ARRAY(arena_of(p), const eg_expr *, n ? n * 2 : 1);
        const char **names = EG_NEW_ARRAY(arena_of(p), const char *, n ? n * 2 : 1);
        if (n) memcpy(items, expr->items, n * sizeof(void *));
        if (n) memcpy(names, expr->names, n * sizeof(void *));
        expr->items = items;
        expr->names = names;
    }
    expr->items[expr->count++] = item;
    if (item && item->height >= expr->height) expr->height = item->height + 1;
    if (expr->height <= MAX_HEIGHT) return true;
    return eg_fail_at(p->err, EG_RECIPE, eg_expr_place(expr), "the expression nests deeper than %d levels",
                      MAX_HEIGHT);
}

static const eg_expr *parse_expr(parser *p);

/* ---- atoms ---- */

static const struct {
    const char *word;
    eg_expr_kind kind;
    int64_t integer;
} constants[] = {
    {"none", EG_EXPR_NONE, 0}, {"None", EG_EXPR_NONE, 0},  {"true", EG_EXPR_BOOL, 1},
    {"True", EG_EXPR_BOOL, 1}, {"false", EG_EXPR_BOOL, 0}, {"False", EG_EXPR_BOOL, 0},
};

static bool is_keyword(const char *word)
{
    static const char *const words[] = {"and", "or", "not", "if", "else", "in", "is", "for", "lambda"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i], word) == 0) return true;
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (strcmp(constants[i].word, word) == 0) return true;
    return false;
}

static void fill_name(eg_expr *expr, const char *word)
{
    expr->kind = EG_EXPR_NAME;
    expr->text = word;
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        if (strcmp(constants[i].word, word) != 0) continue;
        expr->kind = constants[i].kind;
        expr->integer = constants[i].integer;
    }
}

/* Items up to the closing bracket; a trailing comma is fine. */
static bool parse_items(parser *p, eg_expr *list, const char *close)
{
    while (!is_word(p, close)) {
        const eg_expr *item = parse_expr(p);
        if (!item || !add_item(p, list, item)) return false;
        if (list->kind == EG_EXPR_DICT) {
            if (!expect(p, ":")) return false;
            const eg_expr *value = parse_expr(p);
            if (!value || !add_item(p, list, value)) return false;
        }
        if (!accept(p, ",")) break;
    }
    return expect(p, close);
}

/* "(a)" is a itself; "(a, b)" is a list, as Python's tuple. */
static const eg_expr *parse_parentheses(parser *p, size_t at)
{
    const eg_expr *first = parse_expr(p);
    if (!first) return NULL;
    if (!is_word(p, ",")) return expect(p, ")") ? first : NULL;
    eg_expr *list = new_expr(p, EG_EXPR_LIST, at);
    if (!add_item(p, list, first) || !accept(p, ",")) return NULL;
    return parse_items(p, list, ")") ? list : NULL;
}

static const eg_expr *parse_atom(parser *p)
{
    eg_token token = p->token;
    eg_expr *expr = new_expr(p, EG_EXPR_NONE, token.at);
    if (accept(p, "(")) return parse_parentheses(p, token.at);
    if (is_word(p, "[") || is_word(p, "{")) {
        expr->kind = is_word(p, "[") ? EG_EXPR_LIST : EG_EXPR_DICT;
        if (!advance(p)) return NULL;
        return parse_items(p, expr, expr->kind == EG_EXPR_LIST ? "]" : "}") ? expr : NULL;
    }
    switch (token.kind) {
    case EG_TOKEN_INT: expr->kind = EG_EXPR_INT; break;
    case EG_TOKEN_REAL: expr->kind = EG_EXPR_REAL; break;
    case EG_TOKEN_TEXT: expr->kind = EG_EXPR_TEXT; break;
    default:
        fill_name(expr, token.text);
        if (token.kind == EG_TOKEN_NAME && (expr->kind != EG_EXPR_NAME || !is_keyword(token.text))) break;
        expected(p, "a value");
        return NULL;
    }
    if (token.kind != EG_TOKEN_NAME) {
        expr->integer = token.integer;
        expr->real = token.real;
        expr->text = token.text;
    }
    return advance(p) ? expr : NULL;
}

/* ---- calls, indices, attributes ---- */

/* Takes "name =" when a keyword argument starts here. */
static bool accept_keyword(parser *p, const char **name)
{
    parser before = *p;
    *name = p->token.text;
    if (p->token.kind == EG_TOKEN_NAME && !is_keyword(p->token.text) && advance(p) && accept(p, "="))
        return true;
    p->lexer = before.lexer;
    p->token = before.token;
    *name = NULL;
    return false;
}

static bool parse_arguments(parser *p, eg_expr *call)
{
    bool named = false;
    while (!is_word(p, ")")) {
        const char *name;
        size_t at = p->token.at;
        named |= accept_keyword(p, &name);
        if (named && !name)
            return eg_fail_at(p->err, EG_RECIPE, eg_origin_place(p->lexer.origin, at),
                              "an argument without a name stands after one with a name");
        for (size_t i = 1; name && i < call->count; i++)
            if (call->names[i] && strcmp(call->names[i], name) == 0)
                return eg_fail_at(p->err, EG_RECIPE, eg_origin_place(p->lexer.origin, at),
                                  "the argument '%s' stands twice", name);
        const eg_expr *value = parse_expr(p);
        if (!value || !add_item(p, call, value)) return false;
        call->names[call->count - 1] = name;
        if (!accept(p, ",")) break;
    }
    return expect(p, ")");
}

static bool ends_subscript(const parser *p)
{
    return is_word(p, ":") || is_word(p, ",") || is_word(p, "]");
}

/* "i", or "start:stop:step" with any of the three left out. */
static const eg_expr *parse_subscript(parser *p)
{
    const eg_expr *first = NULL;
    size_t at = p->token.at;
    if (!is_word(p, ":") && !(first = parse_expr(p))) return NULL;
    if (!is_word(p, ":")) return first;
    eg_expr *slice = new_expr(p, EG_EXPR_SLICE, at);
    if (!add_item(p, slice, first)) return NULL;
    for (int i = 0; i < 2; i++) {
        const eg_expr *part = NULL;
        bool more = accept(p, ":");
        if (more && !ends_subscript(p) && !(part = parse_expr(p))) return NULL;
        if (!add_item(p, slice, part)) return NULL;
    }
    return slice;
}

static bool parse_subscripts(parser *p, eg_expr *index)
{
    do {
        const eg_expr *subscript = parse_subscript(p);
        if (!subscript || !add_item(p, index, subscript)) return false;
    } while (accept(p, ",") && !is_word(p, "]"));
    return expect(p, "]");
}

static const eg_expr *parse_postfix(parser *p)
{
    const eg_expr *expr = parse_atom(p);
    while (expr && (is_word(p, "(") || is_word(p, "[") || is_word(p, "."))) {
        eg_expr_kind kind = is_word(p, "(")   ? EG_EXPR_CALL
                            : is_word(p, "[") ? EG_EXPR_INDEX
                                              : EG_EXPR_ATTRIBUTE;
        eg_expr *outer = new_expr(p, kind, expr->at);
        if (!advance(p) || !add_item(p, outer, expr)) return NULL;
        if (kind == EG_EXPR_CALL && !parse_arguments(p, outer)) return NULL;
        if (kind == EG_EXPR_INDEX && !parse_subscripts(p, outer)) return NULL;
        if (kind == EG_EXPR_ATTRIBUTE) {
            if (p->token.kind != EG_TOKEN_NAME) return expected(p, "a name after '.'"), NULL;
            outer->text = p->token.text;
            if (!advance(p)) return NULL;
        }
        expr = outer;
    }
    return expr;
}

/* ---- operators ---- */

static bool enter(parser *p)
{
    if (++p->depth <= MAX_HEIGHT) return true;
    return eg_fail_at(p->err, EG_RECIPE, eg_origin_place(p->lexer.origin, p->token.at),
                      "the expression nests deeper than %d levels", MAX_HEIGHT);
}

static const eg_expr *parse_unary(parser *p)
{
    size_t at = p->token.at;
    bool minus = is_word(p, "-");
    if (!minus && !is_word(p, "+")) return parse_postfix(p);
    if (!enter(p) || !advance(p)) return NULL;
    const eg_expr *operand = parse_unary(p);
    p->depth--;
    if (!operand || !minus) return operand;
    eg_expr *expr = new_expr(p, EG_EXPR_NEGATE, at);
    return add_item(p, expr, operand) ? expr : NULL;
}

/* Levels of the arithmetic operators and of and/or; comparisons and `not` lie between. */
enum { LEVEL_OR, LEVEL_AND, LEVEL_NOT, LEVEL_SUM, LEVEL_PRODUCT, LEVEL_UNARY };

static const struct {
    eg_operator op;
    int level;
} levels[] = {
    {EG_OR, LEVEL_OR},       {EG_AND, LEVEL_AND},     {EG_ADD, LEVEL_SUM},           {EG_SUB, LEVEL_SUM},
    {EG_MUL, LEVEL_PRODUCT}, {EG_DIV, LEVEL_PRODUCT}, {EG_FLOOR_DIV, LEVEL_PRODUCT}, {EG_MOD, LEVEL_PRODUCT},
};

static bool accept_operator(parser *p, int level, eg_operator *op)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (levels[i].level != level || !accept(p, operator_names[levels[i].op])) continue;
        *op = levels[i].op;
        return true;
    }
    return false;
}

static bool accept_comparison(parser *p, eg_operator *op)
{
    for (*op = EG_EQ; *op <= EG_IN; (*op)++)
        if (accept(p, operator_names[*op])) return true;
    if (accept(p, "is")) {
        *op = accept(p, "not") ? EG_NE : EG_EQ; /* `is none`: none equals nothing but itself */
        return true;
    }
    if (!accept(p, "not")) return false;
    *op = EG_NOT_IN;
    return expect(p, "in");
}

static const eg_expr *parse_level(parser *p, int level);

static const eg_expr *parse_comparison(parser *p)
{
    const eg_expr *first = parse_level(p, LEVEL_SUM);
    eg_expr *chain = NULL;
    eg_operator op, ops[MAX_HEIGHT];
    while (first && accept_comparison(p, &op)) {
        if (!chain) {
            chain = new_expr(p, EG_EXPR_COMPARE, first->at);
            if (!add_item(p, chain, first)) return NULL;
        }
        if (chain->count >= MAX_HEIGHT) return expected(p, "a shorter chain of comparisons"), NULL;
        ops[chain->count - 1] = op;
        const eg_expr *next = parse_level(p, LEVEL_SUM);
        if (!next || !add_item(p, chain, next)) return NULL;
    }
    if (!chain) return first;
    chain->ops = eg_arena_copy(arena_of(p), ops, (chain->count - 1) * sizeof *ops);
    return chain;
}

static const eg_expr *parse_not(parser *p)
{
    size_t at = p->token.at;
    if (!is_word(p, "not")) return parse_comparison(p);
    if (!enter(p) || !advance(p)) return NULL;
    const eg_expr *operand = parse_not(p);
    p->depth--;
    if (!operand) return NULL;
    eg_expr *expr = new_expr(p, EG_EXPR_NOT, at);
    return add_item(p, expr, operand) ? expr : NULL;
}

static const eg_expr *parse_level(parser *p, int level)
{
    if (level == LEVEL_NOT) return parse_not(p);
    if (level == LEVEL_UNARY) return parse_unary(p);
    const eg_expr *left = parse_level(p, level + 1);
    eg_operator op;
    while (left && accept_operator(p, level, &op)) {
        eg_expr *expr = new_expr(p, EG_EXPR_BINARY, left->at);
        expr->op = op;
        const eg_expr *right = parse_level(p, level + 1);
        if (!right || !add_item(p, expr, left) || !add_item(p, expr, right)) return NULL;
        left = expr;
    }
    return left;
}

static const eg_expr *parse_expr(parser *p)
{
    if (!enter(p)) return NULL;
    const eg_expr *expr = parse_level(p, LEVEL_OR);
    if (expr && accept(p, "if")) {
        eg_expr *choice = new_expr(p, EG_EXPR_IF, expr->at);
        const eg_expr *condition = parse_level(p, LEVEL_OR);
        if (!condition || !expect(p, "else")) return NULL;
        const eg_expr *otherwise = parse_expr(p);
        if (!otherwise || !add_item(p, choice, expr) || !add_item(p, choice, condition) ||
            !add_item(p, choice, otherwise))
            return NULL;
        expr = choice;
    }
    p->depth--;
    return expr;
}

/* An expression that nothing follows. */
static const eg_expr *parse_last(parser *p)
{
    const eg_expr *expr = parse_expr(p);
    if (!expr || p->err->code != EG_OK) return NULL;
    if (p->token.kind == EG_TOKEN_END) return expr;
    expected(p, "the end of the expression");
    return NULL;
}

/* ---- entries ---- */

const eg_expr *eg_expr_parse(eg_arena *arena, const eg_origin *origin, size_t from, size_t end, eg_error *err)
{
    eg_error mine = {0};
    parser p;
    const eg_expr *expr = start(&p, arena, origin, from, end, &mine) ? parse_last(&p) : NULL;
    if (!expr && err && err->code == EG_OK) *err = mine;
    return expr;
}

const eg_expr *eg_expr_parse_all(eg_arena *arena, const eg_origin *origin, eg_error *err)
{
    return eg_expr_parse(arena, origin, 0, strlen(origin->text), err);
}

/* "a, b": at least one name; used before '=' and 'in'. */
static bool parse_names(parser *p, eg_names *names)
{
    const char *found[MAX_HEIGHT];
    names->count = 0;
    do {
        if (p->token.kind != EG_TOKEN_NAME || is_keyword(p->token.text)) return expected(p, "a name");
        if (names->count == MAX_HEIGHT) return expected(p, "fewer names");
        found[names->count++] = p->token.text;
        if (!advance(p)) return false;
    } while (accept(p, ","));
    names->items = eg_arena_copy(arena_of(p), found, names->count * sizeof *found);
    return true;
}

/* Whether "name, name =" starts here; the parser is left where it was. */
static bool assigns(const parser *p)
{
    parser ahead = *p;
    eg_error ignored = {0};
    eg_names names;
    ahead.err = &ignored;
    return parse_names(&ahead, &names) && is_word(&ahead, "=");
}

bool eg_assignment_parse(eg_arena *arena, const eg_origin *origin, eg_assignment *out, eg_error *err)
{
    parser p;
    *out = (eg_assignment){0};
    eg_error mine = {0};
    bool ok = start(&p, arena, origin, 0, strlen(origin->text), &mine);
    if (ok && assigns(&p)) ok = parse_names(&p, &out->targets) && expect(&p, "=");
    out->expr = ok ? parse_last(&p) : NULL;
    if (!out->expr && err && err->code == EG_OK) *err = mine;
    return out->expr != NULL;
}

bool eg_for_parse(eg_arena *arena, const eg_origin *origin, eg_assignment *out, eg_error *err)
{
    parser p;
    *out = (eg_assignment){0};
    eg_error mine = {0};
    bool ok = start(&p, arena, origin, 0, strlen(origin->text), &mine) && expect(&p, "for") &&
              parse_names(&p, &out->targets) && expect(&p, "in");
    out->expr = ok ? parse_last(&p) : NULL;
    if (!out->expr && err && err->code == EG_OK) *err = mine;
    return out->expr != NULL;
}

const eg_expr *eg_if_parse(eg_arena *arena, const eg_origin *origin, eg_error *err)
{
    return eg_expr_parse(arena, origin, strlen("if"), strlen(origin->text), err);
}

static bool parse_parameters(parser *p, eg_signature *out)
{
    const char *names[MAX_HEIGHT];
    const eg_expr *defaults[MAX_HEIGHT];
    size_t n = 0;
    while (!is_word(p, ")")) {
        if (p->token.kind != EG_TOKEN_NAME || is_keyword(p->token.text))
            return expected(p, "a parameter's name");
        if (n == MAX_HEIGHT) return expected(p, "fewer parameters");
        for (size_t i = 0; i < n; i++)
            if (strcmp(names[i], p->token.text) == 0) return expected(p, "a name that does not stand twice");
        names[n] = p->token.text;
        defaults[n] = NULL;
        if (!advance(p)) return false;
        if (accept(p, "=") && !(defaults[n] = parse_expr(p))) return false;
        if (n > 0 && defaults[n - 1] && !defaults[n])
            return expected(p, "a default (as the parameter before it has)");
        n++;
        if (!accept(p, ",")) break;
    }
    out->params = (eg_names){eg_arena_copy(arena_of(p), names, n * sizeof *names), n};
    out->defaults = eg_arena_copy(arena_of(p), defaults, n * sizeof(void *));
    return expect(p, ")");
}

static bool parse_signature(parser *p, eg_signature *out)
{
    if (p->token.kind != EG_TOKEN_NAME || is_keyword(p->token.text))
        return expected(p, "a block's head such as basic(planes, stride=1)");
    out->name = p->token.text;
    if (!advance(p) || !expect(p, "(") || !parse_parameters(p, out)) return false;
    if (p->err->code != EG_OK) return false;
    return p->token.kind == EG_TOKEN_END || expected(p, "the end of the block's head");
}

bool eg_signature_parse(eg_arena *arena, const eg_origin *origin, eg_signature *out, eg_error *err)
{
    parser p;
    eg_error mine = {0};
    *out = (eg_signature){0};
    bool ok = start(&p, arena, origin, 0, strlen(origin->text), &mine) && parse_signature(&p, out);
    if (!ok && err && err->code == EG_OK) *err = mine;
    return ok;
}
