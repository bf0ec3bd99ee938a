#include "train/feature_key.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "kernel/arithmetic.h"

typedef struct digests {
    const eg_dataset *dataset;
    char (*hex)[65]; /* a sample */
    eg_error *errors;
} digests;

/* A file's bytes; of a sample that has no file of its own, its pixels. */
static bool digest_sample(const eg_dataset *dataset, size_t sample, char hex[65], eg_error *err)
{
    if (!dataset->idx) {
        eg_mapping mapping = {0};
        if (!eg_mapping_open(&mapping, dataset->samples[sample].file, err)) return false;
        eg_sha256_hex(mapping.bytes, mapping.size, hex);
        eg_mapping_close(&mapping);
        return true;
    }
    eg_image image = {0};
    if (!eg_dataset_image(dataset, sample, &image, err)) return false;
    int64_t size[] = {image.height, image.width, image.channels};
    eg_sha256 *sha = eg_sha256_new();
    eg_sha256_add(sha, size, sizeof size);
    eg_sha256_add(sha, image.pixels, (size_t)(size[0] * size[1] * size[2]));
    eg_sha256_finish(sha, hex);
    eg_image_clear(&image);
    return true;
}

static void digest_task(void *context, int64_t sample, int worker)
{
    digests *d = context;
    if (!digest_sample(d->dataset, (size_t)sample, d->hex[sample], &d->errors[worker])) d->hex[sample][0] = 0;
}

static bool add_samples(eg_sha256 *sha, const eg_dataset *dataset, eg_pool *pool, eg_error *err)
{
    eg_arena arena = {0};
    digests d = {dataset, eg_arena_array(&arena, dataset->count, 65),
                 EG_NEW_ARRAY(&arena, eg_error, (size_t)eg_pool_threads(pool))};
    bool ok = true;
    eg_pool_run(pool, (int64_t)dataset->count, digest_task, &d);
    for (int worker = 0; ok && worker < eg_pool_threads(pool); worker++) {
        ok = d.errors[worker].code == EG_OK;
        if (!ok && err) *err = d.errors[worker];
    }
    eg_sha256_add(sha, &dataset->channels, sizeof dataset->channels);
    eg_sha256_add(sha, d.hex, dataset->count * 65);
    eg_arena_clear(&arena);
    return ok;
}

static void add_text(eg_sha256 *sha, const char *text)
{
    eg_sha256_add(sha, text, strlen(text) + 1);
}

/* Every parameter that a node before the cut, or one that is constant, reads. */
static void add_parameters(eg_sha256 *sha, const eg_feature_key *of)
{
    const eg_net *net = of->net;
    for (int32_t i = 0; i < net->node_count; i++) {
        const eg_node *node = &net->nodes[i];
        uint8_t side = (uint8_t)of->cut->side[i];
        eg_sha256_add(sha, &side, 1);
        for (int32_t k = 0; side != EG_SIDE_BEHIND && k < node->param_count; k++) {
            uint64_t numel = 0;
            if (node->params[k] < 0) continue;
            const eg_param *param = &net->params[node->params[k]];
            eg_shape_numel(param->shape, &numel);
            add_text(sha, param->name);
            eg_sha256_add(sha, of->weights->data[node->params[k]], numel * eg_dtype_size(param->dtype));
        }
    }
    eg_sha256_add(sha, of->cut->values, (size_t)of->cut->value_count * sizeof *of->cut->values);
}

/* The steps as they are in memory, without the place where the recipe says them. */
static void add_pipeline(eg_sha256 *sha, const eg_pipeline *pipeline)
{
    int size[] = {pipeline->height, pipeline->width, pipeline->channels};
    eg_sha256_add(sha, size, sizeof size);
    for (size_t i = 0; i < pipeline->transforms.count; i++) {
        eg_transform step = pipeline->transforms.items[i];
        memset(&step.place, 0, sizeof step.place);
        eg_sha256_add(sha, &step, sizeof step);
    }
}

bool eg_feature_key_make(const eg_feature_key *of, eg_pool *pool, char hex[65], eg_error *err)
{
    eg_sha256 *sha = eg_sha256_new();
    int64_t numbers[] = {(int64_t)of->seed, of->pool, of->batch};
    if (!of->pool) numbers[0] = 0;
    add_text(sha, "engraft features 1");
    add_text(sha, eg_arithmetic());
    add_text(sha, of->net->text);
    add_text(sha, of->net->args);
    eg_sha256_add(sha, numbers, sizeof numbers);
    add_parameters(sha, of);
    add_pipeline(sha, of->pipeline);
    bool ok = add_samples(sha, of->dataset, pool, err);
    eg_sha256_finish(sha, hex);
    return ok;
}
