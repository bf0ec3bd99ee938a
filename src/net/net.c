#include "engraft/net.h"

#include <string.h>

#include "net/op.h"

double eg_net_flops(const eg_net *net)
{
    double sum = 0;
    for (int32_t i = 0; i < net->node_count; i++)
        if (net->nodes[i].op->flops) sum += net->nodes[i].op->flops(net, &net->nodes[i]);
    return sum;
}

int32_t eg_net_param_find(const eg_net *net, const char *name)
{
    for (int32_t i = 0; i < net->param_count; i++)
        if (strcmp(net->params[i].name, name) == 0) return i;
    return -1;
}
