/* Arguments of the architecture language put into an operator's attr struct. */
#ifndef ENGRAFT_NET_BIND_H
#define ENGRAFT_NET_BIND_H

#include "net/eval.h"
#include "net/op.h"

/* Fills a new attr struct (NULL where the operator has none) from the arguments, by position and by name, and
 * its defaults. False and a problem at the argument's place: unknown, given twice, missing, of another kind.
 */
bool eg_bind(eg_eval *eval, const eg_expr *at, const eg_op *op, const eg_actual *actuals, size_t count,
             void **attr);

#endif
