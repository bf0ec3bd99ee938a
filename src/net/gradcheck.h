/* Do the backward passes agree with differences of the forward pass? For tests and for whoever adds an
 * operator. */
#ifndef ENGRAFT_NET_GRADCHECK_H
#define ENGRAFT_NET_GRADCHECK_H

#include "net/exec.h"

typedef struct eg_gradcheck {
    const char *param; /* the worst one */
    double numeric, analytic;
    double error; /* |numeric - analytic| over what a random direction gives on average */
} eg_gradcheck;

/* L = the outputs' sum with random factors. For each trainable parameter w and a random direction u, the
 * difference (L(w + h u) - L(w - h u)) / 2h is compared with the gradient's product with u; h is `step` times
 * w's root mean square (times 1 when w is 0). The forward pass is float, so errors of 1e-3 are rounding at
 * step 1e-2; a kink that lies between shows as more. input holds n samples, n <= options->batch. The weights
 * are as before afterwards. */
bool eg_gradcheck_run(const eg_net *net, eg_weights *weights, const eg_exec_options *options,
                      const float *input, int64_t n, bool training, double step, eg_gradcheck *worst,
                      eg_error *err);

#endif
