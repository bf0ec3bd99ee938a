/* A member of every family learns as PyTorch's does: logits of a batch and every gradient of its loss, with
 * batch statistics; the losses of ten steps of SGD with momentum; and the running statistics after them.
 * tests/data/net/NAME.txt is written by tests/oracle/write_references.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "format/yaml.h"
#include "net/exec.h"
#include "net/library.h"
#include "train/loss.h"
#include "train/optimizer.h"

enum { STEPS = 10, CLASSES = 7, MOST_BATCH = 16 };

static const double TOLERANCE = 1e-3, NOTHING = 1e-6; /* of the largest gradient */

typedef struct run {
    eg_arena arena;
    const char *reference; /* the file */
    const eg_net *net;
    eg_weights weights;
    eg_pool *pool;
    eg_exec *exec;
    eg_optimizer *optimizer;
    int64_t batch;
    double rate;
} run;

/* What follows a key at the start of a line. */
static const char *find(const run *r, const char *key)
{
    size_t length = strlen(key);
    for (const char *line = r->reference; *line; line = strchr(line, '\n') + 1)
        if (strncmp(line, key, length) == 0 && line[length] == ' ') return line + length + 1;
    return NULL;
}

static double number(const run *r, const char *key)
{
    const char *text = find(r, key);
    assert_non_null(text);
    return strtod(text, NULL);
}

static const char *word(run *r, const char *key)
{
    const char *text = find(r, key);
    assert_non_null(text);
    return eg_arena_substring(&r->arena, text, strcspn(text, "\n"));
}

/* ---- numbers that PyTorch's side makes in the same way ---- */

static uint64_t key_of(const char *name)
{
    uint64_t key = 0xCBF29CE484222325;
    for (; *name; name++) key = (key ^ (uint8_t)*name) * 0x100000001B3;
    return key;
}

/* In [-1, 1): splitmix64 of the key and the position. */
static double draw(uint64_t key, uint64_t at)
{
    uint64_t z = key + (at + 1) * 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1p-52 - 1;
}

static uint64_t numel_of(const eg_param *param)
{
    uint64_t numel = 0;
    eg_shape_numel(param->shape, &numel);
    return numel;
}

static void fill(const eg_param *param, float *out)
{
    uint64_t key = key_of(param->name), numel = numel_of(param);
    bool matrix = param->shape.rank > 1;
    double offset = !matrix && eg_ends_with(param->name, "weight") ? 1 : 0;
    double scale = matrix       ? 2 / sqrt((double)(numel / (uint64_t)param->shape.dims[0]))
                   : offset > 0 ? 0.5
                                : 0.1;
    for (uint64_t i = 0; i < numel; i++) out[i] = (float)(offset + draw(key, i) * scale);
}

static void fill_input(const run *r)
{
    uint64_t key = key_of(eg_arena_printf((eg_arena *)&r->arena, "images%d", (int)number(r, "seed")));
    int64_t count = r->batch * eg_value_numel(&r->net->values[0]);
    for (int64_t i = 0; i < count; i++) eg_exec_input(r->exec)[i] = (float)(draw(key, (uint64_t)i) * 1.75);
}

/* ---- the network ---- */

static const char *replace(run *r, const char *text, const char *from, const char *to)
{
    eg_buf out = {0};
    for (const char *at; (at = strstr(text, from)); text = at + strlen(from))
        eg_buf_printf(&out, "%.*s%s", (int)(at - text), text, to);
    eg_buf_puts(&out, text);
    return eg_buf_take(&out, &r->arena);
}

