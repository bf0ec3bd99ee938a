#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "format/yaml.h"
#include "net/exec.h"
#include "run/selftest.h"
#include "train/loss.h"
#include "train/optimizer.h"

enum { BATCH = 3, STEPS = 2, CLASSES = 7 };

/* A small member of each family: few layers, small images. Those with a hundred million parameters are left
 * out when it has to be quick. */
typedef struct member {
    const char *arch, *args;
    bool large;
} member;

static const member members[] = {
    {"mlp", "{hidden: [40], num_classes: 7, image_size: 12}", false},
    {"lenet", "{num_classes: 7}", false},
    {"digits_cnn", "{num_classes: 7}", false},
    {"cifar_resnet", "{depth: 8, num_classes: 7, image_size: 16}", false},
    {"resnet", "{depth: 18, num_classes: 7, image_size: 48}", false},
    {"densenet", "{counts: [2, 2, 2, 2], num_classes: 7, image_size: 48}", false},
    {"googlenet", "{num_classes: 7, image_size: 64, aux: false}", false},
    {"inception_v3", "{num_classes: 7, image_size: 80, aux: false}", false},
    {"squeezenet", "{num_classes: 7, image_size: 48}", false},
    {"mobilenet_v1", "{width: 0.25, num_classes: 7, image_size: 48}", false},
    {"mobilenet_v2", "{width: 0.25, num_classes: 7, image_size: 48}", false},
    {"mobilenet_v3", "{large: false, num_classes: 7, image_size: 48}", false},
    {"mnasnet", "{width: 0.5, num_classes: 7, image_size: 48}", false},
    {"shufflenet_v2", "{num_classes: 7, image_size: 48}", false},
    {"efficientnet", "{width: 0.5, depth: 0.3, num_classes: 7, image_size: 48}", false},
    {"regnet", "{counts: [1, 1, 1, 1], num_classes: 7, image_size: 48}", false},
    {"xception", "{num_classes: 7, image_size: 64}", false},
    {"convnext", "{counts: [1, 1, 1, 1], num_classes: 7, image_size: 48}", false},
    {"vit", "{dim: 96, depth: 2, heads: 3, mlp_dim: 192, num_classes: 7, image_size: 48}", false},
    {"swin", "{dim: 24, counts: [2, 1, 1, 1], heads: [1, 2, 3, 4], num_classes: 7, image_size: 64}", false},
    {"alexnet", "{num_classes: 7, image_size: 80}", true},
    {"vgg", "{depth: 11, num_classes: 7, image_size: 32}", true},
};

/* How a training is run. All must give the same bits. */
typedef struct way {
    int threads;
    eg_cpu form;
    eg_recompute recompute;
} way;

typedef struct lesson {
    eg_arena arena;
    const eg_net *net;
    eg_weights weights, start;
    bool *trainable;
    eg_optimizer_section optimizer;
} lesson;

static void draw_weights(const lesson *l, const eg_weights *weights)
{
    for (int32_t i = 0; i < l->net->param_count; i++)
        eg_init_fill(&l->net->params[i], &l->net->params[i].init, 3, weights->data[i]);
}

static bool open_lesson(lesson *l, const member *m, eg_error *err)
{
    eg_problems problems = {.arena = &l->arena};
    const eg_doc *args = eg_doc_parse(&l->arena, m->arch, m->args, strlen(m->args), err);
    if (args) l->net = eg_net_read(&l->arena, m->arch, args, &problems, err);
    if (!l->net || !eg_weights_init(&l->weights, &l->arena, l->net, err) ||
        !eg_weights_init(&l->start, &l->arena, l->net, err))
        return false;
    draw_weights(l, &l->start);
    l->trainable = EG_NEW_ARRAY(&l->arena, bool, (size_t)l->net->param_count);
    for (int32_t i = 0; i < l->net->param_count; i++)
        l->trainable[i] = !l->net->params[i].buffer && l->net->params[i].node >= 0;
    return true;
}

static eg_optimizer *make_optimizer(lesson *l, eg_exec *exec, eg_error *err)
{
    eg_optimizer_item *items = EG_NEW_ARRAY(&l->arena, eg_optimizer_item, (size_t)l->net->param_count);
    size_t count = 0;
    for (int32_t p = 0; p < l->net->param_count; p++) {
        uint64_t numel = 0;
        float *grad = eg_exec_grad(exec, p);
        eg_shape_numel(l->net->params[p].shape, &numel);
        if (grad)
            items[count++] =
                (eg_optimizer_item){(size_t)p, l->weights.data[p], grad, (int64_t)numel, 0, 1e-4};
    }
    eg_optimizer *optimizer = eg_optimizer_new(&l->optimizer, (size_t)l->net->param_count);
    if (eg_optimizer_train(optimizer, items, count, err)) return optimizer;
    eg_optimizer_free(optimizer);
    return NULL;
}

static void draw_input(const lesson *l, uint64_t step, float *x)
{
    eg_stream stream = eg_stream_make(1, EG_DRAW_AUGMENT, step, 0);
    int64_t count = BATCH * eg_value_numel(&l->net->values[0]);
    for (int64_t i = 0; i < count; i++) x[i] = (float)(2 * eg_draw_uniform(stream, (uint64_t)i) - 1);
}

