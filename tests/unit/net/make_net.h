/* Networks by hand, for tests: one line a layer. Each test program includes it once. */
#ifndef ENGRAFT_TESTS_MAKE_NET_H
#define ENGRAFT_TESTS_MAKE_NET_H

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "net/op.h"
#include "net/weights.h"

enum { MAKE_NODES = 128, MAKE_PARAMS = 512 };

typedef struct maker {
    eg_arena arena;
    eg_net net;
} maker;

static inline void make_start(maker *m, const eg_value *input)
{
    *m = (maker){0};
    m->net.arch = "test";
    m->net.values = EG_NEW_ARRAY(&m->arena, eg_value, MAKE_NODES + 1);
    m->net.nodes = EG_NEW_ARRAY(&m->arena, eg_node, MAKE_NODES);
    m->net.params = EG_NEW_ARRAY(&m->arena, eg_param, MAKE_PARAMS);
    m->net.values[0] = *input;
    m->net.value_count = 1;
}

static inline void make_image(maker *m, int64_t h, int64_t w, int64_t c)
{
    make_start(m, &(eg_value){3, {h, w, c}});
}

/* The position of a word among those of a CHOICE. */
static inline void make_choice(const eg_arg *arg, const char *text, int64_t *to)
{
    size_t length = strcspn(text, "| ");
    const char *word = arg->standard;
    for (*to = 0; word; word = strchr(word, '|'), ++*to) {
        word += *word == '|';
        if (strcspn(word, "|") == length && strncmp(word, text, length) == 0) return;
    }
    assert(!"no such choice");
}

/* "1,2,3", or "[]". */
static inline void make_sizes(const char *text, eg_sizes *to)
{
    *to = (eg_sizes){0};
    while (*text >= '0' && *text <= '9') {
        char *end;
        assert(to->count < EG_SIZES);
        to->items[to->count++] = strtoll(text, &end, 10);
        text = end + (*end == ',');
    }
}

/* One value of an argument's kind from a text: "3", "3,5", "none", "same", "true". */
static inline void make_argument(const eg_arg *arg, const char *text, uint8_t *attr)
{
    void *to = attr + arg->offset;
    bool none = strncmp(text, "none", 4) == 0, same = strncmp(text, "same", 4) == 0;
    int64_t pair[2] = {-1, -1};
    if (!none && !same) {
        const char *comma = strchr(text, ',');
        const char *space = strchr(text, ' ');
        pair[0] = pair[1] = strtoll(text, NULL, 10);
        if (comma && (!space || comma < space)) pair[1] = strtoll(comma + 1, NULL, 10);
    }
    switch (arg->kind) {
    case EG_ARG_INT: memcpy(to, pair, sizeof pair[0]); break;
    case EG_ARG_PAIR:
    case EG_ARG_PADDING: memcpy(to, pair, sizeof pair); break;
    case EG_ARG_NUMBER: *(double *)to = none ? (double)NAN : strtod(text, NULL); break;
    case EG_ARG_BOOL: *(bool *)to = strncmp(text, "true", 4) == 0; break;
    case EG_ARG_CHOICE: make_choice(arg, text, to); break;
    case EG_ARG_SIZES: make_sizes(text, to); break;
    }
}

/* The attr struct from "out_channels=4 kernel_size=3,5 bias=false" and the defaults. */
static inline void *make_attr(maker *m, const eg_op *op, const char *text)
{
    uint8_t *attr = eg_arena_alloc(&m->arena, op->attr_size ? op->attr_size : 1);
    for (const eg_arg *arg = op->args; arg && arg->name; arg++) {
        const char *value = arg->standard;
        size_t length = strlen(arg->name);
        for (const char *at = text; (at = strstr(at, arg->name)); at += length)
            if ((at == text || at[-1] == ' ') && at[length] == '=') value = at + length + 1;
        assert(value);
        make_argument(arg, value, attr);
    }
    return attr;
}

/* Adds a node of the given operator. Returns its output value, or -1 and err when its shapes do not fit.
 * Parameters are named "path.weight"; a path used before shares its parameters. */
static inline int32_t make_try(maker *m, const eg_op *op, const char *path, const char *text,
                               const int32_t *inputs, int32_t input_count, eg_error *err)
{
    eg_net *net = &m->net;
    eg_value values[EG_OP_INPUTS];
    for (int32_t i = 0; i < input_count; i++) values[i] = net->values[inputs[i]];
    eg_infer infer = {
        .arena = &m->arena, .attr = make_attr(m, op, text), .inputs = values, .input_count = input_count};
    if (!op->infer(&infer, err)) return -1;
    assert(net->node_count < MAKE_NODES);
    eg_node *node = &net->nodes[net->node_count++];
    *node = (eg_node){.op = op,
                      .path = path,
                      .attr = infer.attr,
                      .inputs = eg_arena_copy(&m->arena, inputs, (size_t)input_count * sizeof *inputs),
                      .input_count = input_count,
                      .output = net->value_count,
                      .param_count = infer.param_count};
    for (int32_t i = 0; i < EG_NODE_PARAMS; i++) {
        node->params[i] = -1;
        if (i >= infer.param_count || !infer.params[i].name) continue;
        const char *name = eg_arena_printf(&m->arena, "%s.%s", path, infer.params[i].name);
        for (int32_t p = 0; p < net->param_count; p++)
            if (strcmp(net->params[p].name, name) == 0) node->params[i] = p;
        if (node->params[i] >= 0) continue;
        assert(net->param_count < MAKE_PARAMS);
        infer.params[i].name = name;
        infer.params[i].node = net->node_count - 1;
        node->params[i] = net->param_count;
        net->params[net->param_count++] = infer.params[i];
    }
    net->values[net->value_count] = infer.output;
    net->output = net->value_count++;
    return net->output;
}

static inline int32_t make_node(maker *m, const char *op, const char *path, const char *text, int32_t input)
{
    eg_error err = {0};
    int32_t value = make_try(m, eg_op_find(op), path, text, &input, 1, &err);
    if (value < 0) fail_msg("%s: %s", path, err.text);
    return value;
}

static inline int32_t make_pair(maker *m, const char *op, const char *path, int32_t a, int32_t b)
{
    eg_error err = {0};
    int32_t value = make_try(m, eg_op_find(op), path, "", (int32_t[]){a, b}, 2, &err);
    if (value < 0) fail_msg("%s: %s", path, err.text);
    return value;
}

/* All parameters from their defaults. */
static inline void make_weights(maker *m, eg_weights *weights, uint64_t seed)
{
    assert_true(eg_weights_init(weights, &m->arena, &m->net, NULL));
    for (int32_t i = 0; i < m->net.param_count; i++)
        eg_init_fill(&m->net.params[i], &m->net.params[i].init, seed, weights->data[i]);
}

/* Every parameter that is no buffer. */
static inline bool *make_trainable(maker *m)
{
    bool *trainable = EG_NEW_ARRAY(&m->arena, bool, (size_t)m->net.param_count);
    for (int32_t i = 0; i < m->net.param_count; i++) trainable[i] = !m->net.params[i].buffer;
    return trainable;
}

/* Numbers in [-1, 1) that depend on the key and the position alone. */
static inline void make_numbers(float *out, size_t count, uint64_t key)
{
    eg_stream stream = eg_stream_make(7, EG_DRAW_INIT, key, 1);
    for (size_t i = 0; i < count; i++) out[i] = (float)(2 * eg_draw_uniform(stream, i) - 1);
}

static inline void make_clear(maker *m)
{
    eg_arena_clear(&m->arena);
}

#endif
