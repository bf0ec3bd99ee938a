#include "net/lex.h"

#include <assert.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

eg_lines eg_lines_find(eg_arena *arena, const char *text)
{
    size_t count = 1;
    for (const char *c = text; *c; c++) count += *c == '\n';
    const char **starts = EG_NEW_ARRAY(arena, const char *, count);
    starts[0] = text;
    size_t at = 1;
    for (const char *c = text; *c; c++)
        if (*c == '\n') starts[at++] = c + 1;
    return (eg_lines){starts, count};
}

eg_origin *eg_origin_new(eg_arena *arena, const eg_doc *scalar, const eg_lines *lines)
{
    eg_origin *origin = EG_NEW(arena, eg_origin);
    *origin =
        (eg_origin){scalar->text, scalar->place, scalar->kind == EG_DOC_SCALAR && !scalar->plain, lines};
    return origin;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool continues_character(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

/* A cursor over the file that keeps its line and column (in characters, as the YAML scanner counts). */
typedef struct cursor {
    const char *at;
    eg_place place;
} cursor;

static void step(cursor *c)
{
    if (!*c->at) return;
    if (*c->at == '\n') {
        c->place.line++;
        c->place.column = 1;
    } else if (!continues_character(c->at[1])) {
        c->place.column++;
    }
    c->at++;
}

static void skip_spaces(cursor *c)
{
    while (is_space(*c->at)) step(c);
}

static cursor enter_scalar(const eg_origin *origin)
{
    cursor c = {origin->lines->starts[origin->place.line - 1], origin->place};
    c.place.column = 1;
    while (c.place.column < origin->place.column && *c.at && *c.at != '\n') step(&c);
    if (!origin->quoted) return c;
    bool block = *c.at == '|' || *c.at == '>';
    while (block && *c.at && *c.at != '\n') step(&c);
    step(&c);
    if (block) skip_spaces(&c);
    return c;
}

eg_place eg_origin_place(const eg_origin *origin, size_t offset)
{
    const char *text = origin->text;
    eg_place place = origin->place;
    if (!origin->lines || place.line == 0 || place.line > origin->lines->count) {
        place.column += origin->quoted;
        for (size_t i = 0; i < offset; i++) place.column += !continues_character(text[i]);
        return place;
    }
    cursor c = enter_scalar(origin);
    for (size_t i = 0; i < offset;) {
        if (is_space(text[i])) {
            /* a folded line: runs of white space stand for each other */
            while (i < offset && is_space(text[i])) i++;
            skip_spaces(&c);
            continue;
        }
        bool escape =
            origin->quoted && (*c.at == '\\' || (*c.at == '\'' && c.at[1] == '\'')) && *c.at != text[i];
        bool doubled = origin->quoted && *c.at == '\'' && text[i] == '\'' && c.at[1] == '\'';
        if (escape || doubled) step(&c);
        step(&c);
        i++;
    }
    return c.place;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool fail_at(const eg_lexer *lexer, size_t at, eg_error *err, const char *text)
{
    return eg_fail_at(err, EG_RECIPE, eg_origin_place(lexer->origin, at), "%s", text);
}

double eg_number_parse(const char *text)
{
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double value = strtod_l(text, NULL, c);
    freelocale(c);
    return value;
}

static char peek(const eg_lexer *lexer, size_t ahead)
{
    return lexer->at + ahead < lexer->end ? lexer->origin->text[lexer->at + ahead] : '\0';
}

/* Copies a run of digits (with single underscores between them). */
static void take_digits(eg_lexer *lexer, eg_buf *digits)
{
    while (is_digit(peek(lexer, 0)) ||
           (peek(lexer, 0) == '_' && digits->length && is_digit(peek(lexer, 1)))) {
        char c = peek(lexer, 0);
        if (c != '_') eg_buf_add(digits, &c, 1);
        lexer->at++;
    }
}

static bool take_exponent(eg_lexer *lexer, eg_buf *digits)
{
    size_t sign = peek(lexer, 1) == '-' || peek(lexer, 1) == '+';
    if ((peek(lexer, 0) != 'e' && peek(lexer, 0) != 'E') || !is_digit(peek(lexer, 1 + sign))) return false;
    eg_buf_add(digits, lexer->origin->text + lexer->at, 1 + sign);
    lexer->at += 1 + sign;
    take_digits(lexer, digits);
    return true;
}

static bool parse_integer(const char *digits, int64_t *value)
{
    *value = 0;
    assert(digits);
    for (; *digits; digits++)
        if (__builtin_mul_overflow(*value, 10, value) || __builtin_add_overflow(*value, *digits - '0', value))
            return false;
    return true;
}

static bool lex_number(eg_lexer *lexer, eg_token *token, eg_error *err)
{
    eg_buf digits = {0};
    bool real = false;
    take_digits(lexer, &digits);
    if (peek(lexer, 0) == '.') {
        real = true;
        eg_buf_puts(&digits, ".");
        lexer->at++;
        take_digits(lexer, &digits);
    }
    real |= take_exponent(lexer, &digits);
    token->kind = real ? EG_TOKEN_REAL : EG_TOKEN_INT;
    bool ok = true;
    if (real)
        token->real = eg_number_parse(digits.data);
    else
        ok = parse_integer(digits.data, &token->integer);
    eg_buf_clear(&digits);
    if (!ok || (real && token->real > 1e300))
        return fail_at(lexer, token->at, err, "the number is too large");
    if (is_letter(peek(lexer, 0)))
        return fail_at(lexer, lexer->at, err,
                       "a number ends here, expected an operator before the next word");
    return true;
}

static bool lex_text(eg_lexer *lexer, eg_token *token, eg_error *err)
{
    const char *text = lexer->origin->text;
    char quote = text[lexer->at++];
    eg_buf content = {0};
    while (lexer->at < lexer->end && text[lexer->at] != quote) {
        if (text[lexer->at] == '\\') {
            char c = peek(lexer, 1);
            if (c != '\\' && c != '\'' && c != '"') {
                eg_buf_clear(&content);
                return fail_at(lexer, lexer->at, err, "a backslash stands before \\, ' or \" alone");
            }
            lexer->at++;
        }
        eg_buf_add(&content, text + lexer->at++, 1);
    }
    token->kind = EG_TOKEN_TEXT;
    token->text = eg_buf_take(&content, lexer->arena);
    if (lexer->at >= lexer->end)
        return fail_at(lexer, token->at, err, "the text that starts here has no closing quote");
    lexer->at++;
    return true;
}

/* Longest first. */
static const char *const symbols[] = {"//", "==", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}",
                                      ",",  ":",  ".",  "+",  "-",  "*", "/", "%", "<", ">", "="};

static bool lex_symbol(eg_lexer *lexer, eg_token *token, eg_error *err)
{
    const char *text = lexer->origin->text + lexer->at;
    size_t left = lexer->end - lexer->at;
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        size_t n = strlen(symbols[i]);
        if (n > left || memcmp(text, symbols[i], n) != 0) continue;
        token->kind = EG_TOKEN_SYMBOL;
        token->text = symbols[i];
        lexer->at += n;
        return true;
    }
    size_t n = 1;
    while (n < left && continues_character(text[n])) n++;
    return eg_fail_at(err, EG_RECIPE, eg_origin_place(lexer->origin, lexer->at),
                      "the character '%s' has no meaning here", eg_printable(lexer->arena, text, n));
}

bool eg_lexer_next(eg_lexer *lexer, eg_token *token, eg_error *err)
{
    while (lexer->at < lexer->end && is_space(lexer->origin->text[lexer->at])) lexer->at++;
    *token = (eg_token){.kind = EG_TOKEN_END, .at = lexer->at, .text = ""};
    if (lexer->at >= lexer->end) return true;
    char c = peek(lexer, 0);
    bool ok;
    if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1)))) {
        ok = lex_number(lexer, token, err);
    } else if (is_letter(c)) {
        while (is_letter(peek(lexer, 0)) || is_digit(peek(lexer, 0))) lexer->at++;
        token->kind = EG_TOKEN_NAME;
        token->text =
            eg_arena_substring(lexer->arena, lexer->origin->text + token->at, lexer->at - token->at);
        ok = true;
    } else if (c == '\'' || c == '"') {
        ok = lex_text(lexer, token, err);
    } else {
        ok = lex_symbol(lexer, token, err);
    }
    token->length = lexer->at - token->at;
    return ok;
}