/* Some steps from the same start: the digest of losses, last outputs and the model. */
static bool train(lesson *l, const way *how, char hex[65], eg_error *err)
{
    static const int32_t labels[BATCH] = {1, 4, 6};
    static const double lr = 1e-3;
    const eg_criterion criterion = {.kind = EG_LOSS_CROSS_ENTROPY, .smoothing = 0.1};
    const eg_optimizer_pace pace = {.lr = &lr, .momentum = NAN};
    eg_bn_mode *modes = EG_NEW_ARRAY(&l->arena, eg_bn_mode, (size_t)l->net->node_count);
    eg_sha256 *sha = eg_sha256_new();
    eg_cpu_limit(how->form);
    memcpy(l->weights.block, l->start.block, l->start.size);
    eg_pool *pool = eg_pool_new(how->threads, err);
    eg_exec_options options = {.batch = BATCH,
                               .trainable = l->trainable,
                               .batch_norm = modes,
                               .seed = 2,
                               .pool = pool,
                               .recompute = how->recompute};
    eg_exec *exec = pool ? eg_exec_new(l->net, &l->weights, &options, err) : NULL;
    eg_optimizer *optimizer = exec ? make_optimizer(l, exec, err) : NULL;
    for (uint64_t step = 0; optimizer && step < STEPS; step++) {
        eg_loss loss;
        draw_input(l, step, eg_exec_input(exec));
        eg_exec_forward(exec, BATCH, true, step);
        eg_loss_compute(&criterion, eg_exec_output(exec), labels, BATCH, CLASSES, BATCH,
                        eg_exec_output_grad(exec), &loss);
        eg_exec_backward(exec);
        eg_optimizer_step(optimizer, &pace, pool);
        eg_sha256_add(sha, &loss.sum, sizeof loss.sum);
    }
    if (optimizer) {
        eg_exec_forward(exec, BATCH, false, 0);
        eg_sha256_add(sha, eg_exec_output(exec), BATCH * CLASSES * sizeof(float));
    }
    eg_sha256_add(sha, l->weights.block, l->weights.size);
    eg_sha256_finish(sha, hex);
    eg_optimizer_free(optimizer);
    eg_exec_free(exec);
    eg_pool_free(pool);
    return optimizer != NULL;
}

static bool all_finite(const lesson *l)
{
    for (int32_t p = 0; p < l->net->param_count; p++) {
        uint64_t numel = 0;
        const float *data = l->weights.data[p];
        eg_shape_numel(l->net->params[p].shape, &numel);
        for (uint64_t i = 0; l->net->params[p].dtype == EG_F32 && i < numel; i++)
            if (!isfinite(data[i])) return false;
    }
    return true;
}

/* The ways of one form: every number of threads, and the last one with everything kept. Forms round
 * differently and are not compared. */
static bool compare_form(eg_selftest *test, lesson *l, eg_cpu form, char digest[65], const char **differs,
                         eg_error *err)
{
    size_t count = test->thread_count;
    char hex[65];
    for (size_t i = 0; i <= count; i++) {
        way how = {test->threads[i < count ? i : count - 1], form,
                   i < count ? EG_RECOMPUTE_ALWAYS : EG_RECOMPUTE_NEVER};
        if (!train(l, &how, i == 0 ? digest : hex, err)) return false;
        if (i == 0 && !all_finite(l)) *differs = "not finite";
        if (i > 0 && !*differs && strcmp(digest, hex) != 0)
            *differs = eg_arena_printf(test->arena, "other bits on %d threads, %s%s", how.threads,
                                       eg_cpu_name(form), i == count ? ", nothing recomputed" : "");
    }
    return true;
}

static bool compare(eg_selftest *test, lesson *l, const char *name, eg_error *err)
{
    eg_cpu best = eg_cpu_best();
    char digest[65];
    const char *differs = NULL;
    bool ok = true;
    for (int form = 0; ok && form <= (int)best; form++)
        ok = compare_form(test, l, (eg_cpu)form, digest, &differs, err);
    eg_cpu_limit(best);
    if (ok)
        eg_selftest_add(test,
                        (eg_selftest_check){"training", name, "all",
                                            differs ? differs : eg_arena_printf(test->arena, "%.16s", digest),
                                            !differs});
    return ok;
}

static const eg_optimizer_section plain_sgd = {.kind = EG_SGD};

static bool check_families(eg_selftest *test, eg_error *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof members / sizeof *members; i++) {
        lesson l = {.optimizer = plain_sgd};
        if (test->quick && members[i].large) continue;
        ok = open_lesson(&l, &members[i], err) && compare(test, &l, members[i].arch, err);
        eg_weights_clear(&l.weights);
        eg_weights_clear(&l.start);
        eg_arena_clear(&l.arena);
    }
    return ok;
}

static bool check_optimizers(eg_selftest *test, eg_error *err)
{
    static const char *const names[EG_OPTIMIZER_COUNT] = {
        [EG_SGD] = "sgd",         [EG_ADAM] = "adam", [EG_ADAMW] = "adamw",
        [EG_RMSPROP] = "rmsprop", [EG_LAMB] = "lamb", [EG_LION] = "lion",
    };
    bool ok = true;
    for (int kind = 0; ok && kind < EG_OPTIMIZER_COUNT; kind++) {
        lesson l = {.optimizer = {(eg_optimizer_kind)kind, .momentum = 0.9, .alpha = 0.99,
                                  .betas = {0.9, 0.999}, .eps = 1e-8}};
        ok = open_lesson(&l, &(member){"digits_cnn", "{num_classes: 7}", false}, err) &&
             compare(test, &l, names[kind], err);
        eg_weights_clear(&l.weights);
        eg_weights_clear(&l.start);
        eg_arena_clear(&l.arena);
    }
    return ok;
}

bool eg_selftest_training(eg_selftest *test, eg_error *err)
{
    return check_families(test, err) && check_optimizers(test, err);
}
