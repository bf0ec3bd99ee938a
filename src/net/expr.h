/* Expressions of the architecture language, as trees: Python's, without loops, assignments or side effects.
 */
#ifndef ENGRAFT_NET_EXPR_H
#define ENGRAFT_NET_EXPR_H

#include "net/lex.h"

typedef enum eg_operator {
    EG_ADD,
    EG_SUB,
    EG_MUL,
    EG_DIV,
    EG_FLOOR_DIV,
    EG_MOD,
    EG_EQ,
    EG_NE,
    EG_LT,
    EG_LE,
    EG_GT,
    EG_GE,
    EG_IN,
    EG_NOT_IN,
    EG_AND,
    EG_OR,
    EG_OPERATOR_COUNT,
} eg_operator;

const char *eg_operator_name(eg_operator op);

typedef enum eg_expr_kind {
    EG_EXPR_NONE,
    EG_EXPR_BOOL,      /* integer: 0 or 1 */
    EG_EXPR_INT,       /* integer */
    EG_EXPR_REAL,      /* real */
    EG_EXPR_TEXT,      /* text */
    EG_EXPR_NAME,      /* text */
    EG_EXPR_LIST,      /* items */
    EG_EXPR_DICT,      /* items: key, value, key, value, … */
    EG_EXPR_ATTRIBUTE, /* items[0] . text */
    EG_EXPR_INDEX,     /* items[0] [ items[1], … ] */
    EG_EXPR_SLICE,     /* items[0] : items[1] : items[2], each may be NULL; only inside INDEX */
    EG_EXPR_CALL,      /* items[0] ( items[1], … ), names[i]: keyword of items[i], or NULL */
    EG_EXPR_NEGATE,    /* - items[0] */
    EG_EXPR_NOT,       /* not items[0] */
    EG_EXPR_BINARY,    /* items[0] op items[1]; AND and OR look at the second only when they need it */
    EG_EXPR_COMPARE,   /* items[0] ops[0] items[1] ops[1] items[2] …, as Python chains them */
    EG_EXPR_IF,        /* items[0] if items[1] else items[2] */
} eg_expr_kind;

typedef struct eg_expr {
    eg_expr_kind kind;
    eg_operator op;
    int height; /* of the tree */
    size_t at;  /* where it starts in the origin's text */
    const eg_origin *origin;
    int64_t integer;
    double real;
    const char *text;
    const struct eg_expr **items;
    size_t count;
    const char **names;
    eg_operator *ops;
} eg_expr;

eg_place eg_expr_place(const eg_expr *expr);

/* The bytes [start, end) of the scalar as one expression. NULL and err (with its place) when it is none, when
 * it is longer than 8192 bytes, or when it nests deeper than 64 levels. */
const eg_expr *eg_expr_parse(eg_arena *arena, const eg_origin *origin, size_t start, size_t end,
                             eg_error *err);
/* The whole scalar. */
const eg_expr *eg_expr_parse_all(eg_arena *arena, const eg_origin *origin, eg_error *err);

typedef struct eg_names {
    const char **items;
    size_t count;
} eg_names;

/* A step of a flow: "y = EXPR", "a, b = EXPR" or "EXPR" (no targets). */
typedef struct eg_assignment {
    eg_names targets;
    const eg_expr *expr;
} eg_assignment;

bool eg_assignment_parse(eg_arena *arena, const eg_origin *origin, eg_assignment *out, eg_error *err);
/* "for a, b in EXPR": the names and EXPR. */
bool eg_for_parse(eg_arena *arena, const eg_origin *origin, eg_assignment *out, eg_error *err);
/* "if EXPR". */
const eg_expr *eg_if_parse(eg_arena *arena, const eg_origin *origin, eg_error *err);

/* A block's head: "basic(planes, stride=1)"; defaults[i] is NULL for a parameter that must be given. */
typedef struct eg_signature {
    const char *name;
    eg_names params;
    const eg_expr **defaults;
} eg_signature;

bool eg_signature_parse(eg_arena *arena, const eg_origin *origin, eg_signature *out, eg_error *err);

#endif
