/* Compares a whole network's result and gradients with PyTorch's, for test_variants.py and test_gradients.py:
 *
 *     network ARCH ARGS FILE infer|eval|train
 *
 * FILE holds `input` (n, h, w, c) and `output` (n, features), and for every entry of the state dict
 * `weight.NAME`; unless the network only infers, `dy`, the gradient of the output, and `gradient.NAME` of all
 * that trains. Dropout must be off in ARGS; to train, BatchNorm takes batch statistics. Prints the largest
 * differences: of the outputs relative to the largest one, of the gradients as norms relative to PyTorch's.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engraft/checkpoint.h"
#include "format/yaml.h"
#include "net/exec.h"

typedef struct job {
    eg_arena arena;
    eg_error err;
    const eg_net *net;
    eg_checkpoint *file;
    eg_weights weights;
    eg_exec *exec;
    int64_t batch;
} job;

static const eg_entry *find(job *j, const char *kind, const char *name)
{
    return eg_store_find(&j->file->store, eg_arena_printf(&j->arena, "%s%s", kind, name));
}

static bool open_all(job *j, const char *arch, const char *args, const char *path)
{
    const eg_doc *doc = eg_doc_parse(&j->arena, "arguments", args, strlen(args), &j->err);
    if (!doc || !(j->net = eg_net_read(&j->arena, arch, doc, NULL, &j->err)) ||
        !(j->file = eg_checkpoint_open(path, NULL, &j->err)) ||
        !eg_weights_init(&j->weights, &j->arena, j->net, &j->err))
        return false;
    for (int32_t p = 0; p < j->net->param_count; p++) {
        const eg_entry *entry = find(j, "weight.", j->net->params[p].name);
        if (!entry) return eg_fail(&j->err, EG_MALFORMED, "no weight.%s in the file", j->net->params[p].name);
        if (!eg_entry_read(entry, j->weights.data[p], &j->err)) return false;
    }
    return true;
}

static bool run(job *j, eg_pool *pool, bool batch_statistics)
{
    const eg_entry *input = find(j, "input", ""), *dy = find(j, "dy", "");
    if (!input) return eg_fail(&j->err, EG_MALFORMED, "no input in the file");
    bool *trainable = EG_NEW_ARRAY(&j->arena, bool, (size_t)j->net->param_count);
    eg_bn_mode *modes = EG_NEW_ARRAY(&j->arena, eg_bn_mode, (size_t)j->net->node_count);
    for (int32_t p = 0; p < j->net->param_count; p++)
        trainable[p] = find(j, "gradient.", j->net->params[p].name) != NULL;
    for (int32_t i = 0; i < j->net->node_count; i++) modes[i] = batch_statistics ? EG_BN_DEFAULT : EG_BN_EVAL;
    j->batch = input->shape.dims[0];
    eg_exec_options options = {
        .batch = j->batch, .trainable = dy ? trainable : NULL, .batch_norm = modes, .seed = 1, .pool = pool};
    if (!(j->exec = eg_exec_new(j->net, &j->weights, &options, &j->err))) return false;
    if (!eg_entry_read(input, eg_exec_input(j->exec), &j->err)) return false;
    eg_exec_forward(j->exec, j->batch, dy != NULL, 0);
    if (!dy) return true;
    if (!eg_entry_read(dy, eg_exec_output_grad(j->exec), &j->err)) return false;
    eg_exec_backward(j->exec);
    return true;
}

static double norm_of(const float *a, const float *b, uint64_t count)
{
    double sum = 0;
    for (uint64_t i = 0; i < count; i++) {
        double d = (double)a[i] - (b ? (double)b[i] : 0);
        sum += d * d;
    }
    return sqrt(sum);
}

static uint64_t size_of(const eg_entry *entry)
{
    uint64_t count = 0;
    eg_shape_numel(entry->shape, &count);
    return count;
}

/* The norm of PyTorch's numbers, and of the difference. */
typedef struct difference {
    double norm, error;
} difference;

static bool measure(job *j, const eg_entry *entry, const float *ours, float *theirs, difference *out)
{
    if (!eg_entry_read(entry, theirs, &j->err)) return false;
    *out = (difference){norm_of(theirs, NULL, size_of(entry)), norm_of(ours, theirs, size_of(entry))};
    return isfinite(out->error) || eg_fail(&j->err, EG_DIVERGED, "%s: not finite", entry->name);
}

/* The largest difference relative to the largest number. */
static bool compare_output(job *j, const eg_entry *entry, float *theirs)
{
    const float *ours = eg_exec_output(j->exec);
    double largest = 0, worst = 0;
    if (!eg_entry_read(entry, theirs, &j->err)) return false;
    for (uint64_t i = 0; i < size_of(entry); i++) {
        if (!isfinite(ours[i])) return eg_fail(&j->err, EG_DIVERGED, "the output is not finite");
        largest = fmax(largest, fabs((double)theirs[i]));
        worst = fmax(worst, fabs((double)ours[i] - (double)theirs[i]));
    }
    printf("output %.1e", worst / largest);
    return true;
}

static bool compare(job *j)
{
    difference *all = EG_NEW_ARRAY(&j->arena, difference, (size_t)j->net->param_count);
    uint64_t most = size_of(find(j, "output", ""));
    for (size_t i = 0; i < j->file->store.count; i++)
        if (size_of(&j->file->store.entries[i]) > most) most = size_of(&j->file->store.entries[i]);
    float *theirs = EG_NEW_ARRAY(&j->arena, float, most);
    if (!compare_output(j, find(j, "output", ""), theirs)) return false;
    double largest = 0, worst = 0;
    const char *name = "";
    for (int32_t p = 0; p < j->net->param_count; p++) {
        const eg_entry *entry = find(j, "gradient.", j->net->params[p].name);
        if (entry && !measure(j, entry, eg_exec_grad(j->exec, p), theirs, &all[p])) return false;
        largest = fmax(largest, all[p].norm);
    }
    /* Some gradients are nothing but rounding, such as that of a bias before batch statistics: they are
     * compared with a part of the largest. */
    for (int32_t p = 0; p < j->net->param_count; p++) {
        double error = all[p].error / fmax(all[p].norm, 1e-4 * largest);
        if (error > worst) worst = error, name = j->net->params[p].name;
    }
    if (largest > 0) printf(" gradient %.1e %s", worst, name);
    printf("\n");
    return true;
}

int main(int count, char **words)
{
    job j = {0};
    if (count != 5) return EG_USAGE;
    eg_pool *pool = eg_pool_new(2, &j.err);
    bool ok = pool && open_all(&j, words[1], words[2], words[3]) &&
              run(&j, pool, strcmp(words[4], "train") == 0) && compare(&j);
    if (!ok) fprintf(stderr, "%s\n", j.err.text);
    eg_exec_free(j.exec);
    eg_weights_clear(&j.weights);
    eg_checkpoint_close(j.file);
    eg_pool_free(pool);
    eg_arena_clear(&j.arena);
    return ok ? 0 : 1;
}