/* Where rounding decides with every batch: SiLU for ReLU, means for maxima. */
static const char *without_kinks(run *r, const char *text)
{
    static const char *const pairs[][2] = {{"leaky_relu(slope)", "silu()"},
                                           {"relu6(", "silu("},
                                           {"relu(", "silu("},
                                           {"=relu", "=silu"},
                                           {"max_pool2d", "avg_pool2d"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        text = replace(r, text, pairs[i][0], pairs[i][1]);
    return text;
}

static void read_net(run *r)
{
    const char *variant, *args = word(r, "args"),
                         *path = eg_library_find(&r->arena, word(r, "arch"), &variant, NULL);
    assert_non_null(path);
    const char *text = eg_file_read(&r->arena, path, 1 << 20, NULL, NULL);
    const eg_doc *doc = eg_doc_parse(&r->arena, "args", args, strlen(args), NULL);
    eg_error err = {0};
    if (number(r, "kinks") == 0) text = without_kinks(r, text);
    r->net = eg_net_parse(&r->arena, path, text, doc, NULL, &err);
    if (!r->net) fail_msg("%s", err.text);
    assert_true(eg_weights_init(&r->weights, &r->arena, r->net, NULL));
    for (int32_t p = 0; p < r->net->param_count; p++) {
        const eg_param *param = &r->net->params[p];
        if (param->buffer)
            eg_init_fill(param, &param->init, 1, r->weights.data[p]);
        else
            fill(param, r->weights.data[p]);
    }
}

static void prepare(run *r, const char *name)
{
    const char *path =
        eg_arena_printf(&r->arena, "%s/tests/data/net/%s.txt", getenv("ENGRAFT_TEST_ROOT"), name);
    r->reference = eg_file_read(&r->arena, path, 1 << 20, NULL, NULL);
    assert_non_null(r->reference);
    read_net(r);
    r->batch = (int64_t)number(r, "batch");
    r->rate = number(r, "rate");
    r->pool = eg_pool_new(2, NULL);
    const eg_net *net = r->net;
    bool *trainable = EG_NEW_ARRAY(&r->arena, bool, (size_t)net->param_count);
    eg_bn_mode *modes = EG_NEW_ARRAY(&r->arena, eg_bn_mode, (size_t)net->node_count); /* EG_BN_DEFAULT */
    eg_optimizer_item *items = EG_NEW_ARRAY(&r->arena, eg_optimizer_item, (size_t)net->param_count);
    size_t count = 0;
    for (int32_t p = 0; p < net->param_count; p++)
        trainable[p] = find(r, eg_arena_printf(&r->arena, "gradient %s", net->params[p].name)) != NULL;
    eg_exec_options options = {
        .batch = r->batch, .trainable = trainable, .batch_norm = modes, .seed = 1, .pool = r->pool};
    r->exec = eg_exec_new(net, &r->weights, &options, NULL);
    assert_non_null(r->exec);
    for (int32_t p = 0; p < net->param_count; p++)
        if (trainable[p])
            items[count++] = (eg_optimizer_item){.slot = (size_t)p,
                                                 .weight = r->weights.data[p],
                                                 .grad = eg_exec_grad(r->exec, p),
                                                 .numel = (int64_t)numel_of(&net->params[p])};
    eg_optimizer_section section = {.kind = EG_SGD, .momentum = 0.9};
    r->optimizer = eg_optimizer_new(&section, (size_t)net->param_count);
    assert_true(eg_optimizer_train(r->optimizer, items, count, NULL));
}

static void finish(run *r)
{
    eg_optimizer_free(r->optimizer);
    eg_exec_free(r->exec);
    eg_pool_free(r->pool);
    eg_weights_clear(&r->weights);
    eg_arena_clear(&r->arena);
}

/* ---- comparisons ---- */

/* All logits, relative to the largest. */
static void compare_logits(const run *r)
{
    const float *ours = eg_exec_output(r->exec);
    char *text = (char *)find(r, "logits");
    double theirs[MOST_BATCH * CLASSES], largest = 0;
    assert_non_null(text);
    for (int64_t i = 0; i < r->batch * CLASSES; i++)
        largest = fmax(largest, fabs(theirs[i] = strtod(text, &text)));
    for (int64_t i = 0; i < r->batch * CLASSES; i++)
        if (!(fabs((double)ours[i] - theirs[i]) < TOLERANCE * largest))
            fail_msg("logit %d: %g is not %g", (int)i, (double)ours[i], theirs[i]);
}

/* The norm, and the product with known numbers, relative to the norm; where that is 0, at most `rounding`. */
static void compare_summary(run *r, const char *kind, const eg_param *param, const float *ours,
                            double rounding)
{
    char *text = (char *)find(r, eg_arena_printf(&r->arena, "%s %s", kind, param->name));
    assert_non_null(text);
    uint64_t key = key_of(eg_arena_printf(&r->arena, "along %s", param->name));
    double norm = strtod(text, &text), along = strtod(text, NULL), square = 0, product = 0;
    for (uint64_t i = 0; i < numel_of(param); i++) {
        square += (double)ours[i] * (double)ours[i];
        product += (double)ours[i] * draw(key, i);
    }
    double limit = norm > 0 ? TOLERANCE * norm : rounding;
    if (!(fabs(sqrt(square) - norm) < limit && fabs(product - along) < limit))
        fail_msg("%s %s: norm %g, product %g; PyTorch's %g, %g", kind, param->name, sqrt(square), product,
                 norm, along);
}

/* That of a bias before batch statistics is 0 but for rounding, which is a part of the largest. */
static void compare_gradients(run *r)
{
    double largest = 0;
    int compared = 0;
    for (const char *line = r->reference; *line; line = strchr(line, '\n') + 1)
        if (eg_starts_with(line, "gradient ")) largest = fmax(largest, strtod(strchr(line + 9, ' '), NULL));
    for (int32_t p = 0; p < r->net->param_count; p++) {
        const float *gradient = eg_exec_grad(r->exec, p);
        if (!gradient) continue;
        compare_summary(r, "gradient", &r->net->params[p], gradient, NOTHING * largest);
        compared++;
    }
    assert_true(compared >= 6);
}

/* Those of batch_norm2d that ran. */
static void compare_statistics(run *r)
{
    for (int32_t p = 0; p < r->net->param_count; p++) {
        const eg_param *param = &r->net->params[p];
        if (param->buffer && param->node >= 0 && strstr(param->name, ".running_"))
            compare_summary(r, "statistic", param, r->weights.data[p], 0);
    }
}

static double step(const run *r, int64_t at, bool compares)
{
    const eg_criterion criterion = {.kind = EG_LOSS_CROSS_ENTROPY};
    const eg_optimizer_pace pace = {.lr = &r->rate, .momentum = NAN};
    int32_t labels[MOST_BATCH];
    eg_loss loss;
    for (int64_t i = 0; i < r->batch; i++) labels[i] = (int32_t)(i % CLASSES);
    fill_input(r);
    eg_exec_forward(r->exec, r->batch, true, (uint64_t)at);
    if (compares) compare_logits(r);
    eg_loss_compute(&criterion, eg_exec_output(r->exec), labels, r->batch, CLASSES, (double)r->batch,
                    eg_exec_output_grad(r->exec), &loss);
    eg_exec_backward(r->exec);
    if (compares) compare_gradients((run *)r);
    eg_optimizer_step(r->optimizer, &pace, r->pool);
    return loss.sum / (double)r->batch;
}

static void test_member(void **state)
{
    run r = {0};
    prepare(&r, *state);
    char *text = (char *)find(&r, "losses");
    assert_non_null(text);
    for (int i = 0; i < STEPS; i++) {
        double ours = step(&r, i, i == 0), theirs = strtod(text, &text);
        if (!(fabs(ours - theirs) < TOLERANCE * theirs))
            fail_msg("step %d: loss %g is not %g", i, ours, theirs);
    }
    compare_statistics(&r);
    finish(&r);
}

int main(void)
{
    enum { MOST = 64 };
    struct CMUnitTest tests[MOST];
    char names[MOST][64];
    const char *const *files;
    size_t count = 0;
    eg_arena arena = {0};
    const char *folder = eg_arena_printf(&arena, "%s/tests/data/net", getenv("ENGRAFT_TEST_ROOT"));
    if (!eg_folder_list(&arena, folder, &files, &count, NULL) || count > MOST || count < 22) return 1;
    for (size_t i = 0; i < count; i++) {
        snprintf(names[i], sizeof names[i], "%.*s", (int)strcspn(files[i], "."), files[i]);
        tests[i] = (struct CMUnitTest){.name = names[i], .test_func = test_member, .initial_state = names[i]};
    }
    eg_arena_clear(&arena);
    return _cmocka_run_group_tests("tests", tests, count, NULL, NULL);
}
