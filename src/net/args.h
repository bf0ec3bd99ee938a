/* An architecture's arguments: defaults, a variant's values, and those of a recipe. */
#ifndef ENGRAFT_NET_ARGS_H
#define ENGRAFT_NET_ARGS_H

#include "net/body.h"
#include "net/eval.h"

/* What decides the arguments; each document may be NULL. */
typedef struct eg_args_source {
    const eg_doc *defaults; /* the file's `args` */
    const eg_doc *variants; /* the file's `variants` */
    const char *variant;    /* the chosen one, or NULL */
    const eg_doc *given;    /* the recipe's `target`; `arch`, `classes`, `manifest` are not arguments */
} eg_args_source;

/* Binds every argument in scope. A plain YAML scalar is a number, true, false, none, an expression over the
 * arguments before it, or else a word; quoted scalars are texts. *text becomes the flow mapping that gives
 * the same arguments again. False and problems: unknown names (with the nearest), values of another kind than
 * the default. */
bool eg_args_bind(eg_eval *eval, const eg_body_reader *reader, const eg_args_source *source, eg_scope *scope,
                  const char **text);

#endif
