/* Tokens of the architecture language's expressions, and where they stand in the file. */
#ifndef ENGRAFT_NET_LEX_H
#define ENGRAFT_NET_LEX_H

#include "format/yaml.h"

/* The lines of a file, to find the place of a character inside a YAML scalar (quotes, escapes, folded lines).
 */
typedef struct eg_lines {
    const char *const *starts; /* each line's first character */
    size_t count;
} eg_lines;

eg_lines eg_lines_find(eg_arena *arena, const char *text);

/* The scalar that an expression was read from. */
typedef struct eg_origin {
    const char *text; /* the scalar's, unquoted */
    eg_place place;   /* where the scalar starts */
    bool quoted;
    const eg_lines *lines; /* of the file; NULL: places count from the scalar's start */
} eg_origin;

/* Also of a list or mapping, as the place of what has no text of its own. */
eg_origin *eg_origin_new(eg_arena *arena, const eg_doc *scalar, const eg_lines *lines);
/* The place of the byte at an offset in the scalar's text. */
eg_place eg_origin_place(const eg_origin *origin, size_t offset);

typedef enum eg_token_kind {
    EG_TOKEN_END,
    EG_TOKEN_INT,
    EG_TOKEN_REAL,
    EG_TOKEN_TEXT,
    EG_TOKEN_NAME,
    EG_TOKEN_SYMBOL,
} eg_token_kind;

typedef struct eg_token {
    eg_token_kind kind;
    size_t at, length; /* in the origin's text */
    int64_t integer;   /* INT */
    double real;       /* REAL */
    const char *text;  /* TEXT: its content; NAME, SYMBOL: the word itself */
} eg_token;

typedef struct eg_lexer {
    eg_arena *arena;
    const eg_origin *origin;
    size_t at, end; /* next byte, and one behind the last */
} eg_lexer;

/* Numbers are 12, 1_000, 1.5, .5, 1e-6; texts stand in single or double quotes with \\ \' \" as escapes.
 * False and err (with its place) when a character fits nowhere or a number is too large. */
bool eg_lexer_next(eg_lexer *lexer, eg_token *token, eg_error *err);
/* A decimal number, whatever the locale. */
double eg_number_parse(const char *text);

#endif
