/* The architecture file's structure, read once: modules as lists of lines, blocks, flows, with all
 * expressions parsed. Nothing is evaluated here; every syntax error of the file is reported. */
#ifndef ENGRAFT_NET_BODY_H
#define ENGRAFT_NET_BODY_H

#include "engraft/problem.h"
#include "net/expr.h"

/* A child's name: texts and expressions in turn ("denselayer{i}"). */
typedef struct eg_name_piece {
    const char *text;    /* or */
    const eg_expr *expr; /* whose value stands here */
} eg_name_piece;

typedef enum eg_line_kind { EG_LINE_CHILD, EG_LINE_FOR, EG_LINE_IF } eg_line_kind;

/* A line of a module: a child, or lines that stand here several times, or not at all. */
typedef struct eg_line {
    eg_line_kind kind;
    const eg_origin
        *origin; /* of the child's name; of the child itself in a list; of the key `for …`, `if …` */
    const eg_name_piece *pieces; /* the child's name; count 0 in a list */
    size_t piece_count;
    const eg_expr *expr;        /* child: its expression, or NULL: `body`. for, if: over what, whether */
    eg_names targets;           /* for */
    const struct eg_body *body; /* child: a nested module. for, if: the lines that are spliced in */
} eg_line;

typedef enum eg_flow_kind { EG_FLOW_ASSIGN, EG_FLOW_FOR, EG_FLOW_IF } eg_flow_kind;

/* A step of `forward`. */
typedef struct eg_flow {
    eg_flow_kind kind;
    eg_names targets;            /* ASSIGN: may be none; FOR */
    const eg_expr *expr;         /* what is assigned; over what; whether */
    const struct eg_flow *steps; /* FOR, IF */
    size_t count;
} eg_flow;

typedef struct eg_let {
    const char *name;
    const eg_expr *expr;
} eg_let;

/* A module. */
typedef struct eg_body {
    int64_t version; /* of its part of a state dict, as PyTorch's `_metadata` has it */
    bool list;       /* children have numbers instead of names */
    const eg_origin *origin;
    const eg_line *lines;
    size_t line_count;
    const eg_let *lets;
    size_t let_count;
    const eg_flow *flow; /* NULL: the children run in order */
    size_t flow_count;
} eg_body;

/* A definition under `blocks`. */
typedef struct eg_block {
    const char *name;
    eg_names params;
    const eg_expr **defaults; /* NULL where it must be given */
    const eg_body *body;      /* or */
    const eg_expr *expr;      /* another name for a layer or block */
} eg_block;

typedef struct eg_body_reader {
    eg_arena *arena;
    eg_problems *problems;
    const eg_lines *lines; /* of the file */
} eg_body_reader;

/* Each returns NULL (or false) after it has added a problem for everything that is wrong. */
const eg_body *eg_body_build(const eg_body_reader *reader, const eg_doc *doc);
const eg_block *eg_block_build(const eg_body_reader *reader, const eg_doc *key, const eg_doc *doc);
bool eg_lets_build(const eg_body_reader *reader, const eg_doc *doc, const eg_let **lets, size_t *count);
/* A scalar as one expression. */
const eg_expr *eg_body_expr(const eg_body_reader *reader, const eg_doc *scalar);

#endif
