/* The data flow: calling modules on values, `forward`, operators and slices of values. */
#ifndef ENGRAFT_NET_FLOW_H
#define ENGRAFT_NET_FLOW_H

#include "net/part.h"

/* The evaluator's hooks; its context is the eg_builder. */
extern const eg_eval_hooks eg_flow_hooks;

/* Runs a module (NULL: absent, the identity) on values: expands it at its first call, traces its flow into
 * the graph. *out is a value, or a list of them. `at` is the call, for messages; NULL where no expression
 * makes it, and then part is not NULL. */
bool eg_flow_call(eg_builder *builder, const eg_expr *at, eg_part *part, const int32_t *inputs, int32_t count,
                  eg_datum *out);

#endif
