/* Modules of the tree: layers, modules with children, parameters and buffers. A module's children are made
 * when it is first called, because their expressions may speak of the shape of its input. */
#ifndef ENGRAFT_NET_PART_H
#define ENGRAFT_NET_PART_H

#include "net/body.h"
#include "net/eval.h"
#include "net/graph.h"

typedef enum eg_part_kind { EG_PART_LAYER, EG_PART_MODULE, EG_PART_ENTRY } eg_part_kind;

typedef struct eg_child {
    const char *name;
    struct eg_part *part; /* NULL: absent */
} eg_child;

typedef struct eg_part {
    eg_part_kind kind;
    const char *path;        /* "layer1.0.conv1"; NULL until it has its place */
    const char *type;        /* for people: the operator's or block's name, "Sequential", "Module" */
    const eg_origin *origin; /* what made it, */
    size_t at;               /* and where in that */
    eg_layer layer;          /* LAYER; ENTRY: the operator `learned`, once data flows from it */
    eg_param entry;          /* ENTRY: a parameter or buffer, without its name */
    const eg_body *body;     /* MODULE: its lines, or */
    const eg_expr
        *alias; /* the layer or block that it is another name of: its only child, with the same path */
    const eg_scope *scope; /* MODULE: names in force around it */
    bool is_block;         /* `x` in its lines is its own input; else that of the block around it */
    bool expanded;         /* then: */
    const eg_scope *inner; /* names in force inside */
    const eg_scope *names; /* those and the children's, once a flow needs them */
    eg_child *children;
    size_t child_count;
} eg_part;

/* What builds a net: the context of the evaluator's hooks. */
typedef struct eg_builder {
    eg_eval eval;
    eg_graph graph;
    const eg_scope *globals; /* arguments, `let`, blocks */
    bool flowing;            /* in a flow: calls apply layers instead of making them */
} eg_builder;

#define EG_NO_VALUE (-1) /* the `x` of a module that is never called */

/* Calls of an operator, block, `parameter` or `buffer` where children are made. */
bool eg_part_make(eg_builder *builder, const eg_expr *at, const eg_datum *callee, const eg_actual *actuals,
                  size_t count, eg_datum *out);
/* The module of a nested mapping or list. */
eg_part *eg_part_nested(eg_builder *builder, const eg_body *body, const eg_scope *scope, const char *path);
/* Makes the children of a module, unless they are there; x is its input's value or EG_NO_VALUE. */
bool eg_part_expand(eg_builder *builder, eg_part *part, int32_t x);
/* Gives a part its place in the tree. */
bool eg_part_place(eg_builder *builder, const eg_expr *at, eg_part *part, const char *path);
/* The child of that name, or NULL. */
const eg_child *eg_part_child(const eg_part *part, const char *name);
/* Records "path: message" at the part. Returns false. */
bool eg_part_fail(eg_builder *builder, const eg_part *part, const char *code, const char *text);

#endif
