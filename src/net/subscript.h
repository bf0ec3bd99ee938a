/* Shapes and subscripts of values: x.channels, x[:, ::2], tokens[0]. */
#ifndef ENGRAFT_NET_SUBSCRIPT_H
#define ENGRAFT_NET_SUBSCRIPT_H

#include "net/operand.h"

/* at->text names a dimension of the value. */
bool eg_subscript_attribute(eg_eval *eval, const eg_expr *at, int64_t value, eg_datum *out);
/* value[…], per sample, in PyTorch's order of dimensions. */
bool eg_subscript_value(eg_eval *eval, const eg_expr *at, int64_t value, const eg_subscript *subscripts,
                        size_t count, eg_datum *out);
/* parameter[…]: as in PyTorch, so that p[0] or p[:] of a first dimension of 1 takes the batch away. */
bool eg_subscript_entry(eg_eval *eval, const eg_expr *at, eg_part *entry, const eg_subscript *subscripts,
                        size_t count, eg_datum *out);

#endif
