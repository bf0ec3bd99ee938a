/* A net for people to read. */
#ifndef ENGRAFT_NET_SHOW_H
#define ENGRAFT_NET_SHOW_H

#include <stdio.h>

#include "engraft/net.h"

/* The module tree as torchinfo prints it: one module a line with the shape of its output (of one sample, in
 * PyTorch's order), its own parameters (buffers not counted) and its multiply-adds times two; then the
 * totals. */
void eg_net_show(const eg_net *net, FILE *out);
/* The state dict: one entry a line, "name  [shape]  dtype" with "(buffer)" where it is one. */
void eg_net_show_keys(const eg_net *net, FILE *out);

/* A module with everything in it ("" is the whole net). */
typedef struct eg_module_work {
    const eg_value *output;       /* NULL: it was never called */
    uint64_t parameters, buffers; /* elements */
    double flops;                 /* of one sample */
} eg_module_work;

eg_module_work eg_net_module_work(const eg_net *net, const char *path);

#endif
