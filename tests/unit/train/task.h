/* A small real task for the training tests: images of 8x8 with a bright column whose place is the class, in
 * MNIST's format in a temporary folder, and a network of a convolution, batch norm, dropout and a linear
 * layer. */
#ifndef TESTS_UNIT_TRAIN_TASK_H
#define TESTS_UNIT_TRAIN_TASK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "data/pipeline.h"
#include "format/yaml.h"
#include "net/weights.h"

enum { SIDE = 8, TASK_CLASSES = 3 };

static const char *const architecture = "arch: tiny\n"
                                        "args: {num_classes: 3}\n"
                                        "input: [1, 8, 8]\n"
                                        "model:\n"
                                        "  conv: conv2d(6, 3, padding=1, bias=false)\n"
                                        "  bn: batch_norm2d()\n"
                                        "  relu: relu()\n"
                                        "  pool: max_pool2d(2)\n"
                                        "  flatten: flatten()\n"
                                        "  drop: dropout(0.2)\n"
                                        "  fc: linear(num_classes)\n";

typedef struct toy_task {
    eg_arena arena;
    char folder[32];
    const eg_net *net;
    eg_weights weights;
    const eg_dataset *data;
    eg_pipeline pipeline;
} toy_task;

static void put_be32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++) out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static const char *task_path(toy_task *task, const char *name)
{
    return eg_path_join(&task->arena, task->folder, name);
}

static void write_images(toy_task *task, int samples)
{
    uint8_t head[16], label_head[8], *pixels = malloc((size_t)samples * SIDE * SIDE),
                                     *labels = malloc((size_t)samples);
    eg_stream noise = eg_stream_make(9, EG_DRAW_SPLIT, 0, 0);
    for (int s = 0; s < samples; s++) {
        labels[s] = (uint8_t)(s % TASK_CLASSES);
        for (int i = 0; i < SIDE * SIDE; i++) {
            bool bright = i % SIDE == 1 + 2 * labels[s];
            pixels[s * SIDE * SIDE + i] =
                (uint8_t)(100 * bright + (int)eg_draw_below(noise, (uint64_t)(s * SIDE * SIDE + i), 100));
        }
    }
    put_be32(head, 0x803);
    put_be32(head + 4, (uint32_t)samples);
    put_be32(head + 8, SIDE);
    put_be32(head + 12, SIDE);
    put_be32(label_head, 0x801);
    put_be32(label_head + 4, (uint32_t)samples);
    FILE *out = fopen(task_path(task, "images"), "wb");
    fwrite(head, 1, 16, out);
    fwrite(pixels, SIDE * SIDE, (size_t)samples, out);
    fclose(out);
    out = fopen(task_path(task, "labels"), "wb");
    fwrite(label_head, 1, 8, out);
    fwrite(labels, 1, (size_t)samples, out);
    fclose(out);
    free(pixels);
    free(labels);
}

/* Fills every parameter from its layer's own distribution. */
static void draw_weights(toy_task *task, uint64_t seed)
{
    for (int32_t p = 0; p < task->net->param_count; p++)
        eg_init_fill(&task->net->params[p], &task->net->params[p].init, seed, task->weights.data[p]);
}

static void task_open(toy_task *task, int samples, const char *arch)
{
    eg_error err = {0};
    *task = (toy_task){.folder = "/tmp/engraft-task-XXXXXX"};
    assert_non_null(mkdtemp(task->folder));
    write_images(task, samples);
    eg_problems problems = {.arena = &task->arena};
    task->net = eg_net_parse(&task->arena, "tiny.yaml", arch, NULL, &problems, &err);
    if (!task->net) print_error("%s\n", err.text);
    assert_non_null(task->net);
    assert_true(eg_weights_init(&task->weights, &task->arena, task->net, &err));
    draw_weights(task, 1);
    eg_data_set *set = EG_NEW(&task->arena, eg_data_set);
    *set = (eg_data_set){
        .kind = EG_DATA_IDX, .images = task_path(task, "images"), .labels = task_path(task, "labels")};
    task->data = eg_dataset_open(&task->arena, set, NULL, 0, 1, &err);
    if (!task->data) print_error("%s\n", err.text);
    assert_non_null(task->data);
    eg_transform *normalize = EG_NEW(&task->arena, eg_transform);
    *normalize = (eg_transform){.kind = EG_TRANSFORM_NORMALIZE, .mean = {0.3}, .std = {0.2}, .channels = 1};
    eg_transform_list steps = {normalize, 1};
    assert_true(
        eg_pipeline_build(&task->pipeline, &task->arena, steps, (eg_transform_list){0}, SIDE, SIDE, 1, &err));
}

static void task_close(toy_task *task)
{
    unlink(task_path(task, "images"));
    unlink(task_path(task, "labels"));
    rmdir(task->folder);
    eg_weights_clear(&task->weights);
    eg_arena_clear(&task->arena);
}

#endif
