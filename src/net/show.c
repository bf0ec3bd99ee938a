#include "net/show.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "net/op.h"

enum { NAME_WIDTH = 44, SHAPE_WIDTH = 20, COUNT_WIDTH = 14 };

/* True when path is of the module or of one inside it. */
static bool is_inside(const char *path, const char *module)
{
    size_t length = strlen(module);
    return length == 0 ||
           (strncmp(path, module, length) == 0 && (path[length] == '\0' || path[length] == '.'));
}

/* The part of a path behind the last dot, and how deep the module lies. */
static const char *last_name(const char *path, int *depth)
{
    *depth = path[0] ? 1 : 0;
    const char *name = path;
    for (const char *c = path; *c; c++) {
        if (*c != '.') continue;
        (*depth)++;
        name = c + 1;
    }
    return name;
}

/* "[64, 112, 112]", in PyTorch's order. */
static void write_shape(const eg_value *v, char *text, size_t size)
{
    const long long a = v->dims[0], b = v->dims[1], c = v->dims[2];
    if (v->rank == 3)
        snprintf(text, size, "[%lld, %lld, %lld]", c, a, b);
    else if (v->rank == 2)
        snprintf(text, size, "[%lld, %lld]", a, b);
    else
        snprintf(text, size, "[%lld]", a);
}

/* "25,557,032". */
static void write_count(uint64_t count, char *text, size_t size)
{
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    size_t at = 0;
    for (int i = 0; i < length && at + 2 < size; i++) {
        if (i && (length - i) % 3 == 0) text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = '\0';
}

/* "4.09 G". */
static void write_flops(double flops, char *text, size_t size)
{
    static const char units[] = " kMGTP";
    size_t unit = 0;
    while (flops >= 1000 && unit + 2 < sizeof units) flops /= 1000, unit++;
    snprintf(text, size, unit ? "%.2f %c" : "%.0f", flops, units[unit]);
}

static uint64_t count_params(const eg_net *net, const char *module, bool own, bool buffers)
{
    uint64_t sum = 0, numel;
    size_t length = strlen(module);
    for (int32_t i = 0; i < net->param_count; i++) {
        const eg_param *p = &net->params[i];
        if (p->buffer != buffers || !is_inside(p->name, module)) continue;
        const char *rest = p->name + (length ? length + 1 : 0);
        if (own && strchr(rest, '.')) continue;
        if (eg_shape_numel(p->shape, &numel)) sum += numel;
    }
    return sum;
}

/* What the module computes: its last node's output, its share of the work; false when it was never called. */
static bool find_work(const eg_net *net, const char *module, const eg_value **output, double *flops)
{
    *output = NULL;
    *flops = 0;
    for (int32_t i = 0; i < net->node_count; i++) {
        const eg_node *node = &net->nodes[i];
        if (!is_inside(node->path, module)) continue;
        *output = eg_node_output(net, node);
        if (node->op->flops) *flops += node->op->flops(net, node);
    }
    return *output != NULL;
}

eg_module_work eg_net_module_work(const eg_net *net, const char *path)
{
    eg_module_work work = {.parameters = count_params(net, path, false, false),
                           .buffers = count_params(net, path, false, true)};
    find_work(net, path, &work.output, &work.flops);
    return work;
}

static void show_module(const eg_net *net, const eg_module *module, FILE *out)
{
    char label[256], shape[96] = "--", params[40] = "--", flops[32] = "--";
    const eg_value *output;
    double work;
    int depth;
    const char *name = last_name(module->path, &depth);
    snprintf(label, sizeof label, "%*s%s%s%s%s", 2 * depth, "", module->type, name[0] ? " (" : "", name,
             name[0] ? ")" : "");
    if (find_work(net, module->path, &output, &work)) write_shape(output, shape, sizeof shape);
    uint64_t own = count_params(net, module->path, true, false);
    if (own) write_count(own, params, sizeof params);
    if (work > 0) write_flops(work, flops, sizeof flops);
    fprintf(out, "%-*s  %-*s  %*s  %*s\n", NAME_WIDTH, label, SHAPE_WIDTH, shape, COUNT_WIDTH, params,
            COUNT_WIDTH, flops);
}

/* Outputs of layers with parameters, once forward and once as gradients, as torchinfo counts them. */
static double count_passes(const eg_net *net)
{
    double sum = 0;
    for (int32_t i = 0; i < net->node_count; i++) {
        bool owns = false;
        for (int32_t k = 0; k < net->nodes[i].param_count; k++) owns |= net->nodes[i].params[k] >= 0;
        if (owns) sum += 2 * (double)eg_value_numel(eg_node_output(net, &net->nodes[i]));
    }
    return sum;
}

/* Of one sample; a megabyte is 10^6 bytes. */
static void show_totals(const eg_net *net, FILE *out)
{
    char text[96], flops[32];
    const double megabytes = sizeof(float) / 1e6;
    write_shape(&net->values[0], text, sizeof text);
    fprintf(out, "\ninput             %s\n", text);
    write_count(count_params(net, "", false, false), text, sizeof text);
    fprintf(out, "parameters        %s\n", text);
    write_count(count_params(net, "", false, true), text, sizeof text);
    fprintf(out, "buffers           %s\n", text);
    write_flops(eg_net_flops(net) / 2, text, sizeof text);
    write_flops(eg_net_flops(net), flops, sizeof flops);
    fprintf(out, "multiply-adds     %s (%s FLOPs)\n", text, flops);
    double input = (double)eg_value_numel(&net->values[0]) * megabytes;
    double params = (double)count_params(net, "", false, false) * megabytes;
    double passes = count_passes(net) * megabytes;
    fprintf(out, "input size        %.2f MB\n", input);
    fprintf(out, "parameters size   %.2f MB\n", params);
    fprintf(out, "forward/backward  %.2f MB\n", passes);
    fprintf(out, "total size        %.2f MB\n", input + params + passes);
}

void eg_net_show(const eg_net *net, FILE *out)
{
    fprintf(out, "%s %s\n\n", net->arch, net->args);
    fprintf(out, "%-*s  %-*s  %*s  %*s\n", NAME_WIDTH, "layer (name)", SHAPE_WIDTH, "output", COUNT_WIDTH,
            "parameters", COUNT_WIDTH, "FLOPs");
    for (int32_t i = 0; i < net->module_count; i++) show_module(net, &net->modules[i], out);
    show_totals(net, out);
}

void eg_net_show_keys(const eg_net *net, FILE *out)
{
    eg_arena arena = {0};
    for (int32_t i = 0; i < net->param_count; i++) {
        const eg_param *p = &net->params[i];
        fprintf(out, "%s  %s  %s%s\n", p->name, eg_shape_text(&arena, p->shape), eg_dtype_name(p->dtype),
                p->buffer ? "  (buffer)" : "");
    }
    eg_arena_clear(&arena);
}
