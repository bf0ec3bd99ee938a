/* The section `init` of an architecture: what its parameters start from, where that is not the layers' own
 * default.
 *
 *     init:
 *       conv2d.weight: kaiming_normal(fan_out=true)
 *       "features.*.norm.weight": zeros()
 *
 * A key is a pattern, in which * stands for any text, of parameters' names or of "operator.parameter"; the
 * last rule that fits wins. The distributions are torch.nn.init's, with the arguments of eg_init. */
#ifndef ENGRAFT_NET_INIT_RULES_H
#define ENGRAFT_NET_INIT_RULES_H

#include "net/part.h"

/* Changes the net's params. Arguments are expressions over the architecture's arguments and lets. False after
 * a problem has been added. */
bool eg_init_rules_apply(eg_builder *builder, const eg_let *rules, size_t count, eg_net *net);

#endif
